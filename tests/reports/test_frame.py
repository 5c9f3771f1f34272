from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from medmnist_np._html import Html, element
from medmnist_np.reports.page import facts, figure, figures, gallery, note, number, page, picture, span, table
from tests.reports.reading import read


def test_a_page_has_its_sections_in_order_with_links_to_each() -> None:
    content = read(page("Title & co", "below", {"One": [element("p", "1")], "Two words": []}))
    assert content.headings == [(1, "Title & co"), (2, "One"), (2, "Two words")]
    assert ["#one", "#two-words"] == content.all("a", "href")
    assert content.all("section", "id") == ["one", "two-words"]
    assert "Not for clinical use." in content.text


def test_a_page_forbids_the_browser_to_load_anything() -> None:
    document = page("Title", "below", {})
    (policy,) = [attributes["content"] for tag, attributes in read(document).elements if "http-equiv" in attributes]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert re.findall(r"<script|@import|url\(|https?:", document) == []


def test_a_page_is_the_same_each_time() -> None:
    assert page("Title", "below", {"One": ["text"]}) == page("Title", "below", {"One": ["text"]})


def test_cells_of_a_table_are_text_or_markup() -> None:
    written = table("Counts", ["class", "n", "what"], [["a<b", 7, element("b", "x")]], text={2})
    assert read(written).tables == {"Counts": [["class", "n", "what"], ["a<b", "7", "x"]]}
    assert read(written).all("td", "class") == [None, "text"]


def test_a_table_scrolls_in_a_box_that_the_keyboard_reaches() -> None:
    ((tag, attributes), *_) = read(table("Counts", ["n"], [])).elements
    assert tag == "div"
    assert attributes == {"class": "scroll", "role": "region", "aria-label": "Counts", "tabindex": "0"}


def test_facts_without_a_value_are_left_out() -> None:
    assert read(facts({"Run": "1", "File": ""})).facts == {"Run": "1"}


def test_key_figures_have_a_line_below_the_value() -> None:
    assert read(figures({"AUC": ("0.9", "below")})).facts == {"AUC": "0.9below"}


def test_a_figure_has_a_title_and_lines() -> None:
    shown = read(gallery([figure(Html("<i></i>"), "a<b", "one", "two")], width_px=99))
    assert shown.text == "a<bonetwo"
    assert [style for style in shown.all("div", "style") if style] == ["--least: 99px"]


def test_a_note_has_the_role_note_for_screen_readers() -> None:
    assert read(note("Beware")).all("p", "role") == ["note"]


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_a_picture_is_embedded_without_loss(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    ((_, attributes),) = read(picture(pixels, "noise")).elements
    source = str(attributes["src"])
    assert np.array_equal(pixels, np.asarray(Image.open(BytesIO(b64decode(source.partition(",")[2])))))
    assert attributes["alt"] == "noise"
    assert attributes["width"] == "5"
    assert attributes["height"] == "3"


@pytest.mark.parametrize(
    ("value", "written"),
    [(22433, "22,433"), (np.int64(7), "7"), (0.12345, "0.123"), (np.float64(1), "1.000"), (np.nan, "not defined")],
)
def test_numbers_have_separators_or_three_decimals(value: float, written: str) -> None:
    assert written == number(value)


def test_an_interval_is_written_as_its_ends_or_as_missing() -> None:
    assert span(0.1, 0.2) == "0.100 to 0.200"
    assert span(np.nan, np.nan) == "no interval"
