"""Files that other people wrote with the official evaluator, by way of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medmnist_np.evaluation import Evaluator, compare, parse_name, read_scores, write_scores

NAMES = ("breastmnist", "retinamnist", "adrenalmnist3d")


@pytest.fixture
def results(real_archives: Path) -> Path:
    folder = real_archives.parent / "results"
    if not folder.is_dir():
        pytest.skip(f"MEDMNIST_NP_TEST_DATA has no folder results: {folder}")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_values_equal_those_of_the_logs_and_of_the_file_names(name: str, results: Path, real_root: Path) -> None:
    files = sorted((results / name).glob("*/*.csv"))
    assert len(files) == 6
    for file in files:
        said = parse_name(file)
        result = Evaluator.parse_and_evaluate(file, root=real_root)
        log = (file.parent / f"{name}_log.txt").read_text("utf-8")
        logged = re.search(rf"^{said.split}\s+auc: ([0-9.]+)\s+acc: ([0-9.]+)", log, re.MULTILINE)
        assert logged
        assert logged.groups() == tuple(f"{value:.5f}" for value in result)
        assert {"AUC": f"{result.AUC:.3f}", "ACC": f"{result.ACC:.3f}"} == said.figures
        assert said.contradictions(result.figures) == []
        assert file.name == Evaluator(name, said.split, root=real_root).get_standard_evaluation_filename(
            result, said.run
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_written_as_the_official_evaluator_wrote_it(name: str, results: Path, tmp_path: Path) -> None:
    for file in (results / name).glob("*/*.csv"):
        # Their scores were float32.
        write_scores(tmp_path / file.name, read_scores(file).astype("float32"))
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()


def test_two_runs_of_one_model_do_not_differ_significantly(results: Path, real_root: Path) -> None:
    first, second = (
        Evaluator.parse_and_evaluate(next((results / "breastmnist" / seed).glob("*_test_*.csv")), root=real_root)
        for seed in ("seed0", "seed1")
    )
    ranking, decisions = compare(first, second).in_words()
    assert "0.883 for A, 0.848 for B. No significant difference" in ranking
    assert "0.846 for A, 0.814 for B. Of 156 samples, only A is right on" in decisions
    assert "No significant difference" in decisions


def test_three_seeds_of_a_model_are_compared_two_with_one(results: Path, real_root: Path) -> None:
    runs = [
        Evaluator.parse_and_evaluate(file, root=real_root)
        for file in sorted((results / "retinamnist").glob("*/*_test_*.csv"))
    ]
    found = compare(runs[:2], runs[2:])
    assert [summary.n for summary in found.auc_runs] == [2, 1]
    assert found.auc.first == pytest.approx((0.728 + 0.734) / 2, abs=1e-3)
