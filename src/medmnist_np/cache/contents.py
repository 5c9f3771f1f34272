"""What a cache folder holds, and removing it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medmnist_np import _files, registry
from medmnist_np.cache import store
from medmnist_np.cache.manifest import FILE_NAME
from medmnist_np.cache.settings import OWN_SETS, Settings
from medmnist_np.registry.corruption_facts import corrupted_sets

Kind = Literal["arrays", "archive", "unfinished", "built", "ids", "record"]

#: What cannot be fetched again: archives that were built here, ids of samples, and records.
IRREPLACEABLE: tuple[Kind, ...] = ("built", "ids", "record")

# A root may be a folder in which people have files of their own, also in folders that are called as ours. What is ours
# is called after a digest, or after an archive.
_ARRAYS = re.compile(r"_\d+-([0-9a-f]{8}|crc32)(-|$)|-([0-9a-f]{8}|folder)$|\.staging$")
_STAGING = re.compile(r"\..+\.staging")
_BEGUN = re.compile(r".+\.(npz|tar|zip)(\.passing|(\..+)?\.part(\.json.*)?)|record\.[0-9a-f]{8}\.part(\.json.*)?")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a cache. ``kind`` is what it is, ``name`` its key or file name, ``bytes`` its size on disk.

    What cannot be fetched again has the name of its data set.
    """

    kind: Kind
    name: str
    path: Path
    bytes: int


def contents(settings: Settings) -> list[Item]:
    """List all of the cache that is written to, but its locks and what others put there."""
    cache = settings.cache
    items = [
        *_arrays(cache / store.ARRAYS),
        *_downloads(settings.downloads),
        *_downloads_of_own(settings.downloads / OWN_SETS),
        *_built(cache / "built"),
        *_stored_files("ids", cache / "ids", ".csv"),
        *_stored_files("record", cache / "records", ".toml"),
    ]
    return sorted(items, key=lambda item: (item.kind, item.name))


def remove(item: Item) -> None:
    """Remove one item from disk."""
    with _files.errors_named(item.path, f"remove {item.name}"):
        if item.path.is_dir() and not item.path.is_symlink():
            store.remove(item.path)
        else:
            item.path.unlink(missing_ok=True)


def _arrays(folder: Path) -> Iterator[Item]:
    for collection in _folders(folder):
        for entry in _folders(collection):
            unfinished = entry.name.startswith(".")
            if not (_ARRAYS.search(entry.name) or (entry / FILE_NAME).exists()):
                continue
            yield Item("unfinished" if unfinished else "arrays", f"{collection.name}/{entry.name}", entry, _size(entry))


def _downloads(folder: Path) -> Iterator[Item]:
    if folder.is_dir():
        archives = {archive.file_name for _, _, archive in registry.known_archives()}
        archives |= {f"{name}.zip" for name in corrupted_sets()}
        for path in folder.iterdir():
            if path.is_dir() and _STAGING.fullmatch(path.name):
                yield Item("unfinished", path.name, path, _size(path))
            elif path.is_file() and (path.name in archives or _BEGUN.fullmatch(path.name)):
                kind: Kind = "archive" if path.name in archives else "unfinished"
                yield Item(kind, path.name, path, _bytes(path))


def _downloads_of_own(area: Path) -> Iterator[Item]:
    """Yield what was downloaded of the sets of users: each has a folder called after its arrays."""
    for folder in _folders(area):
        for path in folder.iterdir() if _ARRAYS.search(folder.name) else ():
            kind: Kind = "archive" if path.is_file() and not _BEGUN.fullmatch(path.name) else "unfinished"
            yield Item(kind, f"{folder.name}/{path.name}", path, _size(path) if path.is_dir() else _bytes(path))


def _built(folder: Path) -> Iterator[Item]:
    for path in _folders(folder):
        if (path / f"{path.name}.toml").is_file():
            yield Item("built", path.name, path, _size(path))
        elif (path / "unfinished").is_dir():
            yield Item("unfinished", f"built/{path.name}", path, _size(path))


def _stored_files(kind: Kind, folder: Path, suffix: str) -> Iterator[Item]:
    for path in sorted(folder.rglob(f"*{suffix}")):
        yield Item(kind, path.relative_to(folder).with_suffix("").as_posix(), path, _bytes(path))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _size(folder: Path) -> int:
    return sum(_bytes(Path(inner, file)) for inner, _, files in os.walk(folder) for file in files)


def _bytes(file: Path) -> int:
    """Return the size of a file; 0 if another process has just moved or removed it."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0
