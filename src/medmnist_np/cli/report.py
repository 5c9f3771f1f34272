"""``report``: write a page about a result file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from medmnist_np.cli.options import FILE, page_option, root_option, undefined_option
from medmnist_np.cli.output import say, writing

if TYPE_CHECKING:
    from medmnist_np.metrics import Undefined


@click.command
@click.argument("file", type=FILE)
@page_option("Where to write the page; default: FILE with .html instead of .csv.")
@undefined_option
@root_option
def report(file: str, page: Path | None, undefined: Undefined, root: str | None) -> None:
    """Write a page about a result file: metrics, curves, mistakes.

    Every metric has a confidence interval. The page is one self-contained HTML file. It shows the worst mistakes as
    pictures if the images are in the cache. Only labels are downloaded. Charts need matplotlib:
    pip install 'medmnist-np[report]'

    \b
      medmnist-np report pathmnist_test_run1.csv -o run1.html
    """
    from medmnist_np.evaluation import parse_name
    from medmnist_np.evaluation.evaluator import evaluate_file
    from medmnist_np.reports import write_page
    from medmnist_np.reports.evaluation_page import cached_images
    from medmnist_np.reports.evaluation_page import report as report_on

    page = page or Path(file).with_suffix(".html")
    result = evaluate_file(file, root=root, undefined=undefined)
    wrong = parse_name(file).contradictions(result.figures)
    images = cached_images(result, root=root)
    document = report_on(result, images, file=file, remarks=[f"Of this file {one}." for one in wrong])
    with writing(page):
        write_page(page, document)
    for one in wrong:
        say(f"Warning: {file}: {one}.", err=True)
    for note in result.notes:
        say(f"Note: {note}", err=True)
    say(page)
    if images is None:
        say(f"The page has no pictures. `medmnist-np fetch {result.record.name}` downloads the images.", err=True)
