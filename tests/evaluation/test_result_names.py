"""Names of result files, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from medmnist_np import registry
from medmnist_np.errors import ScoresError, UnknownSizeError
from medmnist_np.evaluation import ResultName, parse_name
from medmnist_np.evaluation.result_files import check_run

FIGURES = {"AUC": "0.997", "ACC": "0.957"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pathmnist_test_[AUC]0.997_[ACC]0.957@run.csv", ResultName("pathmnist", 28, "test", FIGURES, "run")),
        ("pathmnist_64_val_[AUC]0.997_[ACC]0.957@3.csv", ResultName("pathmnist", 64, "val", FIGURES, "3")),
        ("pathmnist_224_train@1700000000.25.csv", ResultName("pathmnist", 224, "train", {}, "1700000000.25")),
        ("pathmnist_test_resume_sanity.csv", ResultName("pathmnist", 28, "test")),
        ("pathmnist_test_[AUC]0.997_[ACC]0.957_resume.csv", ResultName("pathmnist", 28, "test", FIGURES)),
        ("pathmnist_test_[ACC]1@a@b.csv", ResultName("pathmnist", 28, "test", {"ACC": "1"}, "a@b")),
        ("some/folder_x/PathMNIST_test.csv", ResultName("pathmnist", 28, "test")),
        ("adrenalmnist3d_64_test.csv", ResultName("adrenalmnist3d", 64, "test")),
    ],
)
def test_a_name_has_data_set_size_split_values_and_run(name: str, expected: ResultName) -> None:
    assert expected == parse_name(name)


def test_brackets_in_a_run_are_not_values() -> None:
    assert parse_name("pathmnist_test@[AUC]0.5.csv").figures == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("scores.csv", "'scores.csv' is not the name of a result file. Expected NAME_SPLIT"),
        ("pathmnist_test.txt", "'pathmnist_test.txt' is not the name of a result file"),
        ("pathmist_test.csv", "Unknown data set 'pathmist'. Did you mean 'pathmnist'"),
        ("pathmnist_tset.csv", "The file name 'pathmnist_tset.csv' has no split of pathmnist: train, val, test"),
    ],
)
def test_a_name_in_another_form_is_refused(name: str, message: str) -> None:
    with pytest.raises(ScoresError) as caught:
        parse_name(name)
    assert message in str(caught.value)


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(UnknownSizeError, match="pathmnist does not come in size 32"):
        parse_name("pathmnist_32_test.csv")


@given(
    record=st.sampled_from(registry.datasets()),
    data=st.data(),
    figures=st.dictionaries(st.sampled_from(["AUC", "ACC"]), st.floats(0, 1).map("{:.3f}".format)),
    run=st.from_regex(r"([A-Za-z0-9.@_-]{0,12})", fullmatch=True),
)
def test_a_written_name_is_read_back(
    record: registry.DatasetInfo, data: st.DataObject, figures: dict[str, str], run: str
) -> None:
    size, split = data.draw(st.sampled_from(record.sizes)), data.draw(st.sampled_from(record.splits))
    name = ResultName(record.name, size, split, figures, run)
    assert name == parse_name(str(name))


@pytest.mark.parametrize("value", [0.90049999, 0.9012, 0.9005, 0.9015])
def test_a_value_that_rounds_to_that_of_the_name_is_right(value: float) -> None:
    expected = [] if 0.9005 <= value <= 0.9015 else ["the name has AUC 0.901, but the scores give 0.900"]
    assert expected == ResultName("pathmnist", 28, "test", {"AUC": "0.901"}).contradictions({"AUC": value})


def test_a_value_that_is_not_defined_contradicts_the_name() -> None:
    found = ResultName("pathmnist", 28, "test", {"AUC": "0.901"}).contradictions({"AUC": float("nan")})
    assert found == ["the name has AUC 0.901, but the scores give nan"]


@pytest.mark.parametrize("run", ["", "a/b", "a\\b", "a\nb", "..:"])
def test_a_run_with_characters_that_file_names_cannot_have_is_refused(run: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a file name"):
        check_run(run)
