"""Look after what is there: ``verify``, ``cache`` and ``clean``."""

from __future__ import annotations

import sys

import click

from medmnist_np import _files, registry
from medmnist_np._progress import bars, silent
from medmnist_np._text import escaped, escaped_line
from medmnist_np.cache import contents, settings, store
from medmnist_np.cache.manifest import FILE_NAME
from medmnist_np.cli import completion
from medmnist_np.cli.output import json_option, root_option, say, say_json, say_table
from medmnist_np.corruptions.published import SIZE, published_key
from medmnist_np.data.verification import VerifyReport, verify_corrupted, verify_published
from medmnist_np.data.verification import verify as verify_arrays
from medmnist_np.errors import RecordError, UnknownDatasetError
from medmnist_np.registry import DatasetInfo, bundled_records
from medmnist_np.registry.corruption_facts import corrupted_sets
from medmnist_np.registry.user_records import LOCAL


@click.command
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=completion.names)
@click.option("--size", type=int, metavar="N", help="Only this size.", shell_complete=completion.sizes)
@root_option
@json_option
def verify(names: tuple[str, ...], size: int | None, root: str | None, as_json: bool) -> None:
    """Hash the arrays again; find damage, bad labels, blank images.

    Without NAME, everything that is on this machine, also corrupted images. Labels are bad if they are out of range.
    Exit code 1 if anything is damaged.

    \b
      medmnist-np verify
      medmnist-np verify breastmnist --size 28
    """
    reports = [
        verify_arrays(record, size=number, root=root, progress=silent if as_json else bars)
        for record, number in _held(names, size, root)
    ]
    reports += [
        verify_published(record, root=root, progress=silent if as_json else bars)
        for record in _held_published(names, size, root)
    ]
    for record, number in _corruptible(names, size):
        reports += verify_corrupted(record, size=number, root=root, progress=silent if as_json else bars)
    if as_json:
        say_json([_described(report) for report in reports])
    for report in [] if as_json else reports:
        _say(report)
    if not reports and not as_json:
        of_size = "" if size is None else f" of size {size}"
        where = ", ".join(map(str, settings.current(root).searched))
        say(f"There is nothing{of_size} in {where}. `medmnist-np fetch NAME` gets a data set.")
    damaged = [report for report in reports if not report.ok]
    if damaged:
        message = f"{len(damaged)} of {len(reports)} damaged."
        if again := " ".join(sorted({report.name for report in damaged if not report.made_corruption})):
            message += f" `medmnist-np clean {again}` and `medmnist-np fetch {again}` to get them anew."
        if any(report.published_corruptions for report in damaged):
            message += " Published corrupted images: `medmnist-np corrupt NAME --published`."
        if any(report.made_corruption for report in damaged):
            message += " Corrupted images made here: remove the folder, and `medmnist-np corrupt` makes them anew."
        raise click.ClickException(message)


@click.command
@root_option
@json_option
def cache(root: str | None, as_json: bool) -> None:
    """Say where the cache is, and how much of what is in it.

    \b
      medmnist-np cache
      medmnist-np cache --json
    """
    places = settings.current(root)
    items = contents.contents(places)
    if as_json:
        rows = [{"kind": i.kind, "name": i.name, "path": str(i.path), "bytes": i.bytes} for i in items]
        say_json({"cache": str(places.cache), "free_bytes": _files.free_bytes(places.cache), "items": rows})
        return
    say(f"{places.cache}")
    if items:
        rows_ = [
            [item.kind, item.name, _files.readable(item.bytes), item.path.relative_to(places.cache)] for item in items
        ]
        total = ["", "in all", _files.readable(sum(item.bytes for item in items)), ""]
        say_table([*rows_, total], ["what", "name", "size", "where"], [2])
    else:
        say("It is empty.")
    say(f"{_files.readable(_files.free_bytes(places.cache))} free. {_files.CACHE_VARIABLE} moves the cache.")


@click.command
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=completion.names)
@click.option("--archives", is_flag=True, help="Only kept archives and unfinished downloads.")
@click.option("--all", "everything", is_flag=True, help="Every data set in the cache (the same as no NAME).")
@click.option(
    "--built", is_flag=True, help="Also what cannot be fetched again: archives built here, the record, source ids."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@root_option
def clean(names: tuple[str, ...], archives: bool, everything: bool, built: bool, yes: bool, root: str | None) -> None:
    """Remove data sets from the cache.

    Of the sets NAME..., or of all, their arrays, kept archives and unfinished work. What cannot be fetched again stays:
    sets that were built or registered here, and source ids. With --built these go too, for the sets NAME..., whose
    names are free then. Files elsewhere, as in ~/.medmnist, are never touched.

    \b
      medmnist-np clean pathmnist_224
      medmnist-np clean --archives
    """
    if everything and (names or archives):
        raise click.UsageError("--all goes with neither NAME nor --archives.")
    if built and (archives or not names):
        raise click.UsageError("--built goes with NAME, and not with --archives.")
    places = settings.current(root)
    items = contents.contents(places)
    for name in names:
        _check_known(name, items)
    if names:
        items = [item for item in items if _matches(item, names)]
    kept = [] if built else [item for item in items if item.kind in contents.IRREPLACEABLE]
    items = [item for item in items if item not in kept and not (archives and item.kind == "arrays")]
    if not items:
        say(f"There is nothing to remove in {places.cache}.")
        _say_kept(kept)
        return
    total = _files.readable(sum(item.bytes for item in items))
    for item in items:
        say(f"{item.kind:<10}  {item.name}  {_files.readable(item.bytes)}")
    if not yes and not _agreed(f"Remove these, {total}, from {places.cache}?"):
        raise click.ClickException("Nothing was removed.")
    for item in items:
        contents.remove(item)
    say(f"Removed {total}.")
    _say_kept(kept)


def _agreed(question: str) -> bool:
    nobody = click.ClickException("Nobody answers, so nothing was removed. --yes removes without asking.")
    if sys.stdin is None:  # closed, as by `<&-`
        raise nobody
    try:
        return click.confirm(escaped(question))
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            say()  # the question has no end of line
            raise nobody from None
        raise


def _held(names: tuple[str, ...], size: int | None, root: str | None) -> list[tuple[DatasetInfo, int]]:
    """Return what is meant: all that is there, or of each named set the size asked for, else all that are there."""
    if not names:
        collections = (None, *bundled_records.COLLECTIONS[1:])
        records = [record for collection in collections for record in registry.datasets(collection=collection)]
        every = [(record, one) for record in records for one in record.editions]
        if size is not None and size not in {one for _, one in every}:
            raise click.UsageError(f"No data set comes in size {size}. `medmnist-np list` says the sizes.")
        return [(record, one) for record, one in every if size in (None, one) and _is_there(record, one, root)]
    held = []
    for name in names:
        record, named = registry.find(name)
        there = [one for one in record.editions if _is_there(record, one, root)]
        if size is None and named is None and there:
            held += [(record, one) for one in there]
            continue
        chosen = registry.resolve_size(name, size)
        if _is_there(*chosen, root) or not _held_published((name,), size, root):
            held.append(chosen)
    return held


def _held_published(names: tuple[str, ...], size: int | None, root: str | None) -> list[DatasetInfo]:
    """Return the sets, all or those that are named, whose published corrupted images are there."""
    found = [registry.find(name) for name in names] if names else [(record, None) for record in registry.datasets()]
    return [
        record
        for record, named in found
        if {size, named} <= {None, SIZE}
        and record.name in corrupted_sets()
        and _any_is_there([published_key(record)], root)
    ]


def _corruptible(names: tuple[str, ...], size: int | None) -> list[tuple[DatasetInfo, int]]:
    """Return the sets, all or those that are named, and their sizes, of which corrupted images may have been made."""
    found = [registry.find(name) for name in names] if names else [(record, None) for record in registry.datasets()]
    return [
        (record, one)
        for record, named in found
        if record.name in corrupted_sets()
        for one in record.sizes
        if {size, named} <= {None, one}
    ]


def _is_there(record: DatasetInfo, size: int, root: str | None) -> bool:
    whole = record.storage_keys(size)
    return _any_is_there([*whole, store.partial_key(whole[0])], root)


def _any_is_there(keys: list[str], root: str | None) -> bool:
    """Whether there are arrays under one of the keys, sound or not."""
    caches = settings.current(root).searched
    return any((cache / store.ARRAYS / key / FILE_NAME).exists() for cache in caches for key in keys)


def _check_known(name: str, items: list[contents.Item]) -> None:
    """Raise an error for a name of which there is neither a record nor anything else."""
    try:
        registry.resolve_size(name)
    except (UnknownDatasetError, RecordError):
        if name.lower() not in map(_own_set, items):
            raise


def _own_set(item: contents.Item) -> str:
    """Return the set of one's own that an item is of, which its record may know no more; else an empty text."""
    if item.kind in contents.IRREPLACEABLE:
        return item.name
    if item.path.parent.name == "built":
        return item.path.name
    if item.path.parent.parent.name == LOCAL.name:
        return item.path.parent.name.partition("_")[0]
    return item.path.name.lstrip(".").partition("_")[0] if item.path.parent.name == LOCAL.name else ""


def _say_kept(kept: list[contents.Item]) -> None:
    if kept:
        names = ", ".join(sorted({item.name for item in kept}))
        total = _files.readable(sum(item.bytes for item in kept))
        say(
            f"Kept, as it cannot be fetched again: what was built, registered or imported of {names}, {total}. "
            "`medmnist-np clean NAME --built` removes it."
        )


def _matches(item: contents.Item, names: tuple[str, ...]) -> bool:
    """Whether an item of the cache belongs to one of the named data sets, at the size in the name or at any."""
    for name in names:
        if _own_set(item) == name.lower():
            return True
        try:
            record, size = registry.find(name)
        except (UnknownDatasetError, RecordError):
            continue
        kept = []
        for one in record.editions if size is None else (size,):
            folders = [key.partition("/")[2] for key in record.storage_keys(one)]
            file = record.archive(one).file_name if record.can_be_fetched else folders[0]
            kept += [(folder, file) for folder in folders]
        if record.name in corrupted_sets() and size in (None, SIZE):
            kept.append((published_key(record).partition("/")[2], f"{record.name}.zip"))
        # File names of users' archives may be those of others, so their downloads have folders with names of their own.
        is_own = record.collection.name == LOCAL.name
        in_own_folder = item.path.parent.parent.name == LOCAL.name
        where = item.path.parent.name if in_own_folder else item.path.name
        for folder, archive in kept:
            file = folder if in_own_folder or is_own else archive
            # With "-" goes on what is of the same release: single members, and corrupted images.
            begun = (f"{folder}-", f".{folder}.", f".{folder}-", f"{file}.", f".{file}.")
            if where in (folder, file) or where.startswith(begun):
                return True
    return False


def _say(report: VerifyReport) -> None:
    what = f" corrupted here by {report.made_corruption}" if report.made_corruption else ""
    if report.published_corruptions:
        what = " corrupted, as published"
    verdict = "ok" if report.ok else click.style("DAMAGED", fg="red")
    size = f" {report.size}" if report.size else ""
    click.echo(f"{escaped_line(f'{report.name}{size}{what}')}: {verdict}, {escaped_line(str(report.folder))}")
    if report.checked == "crc32":
        say("    note: members checked by CRC-32; the whole archive's digest was not")
    for problem in report.damage:
        say(f"    {problem}")
    if not report.blank_images:
        say("    note: blank images were not searched")
    for split, blank in report.blank_images.items():
        if blank:
            shown = ", ".join(map(str, blank[:10])) + (", ..." if len(blank) > 10 else "")
            say(f"    note: {len(blank)} blank images in {split}, as in the archive: {shown}")


def _described(report: VerifyReport) -> dict[str, object]:
    return {
        "name": report.name,
        "size": report.size,
        "folder": str(report.folder),
        "ok": report.ok,
        "published_corruptions": report.published_corruptions,
        "made_corruption": report.made_corruption,
        "checked": report.checked,
        "damage": list(report.damage),
        "blank_images": report.blank_images,
    }
