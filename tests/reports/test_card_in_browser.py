"""Cards in a real browser: from a file, on a phone and on a desk, in the light and in the dark, by the keyboard."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medmnist_np.reports import write_page
from medmnist_np.reports.card_page import card
from medmnist_np.testing import fake_datasets
from tests.browser import DESK_PX, LOWEST_CONTRAST, PHONE_PX, Browser

FLAT, VOLUMES = ("pathmnist", "chestmnist", "medsegbench/kvasir_128"), "adrenalmnist3d"
ABSENT = "tissuemnist"

# Where the picture of the first slider is on the page.
FIRST_WINDOW = (
    "(box => [box.left, box.top, box.right, box.bottom])(document.querySelector('.slices').getBoundingClientRect())"
)
STATE = (
    "[document.querySelector('.scrubber').style.getPropertyValue('--at'),"
    "document.querySelector('output').value, document.querySelector('input').value]"
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Cards of color images, of 14 findings, of masks, of volumes, and of a set that is not there."""
    folder = tmp_path_factory.mktemp("pages")
    names = (*FLAT, VOLUMES, ABSENT)
    with fake_datasets(folder / "fakes", *names):
        for name in names:
            document = card(name, root=folder / "root", download=name != ABSENT)
            write_page(folder / f"{name}.html", document)
    return {name: folder / f"{name}.html" for name in names}


@pytest.fixture(params=[*FLAT, VOLUMES, ABSENT])
def page(request: pytest.FixtureRequest, pages: dict[str, Path]) -> Path:
    return pages[request.param]


@pytest.fixture
def volumes(pages: dict[str, Path]) -> Path:
    return pages[VOLUMES]


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_a_card_loads_nothing_and_the_console_stays_empty(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    assert tab.complaints == []
    assert [page.as_uri()] == [url for url in tab.requests if not url.startswith("data:")]


@pytest.mark.parametrize("width", [320, PHONE_PX, DESK_PX])
def test_only_boxes_of_tables_and_code_scroll_sideways(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    assert width == tab.evaluate("document.documentElement.scrollWidth")
    assert tab.evaluate(
        "[...document.querySelectorAll('.scroll, pre, figure, dl, svg, .scrubber label')]"
        ".every(box => box.getBoundingClientRect().right <= innerWidth)"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(page: Path, tab: Browser, dark: bool) -> None:
    tab.show(width=DESK_PX, dark=dark)
    tab.open(page)
    contrast, text = tab.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, text


def test_headings_are_in_order_and_pictures_have_alternative_text(page: Path, tab: Browser) -> None:
    tab.open(page)
    levels = tab.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert tab.evaluate("[...document.images].every(one => one.alt && one.complete && one.naturalWidth)")
    assert tab.evaluate("[...document.querySelectorAll('svg')].every(one => one.getAttribute('aria-label'))")


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_pictures_and_charts_are_visible(pages: dict[str, Path], tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(pages["pathmnist"])
    sizes = tab.evaluate(
        "[...document.querySelectorAll('svg, img')].map(one => one.getBoundingClientRect())"
        ".map(box => [box.width, box.height])"
    )
    assert 9 + 3 == len(sizes)
    assert all(250 < across <= width and high > 80 for across, high in sizes)
    heights = tab.evaluate("[...document.querySelectorAll('svg')].map(one => 11 * one.clientWidth / 320)")
    assert 9 < min(heights) <= max(heights) < 16


def test_bars_are_as_long_as_their_shares(pages: dict[str, Path], tab: Browser) -> None:
    tab.show(width=DESK_PX)
    tab.open(pages["chestmnist"])
    widths = tab.evaluate(
        "[...document.querySelectorAll('.bar')].map(bar =>"
        "[parseFloat(bar.firstChild.style.width) / 100, bar.firstChild.offsetWidth / bar.offsetWidth])"
    )
    assert len(widths) == 4 * (14 + 4)
    assert all(abs(said - drawn) < 0.02 for said, drawn in widths)


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_the_keyboard_moves_the_slider_and_the_picture_changes(
    volumes: Path, tab: Browser, width: int, tmp_path: Path
) -> None:
    tab.show(width=width, height=1200)
    tab.open(volumes)
    assert tab.evaluate(STATE) == ["14", "14", "14"]
    before = first_window(tab, tmp_path)
    tab.evaluate("document.querySelector('input').focus()")
    tab.press("ArrowRight")
    assert tab.evaluate(STATE) == ["15", "15", "15"]
    after = first_window(tab, tmp_path)
    assert before.shape == after.shape
    assert (before != after).mean() > 0.2
    for key, number in (("ArrowLeft", "14"), ("End", "27"), ("ArrowRight", "27"), ("Home", "0"), ("ArrowLeft", "0")):
        tab.press(key)
        assert [number] * 3 == tab.evaluate(STATE)
    assert tab.complaints == []


def test_sliders_are_reached_by_tab_and_each_moves_its_own_picture(volumes: Path, tab: Browser) -> None:
    tab.show(width=DESK_PX)
    tab.open(volumes)
    for _ in range(40):
        tab.press("Tab")
        if tab.evaluate("document.activeElement.type") == "range":
            break
    assert tab.evaluate("document.activeElement === document.querySelectorAll('input')[0]")
    tab.press("Tab")
    assert tab.evaluate("document.activeElement === document.querySelectorAll('input')[1]")
    tab.press("ArrowLeft")
    positions = "[...document.querySelectorAll('.scrubber')].map(one => one.style.getPropertyValue('--at'))"
    assert tab.evaluate(positions) == ["14", "13"]


@pytest.mark.parametrize("number", [0, 14, 27])
def test_the_slider_names_the_slice_that_is_shown(volumes: Path, tab: Browser, number: int, tmp_path: Path) -> None:
    tab.show(width=PHONE_PX, height=1200)
    tab.open(volumes)
    tab.evaluate(
        f"(slider => {{ slider.value = {number}; slider.dispatchEvent(new Event('input')) }})"
        "(document.querySelector('input'))"
    )
    # The sheet as the browser decodes it: the rows of the slice, without the line below.
    source = tab.evaluate(
        "(sheet => { const canvas = document.createElement('canvas'); [canvas.width, canvas.height] ="
        "[sheet.naturalWidth, sheet.naturalHeight]; const context = canvas.getContext('2d');"
        "context.drawImage(sheet, 0, 0); return [canvas.width, canvas.height,"
        "[...context.getImageData(0, 0, canvas.width, canvas.height).data].filter((_, k) => k % 4 == 0)] })"
        "(document.querySelector('.slices img'))"
    )
    across, high, values = source
    expected = np.array(values, dtype=np.uint8).reshape(28, high // 28, across)[number, :-1]
    seen = first_window(tab, tmp_path)
    centres = [
        ((np.arange(n) + 0.5) * shown / n).astype(int) for n, shown in zip(expected.shape, seen.shape, strict=True)
    ]
    inner = np.abs(seen[np.ix_(*centres)].astype(int) - expected)[2:-2, 2:-2]  # the corners are round
    assert (inner <= 2).mean() > 0.99


def test_without_the_script_the_middle_slices_are_shown_and_no_slider(
    volumes: Path, tab: Browser, tmp_path: Path
) -> None:
    tab.show(width=PHONE_PX, height=1200)
    tab.open(volumes)
    expected = first_window(tab, tmp_path)
    document = volumes.read_text("utf-8")
    without = tmp_path / "without.html"
    without.write_text(document[: document.index("<script>")] + document[document.index("</script>") + 9 :], "utf-8")
    tab.open(without)
    assert tab.evaluate("getComputedStyle(document.querySelector('.scrubber label')).display") == "none"
    assert np.array_equal(expected, first_window(tab, tmp_path))


def test_a_script_that_was_changed_does_not_run(volumes: Path, tab: Browser, tmp_path: Path) -> None:
    changed = tmp_path / "changed.html"
    changed.write_text(volumes.read_text("utf-8").replace("<script>", "<script>document.title = 'mine';"), "utf-8")
    tab.open(changed)
    assert tab.evaluate("document.title") == "AdrenalMNIST3D"
    assert len(tab.complaints) == 1
    assert "Content Security Policy" in tab.complaints[0]


def test_one_click_selects_a_whole_code_block(page: Path, tab: Browser) -> None:
    tab.open(page)
    assert tab.evaluate(
        "[...document.querySelectorAll('pre')].every(one => getComputedStyle(one).userSelect === 'all')"
    )
    taken = "(one => { getSelection().selectAllChildren(one); return getSelection().toString() })"
    bibtex = tab.evaluate(f"{taken}(document.querySelector('pre[aria-label=BibTeX]'))")
    assert bibtex.startswith(("@article{medmnistv2,", "@article{medsegbench,"))
    assert bibtex.rstrip().endswith("}")


def first_window(tab: Browser, folder: Path) -> np.ndarray:
    """Return the pixels of the first picture of slices, in gray."""
    left, top, right, bottom = tab.evaluate(FIRST_WINDOW)
    scrolled = tab.evaluate("scrollY")
    tab.screenshot(folder / "page.png")
    with Image.open(folder / "page.png") as image:
        return np.asarray(
            image.convert("L").crop((round(left), round(top + scrolled), round(right), round(bottom + scrolled)))
        )
