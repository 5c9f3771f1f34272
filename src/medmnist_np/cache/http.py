"""One HTTP request: user agent, redirects, timeouts, retries, and what a response means for a partial download."""

from __future__ import annotations

import email.utils
import http.client
import logging
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from medmnist_np._text import redacted
from medmnist_np._version import __version__
from medmnist_np.cache.settings import PATIENCE_VARIABLE

# Accept sizes of at most this many digits: int() raises an error for thousands of digits.
_MOST_DIGITS = 18

_log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 24 * 3600  # a server may ask for more than a process can sleep

_WORTH_A_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a response. ``total`` is in bytes and ``wait`` in seconds; None if unknown."""

    action: Literal["append", "restart", "complete", "retry", "give up"]
    reason: str = ""
    total: int | None = None
    validator: str = ""
    wait: float | None = None
    is_busy: bool = False


def judge(
    status: int,
    headers: Mapping[str, str],
    *,
    have: int,
    expected: int | None,
    noted: int | None = None,
    validator: str = "",
    now: float | None = None,
) -> Verdict:
    """Decide what to do with a response, given the part downloaded so far.

    Parameters
    ----------
    status : int
        HTTP status, after redirects.
    headers : mapping
        Headers of the response, case-insensitive.
    have : int
        Bytes in the part. If there are any, ``Range: bytes=<have>-`` was requested.
    expected : int or None
        Size of the whole file in bytes, if the record has it.
    noted : int or None
        Size in bytes that the server gave when the part was started.
    validator : str
        ETag or date from this address when the part was started, if known.
    now : float, optional
        Unix time, for ``Retry-After`` given as a date.
    """
    if status in _WORTH_A_RETRY:
        is_busy = status in (429, 503)
        wait = _retry_after(headers, time.time() if now is None else now) if is_busy else None
        return Verdict("retry", f"HTTP {status}", wait=wait, is_busy=is_busy)
    known = noted if expected is None else expected
    if status == 416:
        _, _, total_text = headers.get("Content-Range", "").rpartition("/")  # "bytes */200"
        if have and have == (_integer(total_text) if known is None else known):
            return Verdict("complete", total=have)
        return Verdict("restart", f"HTTP 416: it has no bytes from {have} on")
    if status not in (200, 206):
        return Verdict("give up", f"HTTP {status}{explained(status)}")
    if reason := _unfit_body(headers):
        return Verdict("give up", reason)
    fresh = _validator(headers)
    if status == 200:
        total = _integer(headers.get("Content-Length"))
        if total is not None and expected is not None and total != expected:
            return Verdict("give up", f"it offers {total} bytes, and the file has {expected}")
        reason = "it sends the file from the start" if have else ""
        return Verdict("restart" if have else "append", reason, total if expected is None else expected, fresh)
    start, total = _content_range(headers)
    if start != have:
        return Verdict("restart", f"bytes from {have} were asked for and it sends from {start}")
    if known is not None and total is not None and total != known:
        return Verdict("restart", f"it says that the file has {total} bytes, and it has {known}")
    if validator and fresh and validator != fresh:
        return Verdict("restart", "the file on the server has changed")
    return Verdict("append", total=total if known is None else known, validator=fresh)


def explained(status: int) -> str:
    """Return the meaning of an HTTP status in brackets, or an empty string."""
    meanings = {401: "it wants a login", 403: "it refuses", 404: "there is no such file", 410: "the file is gone"}
    meanings[407] = "the proxy wants a login: put it into HTTPS_PROXY or HTTP_PROXY"
    return f" ({meanings[status]})" if status in meanings else ""


def _unfit_body(headers: Mapping[str, str]) -> str:
    """Return why the body cannot be used, according to its headers, or an empty string if it can be used."""
    if headers.get("Content-Encoding", "identity") not in ("", "identity"):
        return f"it sends {headers['Content-Encoding']}, although plain bytes were asked for"
    stated = headers.get("Content-Length")
    if stated is not None and _integer(stated) is None:
        return f"it sends {stated[:_MOST_DIGITS]!r} as Content-Length, which is not a size"
    return ""


def _validator(headers: Mapping[str, str]) -> str:
    """Return a value for If-Range: a strong ETag, else the Last-Modified date, else an empty string."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")


def _content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Parse ``"bytes 100-199/200"`` to (100, 200), with None for missing values."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    return (_integer(found[1]), _integer(found[2])) if found else (None, None)


def _integer(text: str | None) -> int | None:
    if text is None or len(text) > _MOST_DIGITS or not (text.isascii() and text.isdecimal()):
        return None
    return int(text)


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait, from a number or a date; None if the headers are missing or invalid.

    ``X-RateLimit-Reset``, which Zenodo sends, is the Unix time when requests are accepted again.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    reset = _integer(headers.get("X-RateLimit-Reset", "").strip())
    try:
        when = email.utils.parsedate_to_datetime(text).timestamp() if text or reset is None else reset
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, when - now)


if TYPE_CHECKING:
    import requests

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10

# Errors that requests and urllib3 do not wrap.
_UNWRAPPED = (http.client.HTTPException, ValueError)


class Transient(Exception):
    """An attempt failed, but a retry may succeed, after ``wait`` seconds if the server is busy and asked for that."""

    def __init__(
        self, reason: str, *, wait: float | None = None, is_busy: bool = False, too_slow: bool = False
    ) -> None:
        super().__init__(redacted(reason))
        self.wait, self.is_busy, self.too_slow = wait, is_busy, too_slow


class Permanent(Exception):
    """An address cannot deliver the file. The next one may."""

    def __init__(self, reason: str) -> None:
        super().__init__(redacted(reason))


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts and retries. Times are in seconds.

    ``tries`` is the maximum number of consecutive attempts without progress. Any progress resets the count, and the
    next attempt follows immediately. An attempt that receives fewer than ``slowest`` bytes/s over ``stall`` seconds is
    stopped and counts as an attempt without progress. The waits between attempts are random. Their limit is
    ``first_wait`` at first and then doubles, up to ``longest_wait``.

    A busy server (HTTP 429 or 503) is different: it answers, and wants requests later. It is waited for as long as it
    asks, otherwise for up to ``first_busy_wait``, which doubles up to ``longest_busy_wait``. ``busy`` limits the sum of
    these waits without progress.
    """

    tries: int = 5
    connect: float = 15.0
    read: float = 30.0
    stall: float = 60.0
    slowest: float = 200.0
    first_wait: float = 1.0
    longest_wait: float = 60.0
    first_busy_wait: float = 20.0
    longest_busy_wait: float = 120.0
    busy: float = 900.0


def at_one_of(addresses: Sequence[str], address: str, patience: Patience) -> Patience:
    """Return the patience for one of several addresses. A busy server is only waited for at the last one."""
    return patience if address == addresses[-1] else replace(patience, busy=0.0)


@dataclass
class Retries:
    """Count the failures at one address and wait between attempts.

    Parameters
    ----------
    patience : Patience
        How often to try and how long to wait.
    sleep, jitter : callable
        ``jitter(longest)`` returns the seconds to wait. Tests replace both.
    address : str
        The URL; its server is named in messages.
    """

    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[float], float] = lambda longest: random.uniform(0.0, longest)  # noqa: S311  (not a secret)
    address: str = ""
    _barren: int = 0
    _busy: list[float] = field(default_factory=list)

    def after(self, error: Transient, *, progressed: bool) -> None:
        """Wait after a failed attempt, or raise :class:`Permanent` after too many."""
        if progressed:
            self._busy.clear()
        if error.is_busy:
            self._wait_for_busy_server(error)
            return
        self._barren = 0 if progressed and not error.too_slow else self._barren + 1
        if self._barren >= self.patience.tries:
            raise Permanent(f"{error} (given up after {self._barren} tries)") from error
        if self._barren:
            longest = self.patience.first_wait * 2 ** (self._barren - 1)
            self.sleep(self.jitter(min(self.patience.longest_wait, longest)))

    def _wait_for_busy_server(self, error: Transient) -> None:
        n_waits, limit = len(self._busy), self.patience.busy
        longest = min(self.patience.longest_busy_wait, self.patience.first_busy_wait * 2.0 ** min(n_waits, 20))
        # A server that asks to come back at once, again and again, is asked more and more slowly.
        wait = longest / 2 + self.jitter(longest / 2) if error.wait is None else max(error.wait, min(n_waits, 30.0))
        left = limit - sum(self._busy)
        if wait > min(left, _LONGEST_WAIT_S):
            asked = "" if error.wait is None else f" and it asks to come back in {error.wait:.0f} s"
            longer = f", or set {PATIENCE_VARIABLE} to more than {limit / 60:.3g} minutes" if limit else ""
            raise Permanent(f"{error}: the server is busy{asked}. Try again later{longer}") from error
        self._busy.append(wait)
        if wait:
            server = urlsplit(self.address).hostname or "The server"
            text = "%s is busy (%s). Waiting %.0f s of at most %.0f s. Ctrl-C keeps what has arrived."
            _log.warning(text, server, error, wait, left)
            self.sleep(wait)


@contextmanager
def session() -> Iterator[requests.Session]:
    """Open a session that sends this package's user agent and requests uncompressed bytes."""
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            # Otherwise requests reads the whole body of a redirect into memory.
            return None

    with Session() as opened:
        # Zenodo throttles the default user agents of libraries, and a compressed response could not be resumed.
        opened.headers["User-Agent"] = f"medmnist-np/{__version__} (requests {requests.__version__})"
        opened.headers["Accept-Encoding"] = "identity"
        yield opened


@contextmanager
def answer(
    opened: requests.Session, address: str, headers: Mapping[str, str], patience: Patience
) -> Iterator[requests.Response]:
    """Request an address and yield the response with the body unread. Refuse redirects to plain http.

    Raises
    ------
    Transient, Permanent
        If there is no response.
    """
    import requests
    import urllib3

    url = address
    for _ in range(_MAX_REDIRECTS):
        try:
            response = opened.get(
                url,
                headers=dict(headers),
                stream=True,
                allow_redirects=False,
                timeout=(patience.connect, patience.read),
            )
        except requests.RequestException as error:
            raise _classified(error) from error
        except OSError as error:  # a missing REQUESTS_CA_BUNDLE
            raise Permanent(str(error)) from error
        except (urllib3.exceptions.HTTPError, *_UNWRAPPED) as error:  # a host name like "lab..example"
            raise Permanent(in_short(error)) from error
        with response:
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                yield response
                return
            url = _redirected(url, response.headers["Location"])
    raise Permanent(f"it redirects more than {_MAX_REDIRECTS} times")


@contextmanager
def reading(where: str = "") -> Iterator[None]:
    """Convert any error of reading a body to :class:`Transient`."""
    import urllib3

    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError, AttributeError, *_UNWRAPPED) as error:
        raise Transient(f"the connection broke{where} ({in_short(error)})") from error


def in_short(error: BaseException) -> str:
    """Return the innermost cause of nested network errors, on one line."""
    *_, innermost = _causes(error)
    return " ".join(str(innermost).split()) or type(innermost).__name__


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError as error:
        raise Permanent(f"it redirects to {location!r}, which is not a URL") from error
    if urlsplit(url).scheme == "https" and scheme != "https":
        raise Permanent(f"it redirects to {target}, which is not encrypted")
    return target


def _classified(error: requests.RequestException) -> Transient | Permanent:
    """Classify a failed request as transient or permanent."""
    import requests

    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return Permanent(
            f"its certificate was refused ({in_short(error)}); if your site has its own authority, set "
            "REQUESTS_CA_BUNDLE to its file"
        )
    if isinstance(error, requests.exceptions.InvalidSchema):  # a file:// address
        return Permanent("there is no such file, or it is another one")
    if isinstance(error, requests.exceptions.ProxyError) and "407" in str(error):
        return Permanent(f"HTTP 407{explained(407)}")
    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        return Transient(f"no answer ({in_short(error)})")
    return Permanent(in_short(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that requests and urllib3 nested in it."""
    found: BaseException | None = error
    while found is not None:
        yield found
        nested = [getattr(found, "reason", None), *found.args]
        found = next((inner for inner in nested if isinstance(inner, BaseException)), None)
