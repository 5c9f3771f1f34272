"""``verify``: hash what is in the cache again, and report what is damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from medmnist_np import registry
from medmnist_np._progress import bars, silent
from medmnist_np._text import escaped_line
from medmnist_np.cache import settings, store
from medmnist_np.cache.manifest import FILE_NAME, NewerFormatError
from medmnist_np.cli.options import json_option, names_argument, root_option, size_option
from medmnist_np.cli.output import say, say_json, say_lines
from medmnist_np.corruptions.published import SIZE, is_own, own_key, published_key
from medmnist_np.data.verification import VerifyReport, verify as verify_arrays, verify_corrupted, verify_published
from medmnist_np.registry import Record, bundled_records
from medmnist_np.registry.corruption_facts import corrupted_sets


@click.command
@names_argument
@size_option("Only this size.")
@root_option
@json_option
def verify(names: tuple[str, ...], size: int | None, root: str | None, as_json: bool) -> None:
    """Verify arrays: damage, bad labels, blank images.

    This computes the checksums of the arrays again, and looks for labels out of range and blank images. Without NAME,
    everything on this machine is verified, including corrupted images. The exit code is 1 if anything is damaged or
    cannot be verified.

    \b
      medmnist-np verify
      medmnist-np verify breastmnist --size 28
    """
    progress = silent if as_json else bars
    checks: list[Callable[[], VerifyReport | list[VerifyReport]]] = [
        partial(verify_arrays, record, size=number, root=root, progress=progress)
        for record, number in _held(names, size, root)
    ]
    checks += [
        partial(verify_published, record, root=root, progress=progress) for record in _held_published(names, size, root)
    ]
    checks += [
        partial(verify_corrupted, record, size=number, root=root, progress=progress)
        for record, number in _corruptible(names, size)
    ]
    reports: list[VerifyReport] = []
    newer: list[NewerFormatError] = []
    for check in checks:
        try:
            made = check()
        except NewerFormatError as error:
            newer.append(error)
        else:
            reports += made if isinstance(made, list) else [made]
    if as_json:
        unread = [{"folder": Path(error.filename or "").parent, "ok": False, "error": str(error)} for error in newer]
        say_json([*map(_described, reports), *unread])
    else:
        for report in reports:
            _say(report)
        for reason in newer:
            say_lines(f"Not verified: {reason}")
    if not reports and not newer and not as_json:
        of_size = "" if size is None else f" of size {size}"
        where = ", ".join(map(str, settings.current(root).searched))
        say(f"No data sets{of_size} in {where}. `medmnist-np fetch NAME` downloads one.")
    _raise_damage(reports, len(newer))


def _raise_damage(reports: list[VerifyReport], n_newer: int) -> None:
    """End with exit code 1 and advice, if something is damaged or could not be verified."""
    damaged = [report for report in reports if not report.ok]
    messages = []
    if damaged:
        messages.append(f"{len(damaged)} of {len(reports)} damaged.")
        if again := " ".join(sorted({report.name for report in damaged if not report.made_corruption})):
            messages.append(f"Run `medmnist-np clean {again}` and `medmnist-np fetch {again}` to download them again.")
        if any(report.published_corruptions for report in damaged):
            messages.append("For published corrupted images, run `medmnist-np corrupt NAME --published`.")
        if any(report.made_corruption for report in damaged):
            messages.append("For corrupted images made here, remove the folder and run `medmnist-np corrupt` again.")
    if n_newer:
        messages.append(f"{n_newer} not verified, since a newer version of medmnist-np wrote them.")
    if messages:
        raise click.ClickException(" ".join(messages))


def _held(names: tuple[str, ...], size: int | None, root: str | None) -> list[tuple[Record, int]]:
    """Return the sets and sizes to verify: all in the cache, or those of the named sets."""
    if not names:
        collections = (None, *bundled_records.COLLECTIONS[1:])
        records = [record for collection in collections for record in registry.datasets(collection=collection)]
        every = [(record, one) for record in records for one in record.editions]
        if size is not None and size not in {one for _, one in every}:
            raise click.UsageError(f"No data set has size {size}. `medmnist-np list` shows the sizes.")
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
    """Return the sets, all or those named, whose published or imported corrupted images are in the cache."""
    found = [registry.find(name) for name in names] if names else [(record, None) for record in registry.datasets()]
    return [
        record
        for record, named in found
        if {size, named} <= {None, SIZE}
        and record.name in corrupted_sets()
        and _any_is_there([published_key(record), own_key(record)], root)
    ]


def _corruptible(names: tuple[str, ...], size: int | None) -> list[tuple[Record, int]]:
    """Return the sets, all or those named, and their sizes, for which corrupted images can be made."""
    found = [registry.find(name) for name in names] if names else [(record, None) for record in registry.datasets()]
    return [(record, one) for record, named in found for one in record.sizes if {size, named} <= {None, one}]


def _is_there(record: Record, size: int, root: str | None) -> bool:
    whole = record.storage_keys(size)
    return _any_is_there([*whole, store.partial_key(whole[0])], root)


def _any_is_there(keys: list[str], root: str | None) -> bool:
    """Whether there are arrays under one of the keys, intact or not."""
    caches = settings.current(root).searched
    return any((cache / store.ARRAYS / key / FILE_NAME).exists() for cache in caches for key in keys)


def _say(report: VerifyReport) -> None:
    what = f" corrupted here by {report.made_corruption}" if report.made_corruption else ""
    if report.published_corruptions:
        what = " corrupted, imported from your own files" if is_own(report.folder) else " corrupted, as published"
    verdict = "ok" if report.ok else click.style("DAMAGED", fg="red")
    size = f" {report.size}" if report.size else ""
    click.echo(f"{escaped_line(f'{report.name}{size}{what}')}: {verdict}, {escaped_line(str(report.folder))}")
    if report.checked == "crc32":
        say("    note: parts verified by CRC-32, not by the checksum of the whole archive")
    for problem in report.damage:
        say(f"    {problem}")
    if not report.blank_images:
        say("    note: not searched for blank images")
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
