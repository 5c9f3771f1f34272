"""What the answer of a server means for an unfinished download: one pure function, and the headers that it reads."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Of a number of bytes; int() refuses to read thousands.
_MOST_DIGITS = 18

_WORTH_A_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with an answer. ``offset`` and ``total`` are in bytes; a total of None means unknown."""

    action: Literal["append", "restart", "complete", "retry", "give up"]
    reason: str = ""
    total: int | None = None
    validator: str = ""
    wait: float | None = None


def judge(
    status: int,
    headers: Mapping[str, str],
    *,
    have: int,
    expected: int | None,
    noted: int | None = None,
    validator: str = "",
    longest_retry_after: float = 300.0,
    now: float | None = None,
) -> Verdict:
    """Decide what an answer means for a part.

    Parameters
    ----------
    status : int
        HTTP status. Redirects were followed before.
    headers : mapping
        Of the answer, case-insensitive.
    have : int
        Bytes in the part; if there are any, ``Range: bytes=<have>-`` was asked for.
    expected : int or None
        Size of the whole file in bytes, if the record knows it.
    noted : int or None
        Size that the server gave when the part was begun.
    validator : str
        ETag or date that the part was begun with at this address, if known.
    longest_retry_after : float
        Longest time in seconds to wait when the server asks for it.
    now : float, optional
        Unix time, for ``Retry-After`` given as a date.
    """
    if status in _WORTH_A_RETRY:
        reason = f"HTTP {status}"
        wait = _retry_after(headers, now) if status in (429, 503) else None
        if wait is not None and wait > longest_retry_after:
            return Verdict("give up", f"{reason}, and it asks to come back in {wait:.0f} s: try again then")
        return Verdict("retry", reason, wait=wait)
    known = noted if expected is None else expected
    if status == 416:
        if have and have == (_range_total(headers) if known is None else known):
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
        return Verdict("restart", "the file on the server is another one now")
    return Verdict("append", total=total if known is None else known, validator=fresh)


def explained(status: int) -> str:
    """Return what a status means, in brackets, or nothing."""
    meanings = {401: "it wants a login", 403: "it refuses", 404: "there is no such file", 410: "the file is gone"}
    meanings[407] = "the proxy wants a login: put it into HTTPS_PROXY or HTTP_PROXY"
    return f" ({meanings[status]})" if status in meanings else ""


def _unfit_body(headers: Mapping[str, str]) -> str:
    """Return why a body cannot be used whatever is in it; an empty text if nothing is wrong."""
    if headers.get("Content-Encoding", "identity") not in ("", "identity"):
        return f"it sends {headers['Content-Encoding']}, although plain bytes were asked for"
    stated = headers.get("Content-Length")
    if stated is not None and _integer(stated) is None:
        return f"it sends {stated[:_MOST_DIGITS]!r} as Content-Length, which is not a size"
    return ""


def _validator(headers: Mapping[str, str]) -> str:
    """Return what If-Range may carry: a strong ETag, else the date of the last change, else nothing."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")


def _content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """``"bytes 100-199/200"`` -> (100, 200); None for what is missing."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    return (_integer(found[1]), _integer(found[2])) if found else (None, None)


def _range_total(headers: Mapping[str, str]) -> int | None:
    """``"bytes */200"`` -> 200."""
    return _integer(headers.get("Content-Range", "").rpartition("/")[2])


def _integer(text: str | None) -> int | None:
    if text is None or len(text) > _MOST_DIGITS or not (text.isascii() and text.isdecimal()):
        return None
    return int(text)


def _retry_after(headers: Mapping[str, str], now: float | None) -> float | None:
    """Return seconds to wait, from a number or a date; None if it says nothing useful."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, when - (time.time() if now is None else now))
