"""``corrupt``: make or download corrupted images. ``robustness``: measure how much they harm a model."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medmnist_np import registry
from medmnist_np.cli import options
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
@options.name_argument
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="A corruption such as motion_blur; repeatable.",
    shell_complete=options.corruptions,
)
@click.option("--all", "every", is_flag=True, help="All corruptions that MedMNIST-C has for the data set.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.IntRange(1, 5),
    metavar="N",
    help="1 to 5; repeatable; default: all.",
)
@options.size_option("Image size; default: 28. The published images have 224.")
@options.seed_option
@options.workers_option("Number of processes; default: one per processor.")
@click.option("--published", is_flag=True, help="Download the published images (224 px) instead of making them.")
@click.option(
    "--from", "source", metavar="PATH", help="Import images that medmnistc made: its folder, or a zip of it (224 px)."
)
@click.option("--no-digest", is_flag=True, help="With --published: accept an archive without a known checksum.")
@options.source_options
@options.root_option
@options.json_option
def corrupt(
    name: str,
    kinds: tuple[str, ...],
    every: bool,
    severities: tuple[int, ...],
    size: int | None,
    seed: int,
    workers: int | None,
    published: bool,
    source: str | None,
    no_digest: bool,
    root: str | None,
    as_json: bool,
) -> None:
    """Make corrupted test images of a data set.

    The images are stored in the cache, where Dataset(NAME, "test").corrupt(KIND, severity) reads them instead of
    computing them. They are like those of MedMNIST-C, but not the published files. Existing images are kept: run
    the same command again to resume after an interruption.

    With --published, the published files of all kinds and severities are downloaded, for
    PublishedCorruption(NAME, KIND, severity) to read, and verified against their checksum. No checksum is known for
    chestmnist: add --no-digest to verify its arrays only by the CRC-32 in the archive.

    \b
      medmnist-np corrupt breastmnist --kind motion_blur --severity 3
      medmnist-np corrupt pathmnist --size 224 --all
      medmnist-np corrupt dermamnist --published
      medmnist-np corrupt tissuemnist --from medmnistc/tissuemnist
    """
    if published or source is not None:
        if kinds or every or severities or seed or workers or size not in (None, 224) or (published and source):
            taken = "--from imports" if source else "--published downloads"
            raise click.UsageError(f"{taken} all images, at 224 px. Leave out other choices.")
        if source is not None:
            _import(name, source, root, as_json=as_json)
            return
        _fetch(name, root, no_digest=no_digest, as_json=as_json)
        return
    if no_digest:
        raise click.UsageError("Use --no-digest only with --published.")
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    from medmnist_np._progress import bars, silent
    from medmnist_np.corruptions.stored import make_corrupted
    from medmnist_np.registry.corruption_facts import SEVERITIES, corruption_names

    record, _ = registry.resolve_size(name, size)
    if every == bool(kinds):
        names = ", ".join(corruption_names(record)) or "none"
        raise click.UsageError(f"Use either --kind KIND or --all. {record.name} has: {names}.")
    # Forked processes would inherit locks that threads of this process may hold.
    pool = ProcessPoolExecutor(workers or n_processors(), mp_context=get_context("spawn"), initializer=_begin_worker)
    try:
        with value_errors(), pool:
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
    except BrokenExecutor as error:
        raise click.ClickException(
            "A worker process was killed, for example because memory ran out. Complete images are kept. Run the same "
            "command again, with fewer --workers if memory is short."
        ) from error
    if as_json:
        say_json([asdict(one) for one in made])
        return
    for one in made:
        say(f"{one.corruption} {one.severity}  {one.sha256[:16]}  {one.folder}")


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent process, and exit when the parent exits or is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _import(name: str, source: str, root: str | None, *, as_json: bool) -> None:
    from medmnist_np._progress import bars, silent
    from medmnist_np.corruptions.published import adopt_own

    with value_errors():
        folder = adopt_own(name, source, root=root, progress=silent if as_json else bars)
    if as_json:
        say_json({"name": registry.info(name).name, "folder": folder, "checked": "crc32"})
    else:
        say(f"{folder}")


def _fetch(name: str, root: str | None, *, no_digest: bool, as_json: bool) -> None:
    from medmnist_np._progress import bars, silent
    from medmnist_np.cache.manifest import Manifest
    from medmnist_np.corruptions.published import fetch_published

    with value_errors():
        folder = fetch_published(name, root=root, no_digest=no_digest, progress=silent if as_json else bars)
    manifest = Manifest.read(folder)
    checked = "" if manifest is None else manifest.checked
    if as_json:
        say_json({"name": registry.info(name).name, "folder": folder, "checked": checked})
        return
    say(f"{folder}")
    if manifest is not None and checked == "crc32":
        say(f"    note: verified by CRC-32 only, since no checksum is published. This archive has {manifest.digest}")


@click.command
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=options.FILE)
@click.option(
    "--threshold",
    type=float,
    metavar="X",
    default=0.5,
    help="Scores above it count as class 1 (binary tasks, several labels); default: 0.5.",
)
@options.page_option("Write a page too.")
@options.workers_option()
@options.root_option
@options.json_option
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
        _say_robustness(one)
    if page is not None:
        say(f"\n{page}")


def _say_robustness(found: Robustness) -> None:
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
