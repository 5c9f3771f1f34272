"""From a record to a folder of arrays: lock, find or download, verify, unpack, publish."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medmnist_np import registry
from medmnist_np._version import __version__
from medmnist_np.cache import disk, locks, npz, store
from medmnist_np.cache.digests import digest_of
from medmnist_np.cache.http import Patience
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.progress import Progress, bars
from medmnist_np.cache.settings import CACHE_VARIABLE, OFFLINE_VARIABLE, Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.cache.transport import ResumingDownloader
from medmnist_np.errors import DigestError, NotCachedError, OfflineError, SupersededError
from medmnist_np.registry import Archive, DatasetInfo, Superseded

_log = logging.getLogger(__name__)


def prepare(
    archive: Archive,
    key: str,
    settings: Settings,
    *,
    download: bool = True,
    keep_archive: bool = False,
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
    if (found := store.find(key, settings.searched)) is not None:
        return found
    with locks.held(settings.lock_file(key), _watched(archive, key, settings)) as locked:
        if (found := store.find(key, settings.searched)) is not None:
            return found
        with ExitStack() as stack:
            rejected: list[str] = []
            stream = stack.enter_context(_local_archive(archive, settings, progress, rejected))
            downloaded = None
            if stream is None:
                _require_download_allowed(archive, settings, download, command, rejected)
                # Without the lock another process may be at work on the usual part.
                suffix = ".part" if locked else f".{secrets.token_hex(4)}.part"
                part = settings.downloads / f"{archive.file_name}{suffix}"
                downloaded = _download(archive, settings, part, progress, patience or Patience())
                stream = stack.enter_context(opened(downloaded.path))
                if not os.path.samestat(os.fstat(stream.fileno()), downloaded.checked):
                    check_digest(stream, archive, progress)
            folder = publish_archive(stream, archive, key, settings.cache, progress)
        if downloaded is not None and not keep_archive:
            downloaded.path.unlink(missing_ok=True)
        return folder


def publish_verified(
    stream: BinaryIO, archive: Archive, key: str, settings: Settings, progress: Progress
) -> ArrayFolder:
    """Publish the arrays of an open archive whose digest was found right, unless they are there already."""
    if (found := store.find(key, settings.searched)) is not None:
        return found
    with locks.held(settings.lock_file(key), _watched(archive, key, settings)):
        return store.find(key, settings.searched) or publish_archive(stream, archive, key, settings.cache, progress)


def publish_archive(stream: BinaryIO, archive: Archive, key: str, cache: Path, progress: Progress) -> ArrayFolder:
    """Unpack a verified, open archive and rename its arrays into place."""
    purpose = f"unpack {archive.file_name}"
    with disk.errors_named(cache, purpose):
        disk.require_space(cache, archive.array_bytes, purpose)
        with store.staging(cache, key) as folder:
            with progress(f"unpacking {archive.file_name}", archive.array_bytes) as bar:
                arrays = npz.unpack(stream, archive, folder, bar.update)
            manifest = Manifest(archive.file_name, archive.digest, "digest", __version__, arrays)
            published = store.publish(folder, cache, key, manifest)
        partial = cache / store.ARRAYS / store.partial_key(key)
        if partial.is_dir():
            store.remove(partial)
        return published


def check_digest(stream: BinaryIO, archive: Archive, progress: Progress) -> None:
    """Raise :class:`DigestError` or :class:`SupersededError` unless an open file is the archive of the record."""
    found = digest_of(stream, archive.digest.partition(":")[0], progress, archive.file_name)
    if found == archive.digest:
        return
    path = getattr(stream, "name", archive.file_name)
    for old in archive.superseded:
        if found == old.digest:
            raise _superseded(path, archive, old)
    raise DigestError(
        f"{path} is not {archive.file_name}: its digest should be {archive.digest} and is {found}. It was left alone. "
        "If it should be that file, it is damaged: get it again.",
        expected=archive.digest,
        found=found,
    )


def check_known(path: Path, digest: str) -> tuple[DatasetInfo, int]:
    """Return which data set and size a file is by its digest; raise as :func:`check_digest` if none."""
    known = registry.find_archive(digest)
    if known is None:
        by_name = {archive.file_name: archive for record in registry.datasets() for archive in record.archives.values()}
        namesake = by_name.get(path.name)
        expected = namesake.digest if namesake else "one of the registry"
        raise DigestError(
            f"{path} is no official archive: its digest is {digest}"
            + (f", and that of {path.name} is {expected}. It is damaged or changed: get it again" if namesake else "")
            + ". It was left alone.",
            expected=expected,
            found=digest,
        )
    record, size, old = known
    if old is not None:
        raise _superseded(path, record.archive(size), old)
    return record, size


def _superseded(path: object, archive: Archive, old: Superseded) -> SupersededError:
    counts = ", ".join(f"{split} {count}" for split, count in old.n_samples.items())
    return SupersededError(
        f"{path} is {archive.file_name} of an older release (as of medmnist {old.seen_in_version}"
        f"{'; ' + counts if counts else ''}): its samples are not those of the present one, so results would not "
        "compare. It was left alone; `medmnist-np fetch` gets the present file."
    )


def _watched(archive: Archive, key: str, settings: Settings) -> list[tuple[Path, str]]:
    target = settings.cache / store.ARRAYS / key
    return [(settings.downloads, f"{archive.file_name}*"), (target.parent, f".{target.name}.*/*")]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, with errors that name it."""
    with disk.errors_named(path, f"read {path.name}"), open(path, "rb") as stream:
        yield stream


@contextmanager
def _local_archive(
    archive: Archive, settings: Settings, progress: Progress, rejected: list[str]
) -> Iterator[BinaryIO | None]:
    """Yield a verified copy of the archive that lies on this machine, open; else None, and why others were refused."""
    for folder in (settings.downloads, *settings.archive_folders):
        path = folder / archive.file_name
        if not path.is_file():
            continue
        with opened(path) as stream:
            try:
                check_digest(stream, archive, progress)
            except (DigestError, SupersededError) as error:
                _log.warning("Not using a file that is there: %s", error)
                rejected.append(str(error))
                continue
            _log.info("Using %s.", path)
            yield stream
            return
    yield None


def _require_download_allowed(
    archive: Archive, settings: Settings, download: bool, command: str, rejected: Sequence[str]
) -> None:
    if download and not settings.offline:
        return
    looked = [*(cache / store.ARRAYS for cache in settings.searched), settings.downloads, *settings.archive_folders]
    places = "\n  ".join(str(place) for place in dict.fromkeys(looked))
    message = f"{archive.file_name} is not on this machine. Looked for its arrays or the file in:\n  {places}\n"
    message += "".join(f"{reason}\n" for reason in rejected)
    if settings.offline:
        raise OfflineError(
            f"{message}{OFFLINE_VARIABLE} is set, so nothing was downloaded. Unset it, or bring the file and "
            "`medmnist-np import FILE` it."
        )
    raise NotCachedError(
        f"{message}Get it with `{command}` or download=True, or set {CACHE_VARIABLE} to the cache that has it.",
        errno=errno.ENOENT,
    )


@dataclass(frozen=True, slots=True)
class _Downloaded:
    path: Path
    checked: os.stat_result  # of the very file whose digest was found right


def _download(archive: Archive, settings: Settings, part: Path, progress: Progress, patience: Patience) -> _Downloaded:
    """Download an archive by Pooch, which checks its digest; one clean restart if that is wrong."""
    import pooch

    purpose = f"download and unpack {archive.file_name}"
    disk.make_folder(settings.downloads)
    files = pooch.create(
        path=settings.downloads,
        base_url="",
        registry={archive.file_name: archive.digest},
        urls={archive.file_name: archive.url},
    )
    bring = ResumingDownloader(
        part,
        mirrors=settings.mirrors,
        expected_bytes=archive.bytes,
        make_room=lambda n_bytes: disk.require_space(settings.downloads, n_bytes + archive.array_bytes, purpose),
        progress=progress,
        patience=patience,
    )
    checked: list[os.stat_result] = []

    def bring_once(url: str, output_file: str, files: pooch.Pooch) -> None:
        bring(url, output_file, files)
        checked[:] = [os.stat(output_file)]

    def bring_again(url: str, output_file: str, files: pooch.Pooch) -> None:
        bring_once(url, output_file, files)
        with open(output_file, "rb") as stream:
            found = digest_of(stream, archive.digest.partition(":")[0], progress, archive.file_name)
        if found != archive.digest:
            raise DigestError(
                f"{archive.file_name} was downloaded twice and is not the file of the record: its digest should be "
                f"{archive.digest} and is {found}. Nothing was kept. Something between here and the server changes "
                f"files, or a mirror holds another one: get {archive.url} by another way and `medmnist-np import` it.",
                expected=archive.digest,
                found=found,
            )

    with disk.errors_named(settings.downloads, purpose), _quiet(pooch.get_logger()):
        try:
            path = files.fetch(archive.file_name, downloader=bring_once)
        except ValueError as error:  # Pooch's word for a wrong digest
            _log.warning("%s Downloading it once more.", error)
            path = files.fetch(archive.file_name, downloader=bring_again)
    return _Downloaded(Path(path), checked[0])


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep Pooch from reporting on stderr, in this thread, what our own progress shows."""
    thread = threading.get_ident()

    def from_elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(from_elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(from_elsewhere)
