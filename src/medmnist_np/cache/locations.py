"""Find the arrays of an archive, and list or remove what is in a cache folder.

An archive in a named root is hashed once. Later calls compare its path, size and modification time instead.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medmnist_np import _files, registry
from medmnist_np._progress import Progress, silent
from medmnist_np.cache import store
from medmnist_np.cache.manifest import FILE_NAME
from medmnist_np.cache.settings import OWN_SETS, Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.registry import Archive
from medmnist_np.registry.corruption_facts import corrupted_sets


def find_arrays(
    archive: Archive | None, keys: Sequence[str], places: Settings, progress: Progress = silent
) -> ArrayFolder | None:
    """Return the first complete folder of arrays under one of the keys. Return None if nothing is found.

    Parameters
    ----------
    archive : Archive or None
        The archive that the arrays come from; None if it cannot be downloaded automatically.
    keys : sequence of str
        Folders of the arrays below ``arrays/``.
    places : Settings
        Folders to search.
    progress : Progress
        Where to report progress while an archive in a named root is hashed.

    Raises
    ------
    DigestError, SupersededError
        If the arrays are found, but the named root has a different archive under the same file name.
    """
    for key in keys:
        if (folder := store.find(key, caches_for(archive, places))) is not None:
            if archive is not None and (named := archive_in_root(archive, places)) is not None:
                from medmnist_np.cache.manifest import require_digest

                found = digest_of_file(named, archive.digest.partition(":")[0], places, progress)
                require_digest(named, found, archive)
            return folder
    return None


def caches_for(archive: Archive | None, places: Settings) -> tuple[Path, ...]:
    """Return the caches that may hold the arrays of an archive. If its root is read-only, they are in another cache."""
    if archive is None or archive_in_root(archive, places) is None:
        return places.searched
    return tuple(dict.fromkeys((*places.searched, places.cache)))


def archive_in_root(archive: Archive, places: Settings) -> Path | None:
    """Return the file with the archive's name in the named root; None if it does not exist."""
    if places.root is None:
        return None
    path = places.root / archive.file_name
    return path if os.path.isfile(path) else None  # Path.is_file() raises if access is denied


def digest_of_file(path: Path, algorithm: str, places: Settings, progress: Progress) -> str:
    """Return the checksum of a file, such as ``"md5:<hex>"``. Hash the file again only if it has changed."""
    noted = _read(_note(path, places))
    if noted == {**_state(os.stat(path)), "path": str(path), "digest": noted.get("digest")}:
        digest = str(noted["digest"])
        if digest.startswith(f"{algorithm}:"):
            return digest
    from medmnist_np.cache.manifest import digest_of

    with _files.errors_named(path, f"read {path.name}"), open(path, "rb") as stream:
        state = os.fstat(stream.fileno())
        digest = digest_of(stream, algorithm, progress, path.name)
    note_digest(path, state, digest, places)
    return digest


def note_digest(path: Path, state: os.stat_result, digest: str, places: Settings) -> None:
    """Store the checksum of a file for :func:`digest_of_file`, if the cache is writable."""
    note = _note(path, places)
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        with _files.in_one_step(note) as fresh:
            fresh.write_text(json.dumps({**_state(state), "path": str(path), "digest": digest}), "utf-8", newline="\n")


def _note(path: Path, places: Settings) -> Path:
    return places.cache / "checked" / f"{path.name}-{zlib.crc32(os.fsencode(path)):08x}.json"


def _read(note: Path) -> dict[str, Any]:
    try:
        found = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _state(found: os.stat_result) -> dict[str, int]:
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


Kind = Literal["arrays", "archive", "unfinished", "built", "ids", "record"]

#: Items that cannot be downloaded again: archives built on this machine, sample ids, and records.
IRREPLACEABLE: tuple[Kind, ...] = ("built", "ids", "record")

# A root may also hold files of the user, even in folders with the same names as ours. Our own items are recognised by
# the name of an archive or a part of a checksum in their names.
_ARRAYS = re.compile(r"_\d+-([0-9a-f]{8}|crc32)(-|$)|-([0-9a-f]{8}|folder)$|\.staging$")
_STAGING = re.compile(r"\..+\.staging")
_BEGUN = re.compile(r".+\.(npz|tar|zip)(\.passing|(\..+)?\.part(\.json.*)?)|record\.[0-9a-f]{8}\.part(\.json.*)?")


@dataclass(frozen=True, slots=True)
class Item:
    """One item in a cache. ``name`` is its key or file name, and ``bytes`` its size on disk.

    The name of an item that cannot be downloaded again is the name of its data set.
    """

    kind: Kind
    name: str
    path: Path
    bytes: int


def contents(settings: Settings) -> list[Item]:
    """List the items in the writable cache, without locks and files that this package did not write."""
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
    """Yield the downloads of users' own data sets. Each has a folder with the name of its arrays."""
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
