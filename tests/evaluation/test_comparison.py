"""Two results on the same samples, in figures and in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medmnist_np.errors import ScoresError
from medmnist_np.evaluation import Comparison, Evaluation, Evaluator, RunsComparison, compare
from medmnist_np.metrics import holm, mcnemar, paired_bootstrap, paired_delong, paired_delong_per_class, paired_runs
from medmnist_np.metrics.estimates import p_in_words
from medmnist_np.testing import fake_datasets

NAMES = ("breastmnist", "chestmnist", "retinamnist")


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path / "fakes", *NAMES, n_samples={"val": 60, "test": 120}):
        yield


def result(name: str, noise: float, seed: int = 0, split: str = "test") -> Evaluation:
    """Return a result that is the better, the less noise there is."""
    evaluator = Evaluator(name, split)
    width = evaluator.get_dummy_prediction().shape[1]
    truth = evaluator.labels if width in (1, 14) else evaluator.labels == np.arange(width)
    jitter = np.random.default_rng(seed).normal(0.5, 1, (len(truth), width))
    return evaluator.evaluate(sigmoid((1 - noise) * truth + noise * jitter))


def sigmoid(scores: np.ndarray) -> np.ndarray:
    """Return probabilities: in the same order, and above 0.5 where they were."""
    return 1 / (1 + np.exp(0.5 - scores))


def without_class(evaluator: Evaluator, undefined: str, seed: int) -> Evaluation:
    """Return a result on samples of which none is of the last class."""
    evaluator.labels = np.minimum(evaluator.labels, 3)
    return evaluator.evaluate(evaluator.get_dummy_prediction(seed=seed), undefined=undefined)


@pytest.mark.parametrize("undefined", ["skip", "zero"])
def test_results_without_a_class_are_compared_by_the_choice_of_both(undefined: str) -> None:
    first, second = (without_class(Evaluator("retinamnist", "test"), undefined, seed) for seed in (1, 2))
    found = compare(first, second, n_resamples=50)
    assert (first.AUC, second.AUC) == pytest.approx((found.auc.first, found.auc.second))
    assert (first.AUC, second.AUC) == pytest.approx((found.auc_bootstrap.first, found.auc_bootstrap.second))
    assert first.record.class_names[:4] == tuple(one.name for one in found.classes)
    assert "The AUC of '4' is not defined on these samples." in found.in_words()[0]


def test_without_an_auc_there_is_nothing_to_compare() -> None:
    first, second = (without_class(Evaluator("retinamnist", "test"), "nan", seed) for seed in (1, 2))
    found = compare(first, second, n_resamples=50)
    assert "nan for B. The AUC of '4' is not defined" in found.in_words()[0]
    assert found.in_words()[0].endswith("There is nothing to compare.")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["auc"]["p_value"] is None


def test_results_of_different_choices_are_not_compared() -> None:
    first, second = (without_class(Evaluator("retinamnist", "test"), choice, 1) for choice in ("skip", "zero"))
    with pytest.raises(ValueError, match="The AUC of class 4 is not defined"):
        compare(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_the_differences_are_those_of_the_metrics(name: str) -> None:
    first, second = result(name, 0.6, seed=1), result(name, 0.5, seed=2)
    a, b = first.predictions, second.predictions
    found = compare(first, second, level=0.9, n_resamples=50, seed=3)
    assert paired_delong(a, b, level=0.9) == found.auc
    assert paired_bootstrap(a, b, "auc", level=0.9, n_resamples=50, seed=3) == found.auc_bootstrap
    assert paired_bootstrap(a, b, "accuracy", level=0.9, n_resamples=50, seed=3) == found.accuracy
    assert (None if name == "chestmnist" else mcnemar(a, b)) == found.mcnemar
    classes = () if name == "breastmnist" else paired_delong_per_class(a, b, level=0.9)
    assert classes == tuple(one.auc for one in found.classes)
    assert holm([one.p_value for one in classes]).tolist() == [one.p_adjusted for one in found.classes]
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_clear_difference_names_the_better_model(name: str) -> None:
    better, worse = result(name, 0.3), result(name, 0.9)
    for one, other, letter in ((better, worse, "A"), (worse, better, "B")):
        ranking, decisions, *classes = compare(one, other).in_words()
        assert f"{letter} is better: the difference of " in ranking
        assert f"{letter} is better: the difference of " in decisions
        assert (name != "breastmnist") == bool(classes)
        assert all("differ significantly in AUC" in text for text in classes)


@pytest.mark.parametrize("name", NAMES)
def test_no_significant_difference_is_not_called_equality(name: str) -> None:
    ranking, decisions, *classes = compare(result(name, 0.7, seed=7), result(name, 0.7, seed=8)).in_words()
    for text in (ranking, decisions):
        assert "No significant difference: the difference of 0.0" in text
        assert text.endswith("This does not show that A and B are equal.")
    assert all("has a significant difference in AUC" in text for text in classes)


def test_methods_that_do_not_agree_make_a_borderline_case() -> None:
    # McNemar, being exact, is slower to call 2 against 9 a difference than the bootstrap is.
    evaluator = Evaluator("breastmnist", "test")
    truth = evaluator.labels[:, 0].astype(float)
    first, second = truth.copy(), truth.copy()
    first[:9] = 1 - first[:9]
    second[9:11] = 1 - second[9:11]
    found = compare(evaluator.evaluate(sigmoid(first)), evaluator.evaluate(sigmoid(second)))
    assert found.mcnemar is not None
    assert found.mcnemar.only_first == 2
    assert found.mcnemar.only_second == 9
    assert (
        "only A is right on 2, and only B on 9. Borderline case: the difference of 0.058 is not significant"
        in found.in_words()[1]
    )


@pytest.mark.parametrize(("name", "split"), [("retinamnist", "test"), ("breastmnist", "val")])
def test_other_samples_are_refused(name: str, split: str) -> None:
    with pytest.raises(ScoresError, match=f"They are for breastmnist test and {name} {split}"):
        compare(result("breastmnist", 0.5), result(name, 0.5, split=split))


def test_equal_scores_do_not_differ() -> None:
    one = result("breastmnist", 0.5)
    assert all(words.endswith("There is no difference on these samples.") for words in compare(one, one).in_words())


def test_notes_on_the_scores_come_last_and_name_the_result() -> None:
    evaluator = Evaluator("breastmnist", "test")
    scores = evaluator.get_dummy_prediction()
    with pytest.warns(UserWarning, match="instead of 0 to 1"):
        logits = evaluator.evaluate(2 * scores - 1)

    assert compare(evaluator.evaluate(scores), logits, n_resamples=50).in_words()[-1] == f"Note on B: {logits.notes[0]}"


def test_a_note_on_both_results_occurs_once() -> None:
    evaluator = Evaluator("breastmnist", "test")
    with pytest.warns(UserWarning, match="All scores are 0 or 1"):
        first, second = (evaluator.evaluate(evaluator.get_dummy_prediction(seed=k) > 0.5) for k in (1, 2))
    notes = [one for one in compare(first, second, n_resamples=50).in_words() if one.startswith("Note")]

    assert [f"Note: {first.notes[0]}"] == notes


def test_a_comparison_on_val_has_a_warning() -> None:
    words = compare(result("breastmnist", 0.2, split="val"), result("breastmnist", 0.9, split="val")).in_words()

    assert words[-1].startswith("Note: Measured on the validation split. ")


def test_several_runs_are_compared_over_images_and_runs() -> None:
    first, second = ([result("retinamnist", noise, seed) for seed in range(3)] for noise in (0.7, 0.3))
    found = compare(first, second)
    assert isinstance(found, RunsComparison)
    assert found.in_words()[0].startswith("Ranking (AUC): A 0.")


def test_several_runs_are_compared_as_by_the_function_for_predictions() -> None:
    first, second = ([result("retinamnist", noise, seed) for seed in range(3)] for noise in (0.7, 0.3))
    found = compare(first, second)
    expected = paired_runs([one.predictions for one in first], [one.predictions for one in second])
    assert found.auc == expected


def test_one_run_of_a_method_is_named() -> None:
    first = [result("breastmnist", 0.7, seed) for seed in range(3)]
    found = compare(first, result("breastmnist", 0.7, 9))
    assert found.in_words()[-1].startswith("Note: B is one run. The result is about that trained model")


def test_lists_of_one_run_are_compared_as_single_results() -> None:
    first, second = (result("breastmnist", 0.7, seed) for seed in range(2))
    assert isinstance(compare([first], [second], n_resamples=50), Comparison)


def test_result_files_are_compared_by_their_paths(tmp_path: Path) -> None:
    paths = []
    for seed in range(2):
        evaluator = Evaluator("breastmnist", "test")
        evaluator.evaluate(result("breastmnist", 0.7, seed).y_score, save_folder=str(tmp_path), run=f"seed{seed}")
    paths = sorted(tmp_path.glob("*.csv"))
    results = [Evaluator.parse_and_evaluate(path) for path in paths]
    assert compare(*paths, n_resamples=50).auc == compare(*results, n_resamples=50).auc


def test_runs_on_two_splits_are_refused() -> None:
    runs = [result("breastmnist", 0.7, split=split) for split in ("val", "test")]
    with pytest.raises(ScoresError, match="They are for breastmnist val and breastmnist test"):
        compare(runs, runs)


def test_the_figures_of_runs_are_json() -> None:
    runs = [result("breastmnist", 0.7, seed) for seed in range(2)]
    assert json.loads(json.dumps(compare(runs, runs).to_dict()))["auc"]["difference"] == 0.0


def test_a_class_is_described_by_its_difference_and_its_adjusted_p_value() -> None:
    one = compare(result("retinamnist", 0.9, 1), result("retinamnist", 0.2, 2), n_resamples=50).classes[0]
    assert str(one) == f"{one.name!r} {one.auc.difference:+.3f} ({p_in_words(one.p_adjusted)})"


def test_a_notebook_shows_both_results_and_the_paragraphs() -> None:
    found = compare(result("breastmnist", 0.9, 1), result("breastmnist", 0.2, 2), n_resamples=50)
    page = found._repr_html_()
    assert repr(found.first) in page
    assert repr(found.second) in page
    assert page.count("<p>") == len(found.in_words())
    assert "color" not in page  # it must be readable on dark and on light pages


def test_a_notebook_shows_every_run_of_both_methods() -> None:
    first, second = ([result("breastmnist", noise, seed) for seed in range(3)] for noise in (0.7, 0.3))
    page = compare(first, second)._repr_html_()
    assert all(repr(run) in page for run in (*first, *second))


def test_a_notebook_shows_names_of_runs_as_text() -> None:
    named = replace(result("breastmnist", 0.7), run="<script>")
    page = compare(named, result("breastmnist", 0.3), n_resamples=50)._repr_html_()
    assert "@&lt;script&gt;" in page
    assert "<script>" not in page


def test_a_notebook_shows_an_evaluation_with_its_notes() -> None:
    page = result("breastmnist", 0.7, split="val")._repr_html_()
    assert "breastmnist val, 60 samples" in page
    assert "Measured on the validation split." in page
