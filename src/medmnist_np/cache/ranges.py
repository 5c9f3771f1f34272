"""A file on a server, read by HTTP Range: as much of a binary file as reading a zip's directory needs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medmnist_np.cache import http
from medmnist_np.cache.answers import judge
from medmnist_np.cache.http import Patience, Permanent, Retries, Transient

if TYPE_CHECKING:
    import requests

# Read at the end of the file first: the directory of a zip, with much to spare.
_TAIL_BYTES = 64 << 10

# Least bytes that a request asks for: a local header and its name.
_LEAST_BYTES = 256


class NoRange(Permanent):
    """The server sends whole files only."""


@dataclass
class RemoteFile:
    """Bytes of one address, in the manner of a binary file.

    Attributes
    ----------
    total_bytes : int
        Size of the file.
    validator : str
        ETag or date; if it changes between two reads, they fail.
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
        """Return the next bytes, fewer at the end of the file."""
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
                longest_retry_after=self.patience.longest_retry_after,
            )
            if verdict.action == "retry":
                raise Transient(verdict.reason, wait=verdict.wait)
            if response.status_code == 200 and self.total_bytes:
                raise Permanent("the file on the server is another one now")
            if response.status_code == 200:
                raise NoRange("it sends the whole file, although a part of it was asked for")
            if verdict.action != "append" or verdict.total is None:
                raise Permanent(verdict.reason or "it does not say how large the file is")
            with http.reading():
                body = response.raw.read(stop - start + 1, decode_content=False)
        if len(body) != stop - start:
            raise Transient(f"{len(body)} bytes came, and {stop - start} were asked for")
        self._start, self._bytes = start, body
        self.total_bytes, self.validator = verdict.total, self.validator or verdict.validator
