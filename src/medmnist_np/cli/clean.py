"""``cache``: where the cache is, and what is in it. ``clean``: remove data sets from it."""

from __future__ import annotations

import re
import sys

import click

from medmnist_np import _files, registry
from medmnist_np._text import escaped
from medmnist_np.cache import locations, settings
from medmnist_np.cli.options import json_option, names_argument, root_option
from medmnist_np.cli.output import say, say_json, say_table
from medmnist_np.corruptions.published import SIZE, own_key, published_key
from medmnist_np.errors import RecordError, UnknownDatasetError
from medmnist_np.registry.corruption_facts import corrupted_sets
from medmnist_np.registry.user_records import LOCAL


@click.command
@root_option
@json_option
def cache(root: str | None, as_json: bool) -> None:
    """Show where the cache is and what is in it.

    \b
      medmnist-np cache
      medmnist-np cache --json
    """
    places = settings.current(root)
    items = locations.contents(places)
    if as_json:
        rows = [{"kind": i.kind, "name": i.name, "path": str(i.path), "bytes": i.bytes} for i in items]
        say_json({"cache": str(places.cache), "free_bytes": _files.free_bytes(places.cache), "items": rows})
        return
    say(f"{places.cache}")
    if items:
        rows_ = [
            [item.kind, item.name, _files.readable(item.bytes), item.path.relative_to(places.cache)] for item in items
        ]
        total = ["", "total", _files.readable(sum(item.bytes for item in items)), ""]
        say_table([*rows_, total], ["kind", "name", "size", "path"], [2])
    else:
        say("The cache is empty.")
    say(f"{_files.readable(_files.free_bytes(places.cache))} free. Set {_files.CACHE_VARIABLE} to use another folder.")


@click.command
@names_argument
@click.option("--archives", is_flag=True, help="Remove only kept archives and unfinished downloads.")
@click.option("--all", "everything", is_flag=True, help="Remove every data set (the same as no NAME).")
@click.option(
    "--built", is_flag=True, help="Also remove what cannot be downloaded again: sets built or registered here, ids."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@root_option
def clean(names: tuple[str, ...], archives: bool, everything: bool, built: bool, yes: bool, root: str | None) -> None:
    """Remove data sets from the cache.

    This removes arrays, kept archives and unfinished downloads of NAME..., or of all data sets. Data that cannot be
    downloaded again is kept: data sets that were built or registered here, and image ids. --built removes it too.
    Files outside the cache are never touched.

    \b
      medmnist-np clean pathmnist_224
      medmnist-np clean --archives
    """
    if everything and (names or archives):
        raise click.UsageError("Use --all without NAME and without --archives.")
    if built and (archives or not names):
        raise click.UsageError("--built needs NAME, and cannot be used with --archives.")
    places = settings.current(root)
    items = locations.contents(places)
    for name in names:
        _check_known(name, items)
    if names:
        items = [item for item in items if _matches(item, names)]
    kept = [] if built else [item for item in items if item.kind in locations.IRREPLACEABLE]
    items = [item for item in items if item not in kept and not (archives and item.kind == "arrays")]
    if not items:
        say(f"Nothing to remove in {places.cache}.")
        _say_kept(kept)
        return
    total = _files.readable(sum(item.bytes for item in items))
    for item in items:
        say(f"{item.kind:<10}  {item.name}  {_files.readable(item.bytes)}")
    if not yes and not _agreed(f"Remove these ({total}) from {places.cache}?"):
        raise click.ClickException("Nothing was removed.")
    for item in items:
        locations.remove(item)
    say(f"Removed {total}.")
    _say_kept(kept)


def _agreed(question: str) -> bool:
    nobody = click.ClickException("Nothing was removed, since nobody can confirm it. Use --yes.")
    if sys.stdin is None:  # closed, as by `<&-`
        raise nobody
    try:
        return click.confirm(escaped(question))
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            say()  # the question has no end of line
            raise nobody from None
        raise


def _check_known(name: str, items: list[locations.Item]) -> None:
    """Raise an error for a name that neither a record nor anything in the cache has."""
    try:
        registry.resolve_size(name)
    except (UnknownDatasetError, RecordError):
        if name.lower() not in map(_own_set, items):
            raise


def _own_set(item: locations.Item) -> str:
    """Return the name of the user's set that an item belongs to, even if its record is gone; else an empty text."""
    if item.kind in locations.IRREPLACEABLE:
        return item.name
    if item.path.parent.name == "built":
        return item.path.name
    if item.path.parent.parent.name == LOCAL.name:
        return item.path.parent.name.partition("_")[0]
    return item.path.name.lstrip(".").partition("_")[0] if item.path.parent.name == LOCAL.name else ""


def _matches(item: locations.Item, names: tuple[str, ...]) -> bool:
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
            kept.append((own_key(record).partition("/")[2], f"{record.name}.zip"))
        # Arrays of other archives under the official name, which the official classes use.
        sizes = "|".join(map(str, record.editions if size is None else (size,)))
        other = rf"\.?{re.escape(record.name)}_({sizes})-[0-9a-f]{{8}}(\W.*)?"
        if item.path.parent.name == record.collection.name != LOCAL.name and re.fullmatch(other, item.path.name):
            return True
        # Archives of users' sets may share file names, so their downloads have folders of their own.
        is_own = record.collection.name == LOCAL.name
        in_own_folder = item.path.parent.parent.name == LOCAL.name
        where = item.path.parent.name if in_own_folder else item.path.name
        for folder, archive in kept:
            file = folder if in_own_folder or is_own else archive
            # Names of single members and of corrupted images of the same release continue with "-".
            begun = (f"{folder}-", f".{folder}.", f".{folder}-", f"{file}.", f".{file}.")
            if where in (folder, file) or where.startswith(begun):
                return True
    return False


def _say_kept(kept: list[locations.Item]) -> None:
    if kept:
        names = ", ".join(sorted({item.name for item in kept}))
        total = _files.readable(sum(item.bytes for item in kept))
        say(
            f"Kept, since it cannot be downloaded again: what was built, registered or imported for {names} ({total}). "
            "`medmnist-np clean NAME --built` removes it."
        )
