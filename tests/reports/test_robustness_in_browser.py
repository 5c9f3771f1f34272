"""The page on robustness in a real browser: on a phone and on a desk, in the light and in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from medmnist_np import registry
from medmnist_np.corruptions import summarise_errors
from medmnist_np.reports import write_page
from medmnist_np.reports.robustness_page import robustness_page
from tests.browser import DESK_PX, LOWEST_CONTRAST, PHONE_PX, Browser
from tests.reports.test_robustness import errors_of

# The second is as long as names of runs become, and cannot be broken at a space.
MODELS = {"pneumoniamnist": "a", "dermamnist": "resnet18_pretrained_224_px_seed1_with_all_that_was_tried_on_it"}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = [summarise_errors(registry.info(name), errors_of(name, model)) for name, model in MODELS.items()]
    file = tmp_path_factory.mktemp("page") / "robustness.html"
    write_page(file, robustness_page(results))
    return file


@pytest.mark.parametrize("width", [320, PHONE_PX, DESK_PX])
def test_only_boxes_of_tables_scroll_sideways(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    assert tab.complaints == []
    assert width == tab.evaluate("document.documentElement.scrollWidth")
    assert tab.evaluate(
        "[...document.querySelectorAll('.scroll')].every(box => box.getBoundingClientRect().right <= innerWidth)"
    )


def test_a_phone_shows_the_names_of_corruptions_and_two_severities(page: Path, tab: Browser) -> None:
    tab.show(width=PHONE_PX)
    tab.open(page)
    assert tab.evaluate(
        "[...document.querySelectorAll('.matrix')].every(table =>"
        "table.querySelectorAll('thead th')[2].getBoundingClientRect().right <= innerWidth)"
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_text_has_enough_contrast(page: Path, tab: Browser, width: int, dark: bool) -> None:
    tab.show(width=width, dark=dark)
    tab.open(page)
    contrast, text = tab.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, text


def test_in_dark_mode_larger_and_smaller_errors_have_different_shades(page: Path, tab: Browser) -> None:
    for dark in (False, True):
        tab.show(width=PHONE_PX, dark=dark)
        tab.open(page)
        shades = tab.evaluate(
            "[...document.querySelectorAll('.matrix')].map(table => new Set([...table.querySelectorAll('td')]"
            ".map(cell => getComputedStyle(cell).backgroundColor)).size)"
        )
        assert min(shades) > 10
