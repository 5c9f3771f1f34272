"""A loopback HTTP server that misbehaves to order.

Each file has a plan of one step per request::

    with FaultServer() as server:
        file = server.file("x.npz", data).plan(Drop(after=1000), Reset(after=2000))
        fetch(file.url)
        assert ["bytes=1000-", "bytes=3000-"] == [request.range for request in file.requests[1:]]
        assert file.body_bytes <= 1.02 * len(data)

When the plan is used up, the file is served properly, or as ``then=`` says: ``file.plan(then=Status(503))`` never
gets well. A fault is a way to `Serve`, so it takes every option of `Serve` as well: ``Drop(after=1000, chunked=True)``.

By hand: ``python -m tests.fault_server FOLDER --fault drop --after 100000``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

LAST_MODIFIED = "Wed, 01 Jan 2025 00:00:00 GMT"
BLOCK = 64 * 1024


class End(Enum):
    """How a connection ends before its time."""

    CLOSE = auto()
    RESET = auto()


@dataclass(frozen=True)
class Pause:
    """Send nothing for that many seconds."""

    seconds: float


Piece = bytes | Pause | End


@dataclass
class Request:
    """A request as it came, and what was sent for it."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    status: int = 0
    body_bytes: int = 0

    @property
    def range(self) -> str | None:
        return self.headers.get("range")

    @property
    def if_range(self) -> str | None:
        return self.headers.get("if-range")


@dataclass(frozen=True)
class Reply:
    """What goes out for one request. The pieces are made when they are sent."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterable[Piece]
    self_delimiting: bool = True
    wait: float = 0.0


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True, kw_only=True)
class Serve:
    """Serve the file as a good server does, but for the options that are set.

    Options that state something false say so in their name, except `headers`, which has the last word.
    """

    data: bytes | None = None  # other content than the file's
    etag: str | None = None  # of the content, when None; `If-Range` is compared with it
    honour_range: bool = True
    honour_if_range: bool = True
    shift_range: int = 0  # starts that many bytes later than asked, and says so in Content-Range
    false_total: int = 0  # added to the total of Content-Range
    false_length: int = 0  # added to Content-Length
    extra: int = 0  # bytes after the end of the file, counted in Content-Length
    chunked: bool = False
    gzip: bool = False
    wait: float = 0.0  # seconds before the headers
    headers: Mapping[str, str | None] = field(default_factory=dict)  # None takes a header away

    def reply(self, request: Request, data: bytes) -> Reply:
        data = data if self.data is None else self.data
        etag = self.etag or etag_of(data)
        headers: dict[str, str | None] = {"ETag": etag, "Last-Modified": LAST_MODIFIED, "Accept-Ranges": "bytes"}
        status, body = 200, data

        current = not self.honour_if_range or request.if_range in {None, etag, LAST_MODIFIED}
        wanted = byte_range(request.range, len(data)) if self.honour_range and current else None
        if wanted is not None:
            start, stop = wanted
            start = max(0, start + self.shift_range)
            body, status = data[start:stop], 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data) + self.false_total}"
            if not body:
                status, headers["Content-Range"] = 416, f"bytes */{len(data) + self.false_total}"
        if self.gzip:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        body += b"\0" * self.extra
        if self.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(body) + self.false_length)

        kept = {name: value for name, value in (headers | dict(self.headers)).items() if value is not None}
        self_delimiting = self.chunked or kept.get("Content-Length") == str(len(body))
        return Reply(status, kept, self.pieces(body), self_delimiting, self.wait)

    def pieces(self, body: bytes) -> Iterator[Piece]:
        yield body


@dataclass(frozen=True, kw_only=True)
class Drop(Serve):
    """Close the connection after so many bytes of the body."""

    after: int

    def pieces(self, body: bytes) -> Iterator[Piece]:
        yield body[: self.after]
        yield End.CLOSE


@dataclass(frozen=True, kw_only=True)
class Reset(Serve):
    """Reset the connection (RST) after so many bytes of the body."""

    after: int

    def pieces(self, body: bytes) -> Iterator[Piece]:
        yield body[: self.after]
        yield Pause(0.05)  # a reset discards what the kernel has not delivered yet
        yield End.RESET


@dataclass(frozen=True, kw_only=True)
class Stall(Serve):
    """Fall silent for `seconds` after so many bytes of the body, then send the rest."""

    after: int
    seconds: float

    def pieces(self, body: bytes) -> Iterator[Piece]:
        yield body[: self.after]
        yield Pause(self.seconds)
        yield body[self.after :]


@dataclass(frozen=True, kw_only=True)
class Drip(Serve):
    """Send the body `size` bytes at a time, with a pause of `seconds` after each."""

    size: int
    seconds: float

    def pieces(self, body: bytes) -> Iterator[Piece]:
        for start in range(0, len(body), self.size):
            yield body[start : start + self.size]
            yield Pause(self.seconds)


@dataclass(frozen=True)
class Status:
    """Answer with a status, headers and an HTML page."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    page: bytes = b"<!doctype html><title>No</title><p>Not this time.</p>"

    def reply(self, _request: Request, _data: bytes) -> Reply:
        length = {"Content-Type": "text/html", "Content-Length": str(len(self.page))}
        return Reply(self.code, length | dict(self.headers), [self.page])


def redirect(location: str, code: int = 302) -> Status:
    """Send the client elsewhere; to the file's own URL, it is a loop."""
    return Status(code, {"Location": location})


Step = Serve | Status


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return (start, stop) of a single byte range, or None where there is none to honour."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size


class ServedFile:
    """One file of a server, its plan and what was asked of it."""

    def __init__(self, url: str, data: bytes) -> None:
        self.url = url
        self.data = data
        self.requests: list[Request] = []
        self.plan()

    def plan(self, *steps: Step, then: Step | None = None) -> Self:
        """Set one step per request to come; after the last, `then` for good (None: serve properly)."""
        self._steps = iter(steps)
        self._then = then or Serve()
        return self

    @property
    def body_bytes(self) -> int:
        """Bytes of bodies put on the wire so far, without headers and chunk marks.

        Exact for what arrived; where the client hung up, at most one block of 64 KiB too many.
        """
        return sum(request.body_bytes for request in self.requests)

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        return next(self._steps, self._then).reply(request, self.data)


class FaultServer:
    """Files on a free port of 127.0.0.1, over TLS if a context is given. A context manager.

    What goes wrong inside the server itself is raised when it is closed. A client that hangs up is no such thing.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, port: int = 0) -> None:
        self.files: dict[str, ServedFile] = {}
        self.requests: list[Request] = []
        self._http = _Server(self, tls, port)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="fault-server")

    def file(self, name: str, data: bytes) -> ServedFile:
        self.files[f"/{name}"] = served = ServedFile(f"{self.url}/{quote(name)}", data)
        return served

    def folder(self, folder: Path) -> list[ServedFile]:
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        return [self.file(path.relative_to(folder).as_posix(), path.read_bytes()) for path in found]

    def reply(self, request: Request) -> Reply:
        with self._http.lock:
            self.requests.append(request)
            served = self.files.get(unquote(urlsplit(request.path).path))
            return served.reply(request) if served else Status(404).reply(request, b"")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        if self._http.failures:
            raise ExceptionGroup("the fault server itself failed", self._http.failures)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every thread

    def __init__(self, owner: FaultServer, tls: ssl.SSLContext | None, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner
        self.tls = tls
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.failures: list[Exception] = []
        self.connections: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:  # the handshake is left to the connection's own thread
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self.lock:
            self.connections.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        with self.lock:
            self.connections.discard(request)
            request.close()

    def hang_up(self) -> None:
        """End every pause and wake every thread that waits for a client."""
        self.stopping.set()
        with self.lock:
            for connection in self.connections:
                try:
                    socket.socket.shutdown(
                        connection, socket.SHUT_RDWR
                    )  # an SSLSocket's own is not safe across threads
                except OSError:
                    continue  # the client was faster

    def handle_error(self, *_: object) -> None:
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers)
        reply = self.server.owner.reply(request)
        self.server.stopping.wait(reply.wait)
        request.status = reply.status
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not reply.self_delimiting:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        chunked = "Transfer-Encoding" in reply.headers
        if all(self._act(piece, request, chunked) for piece in reply.pieces) and chunked:
            self.connection.sendall(b"0\r\n\r\n")

    do_HEAD = do_GET  # noqa: N815  (named by the base class)

    def _act(self, piece: Piece, request: Request, chunked: bool) -> bool:
        """Act out one piece; False when that ended the connection."""
        if isinstance(piece, Pause):
            self.server.stopping.wait(piece.seconds)
        elif isinstance(piece, bytes):
            for start in range(0, len(piece), BLOCK):
                block = piece[start : start + BLOCK]
                request.body_bytes += len(block)  # before it is sent, so that who has read it also finds it counted
                self.connection.sendall(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        else:
            self.close_connection = True
            if piece is End.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.rfile.close()  # it would hold the socket open
                self.connection.close()
            return False
        return True

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def main(arguments: list[str] | None = None) -> None:
    faults: dict[str, Callable[[argparse.Namespace], Step]] = {
        "none": lambda _: Serve(),
        "drop": lambda given: Drop(after=given.after),
        "reset": lambda given: Reset(after=given.after),
        "stall": lambda given: Stall(after=given.after, seconds=given.seconds),
        "drip": lambda given: Drip(size=max(1, given.after), seconds=given.seconds),
        "late": lambda given: Serve(wait=given.seconds),
        "no-range": lambda _: Serve(honour_range=False),
        "gzip": lambda _: Serve(gzip=True),
        "too-long": lambda given: Serve(extra=given.after),
        "cut-chunked": lambda given: Drop(after=given.after, chunked=True),
        "status": lambda given: Status(given.code, {"Retry-After": str(int(given.seconds))}),
    }
    parser = argparse.ArgumentParser(prog="python -m tests.fault_server", description="Serve a folder with a fault.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fault", choices=faults, default="none")
    parser.add_argument("--after", type=int, default=100_000, help="bytes before the fault, or bytes per drip [100000]")
    parser.add_argument("--seconds", type=float, default=60, help="length of a pause, or Retry-After [60]")
    parser.add_argument("--code", type=int, default=503, help="the status of --fault status [503]")
    parser.add_argument("--times", type=int, help="requests per file that meet the fault [all]")
    parser.add_argument("--port", type=int, default=0, help="[a free one]")
    given = parser.parse_args(arguments)
    step = faults[given.fault](given)
    with FaultServer(port=given.port) as server:
        for file in server.folder(given.folder):
            file.plan(then=step) if given.times is None else file.plan(*[step] * given.times)
            sys.stdout.write(f"{file.url}\n")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
