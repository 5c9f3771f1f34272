"""Types as users see them: a program of theirs passes strict checkers, and does what its types say."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from medmnist_np.testing import fake_datasets
from tests.typing import program

PROGRAM = Path(program.__file__)


def checked(folder: Path, *command: str) -> None:
    """Run a checker over a copy of the program, away from the settings of this project."""
    copy = folder / "program.py"
    copy.write_bytes(PROGRAM.read_bytes())
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", *command, str(copy)], check=False, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert ("" if done.returncode == 0 else done.stdout + done.stderr) == ""


@pytest.mark.skipif(find_spec("mypy") is None, reason="needs mypy: pip install 'medmnist-np[dev]'")
def test_mypy_finds_nothing_in_a_program(tmp_path: Path) -> None:
    checked(tmp_path, "mypy", "--strict", f"--cache-dir={tmp_path}")


@pytest.mark.skipif(find_spec("basedpyright") is None, reason="needs basedpyright: pip install 'medmnist-np[dev]'")
def test_basedpyright_finds_no_error_in_a_program(tmp_path: Path) -> None:
    checked(tmp_path, "basedpyright", "--level", "error", "--pythonpath", sys.executable)


def test_the_program_runs(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 40, "val": 8, "test": 20}):
        assert program.read()[0] == (28, 28)
        assert program.describe() == "breastmnist: malignant, 40, @"
        assert list(program.select().values()) == [2, 2]
        assert all(np.isfinite(list(program.batches())))
        assert 0 < program.evaluate(tmp_path) < 3
        assert program.measure().estimate == 1.0
        assert program.tell(tmp_path)[0].lower() == "<!doctype"
        assert program.hand_over() == (40, 784, 40)
        assert "Did you mean 'breastmnist'" in program.refuse()
