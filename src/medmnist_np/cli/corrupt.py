"""``corrupt``: make corrupted images of a data set, or fetch the published ones."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import asdict

import click

from medmnist_np import registry
from medmnist_np.cli import options
from medmnist_np.cli.output import (
    json_option,
    n_processors,
    root_option,
    say,
    say_json,
    source_options,
)


@click.command
@click.argument("name", shell_complete=options.names)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="A corruption, as motion_blur; may be given again.",
    shell_complete=options.corruptions,
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
    shell_complete=options.sizes,
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
    from medmnist_np.registry.corruption_facts import SEVERITIES, corruption_names

    record, _ = registry.resolve_size(name, size)
    if every == bool(kinds):
        raise click.UsageError(
            f"Choose either --kind KIND or --all. {record.name} has: {', '.join(corruption_names(record)) or 'none'}."
        )
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
