"""Own results among the published ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from medmnist_np import registry
from medmnist_np.errors import ScoresError
from medmnist_np.evaluation import Evaluator, Leaderboard, leaderboard
from medmnist_np.testing import fake_datasets


@pytest.mark.parametrize("record", registry.datasets(), ids=lambda record: record.name)
def test_every_data_set_has_published_results(record: registry.DatasetInfo) -> None:
    known = registry.baselines(record)
    expected = 8 if record.ndim == 3 else 7
    assert expected == len({row.method for row in known.rows}) == len(known.rows)
    assert expected == len(leaderboard(record))
    assert any("v2.2.4" in note for note in known.notes)
    assert any("enlarged" in note for note in known.notes)


def test_the_highest_auc_comes_first() -> None:
    areas = [entry.AUC for entry in leaderboard("breastmnist")]
    assert sorted(areas, reverse=True) == areas
    assert tuple(getattr(leaderboard("breastmnist")[0], field) for field in ("method", "AUC", "ACC")) == (
        "Google AutoML Vision",
        0.919,
        0.861,
    )


def test_own_results_are_listed_with_intervals(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"test": 30}):
        evaluator = Evaluator("breastmnist", "test")
        result = evaluator.evaluate(0.1 + 0.8 * evaluator.labels)
        first, *others = leaderboard("breastmnist", {"mine": result})
    assert first.method == "mine"
    assert first.AUC == 1.0
    assert first.ACC == 1.0
    assert tuple(result.intervals().values()) == first.intervals
    assert {entry.intervals for entry in others} == {None}


def test_results_on_other_samples_are_refused(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"val": 30}):
        evaluator = Evaluator("breastmnist", "val")
        result = evaluator.evaluate(0.1 + 0.8 * evaluator.labels)
        with pytest.raises(ScoresError, match="are for breastmnist test, but 'mine' is for breastmnist val"):
            leaderboard("breastmnist", {"mine": result})


def own_board(folder: Path, name: str) -> Leaderboard:
    """Return the leaderboard with a perfect result of this name."""
    with fake_datasets(folder, "breastmnist", n_samples={"test": 30}):
        evaluator = Evaluator("breastmnist", "test")
        return leaderboard("breastmnist", {name: evaluator.evaluate(0.1 + 0.8 * evaluator.labels)})


def test_a_leaderboard_prints_as_a_table_with_aligned_columns(tmp_path: Path) -> None:
    head, own, published, *_ = str(own_board(tmp_path, "mine")).splitlines()
    assert own.startswith("* mine")
    assert own.index("1.000 (") == head.index("AUC")
    assert published.index("0.919") == head.index("AUC")
    assert published.index("0.861") == head.index("ACC")


def test_a_notebook_shows_a_row_per_entry_of_a_leaderboard() -> None:
    board = leaderboard("breastmnist")
    page = board._repr_html_()
    assert page.count("<tr>") == 1 + len(board)
    assert "color" not in page  # it must be readable on dark and on light pages


def test_a_notebook_shows_names_in_a_leaderboard_as_text(tmp_path: Path) -> None:
    page = own_board(tmp_path, "<b>mine</b>")._repr_html_()
    assert "* &lt;b&gt;mine&lt;/b&gt;" in page


def test_an_empty_leaderboard_prints_its_head() -> None:
    assert str(Leaderboard()) == "Method  AUC  ACC"
