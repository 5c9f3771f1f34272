"""What a cache folder holds, and removing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medmnist_np.cache import disk, store
from medmnist_np.cache.settings import Settings


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a cache. ``kind`` is what it is, ``name`` its key or file name, ``bytes`` its size on disk."""

    kind: Literal["arrays", "archive", "unfinished"]
    name: str
    path: Path
    bytes: int


def contents(settings: Settings) -> list[Item]:
    """List the arrays, kept archives and unfinished work of the cache that is written to."""
    items = [*_arrays(settings.cache / store.ARRAYS), *_downloads(settings.downloads)]
    return sorted(items, key=lambda item: (item.kind, item.name))


def remove(item: Item) -> None:
    """Remove one item from disk."""
    with disk.errors_named(item.path, f"remove {item.name}"):
        if item.path.is_dir() and not item.path.is_symlink():
            store.remove(item.path)
        else:
            item.path.unlink(missing_ok=True)


def _arrays(folder: Path) -> Iterator[Item]:
    for collection in _folders(folder):
        for entry in _folders(collection):
            unfinished = entry.name.startswith(".")
            yield Item("unfinished" if unfinished else "arrays", f"{collection.name}/{entry.name}", entry, _size(entry))


def _downloads(folder: Path) -> Iterator[Item]:
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_dir():
                yield Item("unfinished", path.name, path, _size(path))
            elif path.is_file():
                kind: Literal["archive", "unfinished"] = "archive" if path.suffix == ".npz" else "unfinished"
                yield Item(kind, path.name, path, path.lstat().st_size)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _size(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
