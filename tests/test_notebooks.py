"""The introduction to each MedMNIST set runs as it is handed out, and says what it was run on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs._ext import notebooks
from docs._ext.cells import execute
from medmnist_np import registry
from medmnist_np.registry import DatasetInfo


@pytest.mark.parametrize("record", notebooks.records(), ids=lambda record: record.name)
def test_an_introduction_runs_on_made_up_images_and_says_so(record: DatasetInfo, tmp_path: Path) -> None:
    executed = notebooks.run(record)
    notebook = json.loads(executed.notebook())
    printed = "".join(cell.text for cell in executed.cells)

    assert "made-up images" in executed.markdown(tmp_path, "/pictures/made")
    assert sum(bool(cell.picture) for cell in executed.cells) == 1
    assert all(name in printed for name in record.class_names)
    assert "auc: " in printed
    assert [cell.is_code for cell in executed.cells] == [cell["cell_type"] == "code" for cell in notebook["cells"]]


@pytest.mark.parametrize("name", ["breastmnist", "retinamnist", "adrenalmnist3d"])
def test_an_introduction_runs_on_the_official_archive_and_says_so(
    name: str, real_archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_TEST_DATA", str(real_archives.parent))
    text = notebooks.run(registry.info(name)).markdown(tmp_path, "/pictures/real")
    assert f"from the official archive, `{name}.npz`" in text
    assert "made-up" not in text


def test_a_block_shows_what_it_prints_and_then_the_value_of_its_last_line(tmp_path: Path) -> None:
    page = "# Title\n\n```python\nprint('first')\n6 * 7\n```\n\nProse with [a link](/other.md).\n"
    executed = execute(page, tmp_path)
    assert ["# Title\n", "print('first')\n6 * 7", "Prose with [a link](/other.md).\n"] == [
        cell.source for cell in executed.cells
    ]
    assert executed.cells[1].text == "first\n42"
    prose = json.loads(executed.notebook())["cells"][2]["source"]
    assert ["Prose with a link."] == prose  # the page that it leads to does not lie beside the notebook


def test_blocks_of_a_page_share_their_names(tmp_path: Path) -> None:
    executed = execute("```python\nx = 1\n```\n\n```python\nx + 1\n```\n", tmp_path)
    assert [cell.text for cell in executed.cells] == ["", "2"]


def test_a_block_that_fails_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        execute("```python\n1 / 0\n```\n", tmp_path)


def test_a_set_without_pitfalls_is_not_said_to_have_some() -> None:
    said = {record.name: "Common pitfalls" in notebooks.text(record) for record in notebooks.records()}
    assert {record.name: bool(record.notes) for record in notebooks.records()} == said
