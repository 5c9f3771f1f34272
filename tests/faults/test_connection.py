"""Rows 1 to 15: what a connection and a server can do to a download."""

from __future__ import annotations

import email.utils
import random
import time
from pathlib import Path

import pytest
import trustme

from medmnist_np.errors import DownloadError
from tests.fault_server import Drip, Drop, FaultServer, Reset, Serve, Stall, Status, Step, redirect
from tests.faults.lab import K, Lab, Meanwhile
from tests.faults.secure import secured, trust


@pytest.mark.fault(1)
def test_a_connection_that_closes(lab: Lab) -> None:
    """connection closed at byte k, every 100 kB:
    resumes with Range; bytes on the wire at most 1.02 x the file
    """
    lab.file.plan(then=Drop(after=K))
    assert lab.loads_what_is_right()
    assert lab.ranges == [None, *(f"bytes={k}-" for k in range(K, lab.size, K))]
    assert lab.cost <= 1.02


@pytest.mark.fault(2)
def test_a_connection_that_is_reset(lab: Lab) -> None:
    """RST at byte k:
    resumes
    """
    lab.file.plan(Reset(after=1), Reset(after=K), Reset(after=3 * K))
    assert lab.loads_what_is_right()
    assert lab.ranges == [None, "bytes=1-", f"bytes={K + 1}-", f"bytes={4 * K + 1}-"]
    assert lab.cost <= 1.02


@pytest.mark.fault(3)
def test_a_server_that_brings_nothing(lab: Lab) -> None:
    """no progress N times:
    error with the number of bytes received; part kept
    """
    lab.file.plan(Drop(after=K), then=Drop(after=0))
    lab.fails(
        DownloadError,
        "Could not download breastmnist.npz",
        "given up after 3 tries",
        f"{K} bytes are kept in {lab.part}",
        "the next try resumes there",
        "`medmnist-np import`",
    )
    assert lab.fake.data[:K] == lab.part.read_bytes()
    assert len(lab.file.requests) == 1 + 3
    lab.file.plan()
    assert lab.loads_what_is_right()
    assert lab.ranges[-1] == f"bytes={K}-"
    assert lab.cost == 1


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    ("step", "refused"),
    [
        (Serve(false_length=1000), True),
        (Serve(false_length=-1000), True),
        (Drop(after=K, headers={"Content-Length": None}), False),
        (Drop(after=K, chunked=True), False),
        (Drop(after=K, false_length=0), False),
    ],
    ids=["too big", "too small", "absent", "chunked and cut short", "true and cut short"],
)
@pytest.mark.parametrize("known", [True, False], ids=["size known", "size not known"])
def test_a_length_that_is_not_true(lab: Lab, step: Step, refused: bool, known: bool) -> None:
    """Content-Length too big, too small, absent; chunked and cut short:
    never accepted; resumes or refuses at the headers
    """
    if not known:
        lab.change(bytes=None)
    lab.file.plan(step)
    if refused and known:
        lab.fails(DownloadError, "it offers", f"bytes, and the file has {lab.size}", "Check the network")
    assert lab.loads_what_is_right()


@pytest.mark.fault(5)
def test_a_body_that_never_ends(lab: Lab) -> None:
    """more bytes than the record states:
    stops at once
    """
    endless = 60_000_000
    lab.file.plan(then=Serve(extra=endless, chunked=True))
    lab.fails(DownloadError, f"it sends more than the {lab.size} bytes that there are")
    assert lab.part_bytes <= lab.size
    assert len(lab.file.requests) == 1
    assert lab.file.body_bytes < endless / 2  # what the buffers of two sockets hold, not what it would have sent


@pytest.mark.fault(6)
@pytest.mark.parametrize("mirrored", [False, True], ids=["resume", "next mirror"])
@pytest.mark.parametrize(
    "step",
    [Stall(after=K, seconds=60), Drip(size=20, seconds=0.1), Serve(wait=60)],
    ids=["stall in the body", "slow drip", "stall before the headers"],
)
def test_a_server_that_is_silent(lab: Lab, step: Step, mirrored: bool) -> None:
    """stall in the body, slow drip, stall before the headers:
    time-outs, then resume or next mirror
    """
    lab.be_patient(tries=1 if mirrored else 3, connect=5, read=0.4, stall=0.4, slowest=2000, first_wait=0.02)
    slow = lab.file
    if mirrored:
        slow = lab.server.file("mirror/breastmnist.npz", lab.fake.data)
        lab.monkeypatch.setenv("MEDMNIST_NP_MIRRORS", f"{lab.server.url}/mirror")
        slow.plan(step, then=Serve(wait=60))
    else:
        slow.plan(step)
    assert lab.loads_what_is_right()
    assert len(lab.server.requests) > 1
    kept = [request.range for request in lab.server.requests][-1]
    assert (kept is None) == (step == Serve(wait=60))


@pytest.mark.fault(7)
@pytest.mark.parametrize("code", [429, 503])
def test_a_server_that_asks_to_wait(lab: Lab, code: int) -> None:
    """429 or 503 with Retry-After in seconds, as a date, or an hour:
    waits; for an hour, an error that states it; part kept
    """
    lab.file.plan(Drop(after=K), Status(code, {"Retry-After": "3600"}))
    lab.fails(
        DownloadError, f"HTTP {code}: the server is busy and it asks to come back in 3600 s", f"{K} bytes are kept"
    )
    assert len(lab.file.requests) == 2

    soon = email.utils.formatdate(time.time() + 2, usegmt=True)
    lab.file.plan(Status(code, {"Retry-After": "1"}), Status(code, {"Retry-After": soon}))
    started = time.monotonic()
    assert lab.loads_what_is_right()
    assert time.monotonic() - started >= 1.0
    assert lab.ranges[2:] == [f"bytes={K}-"] * 3


@pytest.mark.fault(36)
@pytest.mark.parametrize("code", [429, 503])
def test_a_server_that_is_busy(lab: Lab, code: int) -> None:
    """429 or 503 without a time:
    waits longer each time, up to 15 minutes or a limit of your own; then an error; part kept
    """
    lab.be_patient(first_busy_wait=0.01)
    lab.monkeypatch.setenv("MEDMNIST_NP_PATIENCE", "0.01")
    lab.file.plan(Drop(after=K), then=Status(code))
    lab.fails(DownloadError, f"HTTP {code}: the server is busy", "MEDMNIST_NP_PATIENCE", f"{K} bytes are kept")
    assert len(lab.file.requests) > 3

    lab.file.plan(Status(code), Status(code), Status(code))
    assert lab.loads_what_is_right()
    assert lab.ranges[-1] == f"bytes={K}-"


@pytest.mark.fault(8)
def test_a_wait_that_is_not_asked_for(lab: Lab) -> None:
    """Retry-After on a 200:
    ignored
    """
    lab.file.plan(Drop(after=K, headers={"Retry-After": "3600"}), then=Serve(headers={"Retry-After": "3600"}))
    assert lab.loads_what_is_right()
    assert [request.status for request in lab.file.requests] == [200, 206]


@pytest.mark.fault(9)
def test_a_server_that_fails_for_a_while(lab: Lab) -> None:
    """500, 502, 504 three times, then good:
    backs off with jitter, succeeds
    """
    lab.be_patient(tries=4, first_wait=0.1)
    longest: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0.0
        longest.append(high)
        return high

    lab.monkeypatch.setattr(random, "uniform", uniform)
    lab.file.plan(Status(500), Status(502), Status(504))
    started = time.monotonic()
    assert lab.loads_what_is_right()
    assert longest == [0.1, 0.2, 0.4]
    assert time.monotonic() - started >= sum(longest)
    assert [request.status for request in lab.file.requests] == [500, 502, 504, 200]


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("code", "cause"),
    [(401, "it wants a login"), (403, "it refuses"), (404, "there is no such file"), (410, "the file is gone")],
)
def test_a_server_that_says_no(lab: Lab, code: int, cause: str) -> None:
    """401, 403 with an HTML page, 404, 410:
    one request, then the next mirror, then an error with the cause and how to download by hand
    """
    mirror = lab.server.file("mirror/breastmnist.npz", lab.fake.data).plan(then=Status(code))
    lab.monkeypatch.setenv("MEDMNIST_NP_MIRRORS", f"{lab.server.url}/mirror")
    lab.file.plan(Status(code))
    lab.fails(
        DownloadError,
        f"{mirror.url}: HTTP {code} ({cause})",
        f"{lab.file.url}: HTTP {code} ({cause})",
        "get the file by hand and `medmnist-np import` it",
    )
    assert [len(mirror.requests), len(lab.file.requests)] == [1, 1]
    assert lab.loads_what_is_right()
    assert [len(mirror.requests), len(lab.file.requests)] == [2, 2]


@pytest.mark.fault(11)
@pytest.mark.parametrize("there", ["complete", "too long", "half"])
def test_a_range_that_is_not_there(lab: Lab, there: str) -> None:
    """416 on resume:
    complete: verify; else one clean restart
    """
    lab.part.parent.mkdir(parents=True)
    if there == "half":
        lab.part.write_bytes(lab.fake.data[:K])
        lab.file.plan(Status(416))
        asked = [f"bytes={K}-", None]
    else:
        lab.change(bytes=None)  # else no request would be needed
        lab.part.write_bytes(lab.fake.data + b"?" * (10 * (there == "too long")))
        asked = [f"bytes={lab.part_bytes}-", *([None] if there == "too long" else [])]
    assert lab.loads_what_is_right()
    assert asked == lab.ranges


@pytest.mark.fault(12)
def test_a_redirect_that_leads_astray(lab: Lab, tmp_path: Path) -> None:
    """redirect loop; https to http:
    refused
    """
    lab.file.plan(then=redirect(lab.file.url))
    lab.fails(DownloadError, "it redirects more than 10 times")
    assert len(lab.file.requests) == 10

    plain = lab.file.plan()
    asked_before = len(plain.requests)
    authority = trustme.CA()
    trust(authority, tmp_path, lab.monkeypatch)
    with FaultServer(secured(authority)) as secure:
        file = secure.file("breastmnist.npz", lab.fake.data).plan(then=redirect(plain.url))
        lab.change(url=file.url)
        lab.fails(DownloadError, f"it redirects to {plain.url}, which is not encrypted")
    assert asked_before == len(plain.requests)


@pytest.mark.fault(13)
def test_a_server_that_ignores_ranges(lab: Lab) -> None:
    """Range ignored (200):
    completes without trusting the wrong offset
    """
    lab.file.plan(Drop(after=K), then=Serve(honour_range=False))
    assert lab.loads_what_is_right()
    assert lab.ranges == [None, f"bytes={K}-"]
    assert [request.status for request in lab.file.requests] == [200, 200]


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "step",
    [Serve(shift_range=7), Serve(shift_range=-7), Serve(false_total=9), Serve(headers={"Content-Range": None})],
    ids=["start too late", "start too early", "wrong total", "no Content-Range"],
)
def test_a_range_that_was_not_asked_for(lab: Lab, step: Step) -> None:
    """206 with a wrong start, a wrong total or no Content-Range:
    not written; clean restart
    """
    there: list[int] = []
    lab.file.plan(Drop(after=K), step, Meanwhile(after=0, action=lambda: there.append(lab.part_bytes)))
    assert lab.loads_what_is_right()
    assert lab.ranges == [None, f"bytes={K}-", None]
    assert there == [0]


@pytest.mark.fault(15)
@pytest.mark.parametrize("honest", [True, False], ids=["If-Range honoured", "If-Range ignored"])
def test_a_file_that_changes_on_the_server(lab: Lab, honest: bool) -> None:
    """ETag changed between resumes:
    clean restart
    """
    older = bytes(lab.size)
    lab.file.plan(Drop(after=K, data=older), Serve(honour_if_range=honest))
    assert lab.loads_what_is_right()
    assert lab.ranges == [None, f"bytes={K}-", *([] if honest else [None])]
    assert lab.file.requests[1].if_range is not None
