"""Result files: what is written is read, strictly, and is what pandas writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from medmnist_np.errors import ScoresError
from medmnist_np.evaluation import read_scores, write_scores

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)
FINITE = {"allow_nan": False, "allow_infinity": False}
TABLES = st.one_of(
    hnp.arrays(np.float64, SHAPES, elements=FINITE),
    hnp.arrays(np.float32, SHAPES, elements=FINITE),
    hnp.arrays(np.float16, SHAPES, elements=FINITE),
    hnp.arrays(np.int32, SHAPES),
    hnp.arrays(np.bool_, SHAPES),
)

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, text: str) -> Path:
    file = folder / "breastmnist_test.csv"
    file.write_text(text, "utf-8")
    return file


@same_folder
@given(table=TABLES)
def test_what_is_written_is_read_without_loss(tmp_path: Path, table: np.ndarray[Any, Any]) -> None:
    file = tmp_path / "scores.csv"
    write_scores(file, table)
    assert np.array_equal(table, read_scores(file).astype(table.dtype))


@same_folder
@given(table=TABLES.filter(lambda table: table.dtype.kind != "b"))
def test_the_bytes_are_those_that_pandas_writes(tmp_path: Path, table: np.ndarray[Any, Any]) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is the reference for the bytes of a result file")
    write_scores(tmp_path / "ours.csv", table)
    pandas.DataFrame(table).to_csv(tmp_path / "theirs.csv", index=True, header=False, lineterminator="\n")
    assert (tmp_path / "theirs.csv").read_bytes() == (tmp_path / "ours.csv").read_bytes()


def test_a_file_has_an_index_and_the_digits_of_its_dtype(tmp_path: Path) -> None:
    scores = np.array([[0.1, 1e-16], [1.0, 2.5e20]])
    write_scores(tmp_path / "a.csv", scores)
    write_scores(tmp_path / "b.csv", scores.astype(np.float32))
    assert b"0,0.1,1e-16\n1,1.0,2.5e+20\n" == (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    for value in (0.25, 0.75):
        write_scores(tmp_path / "scores.csv", np.array([[value]]))
    assert [tmp_path / "scores.csv"] == list(tmp_path.iterdir())
    assert read_scores(tmp_path / "scores.csv").tolist() == [[0.75]]


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(OSError, match=r"scores\.csv"):
        write_scores(tmp_path / "scores.csv", np.array([[0.5]]))
    assert [tmp_path / "scores.csv"] == list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["1,0.25\n0,0.75\n", "\ufeff0,0.75\r\n1,0.25\r\n", "0,0.75\n\n1,0.25"])
def test_order_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path, text: str) -> None:
    assert read_scores(written(tmp_path, text)).tolist() == [[0.75], [0.25]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty. Each line must have the index of a sample"),
        ("\n \n", "is empty."),
        ("0\n1\n", "its lines have one column"),
        (",0,1\n0,0.5,0.5\n", "could not convert string '' to float64 at row 0, column 1"),
        ("0,0.5\n1,half\n", "could not convert string 'half' to float64 at row 1, column 2"),
        ("0;0.5;0.5\n1;0.5;0.5\n", "could not convert string '0;0.5;0.5' to float64 at row 0, column 1. Each line"),
        ("0,0.5\n1,0.5,0.5\n", "the number of columns changed from 2 to 3 at row 2. Each line"),
        ("1,0.5\n2,0.5\n", "must have the indices 0 to 1, each once, but 1 is in place of 0"),
        ("0,0.5\n0,0.5\n", "but 0 is in place of 1"),
        ("0,0.5\n0.5,0.5\n", "but 0.5 is in place of 1"),
        ("nan,0.5\n", "but nan is in place of 0"),
    ],
)
def test_content_in_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ScoresError) as caught:
        read_scores(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_bytes(b"\xff\xfe0")
    with pytest.raises(ScoresError, match="is not a result file"):
        read_scores(tmp_path / "scores.csv")


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_scores(tmp_path / "scores.csv")
