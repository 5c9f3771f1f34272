"""``corrupt`` is interrupted while it makes images, in a process of its own, and then repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them are needed")

# Small pieces, and a signal while the second of four sets of images is made: to the program itself, as `kill` sends it;
# to all its processes, as Ctrl-C does; or to one of those that work. The other worker may finish the second set before
# the loss of the first is noticed, so the program waits there until it is.
CHILD = """
import os, signal, sys
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children
from medmnist_np.cli import main
from medmnist_np.corruptions import stored
from medmnist_np.testing import fake_datasets

folder, number, whom = sys.argv[1], int(sys.argv[2]), sys.argv[3]
stored._PIECE_BYTES = 7 * 28 * 28
n_pieces, spread = 0, stored.spread

def interrupted(function, tasks, executor):
    global n_pieces
    for made in spread(function, tasks, executor):
        n_pieces += 1
        if number and n_pieces == 9:
            if whom == "worker":
                os.kill(active_children()[0].pid, number)
                try:
                    while True:
                        executor.submit(os.getpid).result()
                except BrokenProcessPool:
                    pass
            else:
                os.kill(0 if whom == "all" else os.getpid(), number)
        yield made

if __name__ == "__main__":
    stored.spread = interrupted
    with fake_datasets(folder, "breastmnist", n_samples={"train": 10, "val": 10, "test": 40}):
        main(["corrupt", "breastmnist", "--kind", "speckle_noise", "--kind", "motion_blur", "--severity", "2",
              "--severity", "5", "--json", *sys.argv[4:]])
"""


def run(folder: Path, number: int, whom: str, workers: int) -> subprocess.CompletedProcess[str]:
    """Run it to its end, which is that of all processes that could still write to its output."""
    command = [sys.executable, "-c", CHILD, str(folder), str(int(number)), whom, "--workers", str(workers)]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=120, start_new_session=True, check=False
    )


def digests(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0
    assert done.stderr == ""
    made: list[dict[str, Any]] = json.loads(done.stdout)
    return [one["sha256"] for one in made]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = digests(run(tmp_path_factory.mktemp("undisturbed"), 0, "", workers=1))
    assert len(set(found)) == 4
    return found


@pytest.mark.parametrize(
    ("number", "whom", "workers", "code", "message"),
    [
        (signal.SIGINT, "self", 1, 130, "Interrupted."),
        (signal.SIGINT, "all", 2, 130, "Interrupted."),
        (signal.SIGTERM, "self", 2, -signal.SIGTERM, ""),
        (signal.SIGKILL, "self", 2, -signal.SIGKILL, ""),
        (signal.SIGKILL, "worker", 2, 1, "A worker process was killed"),
    ],
)
def test_an_interrupted_run_stops_and_the_next_run_completes_it(
    number: int, whom: str, workers: int, code: int, message: str, undisturbed: list[str], tmp_path: Path
) -> None:
    done = run(tmp_path, number, whom, workers)
    assert code == done.returncode
    assert done.stdout == ""
    assert message in done.stderr
    folder = tmp_path / "cache" / "arrays" / "corrupted"
    complete = [entry / "test_images.npy" for entry in folder.iterdir() if not entry.name.startswith(".")]
    assert 1 <= len(complete) < 4
    before = [file.stat().st_mtime_ns for file in complete]
    assert undisturbed == digests(run(tmp_path, 0, "", workers=2))
    assert 4 == len(list(folder.iterdir()))  # nothing of those that were begun
    assert before == [file.stat().st_mtime_ns for file in complete]
