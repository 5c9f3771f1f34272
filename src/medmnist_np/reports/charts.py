"""Charts as SVG inside the page: drawn by matplotlib, coloured and lettered by the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import Any

from medmnist_np.pages.markup import Html, element

# What to draw with. Each stands for a colour of the style sheet, which is another one in the dark.
INK = "#010101"
ACCENT = "#020202"
FAINT = "#030303"

_COLOURS = {INK: "currentColor", ACCENT: "var(--accent)", FAINT: "var(--faint)"}
_FONT_PX = 11
_LEFT_PX, _RIGHT_PX, _BOTTOM_PX, _TOP_PX = 40, 6, 36, 6  # room for one line of text and one of numbers


def chart(draw: Callable[[Any], object], alt: str, *, width_px: int = 200, height_px: int = 200) -> Html:
    """Return a chart.

    Parameters
    ----------
    draw : callable
        Is given a :class:`matplotlib.axes.Axes` and draws on it, with `INK`, `ACCENT` and `FAINT` as colours. What
        differs should differ in style too, not in colour alone.
    alt : str
        What is to be seen, for those who cannot see it. No two charts of a page may have the same.
    width_px, height_px : int
        At this size the text in it is 11 px high; it is shown as wide as the place it is put into.

    Returns
    -------
    Html
        An ``svg``, the same for the same drawing and version of matplotlib.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import style
    from matplotlib.figure import Figure

    settings = {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": alt,  # identifiers are unique on the page and the same in every run
        "font.size": _FONT_PX,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.unicode_minus": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    }
    stream = StringIO()
    with style.context(["default", settings]):
        figure = Figure(figsize=(width_px / 72, height_px / 72))
        figure.subplots_adjust(
            left=_LEFT_PX / width_px,
            right=1 - _RIGHT_PX / width_px,
            bottom=_BOTTOM_PX / height_px,
            top=1 - _TOP_PX / height_px,
        )
        draw(figure.add_subplot())
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(stream.getvalue(), alt)


def require_matplotlib() -> None:
    """Raise a :class:`ModuleNotFoundError` that says what to install, if matplotlib is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ModuleNotFoundError(
            "The charts of a page are drawn by matplotlib, which is not installed: pip install 'medmnist-np[report]'"
        ) from error


def _inlined(document: str, alt: str) -> Html:
    """Return an SVG document of matplotlib as an element of a page."""
    view_box = re.search(r'viewBox="([^"]+)"', document)
    content = re.search(r"<svg[^>]*>(.*)</svg>", document, re.DOTALL)
    if view_box is None or content is None:
        raise ValueError(f"matplotlib gave no SVG: {document[:200]!r}")
    drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", content[1], flags=re.DOTALL)
    # Every document names its groups alike; only what is referred to needs a name.
    referred = set(re.findall(r"#([\w.-]+)", drawn))
    drawn = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in referred else "", drawn)
    for stand_in, colour in _COLOURS.items():
        drawn = drawn.replace(stand_in, colour)
    # A hundredth of a pixel is enough; a curve of 22,433 images would otherwise take twice the bytes.
    drawn = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), drawn)
    drawn = re.sub(r">\s+<", "><", drawn).strip()
    return element("svg", Html(drawn), viewBox=view_box[1], role="img", aria_label=alt, class_="chart")
