"""Download single members of a remote archive from a server that supports range requests."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from medmnist_np import _files
from medmnist_np._progress import UNPACKING, Progress
from medmnist_np._text import redacted
from medmnist_np._version import __version__
from medmnist_np.cache import http, locks, npz, store
from medmnist_np.cache.download import ResumingDownloader, addresses, part_path, take_over
from medmnist_np.cache.http import Patience, Permanent, Retries, Transient, judge
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.npz import Entry
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, CorruptCacheError, DownloadError
from medmnist_np.registry import Archive

if TYPE_CHECKING:
    import requests

# Bytes to read from the end of the file first. More than enough for the directory of a zip.
_TAIL_BYTES = 64 << 10

# Smallest request in bytes: a local header and its name.
_LEAST_BYTES = 256


class NoRange(Permanent):
    """The server does not support range requests."""


@dataclass
class RemoteFile:
    """The file at one address, with the methods of a binary file.

    Attributes
    ----------
    total_bytes : int
        Size of the file.
    validator : str
        ETag or date. If it changes between two reads, the second one fails.
    """

    session: requests.Session
    address: str = field(repr=False)  # it may hold a password
    patience: Patience
    retries: Retries

    def __post_init__(self) -> None:
        self.total_bytes = 0
        self.validator = ""
        self._position = 0
        self._start, self._bytes = 0, b""
        self._fill(0, 1)
        self._fill(max(0, self.total_bytes - _TAIL_BYTES), self.total_bytes)

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in bytes and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.total_bytes}[whence]
        if base + offset < 0:
            raise ValueError(f"there is no byte {base + offset}")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or fewer at the end of the file."""
        stop = self.total_bytes if size < 0 else min(self._position + size, self.total_bytes)
        if self._position >= stop:
            return b""
        if not self._start <= self._position or stop > self._start + len(self._bytes):
            self._fill(self._position, min(max(stop, self._position + _LEAST_BYTES), self.total_bytes))
        piece = self._bytes[self._position - self._start : stop - self._start]
        self._position = stop
        return piece

    def _fill(self, start: int, stop: int) -> None:
        while True:
            try:
                self._request(start, stop)
                return
            except Transient as error:
                self.retries.after(error, progressed=False)

    def _request(self, start: int, stop: int) -> None:
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if self.validator:
            headers["If-Range"] = self.validator
        with http.answer(self.session, self.address, headers, self.patience) as response:
            verdict = judge(
                response.status_code,
                response.headers,
                have=start,
                expected=self.total_bytes or None,
                validator=self.validator,
            )
            if verdict.action == "retry":
                raise Transient(verdict.reason, wait=verdict.wait, is_busy=verdict.is_busy)
            if response.status_code == 200 and self.total_bytes:
                raise Permanent("the file on the server has changed")
            if response.status_code == 200:
                raise NoRange("it sends the whole file, although a part of it was asked for")
            if verdict.action != "append" or verdict.total is None:
                raise Permanent(verdict.reason or "it does not state the size of the file")
            with http.reading():
                body = response.raw.read(stop - start + 1, decode_content=False)
        if len(body) != stop - start:
            raise Transient(f"{len(body)} bytes came, and {stop - start} were asked for")
        self._start, self._bytes = start, body
        self.total_bytes, self.validator = verdict.total, self.validator or verdict.validator


CHECKED = "crc32"

_log = logging.getLogger(__name__)


def fetch_members(
    archive: Archive,
    members: Sequence[str],
    key: str,
    settings: Settings,
    progress: Progress,
    patience: Patience | None = None,
) -> ArrayFolder | None:
    """Download members of an archive, by name, to the partial folder of its key.

    Returns
    -------
    ArrayFolder or None
        None if no address supports range requests. Then only the whole archive can be downloaded.

    Raises
    ------
    DownloadError, ArchiveError, NoSpaceError, CacheError
        If the download fails. Complete members are kept, and the next call resumes unfinished ones.
    """
    patience, settings = patience or Patience(busy=settings.patience_s), settings.at(key)
    path = settings.cache / store.ARRAYS / store.partial_key(key)
    watched = [(settings.downloads, f"{archive.file_name}*"), (path, "**/*")]
    with (
        locks.held(settings.lock_file(store.partial_key(key)), watched) as locked,
        _files.errors_named(path, f"unpack {archive.file_name}"),
    ):
        folder = _opened(path, archive)
        missing = [name for name in members if name not in folder.manifest.arrays]
        if not missing:
            return folder
        found = _directory(archive, missing, settings, patience)
        if found is None:
            return None
        address, entries = found
        _files.require_space(
            path,
            sum(entry.inflated_bytes + entry.compressed_bytes for entry in entries),
            f"download and unpack {len(entries)} members of {archive.file_name}",
        )
        for entry in entries:
            # The CRC-32 in the name of the part distinguishes different releases of the file.
            name = f"{archive.file_name}.{entry.member.name}-{entry.crc32:08x}"
            part = part_path(settings.downloads, name, shared=locked)
            take_over(name, part)
            bring = ResumingDownloader(
                part,
                window=range(entry.start, entry.start + entry.compressed_bytes),
                title=f"{entry.member.name} of {archive.file_name}",
                progress=progress,
                patience=patience,
            )
            _files.make_folder(settings.downloads)
            with bring.opened(address) as stream:
                folder = _add(folder, archive, entry, stream, progress)
        return folder


def _opened(path: Path, archive: Archive) -> ArrayFolder:
    """Return the existing partial folder, or a new one."""
    fresh = ArrayFolder(path, Manifest(archive.file_name, archive.digest, CHECKED, __version__, {}))
    try:
        # A folder without a manifest may be in use by another process, so it is not changed.
        folder = store.at(path) or fresh
    except CorruptCacheError as error:
        _log.warning("Downloading damaged members again: %s", error)
    else:
        if folder.manifest.digest == archive.digest:
            return folder
    store.remove(path)
    return fresh


def _directory(
    archive: Archive, members: Sequence[str], settings: Settings, patience: Patience
) -> tuple[str, list[Entry]] | None:
    """Read the directory of the remote archive from the first address that supports it."""
    failures = []
    whole_only: list[str] = []
    refused: ArchiveError | None = None
    with http.session() as session:
        candidates = addresses(archive.url, settings.mirrors)
        for address in candidates:
            retries = Retries(http.at_one_of(candidates, address, patience), address=address)
            try:
                remote = RemoteFile(session, address, patience, retries)
                entries = npz.read_directory(cast("BinaryIO", remote), archive, only=members)
            except NoRange as error:
                whole_only.append(f"{redacted(address)}: {error}")
            except Permanent as error:
                failures.append(f"{redacted(address)}: {error}")
            except ArchiveError as error:
                refused = error
                failures.append(f"{redacted(address)}: {error}")
            else:
                return address, entries
    if whole_only:
        _log.warning("Downloading the whole of %s. %s", archive.file_name, "; ".join(whole_only))
        return None
    if refused is not None:
        raise refused
    raise DownloadError(
        f"Could not read the directory of {archive.file_name}. Tried:\n  "
        + "\n  ".join(failures)
        + "\nCheck the network and try again; members that are here already stay."
    )


def _add(folder: ArrayFolder, archive: Archive, entry: Entry, stream: BinaryIO, progress: Progress) -> ArrayFolder:
    """Unpack one downloaded member into the folder and add it to the manifest."""
    name = entry.member.name
    with store.workshop(folder.path / "scratch") as scratch:
        with progress(f"{UNPACKING}{name}", entry.inflated_bytes) as bar:
            stored = npz.unpack_entry(stream, replace(entry, start=0), archive, scratch, bar.update)
        _files.move(scratch / stored.file, folder.path / stored.file)
    manifest = replace(folder.manifest, arrays={**folder.manifest.arrays, name: stored})
    manifest.write(folder.path)
    return ArrayFolder(folder.path, manifest)
