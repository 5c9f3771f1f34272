"""From a record to a folder of arrays: lock, find or download, verify, unpack, publish."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medmnist_np import _files
from medmnist_np._progress import UNPACKING, Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import archives, locks, nested, npz, store
from medmnist_np.cache.archives import Verified
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import archive_in_root, find_arrays, note_digest
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.settings import CACHE_VARIABLE, Settings, why_offline
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import NotCachedError, OfflineError
from medmnist_np.registry import Archive


@dataclass(frozen=True, slots=True)
class Unpacking:
    """What becomes of a proven archive that does not just hold arrays.

    ``n_bytes`` is about what that takes on the disk, ``publish`` makes the folder of arrays.
    """

    n_bytes: int
    publish: Callable[[Verified], ArrayFolder]


def prepare(  # noqa: PLR0913 -- what to bring, where to, and how
    archive: Archive,
    key: str,
    settings: Settings,
    *,
    download: bool = True,
    keep_archive: bool = False,
    unpacking: Unpacking | None = None,
    other_addresses: Sequence[str] = (),
    command: str = "medmnist-np fetch",
    progress: Progress = bars,
    patience: Patience | None = None,
) -> ArrayFolder:
    """Return the folder with the arrays of an archive, bringing it about if need be.

    Parameters
    ----------
    archive : Archive
        What is wanted.
    key : str
        Where its arrays go below ``arrays/``, e.g. ``"medmnist/pathmnist_28-a8b06965"``.
    settings : Settings
        Where to look and to work.
    download : bool
        Whether the network may be used if no copy of the archive is on this machine.
    keep_archive : bool
        Keep a downloaded archive in ``downloads/`` after its arrays are published.
    unpacking : Unpacking, optional
        What is done with it; None for an archive of arrays.
    other_addresses : sequence of str
        Where else it lies; tried after its official address.
    command : str
        The command that gets this data, for messages.
    progress : Progress
        What to show.
    patience : Patience, optional
        Of the download.

    Raises
    ------
    NotCachedError, OfflineError
        If the data is not here and may not be downloaded.
    DownloadError, DigestError, SupersededError, ArchiveError, NoSpaceError, CacheError
        As their names say. Nothing is published then, and what was downloaded is kept.
    """
    settings = settings.at(key)
    kept = settings.downloads / archive.file_name
    passing = settings.downloads / f"{archive.file_name}{archives.PASSING}"
    if (found := find_arrays(archive, [key], settings, progress)) is not None:
        return found
    store.refuse_newer(settings.cache / store.ARRAYS / key)
    candidates = _candidates(archive, [passing, kept], settings, download)
    if not any(map(os.path.isfile, candidates)):
        _require_download_allowed(archive, key, settings, download, command)  # before anything is written
    with ExitStack() as stack:
        locked = stack.enter_context(locks.held(settings.lock_file(key), _watched(archive, key, settings)))
        if (found := find_arrays(archive, [key], settings, progress)) is not None:
            return found
        rejected: list[str] = []
        verified = stack.enter_context(_local(archive, candidates, settings, progress, rejected))
        if verified is None:
            _require_download_allowed(archive, key, settings, download, command, rejected)
            bringing = archives.downloaded(
                archive,
                passing,
                settings,
                locked=locked,
                unpacked_bytes=unpacking.n_bytes if unpacking else archive.array_bytes,
                progress=progress,
                patience=patience,
                other_addresses=other_addresses,
            )
            verified = stack.enter_context(bringing)
        if unpacking is not None:
            folder = unpacking.publish(verified)
        else:
            folder = publish_archive(verified.stream, archive, key, settings.cache, progress)
        with _files.errors_named(settings.downloads, f"put {archive.file_name} away"), suppress(FileNotFoundError):
            if locked:
                archives.tidy(archive, passing)
            if keep_archive and verified.path == passing:
                os.replace(passing, kept)
            else:
                passing.unlink()
    return folder


def _candidates(archive: Archive, own: Sequence[Path], settings: Settings, download: bool) -> list[Path]:
    """Return where the archive may lie on this machine; where a named root has one, that alone."""
    if (named := archive_in_root(archive, settings)) is not None:
        return [named]
    settings.require_writable()
    candidates = [*own, *(folder / archive.file_name for folder in settings.archive_folders)]
    return [*candidates, *archives.at_its_address(archive)] if settings.root is None or download else candidates


@contextmanager
def _local(
    archive: Archive, candidates: Sequence[Path], settings: Settings, progress: Progress, rejected: list[str]
) -> Iterator[Verified | None]:
    """Yield the first candidate that is the archive, open; None if none is. One in a named root must be."""
    if (named := archive_in_root(archive, settings)) is None:
        with archives.local(archive, candidates, progress, rejected) as verified:
            yield verified
        return
    with archives.opened(named) as stream:
        archives.check_digest(stream, archive, progress)
        note_digest(named, os.fstat(stream.fileno()), archive.digest, settings)
        yield Verified(named, stream)


def collect(archive: Archive, key: str, settings: Settings) -> None:
    """Remove what a process that was killed after publishing left of the download."""
    settings = settings.at(key)
    passing = settings.downloads / f"{archive.file_name}{archives.PASSING}"
    if os.path.exists(passing) and os.access(settings.downloads, os.W_OK):
        with locks.held(settings.lock_file(key), _watched(archive, key, settings)) as locked:
            if locked:
                archives.tidy(archive, passing)
                passing.unlink(missing_ok=True)


def publish_verified(
    stream: BinaryIO, archive: Archive, key: str, settings: Settings, progress: Progress
) -> ArrayFolder:
    """Publish the arrays of an open archive whose digest was found right, unless they are there already."""
    return published_once(key, settings, lambda: publish_archive(stream, archive, key, settings.cache, progress))


def published_once(key: str, settings: Settings, publish: Callable[[], ArrayFolder]) -> ArrayFolder:
    """Return the folder of arrays under a key; if there is none, publish it under the lock of the key."""
    settings.require_writable()
    if (found := store.find(key, settings.searched)) is not None:
        return found
    store.refuse_newer(settings.cache / store.ARRAYS / key)
    with locks.held(settings.lock_file(key), [_staged(key, settings)]):
        return store.find(key, settings.searched) or publish()


def publish_archive(
    stream: BinaryIO, archive: Archive, key: str, cache: Path, progress: Progress, *, checked: str = "digest"
) -> ArrayFolder:
    """Unpack an open archive that is ``checked`` and rename its arrays into place."""
    purpose = f"unpack {archive.file_name}"
    with _files.errors_named(cache, purpose, lambda: archive.array_bytes):
        _files.require_space(cache, archive.array_bytes, purpose)
        with store.staging(cache, key) as folder:
            with progress(f"{UNPACKING}{archive.file_name}", archive.array_bytes) as bar:
                unpack = nested.unpack if archive.kind == nested.KIND else npz.unpack
                arrays = unpack(stream, archive, folder, bar.update)
            manifest = Manifest(archive.file_name, archive.digest, checked, __version__, arrays)
            published = store.publish(folder, cache, key, manifest)
        store.remove_partial(cache, key)
        return published


def _watched(archive: Archive, key: str, settings: Settings) -> list[tuple[Path, str]]:
    return [(settings.downloads, f"{archive.file_name}*"), _staged(key, settings)]


def _staged(key: str, settings: Settings) -> tuple[Path, str]:
    target = settings.cache / store.ARRAYS / key
    return target.parent, f".{target.name}.*/*"


def _require_download_allowed(
    archive: Archive, key: str, settings: Settings, download: bool, command: str, rejected: Sequence[str] = ()
) -> None:
    if download and not settings.offline:
        return
    looked = [*(cache / store.ARRAYS for cache in settings.searched), settings.downloads, *settings.archive_folders]
    places = "\n  ".join(str(place) for place in dict.fromkeys(looked))
    message = f"{archive.file_name} is not on this machine. Looked for its arrays or the file in:\n  {places}\n"
    message += "".join(f"{reason}\n" for reason in rejected)
    partial = store.find(store.partial_key(key), settings.searched)
    if partial is not None:
        message += (
            f"Of its members, {', '.join(partial.manifest.arrays)} are here, taken alone, in {partial.path}: "
            "load(..., partial=True) reads a split of which all are here.\n"
        )
    if settings.offline:
        raise OfflineError(
            f"{message}{why_offline()}, so nothing was downloaded. Undo that, or bring the file and "
            "`medmnist-np import FILE` it."
        )
    raise NotCachedError(
        f"{message}Get it with `{command}` or download=True, or set {CACHE_VARIABLE} to the cache that has it.",
        errno=errno.ENOENT,
    )
