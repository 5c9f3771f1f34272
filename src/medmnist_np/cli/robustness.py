"""``robustness``: what corrupted images cost a model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from medmnist_np.cli.output import (
    json_option,
    n_processors,
    root_option,
    say,
    say_json,
    say_paragraph,
    say_table,
    workers_option,
)

if TYPE_CHECKING:
    from medmnist_np.corruptions import Robustness
    from medmnist_np.metrics import Interval


@click.command
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--threshold",
    type=float,
    metavar="X",
    default=0.5,
    help="A binary score above it decides for 1. Default: 0.5.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="PAGE.html", help="Write a page too.")
@workers_option
@root_option
@json_option
def robustness(
    files: tuple[str, ...], threshold: float, output: str | None, workers: int | None, root: str | None, as_json: bool
) -> None:
    """Say what corruptions of the images cost a model.

    That is balanced errors, BE and rBE of MedMNIST-C, with 95 % intervals. Each FILE is a result file. The name of its
    run says what its images were: ...@MODEL.csv as they are, ...@MODEL+CORRUPTION_SEVERITY.csv corrupted, as
    ...@resnet18+motion_blur_3.csv. BE is the error over that of the published reference, an AlexNet; rBE is what the
    corruption adds to the error, over what it adds to that of the reference. Both need a published set; others get
    balanced errors alone.

    \b
      medmnist-np robustness results/*.csv -o robustness.html
    """
    from medmnist_np._parallel import threads
    from medmnist_np._progress import bars, silent
    from medmnist_np.corruptions import measure_robustness
    from medmnist_np.errors import MedMNISTError
    from medmnist_np.reports import check_page_path, write_page
    from medmnist_np.reports.robustness_page import robustness_page

    try:
        page = None if output is None else check_page_path(output)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        with threads(workers or n_processors()) as executor:
            found = measure_robustness(
                files, root=root, threshold=threshold, executor=executor, progress=silent if as_json else bars
            )
    except MedMNISTError:
        raise
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if page is not None:
        try:
            write_page(page, robustness_page(found))
        except OSError as error:
            raise click.ClickException(f"{page} could not be written: {error.strerror}.") from error
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
    rows = [["as they are", *[""] * 5, _estimate(found.clean), _ends(found.clean), "", "", "", ""]]
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
    if interval is None:
        return ""
    return "(no interval)" if math.isnan(interval.low) else f"({interval.low:.3f} to {interval.high:.3f})"
