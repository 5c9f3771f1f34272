"""The downloader against a server that misbehaves, over real sockets. Only sleep and jitter are injected."""

from __future__ import annotations

import email.utils
import hashlib
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
import trustme

from medmnist_np._progress import Bar
from medmnist_np.cache.download import Part, ResumingDownloader
from medmnist_np.cache.http import Patience
from medmnist_np.errors import CacheError, DownloadError, NoSpaceError
from tests.fault_server import Drip, Drop, FaultServer, Reset, Serve, ServedFile, Stall, Status, Step, etag_of, redirect

SIZE = 600_000
DATA = np.random.default_rng(0).bytes(SIZE)
OTHER = np.random.default_rng(1).bytes(SIZE)
K = 100_000


class Client:
    """A downloader with its part and its goal, which records how long it would have slept."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.part = folder / "x.npz.part"
        self.goal = folder / "x.npz"
        self.sleeps: list[float] = []
        options.setdefault("expected_bytes", SIZE)
        options.setdefault("patience", Patience(tries=3, connect=5, read=5))
        self.downloader = ResumingDownloader(
            self.part, sleep=self.sleeps.append, jitter=lambda longest: longest, **options
        )

    def get(self, file: ServedFile) -> bytes:
        self.downloader(file.url, str(self.goal), None)
        return self.goal.read_bytes()


@dataclass
class Seen:
    """What a progress bar was told."""

    total: int | None = None
    done: list[int] = field(default_factory=list)

    @contextmanager
    def __call__(self, _task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        self.total = total
        self.done.append(done)
        yield self

    def update(self, n_bytes: int, /) -> None:
        self.done.append(n_bytes)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def file(server: FaultServer) -> ServedFile:
    return server.file("x.npz", DATA)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def ranges(file: ServedFile) -> list[str | None]:
    return [request.range for request in file.requests]


def mirrored(server: FaultServer, folder: Path, **options: Any) -> tuple[Client, ServedFile, ServedFile]:
    """Return a client that knows a mirror, the mirror's file and the official one."""
    mirror = server.file("mirror/x.npz", DATA)
    official = server.file("official/x.npz", DATA)
    return Client(folder, mirrors=[f"{server.url}/mirror/"], **options), mirror, official


# The plain way


def test_a_file_is_downloaded_in_one_request(client: Client, file: ServedFile) -> None:
    assert client.get(file) == DATA
    assert ranges(file) == [None]
    assert file.body_bytes == SIZE
    assert client.sleeps == []
    assert [path.name for path in client.folder.iterdir()] == ["x.npz"]


def test_the_client_names_itself_and_asks_for_plain_bytes(client: Client, file: ServedFile) -> None:
    client.get(file)
    assert file.requests[0].headers["user-agent"].startswith("medmnist-np/")
    assert file.requests[0].headers["accept-encoding"] == "identity"


def test_pooch_takes_it_as_a_downloader(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K))
    digest = f"md5:{hashlib.md5(DATA, usedforsecurity=False).hexdigest()}"
    files = pooch.create(path=client.folder, base_url="", registry={"x.npz": digest}, urls={"x.npz": file.url})
    assert files.is_available("x.npz", downloader=client.downloader)
    assert Path(files.fetch("x.npz", downloader=client.downloader)).read_bytes() == DATA


def test_an_unavailable_file_is_said_to_be_so(client: Client, file: ServedFile) -> None:
    file.plan(then=Status(404))
    assert client.downloader(file.url, str(client.goal), None, check_only=True) is False


def test_a_complete_part_needs_no_request(client: Client, file: ServedFile) -> None:
    client.part.write_bytes(DATA)
    assert client.get(file) == DATA
    assert file.requests == []


def test_the_published_file_has_the_users_own_mode(client: Client, file: ServedFile) -> None:
    before = os.umask(0o022)
    try:
        client.get(file)
    finally:
        os.umask(before)
    assert client.goal.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("expected_bytes", [SIZE, None])
def test_an_empty_cache_and_a_known_or_unknown_size_give_the_same(
    tmp_path: Path, file: ServedFile, expected_bytes: int | None
) -> None:
    assert Client(tmp_path, expected_bytes=expected_bytes).get(file) == DATA


# Connections that end


@pytest.mark.parametrize("end", [Drop, Reset])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_connection_that_ends_every_100_kb_is_resumed(
    client: Client, file: ServedFile, end: type[Drop | Reset], chunked: bool
) -> None:
    file.plan(then=end(after=K, chunked=chunked))
    assert client.get(file) == DATA
    assert ranges(file) == [None, *(f"bytes={k}-" for k in range(K, SIZE, K))]
    assert file.body_bytes / SIZE <= 1.02
    assert client.sleeps == []


def test_a_resume_carries_the_validator(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K))
    client.get(file)
    assert [request.if_range for request in file.requests] == [None, etag_of(DATA)]


def test_a_weak_etag_is_never_sent_as_a_validator(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K, headers={"ETag": 'W/"1"', "Last-Modified": None}))
    assert client.get(file) == DATA
    assert [request.if_range for request in file.requests] == [None, None]


def test_the_next_run_goes_on_where_the_last_one_stopped(tmp_path: Path, file: ServedFile) -> None:
    file.plan(Drop(after=K), Status(404))
    with pytest.raises(DownloadError):
        Client(tmp_path).get(file)
    assert Client(tmp_path).get(file) == DATA
    assert ranges(file)[-1] == f"bytes={K}-"
    assert file.body_bytes == SIZE + len(Status(404).page)


@pytest.mark.parametrize("step", [Drop(after=0), Reset(after=0)])
def test_no_progress_is_an_error_that_says_how_many_bytes_are_kept(
    client: Client, file: ServedFile, step: Step
) -> None:
    file.plan(Drop(after=K), then=step)
    with pytest.raises(DownloadError, match=rf"\n{K} bytes are kept in .*x\.npz\.part"):
        client.get(file)
    assert client.part.read_bytes() == DATA[:K]
    assert len(file.requests) == 1 + 3
    assert not client.goal.exists()


def test_any_progress_starts_the_count_anew(client: Client, file: ServedFile) -> None:
    nothing = Drop(after=0)
    file.plan(nothing, nothing, Drop(after=1), nothing, nothing, Drop(after=1), nothing, nothing)
    assert client.get(file) == DATA


def test_waits_grow_from_the_first_wait_to_the_longest(tmp_path: Path, file: ServedFile) -> None:
    client = Client(tmp_path, patience=Patience(tries=6, first_wait=1.0, longest_wait=6.0))
    file.plan(then=Status(500))
    with pytest.raises(DownloadError):
        client.get(file)
    assert client.sleeps == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_nobody_at_home_is_an_error_that_names_the_address(client: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:{port}/x\.npz: no answer .*refused"):
        client.get(ServedFile(f"http://127.0.0.1:{port}/x.npz", b""))


# Lengths


def test_a_length_that_is_too_big_is_refused_at_the_headers(client: Client, file: ServedFile) -> None:
    file.plan(then=Serve(false_length=100))
    with pytest.raises(DownloadError, match=f"offers {SIZE + 100} bytes, and the file has {SIZE}"):
        client.get(file)
    assert len(file.requests) == 1
    assert not client.part.exists()


def test_a_length_that_is_too_small_is_refused_at_the_headers(client: Client, file: ServedFile) -> None:
    file.plan(then=Serve(false_length=-100))
    with pytest.raises(DownloadError, match=f"offers {SIZE - 100} bytes, and the file has {SIZE}"):
        client.get(file)
    assert len(file.requests) == 1
    assert not client.part.exists()


def test_a_length_that_is_too_big_is_never_accepted_without_a_record(tmp_path: Path, file: ServedFile) -> None:
    file.plan(then=Serve(false_length=100, false_total=100))
    with pytest.raises(DownloadError):
        Client(tmp_path, expected_bytes=None).get(file)


@pytest.mark.parametrize("lie", [-100, 100])
def test_a_false_length_on_a_resume_is_never_accepted(client: Client, file: ServedFile, lie: int) -> None:
    file.plan(Drop(after=K), Serve(false_length=lie))
    assert client.get(file) == DATA


def test_an_absent_length_is_no_obstacle(client: Client, file: ServedFile) -> None:
    file.plan(then=Serve(headers={"Content-Length": None}))
    assert client.get(file) == DATA


def test_an_absent_length_and_an_early_end_are_resumed(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K, headers={"Content-Length": None}))
    assert client.get(file) == DATA
    assert ranges(file) == [None, f"bytes={K}-"]


def test_chunked_is_accepted(tmp_path: Path, file: ServedFile) -> None:
    file.plan(then=Serve(chunked=True))
    assert Client(tmp_path, expected_bytes=None).get(file) == DATA


def test_chunked_and_cut_short_is_resumed_without_a_record(tmp_path: Path, file: ServedFile) -> None:
    file.plan(Drop(after=K, chunked=True))
    assert Client(tmp_path, expected_bytes=None).get(file) == DATA
    assert ranges(file) == [None, f"bytes={K}-"]


def test_more_bytes_than_the_record_states_are_refused_at_the_headers(client: Client, file: ServedFile) -> None:
    file.plan(then=Serve(extra=1))
    with pytest.raises(DownloadError, match=f"offers {SIZE + 1} bytes"):
        client.get(file)
    assert len(file.requests) == 1


def test_more_bytes_than_announced_are_not_taken(client: Client, file: ServedFile) -> None:
    file.plan(then=Serve(extra=10, false_length=-10))
    assert client.get(file) == DATA


def test_more_bytes_than_the_record_states_stop_the_download_at_once(client: Client, file: ServedFile) -> None:
    endless = 50_000_000
    file.plan(then=Serve(extra=endless, chunked=True))
    with pytest.raises(DownloadError, match=f"more than the {SIZE} bytes"):
        client.get(file)
    assert client.part.stat().st_size <= SIZE
    assert len(file.requests) == 1
    assert file.body_bytes < endless


# Slowness


@pytest.mark.parametrize("step", [Stall(after=K, seconds=60), Stall(after=0, seconds=60), Serve(wait=60)])
def test_a_stall_times_out_and_is_resumed(tmp_path: Path, file: ServedFile, step: Step) -> None:
    client = Client(tmp_path, patience=Patience(tries=3, read=0.2))
    file.plan(step)
    assert client.get(file) == DATA
    assert len(file.requests) > 1


def test_a_slow_drip_is_given_up_and_resumed(tmp_path: Path, file: ServedFile) -> None:
    client = Client(tmp_path, patience=Patience(tries=3, read=5, stall=0.2, slowest=100_000))
    file.plan(Drip(size=10, seconds=0.02))
    assert client.get(file) == DATA
    assert len(file.requests) == 2


def test_a_mirror_that_only_drips_gives_way_to_the_next(server: FaultServer, tmp_path: Path) -> None:
    patience = Patience(tries=3, read=5, stall=0.1, slowest=100_000)
    client, mirror, official = mirrored(server, tmp_path, patience=patience)
    mirror.plan(*[Drip(size=10, seconds=0.02)] * 20, then=Status(410))
    assert client.get(official) == DATA
    assert len(mirror.requests) < 20


def test_a_mirror_that_stalls_gives_way_to_the_next(server: FaultServer, tmp_path: Path) -> None:
    client, mirror, official = mirrored(server, tmp_path, patience=Patience(tries=2, read=0.1))
    mirror.plan(then=Serve(wait=60))
    assert client.get(official) == DATA
    assert len(mirror.requests) == 2
    assert len(official.requests) == 1


# Statuses


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_in_seconds_is_waited_for(client: Client, file: ServedFile, code: int) -> None:
    file.plan(Status(code, {"Retry-After": "7"}))
    assert client.get(file) == DATA
    assert client.sleeps == [7.0]


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_as_a_date_is_waited_for(client: Client, file: ServedFile, code: int) -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    file.plan(Status(code, {"Retry-After": date}))
    assert client.get(file) == DATA
    assert client.sleeps == [pytest.approx(60, abs=5)]


def test_retry_after_a_date_in_the_past_is_no_wait(client: Client, file: ServedFile) -> None:
    file.plan(Status(503, {"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}))
    assert client.get(file) == DATA
    assert client.sleeps == []


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_an_hour_is_an_error_that_says_so_and_keeps_the_part(
    client: Client, file: ServedFile, code: int
) -> None:
    file.plan(Drop(after=K), then=Status(code, {"Retry-After": "3600"}))
    with pytest.raises(DownloadError, match=rf"HTTP {code}: the server is busy .* in 3600 s.* 15 minutes") as caught:
        client.get(file)
    assert f"{K} bytes are kept" in str(caught.value)
    assert client.part.read_bytes() == DATA[:K]
    assert client.sleeps == []
    assert len(file.requests) == 2


@pytest.mark.parametrize("nonsense", ["soon", "-5", "1e9", "٣", ""])
def test_retry_after_nonsense_backs_off_as_usual(client: Client, file: ServedFile, nonsense: str) -> None:
    file.plan(Status(503, {"Retry-After": nonsense.encode().decode("latin-1")}))
    assert client.get(file) == DATA
    assert len(client.sleeps) == 1


@pytest.mark.parametrize("step", [Serve(headers={"Retry-After": "3600"}), Status(500, {"Retry-After": "3600"})])
def test_retry_after_elsewhere_is_ignored(client: Client, file: ServedFile, step: Step) -> None:
    file.plan(step)
    assert client.get(file) == DATA
    assert all(wait < 60 for wait in client.sleeps)


@pytest.mark.parametrize("code", [429, 503])
def test_the_end_of_a_rate_limit_is_waited_for(client: Client, file: ServedFile, code: int) -> None:
    file.plan(Status(code, {"X-RateLimit-Reset": str(int(time.time()) + 45)}))
    assert client.get(file) == DATA
    assert client.sleeps == [pytest.approx(45, abs=5)]


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_server_is_waited_for_with_growing_waits(client: Client, file: ServedFile, code: int, caplog) -> None:
    file.plan(*[Status(code)] * 5)
    assert client.get(file) == DATA
    assert client.sleeps == [20, 40, 80, 120, 120]
    assert caplog.messages[0] == (
        f"127.0.0.1 is busy (HTTP {code}). Waiting 20 s of at most 900 s. Ctrl-C keeps what has arrived."
    )


def test_a_server_that_stays_busy_is_an_error_after_fifteen_minutes(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K), then=Status(429))
    with pytest.raises(DownloadError, match=r"HTTP 429: the server is busy\. .*MEDMNIST_NP_PATIENCE") as caught:
        client.get(file)
    assert 780 < sum(client.sleeps) <= 900
    assert f"{K} bytes are kept" in str(caught.value)
    assert client.part.read_bytes() == DATA[:K]


def test_a_wait_that_no_process_can_sleep_is_refused(tmp_path: Path, file: ServedFile) -> None:
    client = Client(tmp_path, patience=Patience(busy=float("inf")))
    file.plan(then=Status(503, {"Retry-After": "9" * 400}))
    with pytest.raises(DownloadError, match="the server is busy and it asks to come back in inf s"):
        client.get(file)
    assert client.sleeps == []


def test_progress_starts_the_waiting_for_a_busy_server_anew(client: Client, file: ServedFile) -> None:
    busy = [Status(503)] * 7
    file.plan(*busy, Drop(after=K), *busy, Drop(after=K), *busy)
    assert client.get(file) == DATA
    assert sum(client.sleeps) > 1800


def test_a_server_that_is_busy_and_asks_for_no_wait_is_asked_more_and_more_slowly(
    client: Client, file: ServedFile
) -> None:
    file.plan(then=Status(503, {"Retry-After": "0"}))
    with pytest.raises(DownloadError, match="HTTP 503: the server is busy"):
        client.get(file)
    assert client.sleeps[:4] == [1, 2, 3, 4]
    assert len(file.requests) < 50


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "5"}])
def test_a_busy_mirror_gives_way_to_the_next_address(server: FaultServer, tmp_path: Path, headers: Any) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(then=Status(503, headers))
    assert client.get(official) == DATA
    assert client.sleeps == []
    assert (len(mirror.requests), len(official.requests)) == (1, 1)


@pytest.mark.parametrize(("busy", "n_requests"), [(0, 1), (60, 3), (180, 4)])
def test_the_waiting_for_a_busy_server_can_be_limited(
    tmp_path: Path, file: ServedFile, busy: float, n_requests: int
) -> None:
    client = Client(tmp_path, patience=Patience(busy=busy))
    file.plan(then=Status(429))
    with pytest.raises(DownloadError, match="busy"):
        client.get(file)
    assert len(file.requests) == n_requests
    assert sum(client.sleeps) <= busy


def test_three_server_errors_and_then_good(tmp_path: Path, file: ServedFile) -> None:
    client = Client(tmp_path, patience=Patience(tries=6))
    file.plan(Status(500), Status(502), Status(504))
    assert client.get(file) == DATA
    assert len(file.requests) == 4
    assert len(client.sleeps) == 3
    assert client.sleeps == sorted(client.sleeps)


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_permanent_error_is_one_request_and_then_the_manual_way(client: Client, file: ServedFile, code: int) -> None:
    file.plan(then=Status(code))
    with pytest.raises(DownloadError, match=rf"HTTP {code}") as caught:
        client.get(file)
    assert "medmnist-np import" in str(caught.value)
    assert file.url in str(caught.value)
    assert len(file.requests) == 1
    assert client.sleeps == []
    assert list(client.folder.iterdir()) == []


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_permanent_error_is_one_request_and_then_the_next_mirror(
    server: FaultServer, tmp_path: Path, code: int
) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(then=Status(code))
    assert client.get(official) == DATA
    assert len(mirror.requests) == 1
    assert len(official.requests) == 1
    assert client.sleeps == []


def test_an_html_page_with_status_200_is_refused(client: Client, file: ServedFile) -> None:
    file.plan(then=Status(200))
    with pytest.raises(DownloadError, match=f"and the file has {SIZE}"):
        client.get(file)


# Ranges


def test_a_server_that_ignores_ranges_sends_it_all_again(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K), then=Serve(honour_range=False))
    assert client.get(file) == DATA
    assert file.body_bytes == K + SIZE


def test_a_server_that_ignores_ranges_and_always_drops_is_given_up(client: Client, file: ServedFile) -> None:
    file.plan(then=Drop(after=K, honour_range=False))
    with pytest.raises(DownloadError, match=f"{K} bytes are kept"):
        client.get(file)
    assert client.part.read_bytes() == DATA[:K]


@pytest.mark.parametrize(
    "step",
    [
        Serve(shift_range=-10),
        Serve(shift_range=10),
        Serve(headers={"Content-Range": None}),
        Serve(headers={"Content-Range": "bytes"}),
        Serve(headers={"Content-Range": "bytes */600000"}),
        Serve(false_total=1),
        Serve(false_total=-1),
        Serve(data=OTHER, honour_if_range=False),
    ],
    ids=["early", "late", "no range", "empty range", "unsatisfied", "larger", "smaller", "another ETag"],
)
def test_a_partial_answer_that_does_not_fit_is_not_written(client: Client, file: ServedFile, step: Step) -> None:
    file.plan(Drop(after=K), step)
    assert client.get(file) == DATA
    assert ranges(file) == [None, f"bytes={K}-", None]


def test_a_mirror_whose_ranges_never_fit_gives_way_to_the_next(server: FaultServer, tmp_path: Path) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(then=Drop(after=K, shift_range=10))
    assert client.get(official) == DATA
    assert len(mirror.requests) == 4


def test_a_partial_answer_that_stops_early_is_gone_on_with(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K), Serve(headers={"Content-Range": f"bytes {K}-{K + 99}/{SIZE}"}))
    assert client.get(file) == DATA


def test_a_file_that_changed_between_resumes_is_begun_anew(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K, data=OTHER))
    assert client.get(file) == DATA
    assert file.body_bytes == K + SIZE
    assert len(file.requests) == 2


def test_416_for_a_part_that_is_complete_ends_the_download(tmp_path: Path, file: ServedFile) -> None:
    client = Client(tmp_path, expected_bytes=None)
    client.part.write_bytes(DATA)
    assert client.get(file) == DATA
    assert [request.status for request in file.requests] == [416]


def test_416_for_a_part_that_is_not_complete_is_one_clean_restart(client: Client, file: ServedFile) -> None:
    file.plan(Drop(after=K), Status(416))
    assert client.get(file) == DATA
    assert ranges(file) == [None, f"bytes={K}-", None]


def test_416_for_a_part_that_is_too_long_is_one_clean_restart(tmp_path: Path, file: ServedFile) -> None:
    client = Client(tmp_path, expected_bytes=None)
    client.part.write_bytes(DATA + b"more")
    assert client.get(file) == DATA
    assert ranges(file) == [f"bytes={SIZE + 4}-", None]


def test_416_again_and_again_is_an_error(client: Client, file: ServedFile) -> None:
    file.plan(then=Status(416))
    with pytest.raises(DownloadError, match="416"):
        client.get(file)
    assert len(file.requests) <= 2


def test_a_part_that_is_longer_than_the_record_is_begun_anew(client: Client, file: ServedFile) -> None:
    client.part.write_bytes(DATA + b"more")
    assert client.get(file) == DATA
    assert ranges(file) == [None]


# Encodings and redirects


def test_gzip_although_identity_was_asked_is_refused(client: Client, file: ServedFile) -> None:
    file.plan(then=Serve(gzip=True))
    with pytest.raises(DownloadError, match="gzip"):
        client.get(file)
    assert len(file.requests) == 1
    assert not client.part.exists()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_with_the_range(client: Client, server: FaultServer, code: int) -> None:
    elsewhere = server.file("elsewhere", DATA).plan(Drop(after=K))
    file = server.file("x.npz", b"").plan(then=redirect("/elsewhere", code))
    assert client.get(file) == DATA
    assert ranges(elsewhere) == [None, f"bytes={K}-"]


def test_a_redirect_loop_is_refused(client: Client, file: ServedFile) -> None:
    file.plan(then=redirect(file.url))
    with pytest.raises(DownloadError, match="redirects more than"):
        client.get(file)
    assert len(file.requests) <= 20
    assert client.sleeps == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x.npz", "http://[bad", "http://", "\x00"])
def test_a_redirect_to_nowhere_gives_way_to_the_next_mirror(server: FaultServer, tmp_path: Path, location: str) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(then=redirect(location))
    assert client.get(official) == DATA


def test_the_page_of_a_redirect_is_not_read(client: Client, server: FaultServer) -> None:
    endless = bytes(50_000_000)
    server.file("elsewhere", DATA)
    file = server.file("x.npz", b"").plan(then=Status(302, {"Location": "/elsewhere"}, endless))
    assert client.get(file) == DATA
    assert file.body_bytes < len(endless)


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))


@pytest.mark.usefixtures("trusted")
def test_an_authority_of_ones_own_works(client: Client, authority: trustme.CA) -> None:
    with FaultServer(secured(authority)) as server:
        file = server.file("x.npz", DATA).plan(Drop(after=K), Reset(after=K))
        assert client.get(file) == DATA
        assert file.body_bytes / SIZE <= 1.02


def test_an_unknown_certificate_is_refused_without_fallback(client: Client, authority: trustme.CA) -> None:
    with FaultServer(secured(authority)) as server:
        file = server.file("x.npz", DATA)
        with pytest.raises(DownloadError, match=r"certificate was refused .*REQUESTS_CA_BUNDLE"):
            client.get(file)
    assert file.requests == []
    assert client.sleeps == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(client: Client, authority: trustme.CA) -> None:
    with FaultServer(secured(authority, "example.org")) as server:
        file = server.file("x.npz", DATA)
        with pytest.raises(DownloadError, match="certificate was refused"):
            client.get(file)
    assert file.requests == []


def test_a_bundle_that_is_not_there_is_an_error_that_names_it(
    client: Client, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(client.folder / "absent.pem"))
    with FaultServer(secured(authority)) as server, pytest.raises(DownloadError, match=r"absent\.pem"):
        client.get(server.file("x.npz", DATA))


@pytest.mark.usefixtures("trusted")
def test_https_is_never_left_for_http(client: Client, authority: trustme.CA, server: FaultServer) -> None:
    plain = server.file("x.npz", DATA)
    with FaultServer(secured(authority)) as secure:
        file = secure.file("x.npz", DATA).plan(then=redirect(plain.url))
        with pytest.raises(DownloadError, match="not encrypted"):
            client.get(file)
    assert plain.requests == []
    assert len(file.requests) == 1


def test_a_connection_that_ends_in_the_handshake_is_tried_again(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        attempts = []

        def hang_up() -> None:
            for _ in range(3):
                connection, _address = listening.accept()
                with connection:
                    attempts.append(connection.recv(65536))

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            with pytest.raises(DownloadError, match="after 3 tries"):
                client.get(ServedFile(f"https://127.0.0.1:{listening.getsockname()[1]}/x.npz", b""))
        finally:
            for _ in range(3 - len(attempts)):
                socket.create_connection(listening.getsockname()).close()
            thread.join()
    assert len(attempts) == 3


# Mirrors


def test_the_second_mirror_goes_on_with_the_same_part(server: FaultServer, tmp_path: Path) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(Drop(after=K), then=Status(404))
    assert client.get(official) == DATA
    assert ranges(official) == [f"bytes={K}-"]
    assert official.requests[0].if_range is None  # validators are the first mirror's own
    assert sum(request.body_bytes for request in server.requests if request.status != 404) == SIZE


def test_the_second_mirror_may_know_the_file_by_another_etag(server: FaultServer, tmp_path: Path) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(Drop(after=K), then=Status(404))
    official.plan(Drop(after=K, etag='"another"'), then=Serve(etag='"another"'))
    assert client.get(official) == DATA
    assert ranges(official) == [f"bytes={K}-", f"bytes={2 * K}-"]


def test_an_error_tells_what_each_address_said(server: FaultServer, tmp_path: Path) -> None:
    client, mirror, official = mirrored(server, tmp_path)
    mirror.plan(then=Status(403))
    official.plan(then=Status(410))
    with pytest.raises(DownloadError) as caught:
        client.get(official)
    assert f"{mirror.url}: HTTP 403" in str(caught.value)
    assert f"{official.url}: HTTP 410" in str(caught.value)


def test_a_dead_mirror_gives_way_to_the_next(server: FaultServer, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client = Client(tmp_path, mirrors=[f"http://127.0.0.1:{port}"])
    assert client.get(server.file("x.npz", DATA)) == DATA


# Disk, progress and errors


def test_room_is_asked_for_what_is_still_to_come(tmp_path: Path, file: ServedFile) -> None:
    asked: list[int] = []
    (tmp_path / "x.npz.part").write_bytes(DATA[:K])
    assert Client(tmp_path, make_room=asked.append).get(file) == DATA
    assert asked == [SIZE - K]


def test_without_room_nothing_is_written_and_the_part_stays(tmp_path: Path, file: ServedFile) -> None:
    def refuse(_: int) -> None:
        raise NoSpaceError("no room")

    client = Client(tmp_path, make_room=refuse)
    client.part.write_bytes(DATA[:K])
    with pytest.raises(NoSpaceError, match="no room"):
        client.get(file)
    assert client.part.read_bytes() == DATA[:K]


def test_a_link_planted_as_the_part_is_refused(client: Client, file: ServedFile) -> None:
    victim = client.folder / "victim"
    victim.write_bytes(b"precious")
    client.part.symlink_to(victim)
    with pytest.raises(CacheError):
        client.get(file)
    assert victim.read_bytes() == b"precious"
    assert not client.goal.exists()


def test_a_link_planted_as_the_part_is_refused_whatever_its_length(tmp_path: Path, file: ServedFile) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    client = Client(tmp_path, expected_bytes=len(str(victim)))  # as many bytes as the link itself has
    client.part.symlink_to(victim)
    with pytest.raises((CacheError, DownloadError)):
        client.get(file)
    assert not client.goal.is_symlink()


def test_a_link_planted_where_the_note_is_prepared_is_not_followed(client: Client, file: ServedFile) -> None:
    victim = client.folder / "victim"
    victim.write_bytes(b"precious")
    client.folder.joinpath(f"x.npz.part.json.{os.getpid()}").symlink_to(victim)
    with suppress(CacheError):
        client.get(file)
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("steps", [[], [Drop(after=K)], [Drop(after=K), Serve(honour_range=False)]])
def test_progress_adds_up_to_the_file(tmp_path: Path, file: ServedFile, steps: list[Step]) -> None:
    seen = Seen()
    file.plan(*steps)
    Client(tmp_path, progress=seen).get(file)
    assert seen.total == SIZE
    assert sum(seen.done) == SIZE


def test_an_interrupt_keeps_the_part_and_passes_through(tmp_path: Path, file: ServedFile) -> None:
    class Interrupting(Seen):
        def update(self, _n_bytes: int, /) -> None:
            raise KeyboardInterrupt

    client = Client(tmp_path, progress=Interrupting())
    with pytest.raises(KeyboardInterrupt):
        client.get(file)
    kept = client.part.read_bytes()
    assert kept
    assert DATA.startswith(kept)
    assert Client(tmp_path).get(file) == DATA


def test_only_the_part_and_its_note_are_written(
    client: Client, file: ServedFile, audit: Callable[[], AbstractContextManager[Any]]
) -> None:
    client.get(file)  # imports what there is to import
    for path in client.folder.iterdir():
        path.unlink()
    with audit() as seen:
        client.get(file)
    written = {re.sub(r"^\.|\.[0-9a-f]{8}$", "", Path(write.split(" ", 1)[1]).name) for write in seen.writes}
    assert written == {"x.npz.part", "x.npz.part.json"}


# Others at the same part, where locks do nothing


def test_bytes_that_two_bring_at_once_are_there_once(client: Client) -> None:
    part = Part(client.part)
    with part.open(0) as one, part.open(0) as other:
        for stream in (one, other, one):
            stream.write(DATA[stream.tell() :][:K])
    with part.open(2 * K) as stream:
        stream.write(DATA[2 * K :])
    assert client.part.read_bytes() == DATA


def opened(client: Client, file: ServedFile) -> bytes:
    with client.downloader.opened(file.url) as stream:
        return stream.read()


@pytest.mark.parametrize("get", [Client.get, opened], ids=["moved", "opened"])
@pytest.mark.parametrize(
    "left", [None, b"", DATA[: 3 * K]], ids=["nothing", "an empty one", "the beginning of another"]
)
def test_a_part_that_another_process_takes_at_the_end_is_brought_again(
    tmp_path: Path, file: ServedFile, left: bytes | None, get: Callable[[Client, ServedFile], bytes]
) -> None:
    @contextmanager
    def taken_at_the_end(_task: str, _total: int | None, _done: int = 0) -> Iterator[Bar]:
        yield Seen()
        if len(file.requests) == 1:
            (tmp_path / "x.npz.part").unlink()
            if left is not None:
                (tmp_path / "x.npz.part").write_bytes(left)

    client = Client(tmp_path, progress=taken_at_the_end)
    assert get(client, file) == DATA
    assert [request.range for request in file.requests] == [None, None]
    assert client.downloader.part != client.part, "it works in a part of its own"
    assert not client.part.exists() or client.part.read_bytes() == left, "that of the other is left alone"


@pytest.mark.windows_refuses
@pytest.mark.parametrize("left", [None, DATA[: 3 * K]], ids=["nothing", "the beginning of another"])
def test_a_part_that_another_process_takes_while_it_is_open_is_still_delivered(
    client: Client, file: ServedFile, left: bytes | None
) -> None:
    with client.downloader.opened(file.url, client.goal):
        client.part.unlink()
        if left is not None:
            client.part.write_bytes(left)
    assert client.goal.read_bytes() == DATA
    assert not client.part.exists() or client.part.read_bytes() == left, "that of the other is left alone"


# Proxies


def test_a_proxy_is_used(client: Client, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = server.file("x.npz", DATA)
    monkeypatch.setenv("http_proxy", server.url)
    assert client.get(ServedFile("http://mirror.test/x.npz", DATA)) == DATA
    assert [request.path for request in file.requests] == ["http://mirror.test/x.npz"]


def test_a_proxy_that_wants_a_login_says_so(
    client: Client, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.file("x.npz", DATA).plan(then=Status(407))
    monkeypatch.setenv("http_proxy", server.url)
    with pytest.raises(DownloadError, match=r"HTTP 407 .*the proxy wants a login"):
        client.get(ServedFile("http://mirror.test/x.npz", DATA))


def test_a_dead_proxy_is_an_error_that_names_the_proxy(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused.getsockname()[1]}")
    with pytest.raises(DownloadError, match=r"(?i)proxy"):
        client.get(ServedFile("http://mirror.test/x.npz", DATA))


# A law: whatever the connections do, the file arrives whole or an error is raised and the part is a true beginning


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_faults_gives_the_file_or_a_part_that_is_its_beginning(
    tmp_path: Path, file: ServedFile, seed: int
) -> None:
    chance = np.random.default_rng(seed)

    def pick(low: int, high: int) -> int:
        return int(chance.integers(low, high))

    faults: list[Callable[[], Step]] = [
        lambda: Drop(after=pick(0, K)),
        lambda: Drop(after=pick(0, K), chunked=True),
        lambda: Reset(after=pick(0, K)),
        lambda: Drop(after=pick(0, K), honour_range=False),
        lambda: Serve(shift_range=pick(-K, K), false_length=pick(-10, 10)),
        lambda: Drop(after=K, headers={"Content-Length": None, "ETag": None}),
        lambda: Serve(gzip=True),
        lambda: Status([404, 416, 500, 503][pick(0, 4)]),
    ]
    file.plan(*[faults[pick(0, len(faults))]() for _ in range(8)])
    client = Client(tmp_path)
    for _ in range(9):  # a run uses up one step at least
        with suppress(DownloadError):
            client.get(file)
            break
        assert not client.goal.exists()
        assert DATA.startswith(client.part.read_bytes() if client.part.exists() else b"")
    assert client.goal.read_bytes() == DATA
