"""The page on the catalog is what its script writes."""

from __future__ import annotations

import runpy
from pathlib import Path

from medmnist_np.registry.catalog import known_sets

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "catalog_page.py"))


def test_the_page_is_what_make_catalog_writes() -> None:
    assert SCRIPT["page"](known_sets()) == (ROOT / "docs" / "catalog.md").read_text("utf-8"), "run `make catalog`"


def test_every_entry_is_on_the_page_with_its_link() -> None:
    text = SCRIPT["page"](known_sets())
    for entry in known_sets():
        assert f"[{entry.title}]({entry.link})" in text


def test_rows_have_as_many_cells_as_their_head() -> None:
    rows = [line for line in SCRIPT["page"](known_sets()).splitlines() if line.startswith("| [")]
    assert {row.count("|") for row in rows} == {8}
