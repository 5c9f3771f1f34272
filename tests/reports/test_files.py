from __future__ import annotations

from pathlib import Path

import pytest

from medmnist_np.reports import write_page


def test_an_existing_page_is_replaced(tmp_path: Path) -> None:
    for text in ("one", "zwölf"):
        write_page(tmp_path / "page.html", text)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {"page.html": "zwölf"}


def test_missing_folders_are_created(tmp_path: Path) -> None:
    write_page(tmp_path / "a" / "b" / "page.html", "one")
    assert (tmp_path / "a" / "b" / "page.html").read_text() == "one"


@pytest.mark.parametrize("name", ["results.csv", "html", "page.html.csv"])
def test_a_file_of_another_kind_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match=r"must end in \.html, so that no other file is replaced"):
        write_page(tmp_path / name, "page")
    assert {name: "precious"} == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OSError, match=r"directory|exists"):
        write_page(tmp_path / "page.html", "page")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
