"""Rows 21, 22, 24, 25 and 26: processes that are killed, interrupted, or many."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time

import pytest

from medmnist_np.cache import locks
from tests.fault_server import Stall
from tests.faults.lab import K, Lab, closed, names, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and locks of POSIX are needed")

N_PROCESSES = 8


@pytest.mark.fault(21)
def test_a_killed_download(lab: Lab) -> None:
    """kill -9 while downloading, three times:
    next run resumes
    """
    stops = [100_000, 300_001, 654_321]
    for position in stops:
        lab.file.plan(Stall(after=position - lab.part_bytes, seconds=60))
        child = lab.start("load")
        wait_until(lambda position=position: lab.part_bytes == position)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert not lab.published.exists()
    lab.file.plan()
    assert lab.run("load").stdout.split() == [lab.fake.digests["test"]]
    asked = [None, *(f"bytes={position}-" for position in stops)]
    assert asked == lab.ranges

    shutil.rmtree(lab.cache)
    child = lab.run("load with signal", "SIGKILL")
    assert child.returncode == -signal.SIGKILL
    assert lab.run("load").stdout.split() == [lab.fake.digests["test"]]
    assert [*asked, None] == lab.ranges, "all bytes were there already"


@pytest.mark.fault(22)
def test_a_kill_at_every_step(lab: Lab) -> None:
    """kill -9 while unpacking or publishing, at every step:
    nothing or everything; leftovers are collected
    """
    report = lab.run("kill at every step", str(lab.cache), lab.fake.digests["test"])
    assert report.stderr == ""
    lines = report.stdout.splitlines()
    steps = [line.split("\t") for line in lines]
    kinds = {what.split()[0] for _, what, *_ in steps}
    assert {"open", "os.rename", "os.mkdir", "os.remove"} <= kinds
    assert len(steps) > 20
    assert [step for step in steps if step[2] not in {"nothing", "everything"}] == []
    assert {after for _, _, after, _, _ in steps} == {"nothing", "everything"}
    assert [step for step in steps if step[3] != "right"] == []
    assert [step for step in steps if step[4]] == []


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "lock",
    [
        pytest.param("that works", id="works"),
        # There, a part that another process has open cannot be moved: some processes end with an error.
        pytest.param("yes", id="lets everybody in", marks=pytest.mark.windows_refuses),
        pytest.param("no", id="cannot be had", marks=pytest.mark.windows_refuses),
    ],
)
def test_many_at_once(lab: Lab, lock: str) -> None:
    """8 processes call `load` on an empty cache:
    one download, eight maps; with the lock made a no-op: still right data
    """
    what = ["load"] if lock == "that works" else ["load without lock", lock]
    if lock != "that works":
        lab.file.plan(then=Stall(after=3 * K, seconds=1))  # so that all are at it at the same time
    children = [lab.start(*what) for _ in range(N_PROCESSES)]
    told = [child.communicate(timeout=120) for child in children]
    assert [f"{lab.fake.digests['test']}\n"] * N_PROCESSES == [out for out, _ in told]
    said = {line for _, err in told for line in err.splitlines()}
    assert {line for line in said if not line.startswith("Waiting for another process")} == set()
    if lock == "that works":
        assert lab.ranges == [None]
    assert lab.loads_what_is_right()
    assert names(lab.cache / "downloads") == []
    assert [lab.published.name] == names(lab.published.parent)


@pytest.mark.fault(25)
def test_a_lock_that_is_lost(lab: Lab) -> None:
    """lock holder killed; lock folder read-only; forked child holds the lock:
    continues
    """
    holder = lab.start("hold")
    assert holder.stdout.readline().startswith("held True")
    waiting = lab.start("load")
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.communicate(timeout=2)
    holder.kill()
    assert waiting.communicate(timeout=60)[0] == f"{lab.fake.digests['test']}\n"

    shutil.rmtree(lab.cache / "arrays")
    with closed(lab.cache / "locks"):
        assert lab.run("load", without_rights=True).stdout.split() == [lab.fake.digests["test"]]

    shutil.rmtree(lab.cache / "arrays")
    parent = lab.start("leave to a child")
    orphan = int(parent.stdout.readline())
    try:
        assert parent.wait() == 0
        lab.monkeypatch.setattr(locks, "PATIENCE_S", 1.0)
        started = time.monotonic()
        assert lab.loads_what_is_right()
        assert time.monotonic() - started >= 0.9
    finally:
        os.kill(orphan, signal.SIGKILL)


@pytest.mark.fault(26)
@pytest.mark.parametrize("at", ["a terminal", "a pipe", "a script of one's own"])
def test_an_interruption(lab: Lab, at: str) -> None:
    """Ctrl-C:
    part kept, bar closed, quick exit, no stray traceback
    """
    lab.file.plan(Stall(after=3 * K, seconds=60))
    ours, theirs = pty.openpty() if at == "a terminal" else (None, None)
    if ours:
        termios.tcsetwinsize(ours, (24, 100))
    what = ["load"] if at == "a script of one's own" else ["program", "fetch", "breastmnist"]
    child = lab.start(*what, **({"stderr": theirs} if theirs else {}))
    wait_until(lambda: lab.part_bytes == 3 * K)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)  # the server is silent for a minute
    if ours and theirs:
        os.close(theirs)
        err = _read_all(ours)
        os.close(ours)
    assert lab.part_bytes == 3 * K
    assert not lab.published.exists()
    if what == ["load"]:
        assert child.returncode == -signal.SIGINT
        assert err.count("Traceback") == 1
        assert err.strip().splitlines()[-1] == "KeyboardInterrupt"
    else:
        assert child.returncode == 130
        assert "Traceback" not in out + err
        assert (
            err.rstrip().splitlines()[-1]
            == "Interrupted. Downloaded data is kept. Run the same command again to resume."
        )
    if ours:
        assert "breastmnist.npz" in err  # the bar was there,
        last = err.replace("\r\n", "\n").rpartition("\nInterrupted")[0].rpartition("\r")
        assert last[2].strip() == ""  # and its line was wiped before the last word
    lab.file.plan()
    assert lab.program("fetch", "breastmnist").returncode == 0
    assert lab.loads_what_is_right()
    assert lab.ranges == [None, f"bytes={3 * K}-"]

    shutil.rmtree(lab.cache)
    child = lab.run("load with signal", "SIGINT")
    assert child.returncode == -signal.SIGINT
    assert lab.loads_what_is_right()
    assert lab.ranges[2:] == [None], "all bytes were there already"


def _read_all(terminal: int) -> str:
    text = b""
    while select.select([terminal], [], [], 0.2)[0]:
        try:
            text += os.read(terminal, 65536)
        except OSError:  # what Linux says when the other side is closed
            break
    return text.decode()
