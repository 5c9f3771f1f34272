"""``robustness``: measure how much corrupted images harm a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from medmnist_np.cli.options import FILE, json_option, page_option, root_option, workers_option
from medmnist_np.cli.output import (
    interval_ends,
    n_processors,
    say,
    say_json,
    say_paragraph,
    say_table,
    value_errors,
    writing,
)

if TYPE_CHECKING:
    from medmnist_np.corruptions import Robustness
    from medmnist_np.metrics import Interval


@click.command
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@click.option(
    "--threshold",
    type=float,
    metavar="X",
    default=0.5,
    help="Scores above it count as class 1 (binary tasks, several labels); default: 0.5.",
)
@page_option("Write a page too.")
@workers_option()
@root_option
@json_option
def robustness(
    files: tuple[str, ...], threshold: float, page: Path | None, workers: int | None, root: str | None, as_json: bool
) -> None:
    """Measure how much corrupted images harm a model.

    Prints balanced errors, BE and rBE as in MedMNIST-C, with 95 % confidence intervals. Each FILE is a result file
    whose name states its images: ...@MODEL.csv for clean images, ...@MODEL+CORRUPTION_SEVERITY.csv for
    corrupted ones, such as ...@resnet18+motion_blur_3.csv. BE is the error divided by that of the published reference,
    an AlexNet. rBE is the increase of the error divided by the increase of the reference. Both are only known for
    published data sets.

    \b
      medmnist-np robustness results/*.csv -o robustness.html
    """
    from medmnist_np._parallel import threads
    from medmnist_np._progress import bars, silent
    from medmnist_np.corruptions import measure_robustness
    from medmnist_np.reports import write_page
    from medmnist_np.reports.robustness_page import robustness_page

    with value_errors(click.ClickException), threads(workers or n_processors()) as executor:
        found = measure_robustness(
            files, root=root, threshold=threshold, executor=executor, progress=silent if as_json else bars
        )
    if page is not None:
        with writing(page):
            write_page(page, robustness_page(found))
    if as_json:
        say_json([one.to_dict() for one in found])
        return
    for number, one in enumerate(found):
        if number:
            say()
        _say(one)
    if page is not None:
        say(f"\n{page}")


def _say(found: Robustness) -> None:
    say(f"{found.model or '(no name)'}: {found.record.name} {found.split}, {found.size} px, balanced errors")
    severities = (1, 2, 3, 4, 5)
    rows = [["clean", *[""] * 5, _estimate(found.clean), _ends(found.clean), "", "", "", ""]]
    for one in found.corruptions:
        by_severity = [_estimate(one.errors.get(severity)) for severity in severities]
        rows.append([one.corruption, *by_severity, *_both(one.mean), *_both(one.be), *_both(one.rbe)])
    if found.corruptions:
        rows.append(["all", *[""] * 5, *_both(found.mean), *_both(found.be), *_both(found.rbe)])
    head = ["corruption", *map(str, severities), "mean", "", "BE", "", "rBE", ""]
    without_reference = all(one.be is None for one in found.corruptions)
    n_columns = 8 if without_reference else len(head)
    say_table([row[:n_columns] for row in rows], head[:n_columns], [1, 2, 3, 4, 5, 6, 8, 10])
    for note in found.notes:
        say_paragraph(f"Note: {note}", indent="  ")


def _both(interval: Interval | None) -> tuple[str, str]:
    return _estimate(interval), _ends(interval)


def _estimate(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.estimate:.3f}"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else interval_ends(interval)
