"""From a record to a folder of arrays: lock, find or download the archive, verify, unpack, publish.

Archives without a pinned checksum are fetched only where a caller asks for that. Their arrays are checked by the CRC-32
in the archive and by the shapes and dtypes of the record, which finds accidents but not a dishonest server. Their
manifest says ``crc32`` and holds the SHA-256 of the file that arrived.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from medmnist_np import _files
from medmnist_np._progress import UNPACKING, Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import archives, locks, nested, npz, store
from medmnist_np.cache.archives import Verified
from medmnist_np.cache.download import ResumingDownloader, part_path
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import archive_in_root, caches_for, digest_of_file, find_arrays, note_digest
from medmnist_np.cache.manifest import Manifest, digest_of
from medmnist_np.cache.members import CHECKED
from medmnist_np.cache.settings import Settings, why_offline
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, NotCachedError, OfflineError
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
    part = archives.part_of(archive, settings.downloads)
    if (found := find_arrays(archive, [key], settings, progress)) is not None:
        return found
    store.refuse_newer(settings.cache / store.ARRAYS / key)
    finished = [part] if archives.is_finished(archive, part) else []  # by a process that could not unpack it
    candidates = _candidates(archive, [*finished, kept], settings, download)
    if not any(map(os.path.isfile, candidates)):
        _require_download_allowed(archive, key, settings, download, command)  # before anything is written
    with ExitStack() as stack:
        locked = stack.enter_context(locks.held(settings.lock_file(key), _watched(archive, key, settings)))
        if (found := find_arrays(archive, [key], settings, progress)) is not None:
            return found
        rejected: list[str] = []
        with ExitStack() as reading:
            local = verified = reading.enter_context(_local(archive, candidates, settings, progress, rejected))
            if verified is None:
                _require_download_allowed(archive, key, settings, download, command, rejected)
                downloading = archives.downloaded(
                    archive,
                    kept,
                    settings,
                    locked=locked,
                    keep=keep_archive,
                    unpacked_bytes=unpacking.n_bytes if unpacking else archive.array_bytes,
                    progress=progress,
                    patience=patience,
                    other_addresses=other_addresses,
                )
                verified = reading.enter_context(downloading)
            if unpacking is not None:
                folder = unpacking.publish(verified)
            else:
                folder = publish_archive(verified.stream, archive, key, settings.cache, progress)
        # The archive is closed now: Windows neither moves nor removes an open file.
        with _files.errors_named(settings.downloads, f"put {archive.file_name} away"), suppress(FileNotFoundError):
            if keep_archive and local is not None and local.path == part:
                _files.move(part, kept)
            if locked or (local is not None and local.path == part):
                archives.tidy(archive, settings.downloads)
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
    finished = archives.is_finished(archive, archives.part_of(archive, settings.downloads))
    if finished and os.access(settings.downloads, os.W_OK):
        with locks.held(settings.lock_file(key), _watched(archive, key, settings)) as locked:
            if locked:
                archives.tidy(archive, settings.downloads)


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
        f"{message}Get it with `{command}` or download=True, or set {_files.CACHE_VARIABLE} to the cache that has it.",
        errno=errno.ENOENT,
    )


_log = logging.getLogger(__name__)


def prepare_unproven(
    archive: Archive,
    key: str,
    settings: Settings,
    *,
    progress: Progress = bars,
    patience: Patience | None = None,
) -> ArrayFolder:
    """Return the folder with the arrays of an archive without a known digest, bringing it about if need be.

    Parameters
    ----------
    archive : Archive
        What is wanted. Its digest stands for none and is not looked at.
    key, settings, progress, patience
        As of :func:`~medmnist_np.cache.prepare.prepare`.

    Raises
    ------
    OfflineError
        If the archive is not here and may not be downloaded.
    DownloadError, ArchiveError, NoSpaceError, CacheError
        As their names say. Nothing is published then. An unfinished download goes on at the next call; one that is not
        what the record says is removed.
    """
    if (found := find_unproven(archive, key, settings, progress)) is not None:
        return found
    if archive_in_root(archive, settings) is None:
        settings.require_writable()
    target = settings.cache / store.ARRAYS / key
    store.refuse_newer(target)
    watched = [(settings.downloads, f"{archive.file_name}*"), (target.parent, f".{target.name}.*/*")]
    with locks.held(settings.lock_file(key), watched) as locked:
        if (found := find_unproven(archive, key, settings, progress)) is not None:
            return found
        for folder in settings.archive_folders:
            path = folder / archive.file_name
            if os.path.isfile(path):  # Path.is_file() raises where a folder may not be entered
                _log.info("Using %s.", path)
                with archives.opened(path) as stream:
                    return _published(stream, archive, key, settings, progress)
        if settings.offline:
            raise OfflineError(
                f"{archive.file_name} is not on this machine. {why_offline()}, so nothing was downloaded."
            )
        purpose = f"download and unpack {archive.file_name}"
        bring = ResumingDownloader(
            part_path(settings.downloads, archive.file_name, shared=locked),
            mirrors=settings.mirrors,
            make_room=lambda n: _files.require_space(settings.downloads, n + archive.array_bytes, purpose),
            progress=progress,
            patience=patience or Patience(),
        )
        _files.make_folder(settings.downloads)
        with _files.errors_named(settings.downloads, purpose), bring.opened(archive.url) as stream:
            return _published(stream, archive, key, settings, progress)


def find_unproven(archive: Archive, key: str, settings: Settings, progress: Progress) -> ArrayFolder | None:
    """Return the folder with the arrays of an archive without a known digest; None if there is none.

    Raises
    ------
    ArchiveError
        If they are not those of the archive that lies in a named root.
    """
    found = store.find(key, caches_for(archive, settings))
    named = archive_in_root(archive, settings)
    if found is not None and named is not None:
        digest = digest_of_file(named, "sha256", settings, progress)
        if found.manifest.digest != digest:
            raise ArchiveError(
                f"{named} is not the archive whose arrays are in {found.path}: its checksum is {digest}, and theirs "
                f"was {found.manifest.digest}. Remove one of the two."
            )
    return found


def _published(stream: BinaryIO, archive: Archive, key: str, settings: Settings, progress: Progress) -> ArrayFolder:
    digest = digest_of(stream, "sha256", progress, archive.file_name)
    return publish_archive(stream, replace(archive, digest=digest), key, settings.cache, progress, checked=CHECKED)
