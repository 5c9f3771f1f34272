"""A run that is interrupted in the middle, in a process of its own, and then repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them are needed"),
    pytest.mark.timeout(900),  # thousands of files are written, three times over
]

N = 6000
CHILD = f"""
import sys
from medmnist_np.cli import main
from medmnist_np.testing import fake_datasets

with fake_datasets(sys.argv[1], "breastmnist", n_samples={{"train": {N}, "val": 10, "test": 10}}):
    main(["save", "breastmnist", *sys.argv[2:]])
"""


def start(tmp_path: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(tmp_path / f"fakes of {folder.name}"), str(folder), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603


def n_files(folder: Path) -> int:
    return sum(1 for _ in folder.glob("breastmnist/**/*.png"))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    found = {}
    for layout in ("automl", "csv"):
        folder = tmp_path_factory.mktemp("undisturbed")
        process = start(folder, folder / layout, "--layout", layout)
        assert (0, "") == (process.wait(240), process.communicate()[1])
        found[layout] = content(folder / layout)
        assert N + 20 + (1 if layout == "automl" else 3) == len(found[layout])
    return found


@pytest.mark.parametrize(
    ("number", "layout", "workers", "code"),
    [
        (signal.SIGINT, "automl", 1, 130),
        (signal.SIGINT, "csv", 2, 130),
        (signal.SIGKILL, "automl", 2, -signal.SIGKILL),
    ],
)
def test_an_interrupted_run_goes_on(
    number: int, layout: str, workers: int, code: int, undisturbed: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = tmp_path / "exported"
    options = ("--layout", layout, "--workers", str(workers))
    process = start(tmp_path, folder, *options)
    end = time.monotonic() + 240
    while n_files(folder) < 100 and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert (code, True) == (process.returncode, 100 <= n_files(folder) < N)
    if number == signal.SIGINT:
        assert "Interrupted. What is written is complete: run the same again to go on." in said
        assert content(folder).items() <= undisturbed[layout].items()
    again = start(tmp_path, folder, *options)
    printed, _ = again.communicate(timeout=240)
    assert 0 == again.returncode
    assert f"train: {N:,} files, " in printed
    assert undisturbed[layout] == content(folder)
