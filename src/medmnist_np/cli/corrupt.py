"""Corrupted images: ``corrupt`` and ``robustness``."""

from __future__ import annotations

import math
import os
import signal
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from medmnist_np import registry
from medmnist_np.cli import completion
from medmnist_np.cli.output import (
    json_option,
    n_processors,
    root_option,
    say,
    say_json,
    say_paragraph,
    say_table,
    source_options,
    threads,
    workers_option,
)

if TYPE_CHECKING:
    from medmnist_np.corruptions import Robustness
    from medmnist_np.metrics import Interval


@click.command
@click.argument("name", shell_complete=completion.names)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="A corruption, as motion_blur; may be given again.",
    shell_complete=completion.corruptions,
)
@click.option("--all", "every", is_flag=True, help="All corruptions that MedMNIST-C has for the set.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.IntRange(1, 5),
    metavar="N",
    help="1 to 5; may be given again. Default: all.",
)
@click.option(
    "--size",
    type=int,
    metavar="N",
    help="Image size; 28 if not given. The publication has 224.",
    shell_complete=completion.sizes,
)
@click.option("--seed", type=click.IntRange(0), metavar="N", default=0, help="Another seed, other images. Default: 0.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes. Default: one for each processor.")
@click.option("--published", is_flag=True, help="Make none: fetch those that MedMNIST-C published, of 224 px.")
@click.option("--no-digest", is_flag=True, help="With --published: also an archive of which no digest is known.")
@source_options
@root_option
@json_option
def corrupt(
    name: str,
    kinds: tuple[str, ...],
    every: bool,
    severities: tuple[int, ...],
    size: int | None,
    seed: int,
    workers: int | None,
    published: bool,
    no_digest: bool,
    root: str | None,
    as_json: bool,
) -> None:
    """Make corrupted test images of a data set.

    Those of NAME are stored in the cache. They are like those of MedMNIST-C, not the published files. From then on
    Dataset(NAME, "test").corrupt(KIND, severity) reads them instead of computing them. What is there already is not
    made again, so the same command goes on after an interruption.

    With --published, the published files are fetched, all kinds and severities of the set, for
    PublishedCorruption(NAME, KIND, severity) to read. They are checked by a digest. Of chestmnist none is known: with
    --no-digest too, its arrays are checked by the CRC-32 in the archive alone.

    \b
      medmnist-np corrupt breastmnist --kind motion_blur --severity 3
      medmnist-np corrupt pathmnist --size 224 --all
      medmnist-np corrupt dermamnist --published
    """
    if published:
        if kinds or every or severities or seed or workers or size not in (None, 224):
            raise click.UsageError("--published fetches all that there is, of 224 px: leave other choices out.")
        _fetch(name, root, no_digest=no_digest, as_json=as_json)
        return
    if no_digest:
        raise click.UsageError("--no-digest goes with --published.")
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    from medmnist_np._progress import bars, silent
    from medmnist_np.corruptions.stored import make_corrupted
    from medmnist_np.errors import MedMNISTError
    from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_set

    try:
        known = corrupted_set(registry.resolve_size(name, size)[0])
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if every == bool(kinds):
        raise click.UsageError(f"Either --kind KIND or --all. {known.name} has: {', '.join(known.corruptions)}.")
    # Processes that are forked would share locks that threads of this one may hold.
    pool = ProcessPoolExecutor(
        workers or n_processors(),
        mp_context=get_context("spawn"),
        initializer=_begin_worker,
    )
    try:
        with pool:
            made = make_corrupted(
                name,
                kinds or None,
                severities or SEVERITIES,
                size=size,
                seed=seed,
                root=root,
                executor=None if workers == 1 else pool,
                progress=silent if as_json else bars,
            )
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except BrokenExecutor as error:
        raise click.ClickException(
            "A process that made images was ended from outside, as where memory runs out. What was complete is kept: "
            "run the same again, or with fewer --workers."
        ) from error
    if as_json:
        say_json([asdict(one) for one in made])
        return
    for one in made:
        say(f"{one.corruption} {one.severity}  {one.sha256[:16]}  {one.folder}")


def _begin_worker() -> None:
    """Leave Ctrl-C to the process that started this one, and end when that ends, also where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _fetch(name: str, root: str | None, *, no_digest: bool, as_json: bool) -> None:
    from medmnist_np._progress import bars, silent
    from medmnist_np.cache.manifest import Manifest
    from medmnist_np.corruptions.published import fetch_published
    from medmnist_np.errors import MedMNISTError

    try:
        folder = fetch_published(name, root=root, no_digest=no_digest, progress=silent if as_json else bars)
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    manifest = Manifest.read(folder)
    checked = "" if manifest is None else manifest.checked
    if as_json:
        say_json({"name": registry.info(name).name, "folder": folder, "checked": checked})
        return
    say(f"{folder}")
    if manifest is not None and checked == "crc32":
        say(f"    note: arrays checked by CRC-32; no digest is known. The file that came is {manifest.digest}")


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
        with threads(workers) as executor:
            found = measure_robustness(
                files, root=root, threshold=threshold, executor=executor, progress=silent if as_json else bars
            )
    except MedMNISTError:
        raise
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if page is not None:
        try:
            write_page(page, robustness_page([one.to_dict() for one in found]))
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
