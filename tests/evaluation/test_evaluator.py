"""The evaluator: figures, files and refusals."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.errors import ScoresError, UnknownSizeError, UnknownSplitError
from medmnist_np.evaluation import Evaluation, Evaluator, compare, parse_name, read_scores, write_scores
from medmnist_np.metrics import METRICS, Interval, accuracy, auc, interval
from medmnist_np.registry import Superseded, registered
from medmnist_np.testing import fake_datasets

N_SAMPLES = {"train": 30, "val": 20, "test": 40}
NAMES = ("breastmnist", "chestmnist", "pathmnist", "retinamnist")


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path / "fakes", *NAMES, n_samples=N_SAMPLES):
        yield


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Figures


@pytest.mark.parametrize("name", NAMES)
def test_auc_and_acc_are_those_of_the_metrics(name: str) -> None:
    evaluator = Evaluator(name, "test")
    scores = evaluator.get_dummy_prediction()
    result = evaluator.evaluate(scores)
    task = mm.info(name).task
    assert (auc(evaluator.labels, scores, task), accuracy(evaluator.labels, scores, task)) == result
    assert task == result.task
    assert result.n_samples == 40
    assert result.split == "test"
    assert result.size == 28
    assert np.array_equal(evaluator.labels, result.y_true)
    assert np.array_equal(scores, result.y_score)


@pytest.mark.parametrize(
    ("name", "columns"), [("breastmnist", 1), ("chestmnist", 14), ("pathmnist", 9), ("retinamnist", 5)]
)
def test_a_dummy_prediction_has_a_column_for_each_class(name: str, columns: int) -> None:
    scores = Evaluator(name, "val").get_dummy_prediction()
    assert (20, columns) == scores.shape
    assert (0 <= scores).all()
    assert (scores <= 1).all()
    if name in ("pathmnist", "retinamnist"):
        assert np.allclose(1, scores.sum(axis=1))


def test_the_result_unpacks_as_a_pair_and_has_named_values() -> None:
    evaluator = Evaluator("breastmnist", "test")
    result = evaluator.evaluate(evaluator.labels / 2 + 0.3, run=3)
    area, share = result
    assert (1.0, 1.0) == (area, share) == (result.AUC, result.ACC)
    assert result.figures == {"AUC": 1.0, "ACC": 1.0}
    assert repr(result) == "Evaluation(AUC=1.00000, ACC=1.00000: 40 samples of breastmnist test @3)"
    assert repr(evaluator) == "Evaluator('breastmnist', 'test', size=28)"


def results_of_two_seeds() -> tuple[Evaluation, Evaluation]:
    evaluator = Evaluator("breastmnist", "test")
    first, second = (evaluator.evaluate(evaluator.get_dummy_prediction(seed=seed)) for seed in (0, 1))
    return first, second


def test_a_result_equals_the_pair_of_its_values() -> None:
    result, _ = results_of_two_seeds()
    assert (result.AUC, result.ACC) == result


def test_results_with_equal_values_are_equal() -> None:
    first, second = results_of_two_seeds()
    again, _ = results_of_two_seeds()
    assert first == again
    assert first != second


def test_results_are_sorted_by_their_values() -> None:
    results = results_of_two_seeds()
    assert max(result.AUC for result in results) == max(results).AUC


def test_numpy_averages_results_of_several_seeds() -> None:
    first, second = results_of_two_seeds()
    assert [(first.AUC + second.AUC) / 2, (first.ACC + second.ACC) / 2] == np.mean([first, second], axis=0).tolist()


def test_auc_and_acc_of_a_result_cannot_be_set() -> None:
    result, _ = results_of_two_seeds()
    with pytest.raises(FrozenInstanceError):
        result.AUC = 0.5  # type: ignore[misc]
    with pytest.raises(ValueError, match="AUC"):
        replace(result, AUC=0.5)


def test_a_result_with_another_run_keeps_its_values() -> None:
    result, _ = results_of_two_seeds()
    renamed = replace(result, run="b")
    assert renamed.run == "b"
    assert result == renamed
    assert repr(renamed).endswith("breastmnist test @b)")


def frame_of(name: str, scores: np.ndarray) -> Any:
    """Return scores as a data frame with the names of the classes and the numbers of the samples, both shuffled."""
    pandas = pytest.importorskip("pandas")
    names = mm.info(name).class_names
    scores = scores if scores.shape[1] == len(names) else np.hstack([1 - scores, scores])
    frame = pandas.DataFrame(scores, columns=names)
    return frame.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=1)


@pytest.mark.parametrize("name", NAMES)
def test_scores_of_a_data_frame_are_put_in_order_by_index_and_class_name(name: str) -> None:
    evaluator = Evaluator(name, "test")
    scores = evaluator.get_dummy_prediction()
    found = evaluator.evaluate(frame_of(name, scores))

    assert evaluator.evaluate(scores) == found
    assert np.array_equal(scores, found.y_score[:, -scores.shape[1] :])


def test_a_result_file_of_a_data_frame_is_in_the_order_of_the_data_set(tmp_path: Path) -> None:
    evaluator = Evaluator("pathmnist", "test")
    scores = evaluator.get_dummy_prediction()
    evaluator.evaluate(frame_of("pathmnist", scores), tmp_path, "a")

    (file,) = tmp_path.glob("*.csv")
    assert np.array_equal(scores, read_scores(file))


@pytest.mark.parametrize("index", [range(1, 41), [*range(20), *range(20)], [f"{n}.png" for n in range(40)]])
def test_an_index_that_does_not_number_the_samples_is_refused(index: Any) -> None:
    evaluator = Evaluator("breastmnist", "test")
    frame = pytest.importorskip("pandas").DataFrame(evaluator.get_dummy_prediction(), index=index)

    with pytest.raises(ScoresError, match=r"It must have each of 0 to 39 once.*\.to_numpy\(\)"):
        evaluator.evaluate(frame)


@pytest.mark.parametrize("columns", [list("abcde"), [1, 2, 3, 4, 5], ["0", "1", "2", "3", "3"]])
def test_columns_that_do_not_name_the_classes_are_refused(columns: Any) -> None:
    evaluator = Evaluator("retinamnist", "test")
    frame = pytest.importorskip("pandas").DataFrame(evaluator.get_dummy_prediction(), columns=columns)

    with pytest.raises(ScoresError, match=r"columns of y_score are .*, and the classes are '0', '1', '2', \.\.\."):
        evaluator.evaluate(frame)


def test_one_column_with_the_name_of_class_0_is_refused() -> None:
    evaluator = Evaluator("breastmnist", "test")
    frame = pytest.importorskip("pandas").DataFrame(evaluator.get_dummy_prediction(), columns=["malignant"])

    with pytest.raises(ScoresError, match="'malignant', which is class 0"):
        evaluator.evaluate(frame)


def test_masked_scores_are_refused() -> None:
    evaluator = Evaluator("breastmnist", "test")
    scores = np.ma.masked_less(evaluator.get_dummy_prediction(), 0.1)

    with pytest.raises(ValueError, match="y_score is a masked array with masked values"):
        evaluator.evaluate(scores)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("breastmnist", r"Scores are from -.* instead of 0 to 1, but decisions are made at 0\.5"),
        ("chestmnist", r"Scores are from -.* instead of 0 to 1, but decisions are made at 0\.5"),
        ("pathmnist", r"Scores are from -.* instead of 0 to 1\. Logits change the AUC .* apply a softmax"),
    ],
)
def test_scores_outside_0_to_1_raise_a_warning_and_a_note(name: str, said: str, tmp_path: Path) -> None:
    evaluator = Evaluator(name, "test")
    scores = 6 * evaluator.get_dummy_prediction() - 3
    with pytest.warns(UserWarning, match=said) as found:
        result = evaluator.evaluate(scores, tmp_path, "a")

    (note,) = result.notes
    assert __file__ == found[0].filename
    assert str(found[0].message) == note
    (file,) = tmp_path.glob("*.json")
    assert [note] == json.loads(file.read_text("utf-8"))["notes"]


def test_logits_give_the_values_of_the_official_evaluator() -> None:
    evaluator = Evaluator("breastmnist", "test")
    scores = 6 * evaluator.get_dummy_prediction() - 3
    with pytest.warns(UserWarning, match="instead of 0 to 1"):
        result = evaluator.evaluate(scores)

    assert np.mean((scores > 0.5) == evaluator.labels) == result.ACC


@pytest.mark.parametrize("name", NAMES)
def test_scores_that_look_like_decisions_raise_a_warning(name: str) -> None:
    evaluator = Evaluator(name, "test")
    scores = evaluator.get_dummy_prediction()
    decisions = scores > 0.5 if name in ("breastmnist", "chestmnist") else scores == scores.max(axis=1, keepdims=True)
    with pytest.warns(UserWarning, match="All scores are 0 or 1, as if"):
        result = evaluator.evaluate(decisions.astype(int))

    assert result.notes[0].endswith("pass the probabilities.")


def test_a_result_file_of_logits_raises_a_warning(tmp_path: Path) -> None:
    write_scores(tmp_path / "breastmnist_test_a.csv", 6 * Evaluator("breastmnist", "test").get_dummy_prediction() - 3)
    with pytest.warns(UserWarning, match="instead of 0 to 1"):
        Evaluator.parse_and_evaluate(tmp_path / "breastmnist_test_a.csv")


def test_probabilities_on_test_have_no_notes() -> None:
    evaluator = Evaluator("chestmnist", "test")
    assert evaluator.evaluate(evaluator.get_dummy_prediction()).notes == ()


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("train", "Measured on the training split, so the results do not apply to new images."),
        ("val", "Measured on the validation split. If you used it to choose the model or to stop training,"),
    ],
)
def test_results_on_train_and_val_have_a_note(split: str, said: str, tmp_path: Path) -> None:
    evaluator = Evaluator("breastmnist", split)
    result = evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path, "a", intervals=True)

    (note,) = result.notes
    assert note.startswith(said)
    (file,) = tmp_path.glob("*.json")
    assert [note] == json.loads(file.read_text("utf-8"))["notes"]


@pytest.mark.parametrize("name", NAMES)
def test_scores_that_change_afterwards_do_not_change_the_result(name: str) -> None:
    evaluator = Evaluator(name, "test")
    scores = evaluator.get_dummy_prediction()
    result = evaluator.evaluate(scores)

    scores[:] = evaluator.get_dummy_prediction(seed=1)

    assert evaluator.evaluate(evaluator.get_dummy_prediction()).to_dict(intervals=True) == result.to_dict(
        intervals=True
    )
    assert result.intervals()["auc"].estimate == result.AUC
    assert np.array_equal(evaluator.get_dummy_prediction(), result.y_score)


def test_results_keep_the_scores_they_had_when_the_array_is_reused() -> None:
    evaluator = Evaluator("breastmnist", "test")
    buffer = np.empty((40, 1))
    results = []
    for seed in (1, 2):
        buffer[:] = evaluator.get_dummy_prediction(seed=seed)
        results.append(evaluator.evaluate(buffer))

    found = compare(*results, n_resamples=50)

    assert (results[0].AUC, results[1].AUC) == pytest.approx((found.auc.first, found.auc.second))


def test_a_result_cannot_be_written_to_and_leaves_the_array_of_the_caller_writable() -> None:
    evaluator = Evaluator("retinamnist", "test")
    scores = evaluator.get_dummy_prediction()
    result = evaluator.evaluate(scores)

    assert scores.flags.writeable
    assert not result.y_score.flags.writeable
    assert not result.y_true.flags.writeable


def test_a_result_can_be_pickled() -> None:
    evaluator = Evaluator("retinamnist", "test")
    result = evaluator.evaluate(evaluator.get_dummy_prediction(), run="a")
    again = pickle.loads(pickle.dumps(result))
    assert result == again
    assert again.run == "a"
    assert result.intervals() == again.intervals()


def test_the_given_threshold_is_used() -> None:
    evaluator = Evaluator("breastmnist", "test")
    scores = np.where(evaluator.labels == 1, 0.4, 0.2)
    assert evaluator.evaluate(scores, threshold=0.3) == (1.0, 1.0)
    assert evaluator.evaluate(scores, threshold=0.3).threshold == 0.3
    assert evaluator.evaluate(scores).ACC < 1


def test_intervals_are_those_of_the_metrics() -> None:
    evaluator = Evaluator("breastmnist", "test")
    result = evaluator.evaluate(evaluator.get_dummy_prediction())
    expected = interval(result.predictions, "auc", n_resamples=100, seed=4)
    found = result.intervals(["auc"], n_resamples=100, seed=4)
    assert isinstance(found["auc"], Interval)
    assert {"auc": expected} == found
    patients = np.arange(result.n_samples) // 4
    grouped = interval(result.predictions, "auc", groups=patients)
    assert {"auc": grouped} == result.intervals(["auc"], groups=patients)


@pytest.mark.parametrize("kind", [list, lambda scores: scores.astype(np.float32).tolist(), np.asfortranarray])
def test_lists_and_arrays_of_other_libraries_are_accepted(kind: object) -> None:
    evaluator = Evaluator("pathmnist", "test")
    scores = evaluator.get_dummy_prediction()
    assert evaluator.evaluate(scores) == evaluator.evaluate(kind(scores))  # type: ignore[operator]


# Refusals


def test_a_wrong_number_of_columns_is_refused() -> None:
    with pytest.raises(ValueError, match=r"y_score has 8 columns\. It needs 9, one for each class"):
        Evaluator("pathmnist", "test").evaluate(np.zeros((40, 8)))


def test_a_wrong_number_of_rows_is_refused() -> None:
    with pytest.raises(ScoresError) as caught:
        Evaluator("pathmnist", "test").evaluate(np.zeros((39, 9)))
    assert str(caught.value) == "There are 39 rows of scores and 40 samples in pathmnist test."


def test_rows_of_a_superseded_release_are_recognised() -> None:
    record = mm.info("pathmnist")
    old = Superseded(f"md5:{1:032}", "2.2.3", {"test": 43})
    archives = {size: replace(archive, superseded=(old,)) for size, archive in record.archives.items()}
    with registered(replace(record, archives=archives)), pytest.raises(ScoresError) as caught:
        Evaluator("pathmnist", "test").evaluate(np.zeros((43, 9)))
    assert "Release 2.2.3 of the data had 43" in str(caught.value)


def test_an_absent_class_is_refused_unless_undefined_is_set(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "pathmnist", n_samples={"test": 5}):
        evaluator = Evaluator("pathmnist", "test")
        scores = evaluator.get_dummy_prediction()
        with pytest.raises(ValueError, match="is not defined"):
            evaluator.evaluate(scores)
        assert 0 <= evaluator.evaluate(scores, undefined="skip").AUC <= 1
        result = evaluator.evaluate(scores, tmp_path / "out", "a", undefined="nan")
        assert np.isnan(result.AUC)
        assert result.to_dict()["AUC"] is None


def test_an_unknown_split_or_size_is_refused() -> None:
    with pytest.raises(UnknownSplitError):
        Evaluator("pathmnist", "tset")
    with pytest.raises(UnknownSizeError):
        Evaluator("pathmnist", "test", size=29)


# Files


@pytest.mark.parametrize("name", NAMES)
def test_a_written_result_file_gives_the_same_result(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "results"
    evaluator = Evaluator(name, "test")
    scores = evaluator.get_dummy_prediction().astype(np.float32)
    result = evaluator.evaluate(scores, folder, "seed1")
    expected = f"{name}_test_[AUC]{result.AUC:.3f}_[ACC]{result.ACC:.3f}@seed1"
    assert {f"{expected}.csv", f"{expected}.json"} == set(files_in(folder))
    before = files_in(folder)
    again = Evaluator.parse_and_evaluate(folder / f"{expected}.csv")
    assert result == again
    assert again.run == "seed1"
    assert before == files_in(folder)
    assert parse_name(f"{expected}.csv").contradictions(again.figures) == []


def test_the_json_states_how_the_values_were_computed(tmp_path: Path) -> None:
    evaluator = Evaluator("breastmnist", "test")
    result = evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "out", 7)
    (file,) = (tmp_path / "out").glob("*@7.json")
    expected = {
        "dataset": "breastmnist",
        "split": "test",
        "size": 28,
        "run": "7",
        "task": "binary-class",
        "n_samples": 40,
        "AUC": result.AUC,
        "ACC": result.ACC,
        "threshold": 0.5,
        "undefined": "raise",
        "undefined_classes": [],
        "notes": [],
        "labels_sha256": hashlib.sha256(evaluator.labels.tobytes()).hexdigest(),
        "medmnist_np": mm.__version__,
    }
    assert expected == json.loads(file.read_text("utf-8"))


def test_intervals_are_in_the_json_when_asked_for(tmp_path: Path) -> None:
    evaluator = Evaluator("chestmnist", "test")
    result = evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "out", 7, intervals=True)
    (file,) = (tmp_path / "out").glob("*.json")
    found = json.loads(file.read_text("utf-8"))["intervals"]
    assert {"auc", "accuracy", "f1"} <= set(found) <= set(METRICS)
    assert result.AUC == found["auc"]["estimate"]
    assert found["auc"]["low"] < result.AUC < found["auc"]["high"]


def test_a_run_without_a_name_is_named_by_the_time(tmp_path: Path) -> None:
    evaluator = Evaluator("breastmnist", "test")
    evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.csv")
    assert 1.7e9 < float(parse_name(file).run)


def test_the_size_changes_the_file_name_but_not_the_values(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "pneumoniamnist", n_samples=N_SAMPLES, size=64):
        evaluator = Evaluator("pneumoniamnist_64", "test")
        result = evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "out", "a")
        (file,) = (tmp_path / "out").glob("pneumoniamnist_64_test_*@a.csv")
        assert result == Evaluator.parse_and_evaluate(file)


def test_a_run_argument_replaces_the_run_in_the_file_name(tmp_path: Path) -> None:
    evaluator = Evaluator("breastmnist", "test")
    evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "out", "a")
    (file,) = (tmp_path / "out").glob("*.csv")
    assert Evaluator.parse_and_evaluate(file, run="b").run == "b"


def test_one_column_and_a_flat_array_give_the_same_file(tmp_path: Path) -> None:
    evaluator = Evaluator("breastmnist", "test")
    scores = evaluator.get_dummy_prediction()
    for run, form in (("flat", scores[:, 0]), ("table", scores)):
        evaluator.evaluate(form, tmp_path / "out", run)
    flat, table = sorted((tmp_path / "out").glob("*.csv"))
    assert np.array_equal(scores, read_scores(flat))
    assert flat.read_bytes() == table.read_bytes()


def test_a_file_whose_scores_do_not_fit_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pathmnist_test.csv"
    file.write_text("0,0.5,0.5\n")
    with pytest.raises(ScoresError) as caught:
        Evaluator.parse_and_evaluate(file)
    assert f"{file}: There are 1 rows of scores and 40 samples in pathmnist test." == str(caught.value)
