"""The fault server does what its steps say, seen through plain sockets and `http.client`."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import trustme

from tests.fault_server import (
    LAST_MODIFIED,
    Drip,
    Drop,
    FaultServer,
    Reset,
    Serve,
    ServedFile,
    Stall,
    Status,
    Step,
    etag_of,
    main,
    redirect,
)

DATA = bytes(range(256)) * 1000


@pytest.fixture
def file() -> Iterator[ServedFile]:
    with FaultServer() as server:
        yield server.file("x.npz", DATA)


def connect(file: ServedFile) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(file.url).netloc, timeout=10)


def get(file: ServedFile, *, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the response and its body; header names are written with `_` for `-`."""
    connection = connect(file)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, urlsplit(file.url).path, headers=named)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def raw(file: ServedFile) -> bytes:
    """Return every byte up to the end of the connection."""
    address = urlsplit(file.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"GET {address.path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_a_file_is_served_whole_with_its_validators(file: ServedFile) -> None:
    response, body = get(file)
    assert response.status == 200
    assert body == DATA
    expected = {"ETag": etag_of(DATA), "Last-Modified": LAST_MODIFIED, "Accept-Ranges": "bytes"}
    assert expected == {name: response.headers[name] for name in expected}
    assert str(len(DATA)) == response.headers["Content-Length"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=100-", 100, len(DATA)), ("bytes=10-19", 10, 20), ("bytes=-7", len(DATA) - 7, len(DATA))],
)
def test_a_range_is_honoured(file: ServedFile, asked: str, start: int, stop: int) -> None:
    response, body = get(file, Range=asked)
    assert response.status == 206
    assert DATA[start:stop] == body
    assert f"bytes {start}-{stop - 1}/{len(DATA)}" == response.headers["Content-Range"]


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6"])
def test_a_range_that_makes_no_sense_gets_the_whole_file(file: ServedFile, asked: str) -> None:
    response, body = get(file, Range=asked)
    assert response.status == 200
    assert body == DATA


def test_a_range_from_the_end_on_is_not_satisfiable(file: ServedFile) -> None:
    response, body = get(file, Range=f"bytes={len(DATA)}-")
    assert response.status == 416
    assert body == b""
    assert f"bytes */{len(DATA)}" == response.headers["Content-Range"]


@pytest.mark.parametrize("validator", [etag_of(DATA), LAST_MODIFIED])
def test_if_range_with_the_right_validator_gets_the_range(file: ServedFile, validator: str) -> None:
    assert get(file, Range="bytes=5-", If_Range=validator)[0].status == 206


def test_if_range_with_another_validator_gets_the_whole_file(file: ServedFile) -> None:
    response, body = get(file, Range="bytes=5-", If_Range='"other"')
    assert response.status == 200
    assert body == DATA


def test_if_range_can_be_ignored(file: ServedFile) -> None:
    file.plan(then=Serve(honour_if_range=False, etag='"new"'))
    response, _ = get(file, Range="bytes=5-", If_Range='"old"')
    assert response.status == 206
    assert response.headers["ETag"] == '"new"'


def test_head_has_the_headers_and_no_body(file: ServedFile) -> None:
    response, body = get(file, method="HEAD")
    assert response.status == 200
    assert body == b""
    assert str(len(DATA)) == response.headers["Content-Length"]
    assert file.body_bytes == 0


def test_one_connection_carries_many_requests(file: ServedFile) -> None:
    connection = connect(file)
    for _ in range(3):
        connection.request("GET", "/x.npz")
        assert connection.getresponse().read() == DATA
    connection.close()


def test_a_drop_ends_the_body_early(file: ServedFile) -> None:
    file.plan(Drop(after=1000))
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(file)
    assert DATA[:1000] == caught.value.partial
    assert file.body_bytes == 1000


def test_a_drop_counts_from_the_start_of_its_own_body(file: ServedFile) -> None:
    file.plan(Drop(after=1000))
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(file, Range="bytes=500-")
    assert DATA[500:1500] == caught.value.partial


def test_a_reset_gives_the_bytes_and_then_an_error(file: ServedFile) -> None:
    file.plan(Reset(after=1000))
    connection = connect(file)
    connection.request("GET", "/x.npz")
    response = connection.getresponse()
    assert DATA[:1000] == response.read(1000)
    with pytest.raises(ConnectionResetError):
        response.read(1)
    response.close()
    connection.close()


def test_a_stall_falls_silent_and_goes_on(file: ServedFile) -> None:
    file.plan(Stall(after=1000, seconds=0.2))
    start = time.monotonic()
    assert get(file)[1] == DATA
    assert time.monotonic() - start >= 0.2


def test_a_stall_is_longer_than_a_short_time_out(file: ServedFile) -> None:
    file.plan(Stall(after=1000, seconds=60))
    connection = connect(file)
    connection.timeout = 0.1
    connection.request("GET", "/x.npz")
    response = connection.getresponse()
    assert DATA[:1000] == response.read(1000)
    with pytest.raises(TimeoutError):
        response.read(1)
    response.close()
    connection.close()


def test_a_wait_comes_before_the_headers(file: ServedFile) -> None:
    file.plan(Serve(wait=60))
    connection = connect(file)
    connection.timeout = 0.1
    connection.request("GET", "/x.npz")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


def test_a_drip_sends_everything_slowly(file: ServedFile) -> None:
    file.plan(Drip(size=len(DATA) // 4, seconds=0.05))
    start = time.monotonic()
    assert get(file)[1] == DATA
    assert time.monotonic() - start >= 0.15


@pytest.mark.parametrize("lie", [-100, 100])
def test_a_false_length_is_stated_and_the_whole_body_sent(file: ServedFile, lie: int) -> None:
    file.plan(Serve(false_length=lie))
    answer = raw(file)
    assert f"Content-Length: {len(DATA) + lie}\r\n".encode() in answer
    assert body_of(answer) == DATA


def test_a_length_can_be_absent(file: ServedFile) -> None:
    file.plan(Serve(headers={"Content-Length": None}))
    response, body = get(file)
    assert response.headers["Content-Length"] is None
    assert body == DATA


def test_extra_bytes_come_after_the_end_and_are_counted(file: ServedFile) -> None:
    file.plan(Serve(extra=10))
    response, body = get(file)
    assert str(len(DATA) + 10) == response.headers["Content-Length"]
    assert DATA + bytes(10) == body


def test_extra_bytes_can_be_hidden_behind_the_true_length(file: ServedFile) -> None:
    file.plan(Serve(extra=10, false_length=-10))
    answer = raw(file)
    assert f"Content-Length: {len(DATA)}\r\n".encode() in answer
    assert DATA + bytes(10) == body_of(answer)


def test_chunked_is_complete(file: ServedFile) -> None:
    file.plan(Serve(chunked=True))
    response, body = get(file)
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.headers["Content-Length"] is None
    assert body == DATA
    assert len(DATA) == file.body_bytes


def test_chunked_can_be_cut_short(file: ServedFile) -> None:
    file.plan(Drop(after=1000, chunked=True))
    with pytest.raises(http.client.IncompleteRead):
        get(file)
    assert file.body_bytes == 1000


def test_range_can_be_ignored(file: ServedFile) -> None:
    file.plan(Serve(honour_range=False))
    response, body = get(file, Range="bytes=5-")
    assert response.status == 200
    assert response.headers["Content-Range"] is None
    assert body == DATA


def test_a_shifted_range_starts_elsewhere_and_says_so(file: ServedFile) -> None:
    file.plan(Serve(shift_range=-3))
    response, body = get(file, Range="bytes=100-")
    assert DATA[97:] == body
    assert f"bytes 97-{len(DATA) - 1}/{len(DATA)}" == response.headers["Content-Range"]


def test_a_total_can_be_false(file: ServedFile) -> None:
    file.plan(Serve(false_total=1))
    response, _ = get(file, Range="bytes=100-")
    assert f"bytes 100-{len(DATA) - 1}/{len(DATA) + 1}" == response.headers["Content-Range"]


def test_content_range_can_be_absent(file: ServedFile) -> None:
    file.plan(Serve(headers={"Content-Range": None}))
    response, body = get(file, Range="bytes=100-")
    assert response.status == 206
    assert response.headers["Content-Range"] is None
    assert DATA[100:] == body


def test_gzip_is_sent_unasked(file: ServedFile) -> None:
    file.plan(Serve(gzip=True))
    response, body = get(file, Accept_Encoding="identity")
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == DATA


def test_other_content_brings_its_own_etag(file: ServedFile) -> None:
    file.plan(Serve(data=b"other"))
    response, body = get(file)
    assert etag_of(b"other") == response.headers["ETag"]
    assert body == b"other"


@pytest.mark.parametrize("code", [401, 403, 404, 410, 416, 429, 500, 503])
def test_a_status_has_its_headers_and_an_html_page(file: ServedFile, code: int) -> None:
    file.plan(Status(code, {"Retry-After": "3600"}))
    response, body = get(file)
    assert code == response.status
    assert response.headers["Retry-After"] == "3600"
    assert response.headers["Content-Type"] == "text/html"
    assert body.startswith(b"<!doctype html>")


def test_a_redirect_names_its_goal(file: ServedFile) -> None:
    file.plan(redirect(file.url, 307))
    response, _ = get(file)
    assert response.status == 307
    assert file.url == response.headers["Location"]


def test_a_plan_takes_one_step_per_request_and_then_serves(file: ServedFile) -> None:
    file.plan(Status(500), Status(503))
    assert [get(file)[0].status for _ in range(4)] == [500, 503, 200, 200]


def test_a_plan_can_end_in_a_fault_for_good(file: ServedFile) -> None:
    file.plan(Serve(), then=Status(503))
    assert [get(file)[0].status for _ in range(3)] == [200, 503, 503]


def test_an_unknown_path_is_not_found() -> None:
    with FaultServer() as server:
        elsewhere = ServedFile(f"{server.url}/nothing", b"")
        assert get(elsewhere)[0].status == 404
        assert [request.path for request in server.requests] == ["/nothing"]


def test_every_request_is_logged(file: ServedFile) -> None:
    get(file, User_Agent="me")
    get(file, Range="bytes=5-", If_Range='"x"')
    first, second = file.requests
    assert first.method == "GET"
    assert first.path == "/x.npz"
    assert first.status == 200
    assert len(DATA) == first.body_bytes
    assert first.range is None
    assert first.headers["user-agent"] == "me"
    assert second.range == "bytes=5-"
    assert second.if_range == '"x"'
    assert 2 * len(DATA) == file.body_bytes


def test_a_name_with_spaces_and_accents_is_served() -> None:
    with FaultServer() as server:
        assert get(server.file("ein Größen/maß.npz", b"1"))[1] == b"1"


@pytest.mark.parametrize("step", [Serve(wait=60), Stall(after=10, seconds=60), Drip(size=1, seconds=60)])
def test_closing_ends_a_pause_and_leaves_no_thread(step: Step) -> None:
    before = set(threading.enumerate())
    start = time.monotonic()
    with FaultServer() as server:
        connection = connect(server.file("x.npz", DATA).plan(step))
        connection.request("GET", "/x.npz")
        while not server.requests:
            time.sleep(0.001)
    assert time.monotonic() - start < 50
    assert before == set(threading.enumerate())
    connection.close()


def test_eight_clients_at_once_get_the_file(file: ServedFile) -> None:
    bodies: list[bytes] = []
    threads = [threading.Thread(target=lambda: bodies.append(get(file)[1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [DATA] * 8
    assert 8 * len(DATA) == file.body_bytes


@pytest.fixture
def secure() -> Iterator[tuple[ServedFile, trustme.CA]]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(context) as server:
        yield server.file("x.npz", DATA), authority


def get_securely(file: ServedFile, trust: ssl.SSLContext) -> bytes:
    connection = http.client.HTTPSConnection(urlsplit(file.url).netloc, context=trust, timeout=10)
    try:
        connection.request("GET", "/x.npz")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_tls_with_the_given_context(secure: tuple[ServedFile, trustme.CA]) -> None:
    file, authority = secure
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    assert file.url.startswith("https://127.0.0.1:")
    assert get_securely(file, trust) == DATA


@pytest.mark.parametrize("step", [Drop(after=1000), Reset(after=1000)])
def test_tls_can_be_cut_short(secure: tuple[ServedFile, trustme.CA], step: Step) -> None:
    file, authority = secure
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    file.plan(step)
    with pytest.raises((http.client.IncompleteRead, OSError)):  # OpenSSL may show a reset as a mere end
        get_securely(file, trust)


def test_a_client_that_refuses_the_certificate_is_no_failure_of_the_server(
    secure: tuple[ServedFile, trustme.CA],
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        get_securely(secure[0], ssl.create_default_context())


def test_a_failure_of_the_server_itself_is_raised_at_its_end() -> None:
    class Broken(Serve):
        def pieces(self, _body: bytes) -> Iterator[bytes]:
            raise ZeroDivisionError

    def meet() -> None:
        with FaultServer() as server, pytest.raises(http.client.HTTPException):
            get(server.file("x.npz", DATA).plan(Broken()))

    with pytest.raises(ExceptionGroup, match="fault server itself"):
        meet()


def test_the_command_line_lists_its_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert re.search(r"--fault \{none,drop,reset,stall", capsys.readouterr().out)
