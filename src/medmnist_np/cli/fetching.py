"""Get data onto this machine: ``fetch``, ``import`` and the official ``download``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from medmnist_np import registry
from medmnist_np.cache import disk, settings, store
from medmnist_np.cache.progress import bars, silent
from medmnist_np.cli.output import json_option, root_option, say_json, say_table
from medmnist_np.errors import MedMNISTError, UnknownSizeError
from medmnist_np.loading import adopt, locate
from medmnist_np.registry import DatasetInfo

_Wanted = tuple[DatasetInfo, int]


@click.command
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--size", metavar="28|64|128|224|all", help="Image size; 28 if not given.")
@click.option("--all", "everything", is_flag=True, help="All data sets.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and how large it is, and stop.")
@click.option("--keep-archive", is_flag=True, help="Keep the .npz files too.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
@root_option
@json_option
def fetch(
    names: tuple[str, ...],
    size: str | None,
    everything: bool,
    dry_run: bool,
    keep_archive: bool,
    quiet: bool,
    root: str | None,
    as_json: bool,
) -> None:
    """Download, check and unpack data sets.

    \b
    An interrupted download goes on where it stopped. Archives are checked against their published digest.
      medmnist-np fetch pathmnist --size 224
      medmnist-np fetch --all --size all --dry-run
    """
    if bool(names) == everything:
        raise click.UsageError("Name the data sets to fetch, or give --all. `medmnist-np list` lists them.")
    wanted = _wanted(names, size)
    places = settings.current(root)
    missing = [(r, s) for r, s in wanted if store.find(r.storage_key(s), places.searched) is None]
    silenced = quiet or as_json
    if not silenced:
        _say_plan(wanted, missing, places)
    if missing:
        _require_space(missing, places)
    if dry_run:
        if as_json:
            say_json([_described(record, number, None, None) for record, number in missing])
        return
    outcomes: list[tuple[DatasetInfo, int, Path | None, MedMNISTError | None]] = []
    for record, number in wanted:
        started = time.monotonic()
        try:
            folder = locate(
                record, number, root=root, keep_archive=keep_archive, progress=silent if silenced else bars
            ).path
        except MedMNISTError as error:
            outcomes.append((record, number, None, error))
            click.echo(f"{record.name} {number}: failed\n{error}", err=True)
            continue
        outcomes.append((record, number, folder, None))
        if not silenced and (record, number) in missing:
            click.echo(f"{record.name} {number}: ready in {time.monotonic() - started:.1f} s, {folder}")
    failed = [(record, number) for record, number, folder, _ in outcomes if folder is None]
    if as_json:
        say_json([_described(*outcome) for outcome in outcomes])
    if failed:
        what = ", ".join(f"{record.name} {number}" for record, number in failed)
        raise click.ClickException(f"{len(failed)} of {len(wanted)} failed: {what}. Run the same again to go on.")


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@root_option
def import_(files: tuple[Path, ...], root: str | None) -> None:
    """Take official archives that you have, FILE..., into the cache. They stay where they are."""
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


@click.command(hidden=True)
@click.option("--size", default="28")
@root_option
@click.pass_context
def download(ctx: click.Context, size: str, root: str | None) -> None:
    """Download all data sets, as the official program does."""
    ctx.invoke(fetch, names=(), size=None if size == "None" else size, everything=True, root=root)


def _wanted(names: tuple[str, ...], size: str | None) -> list[_Wanted]:
    """Return the archives that are meant, each once; of all data sets, those that come in the size."""
    if size is not None and size != "all" and not (size.isascii() and size.isdecimal()):
        raise click.UsageError(f"--size is 28, 64, 128, 224 or all, not {size!r}.")
    number = int(size) if size not in (None, "all") else None
    wanted: list[_Wanted] = []
    if not names:
        records = registry.datasets(size=28 if size is None else number)
        if not records:
            raise UnknownSizeError(f"No data set comes in size {size}. The sizes are 28, 64, 128 and 224.")
        wanted = [(r, s) for r in records for s in (r.sizes if size == "all" else (number or 28,))]
    for name in names:
        record, named = registry.find(name)
        sizes = record.sizes if size == "all" and named is None else (registry.resolve_size(name, number)[1],)
        wanted += [(record, one) for one in sizes]
    return list({(record.name, one): (record, one) for record, one in wanted}.values())


def _say_plan(wanted: list[_Wanted], missing: list[_Wanted], places: settings.Settings) -> None:
    if len(wanted) > len(missing):
        click.echo(f"{len(wanted) - len(missing)} of {len(wanted)} are on this machine already.")
    if not missing:
        return
    rows = []
    for record, size in missing:
        archive = record.archive(size)
        known = disk.readable(archive.bytes) if archive.bytes else "not known"
        rows.append([record.name, size, known, disk.readable(archive.array_bytes), record.license])
    say_table(rows, head=["name", "size", "download", "unpacked", "license"], right=[1, 2, 3])
    total = sum(record.archive(size).array_bytes for record, size in missing)
    click.echo(f"{disk.readable(total)} unpacked, into {places.cache}")


def _require_space(missing: list[_Wanted], places: settings.Settings) -> None:
    """Check the space for everything at once: all arrays, and the largest archive while it is unpacked."""
    archives = [record.archive(size) for record, size in missing]
    needed = sum(a.array_bytes for a in archives) + max(a.bytes or 0 for a in archives)
    disk.require_space(places.cache, needed, f"fetch {len(archives)} archive(s)")


def _described(record: DatasetInfo, size: int, folder: Path | None, error: MedMNISTError | None) -> dict[str, object]:
    archive = record.archive(size)
    return {
        "name": record.name,
        "size": size,
        "download_bytes": archive.bytes,
        "array_bytes": archive.array_bytes,
        "folder": None if folder is None else str(folder),
        "error": None if error is None else str(error),
    }
