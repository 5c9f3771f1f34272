"""A resuming downloader for Pooch.

Pooch names the file, its address and its digest, and calls the downloader; the downloader brings the bytes, over as
many connections as that takes. What an answer of the server means is decided in :mod:`.answers`.
"""

from __future__ import annotations

import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urljoin, urlsplit

from medmnist_np._version import __version__
from medmnist_np.cache import disk
from medmnist_np.cache.answers import explained, judge
from medmnist_np.cache.part import Origin, Part
from medmnist_np.cache.progress import Bar, Progress, silent
from medmnist_np.errors import DownloadError

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 256 << 10

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try. Times in seconds.

    ``tries`` counts attempts in a row that brought nothing; any progress starts the count anew and makes the next
    attempt immediate. An attempt that brings fewer than ``slowest`` bytes/s over ``stall`` seconds is ended and
    counts as nothing. Waits between attempts are random, up to ``first_wait``, twice that, ... ``longest_wait``.
    """

    tries: int = 5
    connect: float = 15.0
    read: float = 30.0
    stall: float = 60.0
    slowest: float = 200.0
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_retry_after: float = 300.0


class _Transient(Exception):
    """An attempt failed; another one may succeed, after ``wait`` seconds if the server asked for them."""

    def __init__(self, reason: str, *, wait: float | None = None, too_slow: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.too_slow = too_slow


class _Permanent(Exception):
    """An address will not deliver; the next one may."""


class _Spoiled(Exception):
    """The part does not belong to what the server has now."""


@dataclass
class ResumingDownloader:
    """Downloads to a part file that survives failures, then hands the finished file to Pooch.

    It is a :class:`pooch.typing.Downloader`: ``Pooch.fetch(name, downloader=ResumingDownloader(...))``.

    Parameters
    ----------
    part : Path
        The unfinished file. If it is there, it is continued.
    mirrors : sequence of str
        Base urls to try before the official address, as ``<base>/<file name>``. All continue the same part.
    expected_bytes : int, optional
        Size of the file, where it is known beforehand.
    make_room : callable
        Called with the number of bytes still to come before any of an answer is written; may raise.
    progress : Progress
        What to show.
    sleep, clock, jitter : callable
        Injected by tests.
    """

    part: Path
    mirrors: Sequence[str] = ()
    expected_bytes: int | None = None
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
        name = urlsplit(url).path.rpartition("/")[2]
        addresses = [*(f"{mirror.rstrip('/')}/{name}" for mirror in self.mirrors), url]
        if check_only:
            return self._is_available(addresses)
        part = Part(self.part)
        with disk.errors_named(self.part, f"download {name}"), self._session() as session:
            self._download(session, addresses, part, name)
            part.move_to(output_file)
        return None

    def _download(self, session: requests.Session, addresses: Sequence[str], part: Part, name: str) -> None:
        total = part.origin.total_bytes if self.expected_bytes is None else self.expected_bytes
        if total is not None and part.bytes > total:
            part.restart()
        failures = []
        with self.progress(name, total, part.bytes) as bar:
            for address in addresses:
                try:
                    self._download_from(session, address, part, bar)
                    return
                except _Permanent as error:
                    failures.append(f"{address}: {error}")
                    _log.warning("%s: %s", address, error)
        raise DownloadError(
            f"Could not download {name}. Tried:\n  "
            + "\n  ".join(failures)
            + f"\n{part.bytes} bytes are kept in {part.path}, and the next try goes on from there. Check the network "
            "(and HTTPS_PROXY, if you need a proxy) and try again, or get the file by hand and `medmnist-np import` it."
        )

    def _download_from(self, session: requests.Session, address: str, part: Part, bar: Bar) -> None:
        """Repeat attempts at one address until the part is complete."""
        barren = restarts = 0
        while True:
            before = part.bytes
            try:
                self._attempt(session, address, part, bar)
                return
            except _Spoiled as error:
                restarts += 1
                if restarts > 1:
                    raise _Permanent(f"{error}, twice") from error
                _log.info("%s: %s; starting again from the first byte.", address, error)
                bar.update(-part.bytes)
                part.restart()
                continue
            except _Transient as error:
                reason, wait = str(error), error.wait
                barren = 0 if part.bytes > before and not error.too_slow else barren + 1
            if barren >= self.patience.tries:
                raise _Permanent(f"{reason} (given up after {barren} tries)")
            if wait is None and barren:
                wait = self.jitter(min(self.patience.longest_wait, self.patience.first_wait * 2 ** (barren - 1)))
            _log.info("%s: %s; %d bytes are there, trying again.", address, reason, part.bytes)
            if wait:
                self.sleep(wait)

    def _attempt(self, session: requests.Session, address: str, part: Part, bar: Bar) -> None:
        have, origin = part.bytes, part.origin
        if have and have == (origin.total_bytes if self.expected_bytes is None else self.expected_bytes):
            return
        headers = {}
        if have:
            headers["Range"] = f"bytes={have}-"
            if origin.validator and origin.url == address:
                headers["If-Range"] = origin.validator
        with self._answer(session, address, headers) as response:
            same_source = origin.url == address
            verdict = judge(
                response.status_code,
                response.headers,
                have=have,
                expected=self.expected_bytes,
                noted=origin.total_bytes,
                validator=origin.validator if same_source else "",
                longest_retry_after=self.patience.longest_retry_after,
            )
            if verdict.action == "give up":
                raise _Permanent(verdict.reason)
            if verdict.action == "retry":
                raise _Transient(verdict.reason, wait=verdict.wait)
            if verdict.action == "complete":
                return
            if verdict.action == "restart":
                if response.status_code != 200:
                    raise _Spoiled(verdict.reason)
                # The whole file is on its way already: take it, in a new part.
                bar.update(-have)
                part.restart()
                have = 0
            if verdict.total is not None:
                self.make_room(verdict.total - have)
            if not same_source or have == 0:
                part.note(Origin(address, verdict.validator, verdict.total))
            self._receive(response, part, verdict.total, bar)

    def _receive(self, response: requests.Response, part: Part, total: int | None, bar: Bar) -> None:
        """Append the body to the part, and be sure that it is all of it."""
        import urllib3

        limit = self.expected_bytes if total is None else total
        position = part.bytes
        with part.open() as target:
            try:
                for chunk in self._chunks(response):
                    if limit is not None and position + len(chunk) > limit:
                        raise _Permanent(f"it sends more than the {limit} bytes that the file has")
                    _write_all(target, chunk)
                    position += len(chunk)
                    bar.update(len(chunk))
            except urllib3.exceptions.HTTPError as error:
                raise _Transient(f"the connection broke at byte {position} ({_short(error)})") from error
        if limit is None:
            # Neither the record nor the server states a size: the end of a well-formed body is all there is.
            part.note(Origin(response.url, "", position))
        elif position < limit:
            raise _Transient(f"the body ended at byte {position} of {limit}")

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body as it arrives, and give up on a connection that only drips."""
        since, arrived = self.clock(), 0
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
            yield chunk
            arrived += len(chunk)
            elapsed = self.clock() - since
            if elapsed >= self.patience.stall:
                if arrived < self.patience.slowest * elapsed:
                    raise _Transient(f"only {arrived} bytes came in {elapsed:.0f} s", too_slow=True)
                since, arrived = self.clock(), 0

    @contextmanager
    def _answer(
        self, session: requests.Session, address: str, headers: Mapping[str, str]
    ) -> Iterator[requests.Response]:
        """Request an address, following redirects but never from https to http."""
        import requests

        url = address
        for _ in range(_MAX_REDIRECTS):
            try:
                response = session.get(
                    url,
                    headers=dict(headers),
                    stream=True,
                    allow_redirects=False,
                    timeout=(self.patience.connect, self.patience.read),
                )
            except requests.RequestException as error:
                raise _classified(error) from error
            except OSError as error:  # a REQUESTS_CA_BUNDLE that is not there
                raise _Permanent(str(error)) from error
            with response:
                if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                    yield response
                    return
                location = response.headers["Location"]
            try:
                target = urljoin(url, location)
                scheme = urlsplit(target).scheme
            except ValueError as error:
                raise _Permanent(f"it redirects to {location!r}, which is no address") from error
            if urlsplit(url).scheme == "https" and scheme != "https":
                raise _Permanent(f"it redirects to {target}, which is not encrypted")
            url = target
        raise _Permanent(f"it redirects more than {_MAX_REDIRECTS} times")

    def _is_available(self, addresses: Sequence[str]) -> bool:
        with self._session() as session:
            for address in addresses:
                try:
                    with self._answer(session, address, {"Range": "bytes=0-0"}) as response:
                        if response.status_code in (200, 206):
                            return True
                except (_Permanent, _Transient) as error:
                    _log.info("%s: %s", address, error)
        return False

    def _session(self) -> requests.Session:
        import requests

        class Session(requests.Session):
            def get_redirect_target(self, resp: requests.Response) -> None:
                # Else the whole body of a redirect is read into memory, to work out what we do not ask for.
                return None

        session = Session()
        # Zenodo slows the default agents of libraries down; and a body that was gzipped on the way could not resume.
        session.headers["User-Agent"] = f"medmnist-np/{__version__} (requests {requests.__version__})"
        session.headers["Accept-Encoding"] = "identity"
        return session


def _classified(error: requests.RequestException) -> _Transient | _Permanent:
    """Tell a failure to get any answer that may pass from one that will not."""
    import requests

    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return _Permanent(
            f"its certificate was refused ({_short(error)}); if your site has its own authority, set "
            "REQUESTS_CA_BUNDLE to its file"
        )
    if isinstance(error, requests.exceptions.ProxyError) and "407" in str(error):
        return _Permanent(f"HTTP 407{explained(407)}")
    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        return _Transient(f"no answer ({_short(error)})")
    return _Permanent(_short(error))


def _write_all(target: BinaryIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[target.write(view) :]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those nested in it, as requests and urllib3 nest them."""
    found: BaseException | None = error
    while found is not None:
        yield found
        nested = [getattr(found, "reason", None), *found.args]
        found = next((inner for inner in nested if isinstance(inner, BaseException)), None)


def _short(error: BaseException) -> str:
    """Return the innermost cause of a nest of network errors, in one line."""
    *_, innermost = _causes(error)
    return " ".join(str(innermost).split()) or type(innermost).__name__
