"""A local HTTP server for the files of a folder."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

_logger = logging.getLogger(__name__)


@contextmanager
def serve(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Serve the files directly in a folder over HTTP on the loopback interface, for a ``with`` block.

    The server answers HEAD and GET, including a single byte range (``bytes=a-`` or ``bytes=a-b``, with ``If-Range``),
    so downloads can resume. It writes nothing to standard output or standard error.

    Parameters
    ----------
    folder : path
        An existing folder. Files may be added while it is served.

    Yields
    ------
    str
        The base URL, such as ``"http://127.0.0.1:<port>"``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from urllib.request import urlopen
    >>> from medmnist_np.testing import serve
    >>> with tempfile.TemporaryDirectory() as folder, serve(folder) as base_url:
    ...     _ = Path(folder, "hello.txt").write_text("hello")
    ...     urlopen(f"{base_url}/hello.txt").read()
    b'hello'
    """
    with _FolderServer(Path(folder)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="medmnist-np-serve")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


# Not ThreadingHTTPServer: it looks up the host name, which can take seconds.
class _FolderServer(ThreadingTCPServer):
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(("127.0.0.1", 0), _FileHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Called while the exception is being handled.
        _logger.debug("the request of %s over %s failed", client_address, request, exc_info=True)  # noqa: LOG014


class _FileHandler(BaseHTTPRequestHandler):
    server: _FolderServer
    protocol_version = "HTTP/1.1"
    timeout = 5  # seconds; limits how long a silent client can delay shutdown

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, the name is the base class's
        _logger.debug(format, *args)

    def _answer(self, *, with_body: bool) -> None:
        self.close_connection = True
        name = unquote(urlsplit(self.path).path).removeprefix("/")
        path = self.server.folder / name
        if name != path.name or not path.is_file():
            self._head(HTTPStatus.NOT_FOUND, 0)
            return
        with path.open("rb") as stream:
            state = os.fstat(stream.fileno())
            size = state.st_size
            tag = f'"{size:x}-{state.st_mtime_ns:x}"'
            span = self._range(size, tag) if with_body else None
            if span is None:
                start, stop = 0, size
                self._head(HTTPStatus.OK, size, {"Accept-Ranges": "bytes", "ETag": tag})
            elif span.start >= size:
                self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, {"Content-Range": f"bytes */{size}"})
                return
            else:
                start, stop = span.start, span.stop
                where = f"bytes {start}-{stop - 1}/{size}"
                self._head(HTTPStatus.PARTIAL_CONTENT, stop - start, {"Content-Range": where, "ETag": tag})
            if with_body:
                stream.seek(start)
                while start < stop and (chunk := stream.read(min(1 << 18, stop - start))):
                    self.wfile.write(chunk)
                    start += len(chunk)

    def _range(self, size: int, tag: str) -> range | None:
        """Return the requested range of bytes; ``None`` means the whole file, also for unsupported kinds of ranges."""
        found = re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", self.headers.get("Range", ""))
        if found is None or self.headers.get("If-Range", tag) != tag:
            return None
        start, last = int(found[1]), int(found[2] or size - 1)
        return range(start, min(last + 1, size)) if start <= last or not found[2] else None

    def _head(self, status: HTTPStatus, length: int, fields: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.end_headers()
