"""A downloader for Pooch that resumes, and the partial file that it writes."""

from __future__ import annotations

import errno
import json
import logging
import os
import random
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

from medmnist_np import _files
from medmnist_np._files import open_without_following
from medmnist_np._progress import Bar, Progress, silent
from medmnist_np._text import redacted
from medmnist_np.cache import http, locks
from medmnist_np.cache.http import Patience, Permanent, Retries, Transient, judge
from medmnist_np.cache.manifest import RunningHash
from medmnist_np.errors import ArchiveError, DigestError, DownloadError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a part came from: the url, its validator (a strong ETag, or a date) and the total size.

    Passwords and tokens are removed from the url. See :func:`~medmnist_np._text.redacted`.
    """

    url: str = ""
    validator: str = ""
    total_bytes: int | None = None


class Part:
    """An unfinished download, and its note ``<name>.part.json``.

    The file only grows. It is never truncated, because another process may be reading it. A restart removes the file
    and creates a new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")

    @property
    def bytes(self) -> int:
        """Size of the file in bytes; 0 if it does not exist. Raises :class:`OSError` if it is not a regular file."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return 0
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.ELOOP, "a link or folder is where the unfinished download should be", str(self.path))
        return found.st_size

    @property
    def origin(self) -> Origin:
        """Content of the note; empty if it is missing or unreadable. The checksum is verified anyway."""
        try:
            table = json.loads(self._note.read_bytes())
            total = table["total_bytes"]
            return Origin(str(table["url"]), str(table["validator"]), int(total) if total is not None else None)
        except (OSError, ValueError, KeyError, TypeError):
            return Origin()

    def note(self, origin: Origin) -> None:
        """Write the note. Replace an older one atomically."""
        _files.remove_abandoned(self._note)
        with (
            suppress(FileNotFoundError),  # another process removed it as abandoned; the checksum is verified anyway
            _files.in_one_step(self._note) as fresh,
            open(fresh, "x", encoding="utf-8", newline="\n", opener=open_without_following) as stream,
        ):
            json.dump(asdict(origin), stream)

    def open(self, position: int) -> BinaryIO:
        """Open the file for unbuffered writing at a position. Refuse a link in its place.

        The file is not opened for appending. Without working locks, two processes may download the same bytes at the
        same time. Each process writes its bytes to the right position, so the part stays correct.
        """
        stream = cast("BinaryIO", open(self.path, "r+b", buffering=0, opener=_open_or_make))  # noqa: SIM115
        stream.seek(position)
        return stream

    def restart(self) -> None:
        """Remove the note and then the file, so that a note never remains without its file."""
        self._remove_note()
        self.path.unlink(missing_ok=True)

    def move_to(self, target: Path) -> None:
        """Remove the note and move the file."""
        self._remove_note()
        _files.move(self.path, target)

    def _remove_note(self) -> None:
        self._note.unlink(missing_ok=True)
        _files.remove_abandoned(self._note)


def part_path(folder: Path, name: str, *, shared: bool) -> Path:
    """Return the path of an unfinished download: ``<name>.part`` if `shared`, else a name only this process uses."""
    return folder / (f"{name}.part" if shared else f"{name}.{secrets.token_hex(4)}.part")


def take_over(name: str, part: Path) -> None:
    """Use the part of an earlier process that had no lock, if it is larger than ``<name>.part``."""
    with suppress(OSError):
        for size, path in sorted(left_over(part.parent, re.escape(name)), reverse=True):
            if path == part:
                continue
            if size > Part(part).bytes:
                Part(part).restart()
                _files.move(path, part)
            Part(path).restart()


def left_over(folder: Path, pattern: str) -> list[tuple[int, Path]]:
    """Return the size and path of each matching unfinished download that no process uses any more."""
    own = re.compile(rf"{pattern}(\.[0-9a-f]{{8}})*\.part")
    left = []
    with suppress(OSError):
        for path in folder.iterdir():
            state = path.lstat()
            idle = time.time() - state.st_mtime > locks.PATIENCE_S
            if own.fullmatch(path.name) and idle and stat.S_ISREG(state.st_mode):
                left.append((state.st_size, path))
    return left


def _open_or_make(path: str, flags: int) -> int:
    return open_without_following(path, flags | os.O_CREAT)


if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 256 << 10

_log = logging.getLogger(__name__)


class _Spoiled(Exception):
    """The part does not belong to the file that the server has now."""


class _Shared(Exception):
    """Another process also writes to the part: locks do not work here."""


@dataclass
class ResumingDownloader:
    """Download to a part file that survives failures, and hash the bytes as they arrive.

    It can be the ``downloader`` of any :class:`pooch.Pooch`: ``fetch(name, downloader=ResumingDownloader(...))``.

    Parameters
    ----------
    part : Path
        The unfinished file. If it exists, the download resumes. If another process also writes to this file, the
        attribute changes to a file that only this process uses.
    mirrors : sequence of str
        Base URLs to try before the official address. The file is requested as ``<base>/<file name>``. All of them
        continue the same part.
    others : sequence of str
        Addresses of the same file to try after the official one.
    expected_bytes : int, optional
        Size of the file in bytes, if it is known in advance.
    checksum : str
        Expected checksum, such as ``"md5:<hex>"``. ``"sha256:"`` accepts any SHA-256. An empty string disables
        checksums.
    window : range, optional
        Download only these bytes of the file. The server must support range requests.
    title : str, optional
        Title of the progress bar (default: the name of the file).
    make_room : callable
        Called with the number of remaining bytes before a response is written. It may raise an error.
    progress : Progress
        Where to report progress.
    sleep, clock, jitter : callable
        Tests replace these.

    Attributes
    ----------
    found : str
        Checksum of the last file that was downloaded.
    """

    part: Path
    mirrors: Sequence[str] = field(default=(), repr=False)  # they may hold passwords
    others: Sequence[str] = field(default=(), repr=False)
    expected_bytes: int | None = None
    checksum: str = ""
    window: range | None = None
    title: str = ""
    make_room: Callable[[int], None] = lambda _: None
    progress: Progress = silent
    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[float], float] = lambda longest: random.uniform(0.0, longest)  # noqa: S311  (not a secret)
    found: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Prepare the hash of the part."""
        self._hash = RunningHash(self.checksum.partition(":")[0]) if self.checksum else None
        self._has_discarded = False

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool | None = False) -> bool | None:
        """Download the file at ``url`` to ``output_file`` (a path), as Pooch calls it.

        Raises
        ------
        DownloadError, DigestError
            See :meth:`opened`.
        """
        if check_only:
            return self._is_available([*addresses(url, self.mirrors), *self.others])
        with self.opened(url, Path(output_file)):
            return None

    @contextmanager
    def opened(self, url: str, target: Path | None = None) -> Iterator[BinaryIO]:
        """Download the file, or its window, verify it, and yield it open.

        After the block, the part is moved to the target, or removed if there is none. If the block fails, the part is
        kept, unless the error shows that the bytes are wrong.

        Raises
        ------
        DownloadError
            If every address failed. The part is kept.
        DigestError
            If the checksum was wrong twice. Nothing is kept.
        """
        try:
            with self._verified(url) as stream:
                yield stream
                is_there = self._is_there(stream)
                if target is not None and not is_there:
                    with _files.errors_named(target.parent, f"write {target.name}"):
                        stream.seek(0)
                        _files.copy(stream, target)
        except ArchiveError as error:
            is_verified = self.checksum.partition(":")[2]
            if not is_verified and not isinstance(error.__cause__, (OSError, MemoryError)):
                Part(self.part).restart()
            raise
        if not is_there:
            return
        if target is not None:
            with _files.errors_named(self.part.parent, f"move {target.name} into place"):
                Part(self.part).move_to(target)
        else:
            # Remove the part last: the next run cleans up after a killed process if it finds the part.
            with _files.errors_named(self.part.parent, f"remove the part of {_file_name(url)}"):
                Part(self.part).restart()

    def _is_there(self, stream: BinaryIO) -> bool:
        """Return whether an open part still has its name. Without working locks, others may move or remove it."""
        if os.name != "posix":  # such systems do not move or remove open files
            return True
        try:
            return os.path.samestat(os.fstat(stream.fileno()), os.lstat(self.part))
        except FileNotFoundError:
            return False

    def _verified(self, url: str) -> BinaryIO:
        """Download the file and return it open. Download it again once if its checksum is wrong."""
        while True:
            part = self.bring(url)
            if (stream := self._open(part)) is None:
                self._work_alone()
                continue
            with ExitStack() as stack:
                stack.enter_context(stream)
                if self._hash is not None:
                    with _files.errors_named(part.path, f"read {self._name(url)}"):
                        self._hash.read(stream, self.progress, self._name(url))
                    self.found = self._hash.checksum
                if self.found.startswith(self.checksum):
                    stack.pop_all()
                    return stream
            self._discard(part, url)

    def _open(self, part: Part) -> BinaryIO | None:
        """Open a finished part. Return None if another process has removed it, or started a new one in its place."""
        with suppress(FileNotFoundError):
            stream = part.path.open("rb")
            if self._goal(part.origin) in (None, os.fstat(stream.fileno()).st_size):
                return stream
            stream.close()
        return None

    def _discard(self, part: Part, url: str) -> None:
        """Remove a part with a wrong checksum. Raise an error the second time."""
        source = part.origin.url
        part.restart()
        if self._has_discarded:
            raise DigestError(
                f"{_file_name(url)} was downloaded twice and has the wrong checksum: it should be {self.checksum} and "
                f"is {self.found}. Nothing was kept. A proxy may change files, or a mirror may have a different file. "
                f"Download {redacted(url)} in another way and run `medmnist-np import` on it.",
                expected=self.checksum,
                found=self.found,
            )
        self._has_discarded = True
        _log.warning("%s sent a file with checksum %s. Downloading it again.", source or "A server", self.found)
        # Do not ask a mirror with a different file again.
        self.mirrors = [base for base in self.mirrors if not source.startswith(redacted(base))]
        self.others = [address for address in self.others if redacted(address) != source]

    def bring(self, url: str) -> Part:
        """Download the file, or its window, to the part. Return the part.

        Raises
        ------
        DownloadError
            If every address failed. The part is kept.
        """
        while True:
            try:
                return self._bring(url, Part(self.part))
            except _Shared:
                self._work_alone()

    def _work_alone(self) -> None:
        """Switch to a part that only this process uses, because another process writes to the current one."""
        self.part = part_path(self.part.parent, self.part.name.removesuffix(".part"), shared=False)
        _log.info("Another process downloads the same file: using %s.", self.part)

    def _bring(self, url: str, part: Part) -> Part:
        name = self._name(url)
        failures = []

        def still_to_come() -> int | None:
            goal = self._goal(part.origin)
            return None if goal is None else goal - part.bytes

        with _files.errors_named(self.part, f"download {name}", still_to_come), http.session() as session:
            goal = self._goal(part.origin)
            if goal is not None and part.bytes > goal:
                part.restart()
            if self._hash is not None and part.bytes:
                with suppress(FileNotFoundError), open(part.path, "rb", opener=open_without_following) as stream:
                    self._hash.read(stream, self.progress, name)
            with self.progress(name, goal, part.bytes) as bar:
                candidates = [*addresses(url, self.mirrors), *self.others]
                for address in candidates:
                    patience = http.at_one_of(candidates, address, self.patience)
                    retries = Retries(patience, self.sleep, self.jitter, address)
                    try:
                        self._download_from(session, address, part, bar, retries)
                        return part
                    except Permanent as error:
                        failures.append(f"{redacted(address)}: {error}")
                        _log.info("%s: %s", redacted(address), error)
        kept = f"{part.bytes} bytes are kept in {part.path}, and the next try resumes there. " if part.bytes else ""
        raise DownloadError(
            f"Could not download {name}. Tried:\n  "
            + "\n  ".join(failures)
            + f"\n{kept}Check the network (and HTTPS_PROXY, if you need a proxy) and try again, or get the file by "
            "hand and `medmnist-np import` it."
        )

    def _name(self, url: str) -> str:
        return redacted(self.title) or _file_name(url)

    def _goal(self, origin: Origin) -> int | None:
        """Return the size of the finished part in bytes, if it is known."""
        if self.window is not None:
            return len(self.window)
        return origin.total_bytes if self.expected_bytes is None else self.expected_bytes

    def _download_from(self, session: requests.Session, address: str, part: Part, bar: Bar, retries: Retries) -> None:
        """Repeat attempts at one address until the part is complete."""
        restarted = False
        while True:
            before = part.bytes
            try:
                self._attempt(session, address, part, bar)
                return
            except _Spoiled as error:
                if restarted:
                    raise Permanent(f"{error}, twice") from error
                _log.info("%s: %s; starting again from the first byte.", redacted(address), error)
                restarted = True
                bar.update(-part.bytes)
                part.restart()
            except Transient as error:
                _log.info("%s: %s; %d bytes are there.", redacted(address), error, part.bytes)
                retries.after(error, progressed=part.bytes > before)

    def _attempt(self, session: requests.Session, address: str, part: Part, bar: Bar) -> None:
        have, origin = part.bytes, part.origin
        if have and have == self._goal(origin):
            return
        # The caller verifies the checksum of a window, so it does not matter if the server's validator has changed.
        validator = origin.validator if origin.url == redacted(address) and self.window is None else ""
        headers = self._asked_for(have)
        if have and validator:
            headers["If-Range"] = validator
        with http.answer(session, address, headers, self.patience) as response:
            verdict = judge(
                response.status_code,
                response.headers,
                have=have + (self.window.start if self.window else 0),
                expected=self.expected_bytes,
                noted=origin.total_bytes,
                validator=validator,
            )
            if verdict.action == "retry":
                raise Transient(verdict.reason, wait=verdict.wait, is_busy=verdict.is_busy)
            if verdict.action == "give up":
                raise Permanent(verdict.reason)
            if self.window is not None and response.status_code == 200:
                raise Permanent("it sends the whole file, although a part of it was asked for")
            if verdict.action == "complete":
                return
            if verdict.action == "restart":
                if response.status_code != 200:
                    raise _Spoiled(verdict.reason)
                # The server is already sending the whole file: write it to a new part.
                bar.update(-have)
                part.restart()
                have = 0
            limit = len(self.window) if self.window is not None else verdict.total
            bar.total = limit
            if limit is not None:
                self.make_room(limit - have)
            if origin.url != redacted(address) or have == 0:
                part.note(Origin(redacted(address), verdict.validator, verdict.total))
            self._receive(response, part, have, limit, bar)

    def _asked_for(self, have: int) -> dict[str, str]:
        if self.window is not None:
            return {"Range": f"bytes={self.window.start + have}-{self.window.stop - 1}"}
        return {"Range": f"bytes={have}-"} if have else {}

    def _receive(self, response: requests.Response, part: Part, position: int, limit: int | None, bar: Bar) -> None:
        """Write the body to the part, which already has `position` bytes, and check that the body is complete."""
        with part.open(position) as target:
            for chunk in self._chunks(response, position):
                state = os.fstat(target.fileno())
                if state.st_size != position:
                    raise _Shared
                if limit is not None and position + len(chunk) > limit:
                    raise Permanent(f"it sends more than the {limit} bytes that there are")
                _write_all(target, chunk)
                if self._hash is not None:
                    self._hash.update(state.st_ino, position, chunk)
                position += len(chunk)
                bar.update(len(chunk))
        if limit is None:
            # Neither the record nor the server gives a size, so the end of a well-formed body is the end of the file.
            part.note(Origin(redacted(response.url), "", position))
        elif position < limit:
            raise Transient(f"the body ended at byte {position} of {limit}")

    def _chunks(self, response: requests.Response, start: int) -> Iterator[bytes]:
        """Yield the body as it arrives. Give up on a connection that is too slow."""
        position, since, arrived = start, self.clock(), 0
        while True:
            with http.reading(f" at byte {position}"):
                chunk = response.raw.read1(CHUNK_BYTES, decode_content=False)
            if not chunk:
                return
            yield chunk
            position += len(chunk)
            arrived += len(chunk)
            elapsed = self.clock() - since
            if elapsed >= self.patience.stall:
                if arrived < self.patience.slowest * elapsed:
                    raise Transient(f"only {arrived} bytes came in {elapsed:.0f} s", too_slow=True)
                since, arrived = self.clock(), 0

    def _is_available(self, candidates: Sequence[str]) -> bool:
        with http.session() as session:
            for address in candidates:
                try:
                    with http.answer(session, address, {"Range": "bytes=0-0"}, self.patience) as response:
                        if response.status_code in (200, 206):
                            return True
                except (Permanent, Transient) as error:
                    _log.info("%s: %s", redacted(address), error)
        return False


def addresses(url: str, mirrors: Sequence[str]) -> list[str]:
    """Return the addresses of a file in the order to try them: each mirror, then the official address."""
    return [*(f"{mirror.rstrip('/')}/{_file_name(url)}" for mirror in mirrors), url]


def _file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _write_all(target: BinaryIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[target.write(view) :]
