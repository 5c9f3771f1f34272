"""``verify``: hash what is in the cache again, and report what is damaged."""

from __future__ import annotations

import click

from medmnist_np import registry
from medmnist_np._progress import bars, silent
from medmnist_np._text import escaped_line
from medmnist_np.cache import settings, store
from medmnist_np.cache.manifest import FILE_NAME
from medmnist_np.cli import options
from medmnist_np.cli.output import json_option, root_option, say, say_json
from medmnist_np.corruptions.published import SIZE, published_key
from medmnist_np.data.verification import VerifyReport, verify_corrupted, verify_published
from medmnist_np.data.verification import verify as verify_arrays
from medmnist_np.registry import Record, bundled_records
from medmnist_np.registry.corruption_facts import corrupted_sets


@click.command
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=options.names)
@click.option("--size", type=int, metavar="N", help="Only this size.", shell_complete=options.sizes)
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


def _held(names: tuple[str, ...], size: int | None, root: str | None) -> list[tuple[Record, int]]:
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


def _held_published(names: tuple[str, ...], size: int | None, root: str | None) -> list[Record]:
    """Return the sets, all or those that are named, whose published corrupted images are there."""
    found = [registry.find(name) for name in names] if names else [(record, None) for record in registry.datasets()]
    return [
        record
        for record, named in found
        if {size, named} <= {None, SIZE}
        and record.name in corrupted_sets()
        and _any_is_there([published_key(record)], root)
    ]


def _corruptible(names: tuple[str, ...], size: int | None) -> list[tuple[Record, int]]:
    """Return the sets, all or those that are named, and their sizes, of which corrupted images may have been made."""
    found = [registry.find(name) for name in names] if names else [(record, None) for record in registry.datasets()]
    return [(record, one) for record, named in found for one in record.sizes if {size, named} <= {None, one}]


def _is_there(record: Record, size: int, root: str | None) -> bool:
    whole = record.storage_keys(size)
    return _any_is_there([*whole, store.partial_key(whole[0])], root)


def _any_is_there(keys: list[str], root: str | None) -> bool:
    """Whether there are arrays under one of the keys, sound or not."""
    caches = settings.current(root).searched
    return any((cache / store.ARRAYS / key / FILE_NAME).exists() for cache in caches for key in keys)


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
