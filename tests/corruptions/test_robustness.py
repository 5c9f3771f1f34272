"""Balanced errors, BE and rBE: by hand, with their intervals, and from result files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np import registry
from medmnist_np._progress import silent
from medmnist_np.corruptions import RunName, measure_robustness, parse_run, summarise_errors
from medmnist_np.errors import ScoresError
from medmnist_np.evaluation import Evaluator
from medmnist_np.metrics import balanced_accuracy
from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_set, corrupted_sets, corruption_facts
from medmnist_np.testing import fake_datasets

# Names of runs


@given(
    st.text(st.characters(exclude_characters="+\n"), max_size=8),
    st.sampled_from(list(corruption_facts())),
    st.sampled_from(SEVERITIES),
)
def test_run_names_are_parsed_as_they_are_written(model: str, corruption: str, severity: int) -> None:
    for run in (RunName(model), RunName(model, corruption, severity)):
        assert run == parse_run(str(run))


@pytest.mark.parametrize("model", ["resnet18", "", "ResNet-18 + 3D", "a+b", "seed_1", "motion_blur_3"])
def test_other_run_names_mean_clean_images(model: str) -> None:
    assert RunName(model) == parse_run(model)


def test_a_model_may_have_a_plus_in_its_name() -> None:
    assert RunName("a+b", "pixelate", 1) == parse_run("a+b+pixelate_1")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("a+motionblur_3", "Unknown corruption 'motionblur'. Did you mean 'motion_blur' or"),
        ("a+Motion_Blur_3", "Unknown corruption 'Motion_Blur'. Did you mean 'motion_blur'"),
        ("a+pixelate_0", "has severity 0. It must be from 1 (weakest) to 5 (strongest)."),
        ("a+pixelate_6", "has severity 6."),
    ],
)
def test_a_run_with_an_unknown_corruption_or_severity_is_refused(run: str, message: str) -> None:
    with pytest.raises(ScoresError, match=re.escape(message)):
        parse_run(run)


# By hand

OCT = corrupted_set("octmnist")


def errors_of(name: str, *, clean: float | None = 0.1, step: float = 0.01) -> dict[RunName, np.ndarray]:
    """Errors that grow with the severity and with the number of the corruption; two resamples beside each."""
    found = {RunName("m"): np.array([clean, clean, clean])} if clean is not None else {}
    for number, corruption in enumerate(corrupted_set(name).corruptions):
        for severity in SEVERITIES:
            error = 0.2 + step * severity + 0.02 * number
            found[RunName("m", corruption, severity)] = np.array([error, error - 0.01, error + 0.01])
    return found


def test_be_and_rbe_equal_a_calculation_by_hand() -> None:
    found = summarise_errors(registry.info("octmnist"), errors_of("octmnist"))
    bes, rbes = [], []
    for number, (name, one) in enumerate(zip(OCT.corruptions, found.corruptions, strict=True)):
        assert name == one.corruption
        errors = [0.21 + 0.02 * number, 0.22 + 0.02 * number, 0.23 + 0.02 * number, 0.24 + 0.02 * number]
        mean = (sum(errors) + 0.25 + 0.02 * number) / 5
        reference = OCT.corruptions[name].reference_error
        bes.append(mean / reference)
        rbes.append((mean - 0.1) / (reference - OCT.reference_clean_error))
        assert math.isclose(mean, one.mean.estimate)
        assert math.isclose(bes[-1], one.be.estimate)
        assert math.isclose(rbes[-1], one.rbe.estimate)
    assert math.isclose(sum(bes) / 6, found.be.estimate)
    assert math.isclose(sum(rbes) / 6, found.rbe.estimate)
    assert math.isclose(0.28, found.mean.estimate)
    assert found.notes == ()


def test_the_reference_itself_has_be_and_rbe_of_one() -> None:
    errors = {RunName("alexnet"): np.full(3, OCT.reference_clean_error)}
    for name, strengths in OCT.corruptions.items():
        errors |= {RunName("alexnet", name, severity): np.full(3, strengths.reference_error) for severity in SEVERITIES}
    found = summarise_errors(registry.info("octmnist"), errors)
    assert pytest.approx([found.be.estimate, found.rbe.estimate]) == [1, 1]
    assert np.isnan([found.be.low, found.rbe.low]).all()  # no resample differs


def test_intervals_use_the_same_resamples_in_all_terms() -> None:
    found = summarise_errors(registry.info("octmnist"), errors_of("octmnist"), level=0.5)
    # All errors of a resample lie 0.01 lower or higher, so their mean does.
    assert pytest.approx([found.mean.low, found.mean.high]) == [0.275, 0.285]


def test_a_missing_severity_is_noted_and_gives_no_mean() -> None:
    errors = errors_of("octmnist")
    del errors[RunName("m", "defocus_blur", 2)], errors[RunName("m", "defocus_blur", 5)]
    found = summarise_errors(registry.info("octmnist"), errors)
    blurred = next(one for one in found.corruptions if one.corruption == "defocus_blur")
    assert set(blurred.errors) == {1, 3, 4}
    assert blurred.mean is None
    assert blurred.be is None
    assert blurred.rbe is None
    assert found.mean is None
    assert found.be is None
    assert found.rbe is None
    (note,) = found.notes
    assert note == "A mean needs all five severities. Missing: defocus_blur at severity 2, 5."


def test_a_missing_corruption_is_noted_and_gives_no_be() -> None:
    errors = {run: values for run, values in errors_of("octmnist").items() if run.corruption != "pixelate"}
    found = summarise_errors(registry.info("octmnist"), errors)
    assert all(one.be is not None and one.rbe is not None for one in found.corruptions)
    assert found.be is None
    assert found.rbe is None
    assert found.notes == ("BE and rBE of octmnist are means over 6 corruptions. Missing: pixelate.",)


def test_rbe_needs_results_on_clean_images() -> None:
    found = summarise_errors(registry.info("octmnist"), errors_of("octmnist", clean=None))
    assert found.clean is None
    assert found.rbe is None
    assert [note.partition(":")[0] for note in found.notes] == ["rBE also needs the error on clean images"]


def test_a_negative_denominator_is_noted_with_the_mean_of_the_others() -> None:
    found = summarise_errors(registry.info("pneumoniamnist"), errors_of("pneumoniamnist"))
    (note,) = found.notes
    assert "a smaller error with contrast_up and gamma_corr_up than" in note
    broken = [one for one in found.corruptions if one.corruption in ("contrast_up", "gamma_corr_up")]
    assert all(one.rbe is not None and one.rbe.estimate < 0 for one in broken)
    others = [one.rbe.estimate for one in found.corruptions if one not in broken and one.rbe is not None]
    assert f"The mean rBE of the other corruptions is {np.mean(others):.3f}." in note
    assert found.rbe.estimate < np.mean(others)


def test_no_other_set_has_a_negative_denominator() -> None:
    others = corrupted_sets().keys() - {"pneumoniamnist", "chestmnist"}
    assert len(others) == 10
    assert [()] * 10 == [summarise_errors(registry.info(name), errors_of(name)).notes for name in others]


def test_operating_points_and_another_size_are_noted() -> None:
    notes = summarise_errors(registry.info("chestmnist"), errors_of("chestmnist"), size=28, split="val").notes
    assert "at its own operating point" in notes[0]
    assert "for the val split of chestmnist at 28 px" in notes[1]


def test_a_corruption_of_another_set_does_not_count_in_be() -> None:
    errors = errors_of("octmnist")
    errors |= {RunName("m", "bubble", severity): np.full(3, 0.9) for severity in SEVERITIES}
    found = summarise_errors(registry.info("octmnist"), errors)
    expected = summarise_errors(registry.info("octmnist"), errors_of("octmnist"))
    assert expected.be == found.be
    assert expected.rbe == found.rbe
    assert found.corruptions[-1].corruption == "bubble"
    assert found.corruptions[-1].be is None
    assert found.notes == ("MedMNIST-C does not have bubble for octmnist. BE and rBE do not include it.",)


# From files


@pytest.fixture
def files(tmp_path: Path) -> Iterator[list[Path]]:
    """Results of a model on clean images and on two corruptions."""
    with fake_datasets(tmp_path / "fakes", "bloodmnist", n_samples={"test": 80}):
        evaluator = Evaluator("bloodmnist", "test")
        for number, run in enumerate([RunName("m"), *runs("pixelate"), *runs("bubble")]):
            evaluator.evaluate(scores_of(evaluator, number), tmp_path / "results", str(run))
        yield sorted((tmp_path / "results").glob("*.csv"))


def runs(corruption: str) -> list[RunName]:
    return [RunName("m", corruption, severity) for severity in SEVERITIES]


def scores_of(evaluator: Evaluator, number: int) -> np.ndarray:
    noise = np.random.default_rng(number).random((80, 8))
    return (noise + np.eye(8)[evaluator.labels[:, 0]] / (1 + number)) / 2


def test_errors_follow_from_the_scores(files: list[Path]) -> None:
    (found,) = measure_robustness(files, progress=silent)
    evaluator = Evaluator("bloodmnist", "test")
    expected = [
        1 - balanced_accuracy(evaluator.labels, scores_of(evaluator, number), "multi-class") for number in range(11)
    ]
    assert found.record.name == "bloodmnist"
    assert found.split == "test"
    assert found.size == 28
    assert found.model == "m"
    assert expected[0] == pytest.approx(found.clean.estimate)
    for first, one in zip((1, 6), found.corruptions, strict=True):
        assert expected[first : first + 5] == pytest.approx([one.errors[severity].estimate for severity in SEVERITIES])
        assert one.mean.low < np.mean(expected[first : first + 5]) < one.mean.high
    assert [one.corruption for one in found.corruptions] == ["pixelate", "bubble"]


def test_a_set_under_a_published_name_has_plain_errors(files: list[Path]) -> None:
    (found,) = measure_robustness(files, progress=silent)
    assert found.be is None
    assert found.rbe is None
    assert "no reference errors for bloodmnist (not the published data set)" in found.notes[0]


def test_the_interval_of_a_mean_is_paired(files: list[Path], tmp_path: Path) -> None:
    """With the same scores at all severities, the mean over them has the same interval."""
    evaluator = Evaluator("bloodmnist", "test")
    for run in runs("pixelate"):
        evaluator.evaluate(scores_of(evaluator, 3), tmp_path / "same", str(run))
    (found,) = measure_robustness(sorted((tmp_path / "same").glob("*.csv")), progress=silent)
    (one,) = found.corruptions
    assert (one.errors[1].low, one.errors[1].high) == pytest.approx((one.mean.low, one.mean.high))


def test_models_are_reported_separately(files: list[Path], tmp_path: Path) -> None:
    evaluator = Evaluator("bloodmnist", "test")
    evaluator.evaluate(scores_of(evaluator, 2), tmp_path / "results", "other+pixelate_1")
    found = measure_robustness(sorted((tmp_path / "results").glob("*.csv")), progress=silent)
    assert {one.model: len(one.corruptions) for one in found} == {"m": 2, "other": 1}


def test_threads_give_the_same_result(files: list[Path]) -> None:
    with ThreadPoolExecutor(2) as threads:
        assert measure_robustness(files, progress=silent) == measure_robustness(files, executor=threads)


def test_results_can_be_written_as_json(files: list[Path]) -> None:
    (found,) = measure_robustness(files, progress=silent)
    table = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert found.corruptions[0].errors[3].estimate == table["corruptions"]["pixelate"]["errors"]["3"]["estimate"]
    assert found.clean.note == table["clean"]["note"]
    assert table["clean"]["low"] is None
    assert table["be"] is None
    assert list(found.notes) == table["notes"]


def test_two_files_of_one_run_are_refused(files: list[Path]) -> None:
    again = files[0].with_name(f"bloodmnist_test_again@{files[0].stem.partition('@')[2]}.csv")
    again.write_bytes(files[0].read_bytes())
    with pytest.raises(ScoresError, match=f"{re.escape(str(again))} are both results of the run 'm"):
        measure_robustness([*files, again], progress=silent)


def test_an_unknown_corruption_is_refused_before_any_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(
        ScoresError, match=r"bloodmnist_test@m\+pixel_1\.csv: The run 'm\+pixel_1' cannot be read\. Unknown"
    ):
        measure_robustness([tmp_path / "bloodmnist_test@m+pixel_1.csv"], progress=silent)


def test_scores_that_do_not_fit_the_threshold_are_noted(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"test": 80}):
        evaluator = Evaluator("breastmnist", "test")
        with pytest.warns(UserWarning, match="instead of 0 to 1"):
            evaluator.evaluate(4 * evaluator.get_dummy_prediction() - 2, tmp_path / "results", "m+pixelate_1")
        (file,) = (tmp_path / "results").glob("*.csv")
        (at_half,) = measure_robustness([file], progress=silent)
        (at_zero,) = measure_robustness([file], threshold=0, progress=silent)

    assert at_half.notes[0].startswith(f"{file.name}: Scores are from -")
    assert not any("The scores run" in note for note in at_zero.notes)


def test_errors_on_the_train_split_are_noted(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 40}):
        evaluator = Evaluator("breastmnist", "train")
        evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "results", "m")
        (found,) = measure_robustness(list((tmp_path / "results").glob("*.csv")), progress=silent)

    assert found.notes[0].startswith("Measured on the training split, ")


def test_an_empty_list_of_files_is_refused() -> None:
    with pytest.raises(ValueError, match="No result files given"):
        measure_robustness([])


def test_an_absent_class_is_refused_with_the_file(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "bloodmnist", n_samples={"test": 5}):
        evaluator = Evaluator("bloodmnist", "test")
        evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "results", "m", undefined="skip")
        (file,) = (tmp_path / "results").glob("*.csv")
        with pytest.raises(ScoresError, match=r"@m\.csv: The balanced accuracy of class \d is not defined"):
            measure_robustness([file], progress=silent)
