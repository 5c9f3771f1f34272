"""A run that is interrupted in the middle, in a process of its own, and then repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them are needed"),
    pytest.mark.timeout(900),  # processes are started three times over
]

N = 600
# The signal comes when 100 files are written. The rest is written slowly, so that it is noticed long before the end.
CHILD = f"""
import itertools, os, sys, time
from medmnist_np.cli import main
from medmnist_np.export import writer
from medmnist_np.testing import fake_datasets

fakes, number = sys.argv[1], int(sys.argv[2])
numbers, write_once = itertools.count(1), writer._write_once

def interrupted(*arguments):
    written = write_once(*arguments)
    n_written = next(numbers)
    if n_written == 100:
        os.kill(os.getpid(), number)
    if n_written >= 100:
        time.sleep(0.05)
    return written

if number:
    writer._write_once = interrupted
with fake_datasets(fakes, "breastmnist", n_samples={{"train": {N}, "val": 10, "test": 10}}):
    main(["save", "breastmnist", *sys.argv[3:]])
"""


def run(tmp_path: Path, folder: Path, number: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, str(tmp_path / f"fakes of {folder.name}"), str(int(number)), str(folder)]
    environment = os.environ | {
        "HOME": str(tmp_path)
    }  # archives in the folder of the official package would be looked at
    return subprocess.run(  # noqa: S603
        [*command, *options], env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def n_files(folder: Path) -> int:
    return sum(1 for _ in folder.glob("breastmnist/**/*.png"))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    found = {}
    for layout in ("automl", "csv"):
        folder = tmp_path_factory.mktemp("undisturbed")
        done = run(folder, folder / layout, 0, "--layout", layout)
        assert done.returncode == 0
        assert done.stderr == ""
        found[layout] = content(folder / layout)
        assert N + 20 + (1 if layout == "automl" else 3) == len(found[layout])
    return found


@pytest.mark.parametrize(
    ("number", "layout", "workers", "code"),
    [(signal.SIGINT, "automl", 1, 130), (signal.SIGINT, "csv", 2, 130), (signal.SIGKILL, "automl", 2, -signal.SIGKILL)],
)
def test_an_interrupted_run_goes_on(
    number: int, layout: str, workers: int, code: int, undisturbed: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = tmp_path / "exported"
    options = ("--layout", layout, "--workers", str(workers))
    done = run(tmp_path, folder, number, *options)
    assert code == done.returncode
    assert 100 <= n_files(folder) < N
    if number == signal.SIGINT:
        assert "Interrupted. The files written so far are complete." in done.stderr
        assert content(folder).items() <= undisturbed[layout].items()
    again = run(tmp_path, folder, 0, *options)
    assert again.returncode == 0
    assert f"train: {N:,} files, " in again.stdout
    assert undisturbed[layout] == content(folder)
