"""Pages in a real browser: from a file, on a phone and on a desk, in the light and in the dark, on paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medmnist_np.evaluation import Evaluator
from medmnist_np.reports import write_page
from medmnist_np.reports.evaluation_page import cached_images, report
from medmnist_np.testing import fake_datasets
from tests.browser import DESK_PX, LOWEST_CONTRAST, PHONE_PX, Browser

NAMES = ("breastmnist", "chestmnist", "organmnist3d")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages with charts for one, 14 and 11 classes, all with pictures."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "root").mkdir()
    written = {}
    with fake_datasets(folder / "fakes", *NAMES, n_samples={"test": 110}):
        for name in NAMES:
            evaluator = Evaluator(name, "test", root=folder / "root")
            shown = evaluator.labels if name != "organmnist3d" else evaluator.labels == np.arange(11)
            scores = 0.4 * shown + 0.6 * evaluator.get_dummy_prediction()
            result = evaluator.evaluate(
                scores / scores.sum(axis=1, keepdims=True) if name == "organmnist3d" else scores
            )
            images = cached_images(result, root=folder / "root")
            written[name] = folder / f"{name} [AUC]0.9@a&b#1.html"
            write_page(
                written[name], report(result, images, file=f"{name}_test_{'long' * 30}.csv", remarks=["Beware."])
            )
    return written


@pytest.fixture(params=NAMES)
def page(request: pytest.FixtureRequest, pages: dict[str, Path]) -> Path:
    return pages[request.param]


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_a_page_loads_nothing_and_the_console_stays_empty(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    assert tab.complaints == []
    assert [page.as_uri()] == [url for url in tab.requests if not url.startswith("data:")]
    assert tab.evaluate("document.compatMode") == "CSS1Compat"


@pytest.mark.parametrize("width", [320, PHONE_PX, DESK_PX])
def test_only_boxes_of_tables_scroll_sideways(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    assert width == tab.evaluate("document.documentElement.scrollWidth")
    boxes = "[...document.querySelectorAll('.scroll')].every(box => box.getBoundingClientRect().right <= innerWidth)"
    assert tab.evaluate(boxes)


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_every_chart_and_picture_is_visible(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    sizes = tab.evaluate(
        "[...document.querySelectorAll('svg, img')].map(one => one.getBoundingClientRect())"
        ".map(box => [box.width, box.height])"
    )
    assert len(sizes) > 12
    assert all(100 < side <= width for size in sizes for side in size)
    assert tab.evaluate("[...document.images].every(one => one.complete && one.naturalWidth === 28)")
    # Curves, ticks that are drawn by reference, and words.
    assert tab.evaluate("[...document.querySelectorAll('svg')].every(one => one.querySelectorAll('path').length > 3)")
    assert tab.evaluate(
        "[...document.querySelectorAll('use')].every(one => one.getBBox().height + one.getBBox().width)"
    )
    assert tab.evaluate("[...document.querySelectorAll('svg')].every(one => one.textContent.includes('0.5'))")


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_words_in_charts_are_large_enough_and_inside(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    heights = tab.evaluate(
        "[...document.querySelectorAll('svg')].map(one => 11 * one.clientWidth / one.viewBox.baseVal.width)"
    )
    assert 8 < min(heights) <= max(heights) < 16
    assert tab.evaluate(
        "[...document.querySelectorAll('svg')].every(one => { const box = one.getBoundingClientRect();"
        "return [...one.querySelectorAll('text')].map(word => word.getBoundingClientRect()).every(word =>"
        "word.left >= box.left - 1 && word.right <= box.right + 1 && word.bottom <= box.bottom + 1) })"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(page: Path, tab: Browser, dark: bool) -> None:
    tab.show(width=DESK_PX, dark=dark)
    tab.open(page)
    contrast, text = tab.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, text


def test_in_dark_mode_the_page_and_its_charts_are_dark(page: Path, tab: Browser) -> None:
    seen = []
    for dark in (False, True):
        tab.show(width=DESK_PX, dark=dark)
        tab.open(page)
        seen.append(
            tab.evaluate(
                "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,"
                "getComputedStyle(document.querySelector('svg text')).fill]"
            )
        )
    (light_paper, light_ink, light_word), (dark_paper, dark_ink, dark_word) = seen
    assert light_paper == "rgb(255, 255, 255)"
    assert light_ink == light_word
    assert dark_ink == dark_word
    assert light_paper != dark_paper
    assert light_ink != dark_ink


def test_the_printed_page_is_white_in_dark_mode(page: Path, tab: Browser) -> None:
    tab.show(width=DESK_PX, dark=True, paper=True)
    tab.open(page)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display === 'none'")


def test_links_to_sections_lead_to_them(page: Path, tab: Browser) -> None:
    tab.open(page)
    assert tab.evaluate(
        "[...document.querySelectorAll('nav a')].every(link =>"
        "document.querySelector(link.hash + ' > h2').textContent === link.textContent)"
    )


def test_the_browser_reports_a_page_that_loads_something(tab: Browser, tmp_path: Path) -> None:
    (tmp_path / "other.css").write_text("")
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<!DOCTYPE html><link rel="stylesheet" href="other.css"><script>console.error("!"); wrong()</script>'
    )
    tab.open(bad)
    assert (tmp_path / "other.css").as_uri() in tab.requests
    assert len(tab.complaints) == 2
