"""Get data onto this machine: ``fetch``, ``import`` and the official ``download``."""

from __future__ import annotations

from pathlib import Path

import click

from medmnist_np.cache import disk, settings
from medmnist_np.cache.progress import Progress
from medmnist_np.cli.jobs import MOST_AT_ONCE, Job, raise_failures, run_jobs, wanted_sets
from medmnist_np.cli.output import json_option, root_option, say_json, say_table, source_options
from medmnist_np.errors import MedMNISTError, NoSpaceError
from medmnist_np.loading import adopt, bring, members_of


@click.command
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="28|64|128|224|all",
    help="Image size, 28 if not given; may be given again.",
)
@click.option("--all", "everything", is_flag=True, help="All data sets.")
@click.option("--split", "splits", multiple=True, metavar="SPLIT", help="Only this split; may be given again.")
@click.option("--labels-only", is_flag=True, help="Only the labels, at most 2 MB.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and how large it is, and stop.")
@click.option("--keep-archive", is_flag=True, help="Keep the .npz files too.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
@source_options
@root_option
@json_option
def fetch(
    names: tuple[str, ...],
    sizes: tuple[str, ...],
    everything: bool,
    splits: tuple[str, ...],
    labels_only: bool,
    dry_run: bool,
    keep_archive: bool,
    quiet: bool,
    root: str | None,
    as_json: bool,
) -> None:
    """Download, check and unpack data sets.

    An interrupted download goes on where it stopped. Archives are checked against their published digest.
    With --split or --labels-only, only these members are taken out of the remote archive, where the server does
    Range; they are checked by the CRC-32 in the archive, not by the digest of the whole.

    \b
      medmnist-np fetch pathmnist --size 224
      medmnist-np fetch pathmnist --size 224 --split test
      medmnist-np fetch --all --size all --dry-run
    """
    if bool(names) == everything:
        raise click.UsageError("Name the data sets to fetch, or give --all. `medmnist-np list` lists them.")
    part_only = bool(splits) or labels_only
    if part_only and keep_archive:
        raise click.UsageError("--keep-archive keeps whole archives: leave --split and --labels-only out.")
    chosen = {(record.name, size): record for one in sizes or (None,) for record, size in wanted_sets(names, one)}
    wanted = [
        Job(record, size, members_of(record, splits or None, labels_only=labels_only))
        for (_, size), record in chosen.items()
    ]
    places = settings.current(root)
    missing = [job for job in wanted if not job.is_there(places)]
    silenced = quiet or as_json
    if not silenced:
        _say_plan(wanted, missing, places)
    if dry_run and as_json:
        say_json([_described(job, None) for job in missing])
    if missing and not part_only:
        _require_space(missing, places, dry_run=dry_run)
    if dry_run:
        return

    def work(job: Job, progress: Progress) -> Path:
        return bring(job.record, job.size, root=root, keep_archive=keep_archive, members=job.members, progress=progress)

    outcomes = run_jobs(wanted, work, silenced=silenced, new=missing)
    if as_json:
        say_json([_described(job, outcome) for job, outcome in outcomes])
    raise_failures(outcomes)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--ids", "name", metavar="NAME", help="FILE is a CSV file with the source ids of the samples of NAME.")
@root_option
def import_(files: tuple[Path, ...], name: str | None, root: str | None) -> None:
    """Take official archives that you have, FILE..., into the cache. They stay where they are.

    With --ids, FILE has the columns split, index, image_id and perhaps group, as of patients.
    """
    if name is not None:
        _take_ids(name, files)
        return
    failed = 0
    for file in files:
        try:
            record, size, folder = adopt(file, root=root)
            click.echo(f"{file} is {record.name} at size {size}: ready, {folder}")
        except MedMNISTError as error:
            failed += 1
            click.echo(f"{error}", err=True)
    if failed:
        raise click.ClickException(f"{failed} of {len(files)} could not be imported.")


def _take_ids(name: str, files: tuple[Path, ...]) -> None:
    from medmnist_np.identifiers import attach_ids

    if len(files) != 1:
        raise click.UsageError("--ids goes with one file.")
    try:
        path = attach_ids(name, files[0])
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The ids of {name} are kept in {path}.")


@click.command(hidden=True)
@click.option("--size", default="28")
@root_option
@click.pass_context
def download(ctx: click.Context, size: str, root: str | None) -> None:
    """Download all data sets, as the official program does."""
    ctx.invoke(fetch, names=(), sizes=() if size == "None" else (size,), everything=True, root=root)


def _say_plan(wanted: list[Job], missing: list[Job], places: settings.Settings) -> None:
    if len(wanted) > len(missing):
        click.echo(f"{len(wanted) - len(missing)} of {len(wanted)} are on this machine already.")
    if not missing:
        return
    rows = []
    for job in missing:
        known = "" if job.download_bytes is not None else "at most "
        most = disk.readable(job.most_download_bytes)
        rows.append([job.record.name, job.size, f"{known}{most}", disk.readable(job.array_bytes), job.record.license])
    say_table(rows, head=["name", "size", "download", "unpacked", "license"], right=[1, 2, 3])
    download = disk.readable(sum(job.most_download_bytes for job in missing))
    unpacked = disk.readable(sum(job.array_bytes for job in missing))
    click.echo(f"At most {download} to download, {unpacked} unpacked, into {places.cache}")


def _require_space(missing: list[Job], places: settings.Settings, *, dry_run: bool) -> None:
    """Check the space for everything at once: all arrays, and the largest archives while they are unpacked."""
    archives = sorted((job.archive.bytes or 0 for job in missing), reverse=True)[:MOST_AT_ONCE]
    needed = sum(job.array_bytes for job in missing) + sum(archives)
    try:
        disk.require_space(places.cache, needed, f"fetch {len(missing)} archive(s)")
    except NoSpaceError:
        if not dry_run:
            raise
        free = disk.readable(disk.free_bytes(places.cache))
        click.echo(f"Not enough space for this: {disk.readable(needed)} are needed and {free} are free.", err=True)


def _described(job: Job, outcome: Path | MedMNISTError | None) -> dict[str, object]:
    failed = isinstance(outcome, MedMNISTError)
    return {
        "name": job.record.name,
        "size": job.size,
        "members": list(job.members) or None,
        "download_bytes": job.download_bytes,
        "most_download_bytes": job.most_download_bytes,
        "array_bytes": job.array_bytes,
        "folder": None if outcome is None or failed else str(outcome),
        "error": str(outcome) if failed else None,
    }
