"""A resuming downloader for Pooch, and the partial file that it writes."""

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
from contextlib import contextmanager, suppress
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
from medmnist_np.errors import ArchiveError, DownloadError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a part came from: the url, its validator (a strong ETag, or a date) and the total size.

    The url has no passwords and tokens: see :func:`~medmnist_np._text.redacted`.
    """

    url: str = ""
    validator: str = ""
    total_bytes: int | None = None


class Part:
    """A file that only ever grows, and its note ``<name>.part.json``.

    A part is never truncated: another process may be reading it. A restart unlinks it and makes a new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")

    @property
    def bytes(self) -> int:
        """Bytes that are there. Anything but a plain file in its place is refused."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return 0
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.ELOOP, "a link or folder is where the unfinished download should be", str(self.path))
        return found.st_size

    @property
    def origin(self) -> Origin:
        """What the note says; empty if there is none or it cannot be read (the digest decides in the end)."""
        try:
            table = json.loads(self._note.read_bytes())
            total = table["total_bytes"]
            return Origin(str(table["url"]), str(table["validator"]), int(total) if total is not None else None)
        except (OSError, ValueError, KeyError, TypeError):
            return Origin()

    def note(self, origin: Origin) -> None:
        """Write the note, replacing an older one in one step."""
        _files.remove_abandoned(self._note)
        with (
            suppress(FileNotFoundError),  # another process took it for an abandoned one; the checksum decides anyway
            _files.in_one_step(self._note) as fresh,
            open(fresh, "x", encoding="utf-8", opener=open_without_following) as stream,
        ):
            json.dump(asdict(origin), stream)

    def open(self, position: int) -> BinaryIO:
        """Open for writing from a position on, unbuffered; a link in its place is refused.

        Not for appending: where two processes bring the same bytes at the same time because locks do nothing, each
        puts them where they belong, and the part is right.
        """
        stream = cast("BinaryIO", open(self.path, "r+b", buffering=0, opener=_open_or_make))  # noqa: SIM115
        stream.seek(position)
        return stream

    def restart(self) -> None:
        """Remove the note and then the file, so that no note is left alone."""
        self._note.unlink(missing_ok=True)
        _files.remove_abandoned(self._note)
        self.path.unlink(missing_ok=True)

    def lend_to(self, target: str | os.PathLike[str]) -> None:
        """Make the file appear under another name too; where the file system has no links, it moves there.

        Raises
        ------
        FileNotFoundError
            If another process has taken the part away.
        """
        with suppress(FileNotFoundError):
            os.unlink(target)
        try:
            os.link(self.path, target)
        except FileNotFoundError:
            raise
        except OSError:
            _files.move(self.path, Path(target))


def part_path(folder: Path, name: str, *, shared: bool) -> Path:
    """Return where a download grows: ``<name>.part``, or without the lock a part of this process alone."""
    return folder / (f"{name}.part" if shared else f"{name}.{secrets.token_hex(4)}.part")


def take_over(name: str, part: Path) -> None:
    """Go on from what a process left that worked on ``<name>.part`` without the lock, if that is more than there is."""
    with suppress(OSError):
        for size, path in sorted(left_over(part.parent, re.escape(name)), reverse=True):
            if path == part:
                continue
            if size > Part(part).bytes:
                Part(part).restart()
                _files.move(path, part)
            Part(path).restart()


def left_over(folder: Path, pattern: str) -> list[tuple[int, Path]]:
    """Return size and path of unfinished downloads whose names match, and at which no process works any more."""
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
    """The part does not belong to what the server has now."""


class _Shared(Exception):
    """Another process writes to the part too: locks do nothing here."""


@dataclass
class ResumingDownloader:
    """Downloads to a part file that survives failures, then lends the finished file to Pooch.

    The part stays until the caller, who has seen the digest, removes it. It is a :class:`pooch.typing.Downloader`:
    ``Pooch.fetch(name, downloader=ResumingDownloader(...))``.

    Parameters
    ----------
    part : Path
        The unfinished file. If it is there, it is continued. It becomes another one, of this process alone, if
        another process turns out to write to it.
    mirrors : sequence of str
        Base urls to try before the official address, as ``<base>/<file name>``. All continue the same part.
    others : sequence of str
        Addresses of the same file to try after the official one.
    expected_bytes : int, optional
        Size of the file, where it is known beforehand.
    window : range, optional
        Bring only these bytes of the file, from a server that does Range.
    title : str, optional
        What the progress bar is called, if not by the name of the file.
    make_room : callable
        Called with the number of bytes still to come before any of an answer is written; may raise.
    progress : Progress
        What to show.
    sleep, clock, jitter : callable
        Injected by tests.
    """

    part: Path
    mirrors: Sequence[str] = field(default=(), repr=False)  # they may hold passwords
    others: Sequence[str] = field(default=(), repr=False)
    expected_bytes: int | None = None
    window: range | None = None
    title: str = ""
    make_room: Callable[[int], None] = lambda _: None
    progress: Progress = silent
    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[float], float] = lambda longest: random.uniform(0.0, longest)  # noqa: S311  (not a secret)

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool | None = False) -> bool | None:
        """Bring the file at ``url`` to ``output_file`` (a path).

        Raises
        ------
        DownloadError
            When every address failed. The part stays.
        """
        if check_only:
            return self._is_available([*addresses(url, self.mirrors), *self.others])
        with _files.errors_named(self.part, f"download {_file_name(url)}"):
            part = self.bring(url)
            while not self._lent(part, output_file):
                self._work_alone()
                part = self.bring(url)
        return None

    def _lent(self, part: Part, output_file: str) -> bool:
        """Lend the part, unless another process has taken it away, or begun another one in its place."""
        goal = self._goal(part.origin)
        try:
            part.lend_to(output_file)
        except FileNotFoundError:
            if not os.path.isdir(os.path.dirname(output_file)):
                raise
            return False
        return goal is None or os.path.getsize(output_file) == goal

    @contextmanager
    def opened(self, url: str) -> Iterator[BinaryIO]:
        """Download the file, or the window of it, and yield it open.

        After the block the part is removed. It stays if the block fails, unless that proves that the bytes are wrong.

        Raises
        ------
        DownloadError
            When every address failed. The part stays.
        """
        try:
            with self._opened(url) as stream:
                yield stream
        except ArchiveError as error:
            if not isinstance(error.__cause__, (OSError, MemoryError)):
                Part(self.part).restart()
            raise
        Part(self.part).restart()

    def _opened(self, url: str) -> BinaryIO:
        while True:
            part = self.bring(url)
            with suppress(FileNotFoundError):  # another process has taken it away
                stream = part.path.open("rb")
                if self._goal(part.origin) in (None, os.fstat(stream.fileno()).st_size):
                    return stream
                stream.close()  # another process has begun another one in its place
            self._work_alone()

    def bring(self, url: str) -> Part:
        """Bring the file, or the window of it, into the part and return that.

        Raises
        ------
        DownloadError
            When every address failed. The part stays.
        """
        while True:
            try:
                return self._bring(url, Part(self.part))
            except _Shared:
                self._work_alone()

    def _work_alone(self) -> None:
        """Go on in a part of this process's own, after another process turned out to use the same."""
        self.part = part_path(self.part.parent, self.part.name.removesuffix(".part"), shared=False)
        _log.info("Another process works on the same file: going on in %s.", self.part)

    def _bring(self, url: str, part: Part) -> Part:
        name = redacted(self.title) or _file_name(url)
        failures = []

        def still_to_come() -> int | None:
            goal = self._goal(part.origin)
            return None if goal is None else goal - part.bytes

        with _files.errors_named(self.part, f"download {name}", still_to_come), http.session() as session:
            goal = self._goal(part.origin)
            if goal is not None and part.bytes > goal:
                part.restart()
            with self.progress(name, goal, part.bytes) as bar:
                for address in [*addresses(url, self.mirrors), *self.others]:
                    try:
                        self._download_from(session, address, part, bar)
                        return part
                    except Permanent as error:
                        failures.append(f"{redacted(address)}: {error}")
                        _log.info("%s: %s", redacted(address), error)
        kept = (
            f"{part.bytes} bytes are kept in {part.path}, and the next try goes on from there. " if part.bytes else ""
        )
        raise DownloadError(
            f"Could not download {name}. Tried:\n  "
            + "\n  ".join(failures)
            + f"\n{kept}Check the network (and HTTPS_PROXY, if you need a proxy) and try again, or get the file by "
            "hand and `medmnist-np import` it."
        )

    def _goal(self, origin: Origin) -> int | None:
        """Return the bytes that the finished part has, if that is known."""
        if self.window is not None:
            return len(self.window)
        return origin.total_bytes if self.expected_bytes is None else self.expected_bytes

    def _download_from(self, session: requests.Session, address: str, part: Part, bar: Bar) -> None:
        """Repeat attempts at one address until the part is complete."""
        retries = Retries(self.patience, self.sleep, self.jitter)
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
        # Of a window the caller knows a checksum: that decides, whatever the server says of the file's age.
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
                longest_retry_after=self.patience.longest_retry_after,
            )
            if verdict.action == "retry":
                raise Transient(verdict.reason, wait=verdict.wait)
            if verdict.action == "give up":
                raise Permanent(verdict.reason)
            if self.window is not None and response.status_code == 200:
                raise Permanent("it sends the whole file, although a part of it was asked for")
            if verdict.action == "complete":
                return
            if verdict.action == "restart":
                if response.status_code != 200:
                    raise _Spoiled(verdict.reason)
                # The whole file is on its way already: take it, in a new part.
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
        """Write the body to the part, which has so many bytes, and be sure that it is all of it."""
        with part.open(position) as target:
            for chunk in self._chunks(response, position):
                if os.fstat(target.fileno()).st_size != position:
                    raise _Shared
                if limit is not None and position + len(chunk) > limit:
                    raise Permanent(f"it sends more than the {limit} bytes that there are")
                _write_all(target, chunk)
                position += len(chunk)
                bar.update(len(chunk))
        if limit is None:
            # Neither the record nor the server states a size: the end of a well-formed body is all there is.
            part.note(Origin(redacted(response.url), "", position))
        elif position < limit:
            raise Transient(f"the body ended at byte {position} of {limit}")

    def _chunks(self, response: requests.Response, start: int) -> Iterator[bytes]:
        """Yield the body as it arrives, and give up on a connection that only drips."""
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
    """Return where to ask for a file, in order: each mirror, then the official address."""
    return [*(f"{mirror.rstrip('/')}/{_file_name(url)}" for mirror in mirrors), url]


def _file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _write_all(target: BinaryIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[target.write(view) :]
