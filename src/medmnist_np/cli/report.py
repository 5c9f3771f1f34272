"""``medmnist-np report``: a page about one result file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from medmnist_np.cli.evaluate import undefined_option
from medmnist_np.cli.output import root_option, say, writing

if TYPE_CHECKING:
    from medmnist_np.metrics import Undefined


@click.command
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="PAGE.html",
    help="Where to write the page. Default: FILE with .html in place of .csv. One that is there is replaced.",
)
@undefined_option
@root_option
def report(file: str, output: str | None, undefined: Undefined, root: str | None) -> None:
    """Write a page about a result file: metrics, curves, mistakes.

    Each metric of FILE has its interval. The page is one file that opens in any browser: it loads nothing and runs no
    script. The worst mistakes are shown as pictures if the images are in the cache; nothing is downloaded but labels.
    Needs matplotlib: pip install 'medmnist-np[report]'

    \b
      medmnist-np report pathmnist_test_run1.csv -o run1.html
    """
    from medmnist_np.evaluation import parse_name
    from medmnist_np.evaluation.evaluator import evaluate_file
    from medmnist_np.reports import check_page_path, write_page
    from medmnist_np.reports.evaluation_page import cached_images
    from medmnist_np.reports.evaluation_page import report as report_on

    try:
        page = check_page_path(Path(file).with_suffix(".html") if output is None else output)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    result = evaluate_file(file, root=root, undefined=undefined)
    wrong = parse_name(file).contradictions(result.figures)
    images = cached_images(result, root=root)
    try:
        document = report_on(result, images, file=file, remarks=[f"Of this file {one}." for one in wrong])
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    with writing(page):
        write_page(page, document)
    for one in wrong:
        say(f"Warning: {file}: {one}.", err=True)
    for note in result.notes:
        say(f"Note: {note}", err=True)
    say(page)
    if images is None:
        say(f"Without pictures: download the images with `medmnist-np fetch {result.record.name}`.", err=True)
