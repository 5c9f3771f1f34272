"""``card``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.reports.card_page import card
from medmnist_np.testing import fake_datasets


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path / "fakes", "breastmnist", "adrenalmnist3d", n_samples={"train": 30, "test": 8}):
        yield


@pytest.mark.parametrize("name", ["breastmnist", "adrenalmnist3d"])
def test_card_writes_the_page_of_what_is_here(name: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    mm.fetch(name)
    result = run("card", name, "-o", page, "--seed", 3)
    assert result.exit_code == 0
    assert f"{page}\n" == result.stdout
    assert result.stderr == ""
    assert card(name, seed=3) == page.read_text("utf-8")


def test_what_is_not_here_is_fetched_if_requested(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = run("card", "breastmnist", "-o", page)
    expected = "The page has no pictures, since the data set is not on this machine. Use --download to get it.\n"
    assert result.exit_code == 0
    assert expected == result.stderr
    assert "<img" not in page.read_text("utf-8")
    result = run("card", "breastmnist", "-o", page, "--download", "--root", tmp_path / "root")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "<img" in page.read_text("utf-8")
    assert (tmp_path / "root" / "arrays").is_dir()


def test_a_file_that_is_not_a_page_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    result = run("card", "breastmnist", "-o", tmp_path / "notes.txt")
    assert result.exit_code == 2
    assert "must end in .html" in result.stderr
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_a_page_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    page = tmp_path / "file" / "page.html"
    result = run("card", "breastmnist", "-o", page)
    assert result.exit_code == 1
    assert f"Error: {page} could not be written: File exists.\n" == result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"), [(("brestmnist",), "breastmnist"), (("breastmnist", "--size", 5), "28")]
)
def test_unknown_names_and_sizes_are_wrong_usage(arguments: tuple[object, ...], message: str, tmp_path: Path) -> None:
    result = run("card", *arguments, "-o", tmp_path / "page.html")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "page.html").exists()
