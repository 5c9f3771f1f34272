"""Files that other people wrote with the official evaluator: AUC and ACC are those of their logs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.metrics import Predictions, accuracy, auc, interval, mcnemar, paired_delong

NAMES = ("breastmnist", "retinamnist", "adrenalmnist3d")
LINE = r"^{split}\s+auc: ([0-9.]+)\s+acc: ([0-9.]+)"


@pytest.fixture
def results(real_archives: Path) -> Path:
    folder = real_archives.parent / "results"
    if not folder.is_dir():
        pytest.skip(f"MEDMNIST_NP_TEST_DATA has no folder results: {folder}")
    return folder


def scores_of(file: Path) -> np.ndarray:
    table = np.loadtxt(file, delimiter=",")
    assert np.array_equal(np.arange(len(table)), table[:, 0])
    return table[:, 1:]


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("name", NAMES)
def test_auc_and_accuracy_are_those_of_the_log_and_of_the_name(
    name: str, split: str, results: Path, real_root: Path
) -> None:
    labels, task = mm.load(name, split, root=real_root).labels, mm.info(name).task
    files = sorted((results / name).glob(f"*/{name}_{split}_*.csv"))
    assert len(files) == 3
    for file in files:
        log = (file.parent / f"{name}_log.txt").read_text("utf-8")
        logged = re.search(LINE.format(split=split), log, re.MULTILINE)
        named = re.search(r"\[AUC\]([0-9.]+)_\[ACC\]([0-9.]+)@", file.name)
        assert logged
        assert named
        scores = scores_of(file)
        found = auc(labels, scores, task), accuracy(labels, scores, task)
        assert logged.groups() == tuple(f"{value:.5f}" for value in found)
        assert named.groups() == tuple(f"{value:.3f}" for value in found)


def test_two_seeds_of_one_model_do_not_differ(results: Path, real_root: Path) -> None:
    labels, task = mm.load("breastmnist", "test", root=real_root).labels, mm.info("breastmnist").task
    first, second = (
        Predictions(labels, scores_of(next((results / "breastmnist" / f"seed{seed}").glob("*_test_*.csv"))), task)
        for seed in (0, 2)
    )

    # 0.883 against 0.855: the interval of either is much wider than that.
    assert interval(first).high - interval(first).low > 0.08
    assert paired_delong(first, second).p_value > 0.05
    assert mcnemar(first, second).only_first > mcnemar(first, second).only_second
