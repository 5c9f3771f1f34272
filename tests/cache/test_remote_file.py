"""A file on a server, read by Range, over real sockets."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import numpy as np
import pytest
import requests
from hypothesis import HealthCheck, given, settings, strategies as st

from medmnist_np.cache import http
from medmnist_np.cache.http import Patience, Permanent, Retries
from medmnist_np.cache.members import NoRange, RemoteFile
from tests.fault_server import Drop, FaultServer, Reset, Serve, ServedFile, Status, etag_of

SIZE = 300_000
TAIL = 65_536
DATA = np.random.default_rng(0).bytes(SIZE)
OTHER = np.random.default_rng(1).bytes(SIZE)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def file(server: FaultServer) -> ServedFile:
    return server.file("x.npz", DATA)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with http.session() as opened:
        yield opened


def remote(session: requests.Session, file: ServedFile, **times: float) -> RemoteFile:
    patience = Patience(tries=3, connect=5, read=5)
    return RemoteFile(session, file.url, patience, Retries(patience, sleep=lambda _: None))


def test_the_size_and_the_tail_are_asked_for_first(session: requests.Session, file: ServedFile) -> None:
    found = remote(session, file)
    assert found.total_bytes == SIZE
    assert [request.range for request in file.requests] == ["bytes=0-0", f"bytes={SIZE - TAIL}-{SIZE - 1}"]
    assert file.body_bytes == 1 + TAIL


def test_reading_in_the_tail_asks_for_nothing_more(session: requests.Session, file: ServedFile) -> None:
    found = remote(session, file)
    found.seek(-1000, os.SEEK_END)
    assert found.read() == DATA[-1000:]
    assert len(file.requests) == 2


def test_a_small_file_is_read_as_a_whole(session: requests.Session, server: FaultServer) -> None:
    small = server.file("small", b"0123456789")
    found = remote(session, small)
    assert found.read() == b"0123456789"
    assert found.read() == b""
    assert found.tell() == 10
    assert len(small.requests) == 2


def test_a_position_before_the_start_is_refused(session: requests.Session, file: ServedFile) -> None:
    with pytest.raises(ValueError, match="there is no byte -1"):
        remote(session, file).seek(-1)


@given(steps=st.lists(st.tuples(st.integers(0, SIZE + 500), st.integers(-1, 5000)), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_reads_as_a_file_on_disk_does(
    session: requests.Session, file: ServedFile, steps: list[tuple[int, int]]
) -> None:
    found, expected = remote(session, file), io.BytesIO(DATA)
    for position, size in steps:
        assert expected.seek(position) == found.seek(position)
        assert expected.read(size) == found.read(size)
        assert expected.read(3) == found.read(3)
        assert min(expected.tell(), SIZE + 500) == found.tell()


def test_each_request_carries_the_validator(session: requests.Session, file: ServedFile) -> None:
    found = remote(session, file)
    found.read(10)
    assert [request.if_range for request in file.requests] == [None, etag_of(DATA), etag_of(DATA)]


@pytest.mark.parametrize("step", [Drop(after=100), Reset(after=100), Status(503), Drop(after=100, chunked=True)])
def test_what_breaks_is_asked_for_again(session: requests.Session, file: ServedFile, step: Serve | Status) -> None:
    found = remote(session, file.plan(Serve(), step))
    assert found.read(1000) == DATA[:1000]
    assert found.total_bytes == SIZE
    assert [request.range for request in file.requests][1:3] == [f"bytes={SIZE - TAIL}-{SIZE - 1}"] * 2


def test_a_server_that_always_breaks_is_given_up(session: requests.Session, file: ServedFile) -> None:
    with pytest.raises(Permanent, match="given up after 3 tries"):
        remote(session, file.plan(Serve(), then=Drop(after=100)))
    assert len(file.requests) == 1 + 3


def test_a_server_that_sends_whole_files_is_named_as_such(session: requests.Session, file: ServedFile) -> None:
    with pytest.raises(NoRange, match="it sends the whole file, although a part of it was asked for"):
        remote(session, file.plan(then=Serve(honour_range=False)))
    assert len(file.requests) == 1


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Status(404), "HTTP 404"),
        (Status(416), "HTTP 416"),
        (Serve(headers={"Content-Range": None}), "bytes from 0 were asked for"),
        (Serve(headers={"Content-Range": "bytes 0-0/*"}), "it does not state the size of the file"),
        (Serve(gzip=True), "it sends gzip"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    session: requests.Session, file: ServedFile, step: Serve | Status, reason: str
) -> None:
    with pytest.raises(Permanent, match=reason):
        remote(session, file.plan(then=step))


def test_other_bytes_than_were_asked_for_are_refused(session: requests.Session, file: ServedFile) -> None:
    with pytest.raises(Permanent, match=f"bytes from {SIZE - TAIL} were asked for and it sends from {SIZE - TAIL - 1}"):
        remote(session, file.plan(Serve(), then=Serve(shift_range=-1)))


@pytest.mark.parametrize(
    "step",
    [
        Serve(data=OTHER, honour_if_range=False),
        Serve(data=OTHER),
        Serve(data=OTHER[:-1], etag=etag_of(DATA)),
        Serve(false_total=1),
    ],
    ids=["another ETag", "another ETag, by If-Range", "another size", "another total"],
)
def test_a_file_that_changes_between_two_reads_is_refused(
    session: requests.Session, file: ServedFile, step: Serve
) -> None:
    found = remote(session, file)
    file.plan(then=step)
    with pytest.raises(Permanent) as caught:
        found.read(10)
    assert not isinstance(caught.value, NoRange)
