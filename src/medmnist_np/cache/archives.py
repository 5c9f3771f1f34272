"""Whole archives: find a copy on this machine or download one with Pooch, and verify its checksum."""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from medmnist_np import _files, registry
from medmnist_np._progress import CHECKING, Progress
from medmnist_np._text import redacted
from medmnist_np.cache import locks, store
from medmnist_np.cache.download import Part, ResumingDownloader, left_over, part_path, take_over
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import archive_in_root, digest_of_file
from medmnist_np.cache.manifest import digest_of, require_digest, superseded
from medmnist_np.cache.settings import Settings, why_offline
from medmnist_np.errors import DigestError, OfflineError, SupersededError
from medmnist_np.registry import Archive, Record

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """An archive with the right checksum. ``stream`` is the same open file that was hashed."""

    path: Path
    stream: BinaryIO


@contextmanager
def local(
    archive: Archive, paths: Iterable[Path], progress: Progress, rejected: list[str] | None = None
) -> Iterator[Verified | None]:
    """Yield the first of some files that is the archive, open; None if none is.

    The reasons for refusing files are appended to ``rejected`` and logged.
    """
    for path in paths:
        if not os.path.isfile(path):  # Path.is_file() raises where a folder may not be entered
            continue
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(opened(path))
                check_digest(stream, archive, progress)
            except (DigestError, SupersededError, OSError) as error:
                _log.warning("Not using an existing file: %s", error)
                if rejected is not None:
                    rejected.append(str(error))
                continue
            _log.info("Using %s.", path)
            yield Verified(path, stream)
            return
    yield None


@contextmanager
def downloaded(  # noqa: PLR0913 -- what to download, where to, and how
    archive: Archive,
    target: Path,
    settings: Settings,
    *,
    locked: bool,
    keep: bool,
    unpacked_bytes: int,
    progress: Progress,
    patience: Patience | None = None,
    other_addresses: Sequence[str] = (),
) -> Iterator[Verified]:
    """Download an archive, resuming an unfinished download, and yield it verified and open.

    No other process writes to the yielded file. If the block ends without an error, the file is closed, the archive is
    moved to the target or removed, and the part is removed.

    Parameters
    ----------
    archive : Archive
        The archive to download.
    target : Path
        Where it goes if it is kept. The unfinished file is ``<archive>.part`` in the same folder.
    settings : Settings
        The mirrors to try first.
    locked : bool
        Whether this process holds the lock. Otherwise it downloads to a part of its own.
    keep : bool
        Whether to keep the archive, at the target.
    unpacked_bytes : int
        Bytes that will be needed on the same disk afterwards.
    progress : Progress
        Where to report progress.
    patience : Patience, optional
        Timeouts and retries of the download.
    other_addresses : sequence of str
        Further addresses, tried after the official one.

    Raises
    ------
    DownloadError, DigestError, NoSpaceError, CacheError
        The part stays, unless its checksum was wrong twice.
    """
    part = part_path(target.parent, archive.file_name, shared=locked)
    take_over(archive.file_name, part)
    purpose = f"download{' and unpack' if unpacked_bytes else ''} {archive.file_name}"
    bring = ResumingDownloader(
        part,
        mirrors=settings.mirrors,
        others=other_addresses,
        expected_bytes=archive.bytes,
        make_room=lambda n_bytes: _files.require_space(target.parent, n_bytes + unpacked_bytes, purpose),
        progress=progress,
        patience=patience or Patience(),
    )
    with ExitStack() as stack:
        with _files.errors_named(target.parent, purpose):
            path = _fetched(archive, stack.enter_context(store.workshop(target)), bring, progress)
            stream = stack.enter_context(path.open("rb"))
        yield Verified(path, stream)
        stream.close()
        if keep:
            with _files.errors_named(target.parent, f"put {archive.file_name} away"):
                _files.move(path, target)
    # Last: a finished part makes the next run clean up after a killed process.
    with _files.errors_named(target.parent, f"remove the part of {archive.file_name}"):
        Part(bring.part).restart()


def _fetched(archive: Archive, folder: Path, bring: ResumingDownloader, progress: Progress) -> Path:
    """Fetch the archive with Pooch, which checks it, and return the file. Download again once if the checksum is wrong.

    Pooch works on a link to the part, in a folder that only this process uses. The part therefore survives if the
    process is killed. On file systems without links, the part itself moves there, and back once it is verified.
    """
    import pooch

    with _quiet(pooch.get_logger()):
        files = pooch.create(
            path=folder,
            base_url="",
            registry={archive.file_name: archive.digest},
            urls={archive.file_name: archive.url},
        )

        arrived = False

        def bring_and_show(url: str, output_file: str, files: pooch.Pooch) -> None:
            nonlocal arrived
            arrived = False
            bring(url, output_file, files)
            arrived = True
            showing.enter_context(_ticking(progress, f"{CHECKING}{archive.file_name}"))

        for last_try in (False, True):
            try:
                with ExitStack() as showing:
                    path = Path(files.fetch(archive.file_name, downloader=bring_and_show))
                break
            except ValueError as error:  # a wrong checksum, among other things
                part = Part(bring.part)
                source, found = part.origin.url, _digest_if_there(part, archive, progress)
                if not arrived or found == archive.digest:
                    raise
                part.restart()
                if last_try:
                    raise _wrong_twice(archive, found) from error
                _log.warning(
                    "%s sent a file whose digest is %s: downloading it once more.", source or "A server", found
                )
                # Do not ask a mirror with a different file again.
                bring.mirrors = [base for base in bring.mirrors if not source.startswith(redacted(base))]
                bring.others = [address for address in bring.others if redacted(address) != source]
        if not os.path.lexists(bring.part):
            _files.move(path, bring.part)
            return bring.part
        return path


def _digest_if_there(part: Part, archive: Archive, progress: Progress) -> str:
    if not part.bytes:
        return "another one"
    with part.path.open("rb") as stream:
        return digest_of(stream, archive.digest.partition(":")[0], progress, archive.file_name)


def _wrong_twice(archive: Archive, found: str) -> DigestError:
    return DigestError(
        f"{archive.file_name} was downloaded twice and has the wrong checksum: it should be "
        f"{archive.digest} and is {found}. Nothing was kept. Something between here and the server changes files, or a "
        f"mirror holds another one: get {redacted(archive.url)} by another way and `medmnist-np import` it.",
        expected=archive.digest,
        found=found,
    )


@contextmanager
def _ticking(progress: Progress, task: str) -> Iterator[None]:
    """Keep the display alive while Pooch hashes a large file, which reports no progress."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.5):
            with suppress(BaseException):  # a cancelled display; the main thread notices that itself
                bar.update(0)

    with progress(task, None) as bar:
        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def tidy(archive: Archive, folder: Path) -> None:
    """Remove what killed processes left in a folder: unfinished downloads of the archive or of single members."""
    store.collect_abandoned(folder / archive.file_name)
    for _, path in left_over(folder, rf"{re.escape(archive.file_name)}(\.\w+-[0-9a-f]{{8}})?"):
        Part(path).restart()
    Part(part_of(archive, folder)).restart()


def part_of(archive: Archive, folder: Path) -> Path:
    """Return the path of the unfinished download of an archive. It is kept until the arrays are published."""
    return part_path(folder, archive.file_name, shared=True)


def is_finished(archive: Archive, part: Path) -> bool:
    """Return whether a part has as many bytes as its archive. Their values are not checked."""
    try:
        return 0 < Part(part).bytes == (archive.bytes or Part(part).origin.total_bytes)
    except OSError:
        return False


def at_its_address(archive: Archive) -> list[Path]:
    """Return the file of an archive with a ``file://`` address, such as that of a data set built on this machine."""
    address = urlsplit(archive.url)
    return [Path(url2pathname(address.path))] if address.scheme == "file" else []


def place(
    archive: Archive, folder: Path, settings: Settings, progress: Progress, patience: Patience | None = None
) -> Path:
    """Put a verified copy of an archive into a folder, from this machine or the network, and return its path."""
    target = folder / archive.file_name
    _files.make_folder(folder)
    # The lock is in the cache, to keep the folder clean for its users.
    lock = settings.lock_file(f"{folder.resolve()}/{archive.file_name}".lstrip("/"))
    with ExitStack() as stack:
        locked = stack.enter_context(locks.held(lock, [(folder, f"{archive.file_name}*")]))
        named = archive_in_root(archive, settings)
        if named is not None:
            # If this file is wrong, no other is used in its place.
            algorithm = archive.digest.partition(":")[0]
            require_digest(named, digest_of_file(named, algorithm, settings, progress), archive)
        folders = (folder, *settings.archive_folders)
        if settings.root in (None, settings.cache):
            folders = (folder, settings.downloads, *settings.archive_folders)
        candidates = [*(one / archive.file_name for one in folders), *at_its_address(archive)]
        found = stack.enter_context(local(archive, candidates, progress))
        if found is None:
            if settings.offline:
                raise OfflineError(
                    f"{archive.file_name} is not on this machine. {why_offline()}, so nothing was downloaded."
                )
            download = downloaded(
                archive,
                target,
                settings,
                locked=locked,
                keep=True,
                unpacked_bytes=0,
                progress=progress,
                patience=patience,
            )
            stack.enter_context(download)
        elif found.path != target:
            with (
                _files.errors_named(folder, f"copy {archive.file_name}"),
                _files.in_one_step(target) as fresh,
                open(fresh, "xb") as copy,
            ):
                shutil.copyfileobj(found.stream, copy, 1 << 20)
        return target


def check_digest(stream: BinaryIO, archive: Archive, progress: Progress) -> None:
    """Raise :class:`DigestError` or :class:`SupersededError` unless an open file is the archive of the record."""
    found = digest_of(stream, archive.digest.partition(":")[0], progress, archive.file_name)
    require_digest(getattr(stream, "name", archive.file_name), found, archive)


def check_known(path: Path, digest: str) -> tuple[Record, int]:
    """Return the data set and size that a checksum belongs to; if it is unknown, raise as :func:`check_digest` does."""
    known = registry.find_archive(digest)
    if known is None:
        by_name = {archive.file_name: archive for _, _, archive in registry.known_archives()}
        namesake = by_name.get(path.name)
        expected = namesake.digest if namesake else "one of the registry"
        raise DigestError(
            f"{path} is not an official archive: its checksum is {digest}"
            + (
                f", and that of {path.name} is {expected}. It is damaged or changed: download it again"
                if namesake
                else ""
            )
            + ". It was left alone.",
            expected=expected,
            found=digest,
        )
    record, size, old = known
    if old is not None:
        raise superseded(path, record.archives[size], old)
    return record, size


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading. Errors name the file."""
    with _files.errors_named(path, f"read {path.name}"), open(path, "rb", opener=_files.regular_only) as stream:
        yield stream


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Silence Pooch's log in this thread: our own progress display shows the same."""
    thread = threading.get_ident()

    def from_elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(from_elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(from_elsewhere)
