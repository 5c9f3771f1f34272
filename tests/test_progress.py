"""Progress is shown by what the caller passes, and by nothing else."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import medmnist_np as mm
from medmnist_np._progress import Bar, Progress, silent
from medmnist_np.corruptions import make_corrupted
from medmnist_np.data import load_labels
from medmnist_np.reports.evaluation_page import report
from medmnist_np.testing import fake_datasets

SOURCE = Path(mm.__file__).parent


class Recorder:
    """Counts what each task reports."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.totals: dict[str, int | None] = {}

    @contextmanager
    def __call__(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        self.done[task] += done
        self.totals[task] = total
        yield _RecordedBar(self, task)


class _RecordedBar:
    total: int | None = None

    def __init__(self, recorder: Recorder, task: str) -> None:
        self.recorder, self.task = recorder, task

    def update(self, n_bytes: int, /) -> None:
        self.recorder.done[self.task] += n_bytes


FIRST_USE: dict[str, Callable[[Progress], Any]] = {
    "fetch": lambda progress: mm.fetch("breastmnist", progress=progress),
    "load": lambda progress: mm.load("breastmnist", progress=progress),
    "load_labels": lambda progress: load_labels("breastmnist", progress=progress),
    "Dataset": lambda progress: mm.Dataset("breastmnist", progress=progress),
    "Evaluator": lambda progress: mm.Evaluator("breastmnist", "test", progress=progress),
    "make_corrupted": lambda progress: make_corrupted("breastmnist", ["pixelate"], [1], progress=progress),
}


@pytest.fixture(autouse=True)
def no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every bar of tqdm fail."""
    monkeypatch.setattr("tqdm.auto.tqdm", None)


@pytest.mark.parametrize("name", FIRST_USE)
def test_what_unpacks_an_archive_shows_it_to_the_caller(name: str, tmp_path: Path) -> None:
    recorder = Recorder()
    with fake_datasets(tmp_path, "breastmnist"):
        FIRST_USE[name](recorder)
    assert "unpacking breastmnist.npz" in recorder.done


@pytest.mark.parametrize("name", FIRST_USE)
def test_it_can_be_silenced(name: str, tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist"):
        FIRST_USE[name](silent)


def test_a_report_counts_up_to_its_total(tmp_path: Path) -> None:
    recorder = Recorder()
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 10, "val": 10, "test": 40}):
        evaluator = mm.Evaluator("breastmnist", "test", progress=silent)
        report(evaluator.evaluate(evaluator.get_dummy_prediction()), n_resamples=20, progress=recorder)
    assert recorder.totals == recorder.done


def test_bars_are_drawn_in_two_places() -> None:
    found = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if any(module.partition(".")[0] == "tqdm" for module in modules):
                found.add(file.relative_to(SOURCE).as_posix())
    assert found == {"_progress.py", "cli/jobs.py"}
