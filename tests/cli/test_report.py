"""``report``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.evaluation import Evaluator
from medmnist_np.reports.evaluation_page import report
from medmnist_np.testing import fake_datasets
from tests.reports.reading import read


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A result on BreastMNIST, whose images are in the cache too."""
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"val": 20, "test": 80}):
        evaluator = Evaluator("breastmnist", "test")
        evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "results", "random")
        (found,) = (tmp_path / "results").glob("*.csv")
        yield found


def test_report_writes_the_page_of_the_evaluation(file: Path, tmp_path: Path) -> None:
    result = run("report", file, "-o", tmp_path / "page.html")
    assert result.exit_code == 0
    assert f"{tmp_path / 'page.html'}\n" == result.stdout
    assert result.stderr == ""
    evaluation = Evaluator.parse_and_evaluate(file)
    expected = report(evaluation, mm.load("breastmnist", "test").images, file=file)
    assert expected == (tmp_path / "page.html").read_text("utf-8")


def test_without_an_output_the_page_is_written_beside_the_file(file: Path) -> None:
    page = file.with_suffix(".html")
    assert f"{page}\n" == run("report", file).stdout
    assert page.is_file()


def test_an_existing_page_is_replaced_and_nothing_else_changes(file: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    before = {path: path.read_bytes() for path in file.parent.iterdir()}
    assert run("report", file, "-o", tmp_path / "page.html").exit_code == 0
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert before == {path: path.read_bytes() for path in file.parent.iterdir()}


def test_a_file_that_is_not_a_page_is_not_replaced(file: Path) -> None:
    before = file.read_bytes()
    result = run("report", file, "-o", file)
    assert result.exit_code == 2
    assert "must end in .html, so that no other file is replaced" in result.stderr
    assert before == file.read_bytes()


def test_a_page_that_cannot_be_written_is_reported(file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    page = tmp_path / "file" / "page.html"
    result = run("report", file, "-o", page)
    assert result.exit_code == 1
    assert f"Error: {page} could not be written: File exists.\n" == result.stderr


def test_wrong_values_in_a_file_name_are_reported_and_noted_on_the_page(file: Path, tmp_path: Path) -> None:
    wrong = file.rename(file.with_name("breastmnist_test_[AUC]0.123@random.csv"))
    result = run("report", wrong, "-o", tmp_path / "page.html")
    assert result.exit_code == 0
    assert f"Warning: {wrong}: the name has AUC 0.123, but the scores give " in result.stderr
    first = read((tmp_path / "page.html").read_text("utf-8")).notes[0]
    assert first.startswith("In this file, the name has AUC 0.123, but the scores give ")


def test_without_images_report_names_the_command_that_downloads_them(file: Path, tmp_path: Path) -> None:
    mm.fetch("breastmnist", labels_only=True, root=tmp_path / "root")
    result = run("report", file, "-o", tmp_path / "page.html", "--root", tmp_path / "root")
    assert result.exit_code == 0
    assert "The page has no pictures. Download them with `medmnist-np fetch breastmnist`." in result.stderr
    assert read((tmp_path / "page.html").read_text("utf-8")).all("img", "src") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("scores.csv", "is not the name of a result file"), ("breastmnist_test.csv", "There are 1 rows of scores")],
)
def test_a_file_that_is_not_a_result_file_gives_no_page(file: Path, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_text("0,0.5\n")
    result = run("report", tmp_path / name, "-o", tmp_path / "page.html")
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "page.html").exists()


def test_without_matplotlib_the_extra_is_named(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("report", file, "-o", tmp_path / "page.html")
    assert result.exit_code == 1
    assert "pip install 'medmnist-np[report]'" in result.stderr
    assert not (tmp_path / "page.html").exists()


@pytest.mark.windows_refuses
def test_markup_in_a_name_is_escaped_on_the_page(file: Path, tmp_path: Path) -> None:
    odd = file.rename(file.with_name("breastmnist_test_<b>&'\".csv"))
    assert run("report", odd, "-o", tmp_path / "page.html").exit_code == 0
    page = read((tmp_path / "page.html").read_text("utf-8"))
    assert odd.name == page.facts["File"]
    assert f"BreastMNIST test: {odd.name}" == page.headings[0][1]
