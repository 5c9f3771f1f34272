"""Find the arrays of an archive: in a named root alone, else in every cache.

An archive in a named root is hashed once. Later its path, size and modification time are enough.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from medmnist_np import _files
from medmnist_np._progress import Progress, silent
from medmnist_np.cache import store
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.registry import Archive


def find_arrays(
    archive: Archive | None, keys: Sequence[str], places: Settings, progress: Progress = silent
) -> ArrayFolder | None:
    """Return the first complete folder of arrays under one of the keys; None if there is none.

    Parameters
    ----------
    archive : Archive or None
        What the arrays are unpacked from; None if no program can download it.
    keys : sequence of str
        Where the arrays lie below ``arrays/``.
    places : Settings
        Where to look.
    progress : Progress
        What to show while an archive in a named root is hashed.

    Raises
    ------
    DigestError, SupersededError
        If there are arrays, and another archive of that name lies in the named root.
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
    """Return the caches that may hold arrays of an archive: those of one in a read-only root are elsewhere."""
    if archive is None or archive_in_root(archive, places) is None:
        return places.searched
    return tuple(dict.fromkeys((*places.searched, places.cache)))


def archive_in_root(archive: Archive, places: Settings) -> Path | None:
    """Return the file of the archive's name in the named root; None if there is none."""
    if places.root is None:
        return None
    path = places.root / archive.file_name
    return path if os.path.isfile(path) else None  # Path.is_file() raises where a folder may not be entered


def digest_of_file(path: Path, algorithm: str, places: Settings, progress: Progress) -> str:
    """Return the digest of a file, as ``"md5:<hex>"``. A file that was hashed before is only looked at."""
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
    """Note the digest of a file for :func:`digest_of_file`, where that can be written."""
    note = _note(path, places)
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        with _files.in_one_step(note) as fresh:
            fresh.write_text(json.dumps({**_state(state), "path": str(path), "digest": digest}), "utf-8")


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
