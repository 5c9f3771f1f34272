"""From a record to a folder of arrays: lock, find or download the archive, verify, unpack, publish.

Archives without a pinned checksum are fetched only if the caller asks for that. Their arrays are checked against the
CRC-32 in the archive and the shapes and dtypes in the record. That detects accidental damage, but not a dishonest
server. Their manifest has ``crc32`` as ``checked`` and the SHA-256 of the downloaded file as ``digest``.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from medmnist_np import _files
from medmnist_np._progress import UNPACKING, Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import archives, locks, nested, npz, store
from medmnist_np.cache.archives import Verified
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import archive_in_root, caches_for, digest_of_file, find_arrays, note_digest
from medmnist_np.cache.manifest import Manifest, digest_of
from medmnist_np.cache.members import CHECKED
from medmnist_np.cache.settings import Settings, why_offline
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, NotCachedError, OfflineError
from medmnist_np.registry import Archive

if TYPE_CHECKING:
    from medmnist_np.cache.archive_pooch import ArchivePooch


@dataclass(frozen=True, slots=True)
class Unpacking:
    """How to publish a verified archive that does not simply hold arrays.

    ``n_bytes`` is roughly the disk space this needs, in bytes; ``publish`` creates the folder of arrays.
    """

    n_bytes: int
    publish: Callable[[Verified], ArrayFolder]


def prepare(  # noqa: PLR0913 -- what to prepare, where, and how
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
    """Return the folder with the arrays of an archive, downloading and unpacking it if necessary.

    Parameters
    ----------
    archive : Archive
        The archive.
    key : str
        Folder of its arrays below ``arrays/``, e.g. ``"medmnist/pathmnist_28-a8b06965"``.
    settings : Settings
        Folders to search, the cache, mirrors and offline mode.
    download : bool
        Whether to download the archive if there is no copy of it on this machine.
    keep_archive : bool
        Keep a downloaded archive in ``downloads/`` after its arrays are published.
    unpacking : Unpacking, optional
        How to publish the archive; None for an archive of arrays.
    other_addresses : sequence of str
        Further addresses, tried after the official one.
    command : str
        The command that fetches this data, for messages.
    progress : Progress
        Where to report progress.
    patience : Patience, optional
        Timeouts and retries of the download.

    Raises
    ------
    NotCachedError, OfflineError
        If the data is not on this machine and may not be downloaded.
    DownloadError, DigestError, SupersededError, ArchiveError, NoSpaceError, CacheError
        If one of these steps fails. Nothing is published, and the downloaded bytes are kept.
    """
    settings = settings.at(key)
    kept = settings.downloads / archive.file_name
    part = archives.part_of(archive, settings.downloads)
    if (found := find_arrays(archive, [key], settings, progress)) is not None:
        return found
    store.refuse_newer(settings.cache / store.ARRAYS / key)
    finished = [part] if archives.is_finished(archive, part) else []  # an earlier process could not unpack it
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
                verified = reading.enter_context(
                    _downloads(archive, key, settings, progress, patience).opened(
                        archive.file_name,
                        locked=locked,
                        keep=keep_archive,
                        unpacked_bytes=unpacking.n_bytes if unpacking else archive.array_bytes,
                        others=other_addresses,
                    )
                )
            if unpacking is not None:
                folder = unpacking.publish(verified)
            else:
                folder = publish_archive(verified.stream, archive, key, settings.cache, progress)
        # Only now is the archive closed: Windows cannot move or remove an open file.
        with _files.errors_named(settings.downloads, f"put {archive.file_name} away"), suppress(FileNotFoundError):
            if keep_archive and local is not None and local.path == part:
                _files.move(part, kept)
            if locked or (local is not None and local.path == part):
                archives.tidy(archive, settings.downloads)
    return folder


def _downloads(
    archive: Archive, key: str, settings: Settings, progress: Progress, patience: Patience | None
) -> ArchivePooch:
    from medmnist_np.cache.archive_pooch import ArchivePooch  # loads Pooch, which only a download needs

    return ArchivePooch({key: archive}, settings, progress=progress, patience=patience)


def _candidates(archive: Archive, own: Sequence[Path], settings: Settings, download: bool) -> list[Path]:
    """Return where the archive may be on this machine. If a named root contains it, return only that file."""
    if (named := archive_in_root(archive, settings)) is not None:
        return [named]
    settings.require_writable()
    candidates = [*own, *(folder / archive.file_name for folder in settings.archive_folders)]
    return [*candidates, *archives.at_its_address(archive)] if settings.root is None or download else candidates


@contextmanager
def _local(
    archive: Archive, candidates: Sequence[Path], settings: Settings, progress: Progress, rejected: list[str]
) -> Iterator[Verified | None]:
    """Yield the first candidate that is the archive, as an open file, or None. A file in a named root must be it."""
    if (named := archive_in_root(archive, settings)) is None:
        with archives.local(archive, candidates, progress, rejected) as verified:
            yield verified
        return
    with archives.opened(named) as stream:
        archives.check_digest(stream, archive, progress)
        note_digest(named, os.fstat(stream.fileno()), archive.digest, settings)
        yield Verified(named, stream, archive.digest)


def collect(archive: Archive, key: str, settings: Settings) -> None:
    """Remove the rest of a download after a process was killed between publishing and cleaning up."""
    settings = settings.at(key)
    finished = archives.is_finished(archive, archives.part_of(archive, settings.downloads))
    if finished and os.access(settings.downloads, os.W_OK):
        with locks.held(settings.lock_file(key), _watched(archive, key, settings)) as locked:
            if locked:
                archives.tidy(archive, settings.downloads)


def publish_verified(
    stream: BinaryIO, archive: Archive, key: str, settings: Settings, progress: Progress
) -> ArrayFolder:
    """Publish the arrays of an open archive with a verified checksum, unless they are already published."""
    return published_once(key, settings, lambda: publish_archive(stream, archive, key, settings.cache, progress))


def published_once(key: str, settings: Settings, publish: Callable[[], ArrayFolder]) -> ArrayFolder:
    """Return the folder of arrays of a key. If it does not exist, publish it while holding the lock of the key."""
    settings.require_writable()
    if (found := store.find(key, settings.searched)) is not None:
        return found
    store.refuse_newer(settings.cache / store.ARRAYS / key)
    with locks.held(settings.lock_file(key), [_staged(key, settings)]):
        return store.find(key, settings.searched) or publish()


def publish_archive(
    stream: BinaryIO | Path, archive: Archive, key: str, cache: Path, progress: Progress, *, checked: str = "digest"
) -> ArrayFolder:
    """Unpack an open archive or a folder of archives, and publish the arrays. ``checked`` is what was verified."""
    purpose = f"unpack {archive.file_name}"
    with _files.errors_named(cache, purpose, lambda: archive.array_bytes):
        _files.require_space(cache, archive.array_bytes, purpose)
        with store.staging(cache, key) as folder:
            with progress(f"{UNPACKING}{archive.file_name}", archive.array_bytes) as bar:
                if archive.kind == nested.KIND or isinstance(stream, Path):
                    arrays = nested.unpack(stream, archive, folder, bar.update)
                else:
                    arrays = npz.unpack(stream, archive, folder, bar.update)
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
            f"Only {', '.join(partial.manifest.arrays)} were downloaded, to {partial.path}: "
            "load(..., partial=True) reads a split that is complete.\n"
        )
    if settings.offline:
        raise OfflineError(
            f"{message}{why_offline()}, so nothing was downloaded. Allow downloads, or copy the archive to this "
            "machine and run `medmnist-np import FILE`."
        )
    raise NotCachedError(
        f"{message}Get it with `{command}` or download=True, or set {_files.CACHE_VARIABLE} to the cache that has it.",
        errno=errno.ENOENT,
    )


_log = logging.getLogger(__name__)


def prepare_unproven(
    archive: Archive, key: str, settings: Settings, *, progress: Progress = bars, patience: Patience | None = None
) -> ArrayFolder:
    """Return the folder with the arrays of an archive without a known checksum, downloading it if necessary.

    Parameters
    ----------
    archive : Archive
        The archive. Its checksum is a placeholder and is ignored.
    key, settings, progress, patience
        See :func:`prepare`.

    Raises
    ------
    OfflineError
        If the archive is not on this machine and may not be downloaded.
    DownloadError, ArchiveError, NoSpaceError, CacheError
        If one of these steps fails. Nothing is published. The next call resumes an unfinished download. A download
        that does not match the record is removed.
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
            if os.path.isfile(path):  # Path.is_file() raises if access is denied
                _log.info("Using %s.", path)
                with archives.opened(path) as stream:
                    digest = digest_of(stream, "sha256", progress, archive.file_name)
                    return _published(stream, digest, archive, key, settings, progress)
        if settings.offline:
            raise OfflineError(
                f"{archive.file_name} is not on this machine. {why_offline()}, so nothing was downloaded."
            )
        downloads = _downloads(archive, key, settings, progress, patience)
        downloads.registry[archive.file_name] = None  # Pooch then accepts any file
        with downloads.opened(
            archive.file_name, locked=locked, keep=False, unpacked_bytes=archive.array_bytes
        ) as verified:
            return _published(verified.stream, verified.digest, archive, key, settings, progress)


def find_unproven(archive: Archive, key: str, settings: Settings, progress: Progress) -> ArrayFolder | None:
    """Return the folder with the arrays of an archive without a known checksum; None if it does not exist.

    Raises
    ------
    ArchiveError
        If the arrays do not belong to the archive in a named root.
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


def _published(
    stream: BinaryIO, digest: str, archive: Archive, key: str, settings: Settings, progress: Progress
) -> ArrayFolder:
    return publish_archive(stream, replace(archive, digest=digest), key, settings.cache, progress, checked=CHECKED)
