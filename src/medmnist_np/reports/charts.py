"""Charts as SVG, drawn by matplotlib and coloured by the page: ROC, precision-recall and reliability curves."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np._optional import require
from medmnist_np.errors import short
from medmnist_np.metrics import PrCurve, ReliabilityCurve, RocCurve

# Placeholders for colours of the style sheet, which differ in light and dark mode.
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
        Draws on the :class:`matplotlib.axes.Axes` that it gets, with the colours `INK`, `ACCENT` and `FAINT`. Lines
        should differ in style too, not only in colour.
    alt : str
        Text description, for people who cannot see the chart. It must be unique on the page.
    width_px, height_px : int
        Size at which the text in the chart is 11 px high. The page scales the chart to the available width.

    Returns
    -------
    Html
        An ``svg``. The same drawing and version of matplotlib give the same element.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    require("matplotlib")
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


def _inlined(document: str, alt: str) -> Html:
    """Return an SVG document of matplotlib as an element of a page."""
    view_box = re.search(r'viewBox="([^"]+)"', document)
    content = re.search(r"<svg[^>]*>(.*)</svg>", document, re.DOTALL)
    if view_box is None or content is None:
        raise ValueError(f"matplotlib returned no SVG, but {short(document)}.")
    drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", content[1], flags=re.DOTALL)
    # Every document uses the same names for its groups; only what is referred to needs a name.
    referred = set(re.findall(r"#([\w.-]+)", drawn))
    drawn = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in referred else "", drawn)
    for stand_in, colour in _COLOURS.items():
        drawn = drawn.replace(stand_in, colour)
    # A hundredth of a pixel is enough; a curve of 22,433 images would otherwise take twice the bytes.
    drawn = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), drawn)
    drawn = re.sub(r">\s+<", "><", drawn).strip()
    return element("svg", Html(drawn), viewBox=view_box[1], role="img", aria_label=alt, class_="chart")


def roc_chart(curve: RocCurve, alt: str, *, threshold: float | None = None, side_px: int = 200) -> Html:
    """Return a ROC curve, with a dashed line for random scores and a circle at the threshold."""

    def draw(axes: Any) -> None:
        _unit_square(axes, "false positive rate", "true positive rate")
        _expected(axes, [0, 1])
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=ACCENT, linewidth=1.8)
        if threshold is not None:
            at = _last_above(curve.thresholds, threshold)
            _ring(axes, curve.false_positive_rate[at], curve.true_positive_rate[at])

    return chart(draw, alt, width_px=side_px, height_px=side_px)


def pr_chart(
    curve: PrCurve, alt: str, *, share_positive: float, threshold: float | None = None, side_px: int = 200
) -> Html:
    """Return a precision-recall curve, with a dashed line for random scores and a circle at the threshold."""

    def draw(axes: Any) -> None:
        _unit_square(axes, "recall", "precision")
        _expected(axes, [share_positive, share_positive])
        axes.plot(curve.recall, curve.precision, color=ACCENT, linewidth=1.8, drawstyle="steps-pre")
        at = 0 if threshold is None else _last_above(curve.thresholds, threshold)
        if at > 0:  # at 0 no decision is positive, so precision is not defined
            _ring(axes, curve.recall[at], curve.precision[at])

    return chart(draw, alt, width_px=side_px, height_px=side_px)


def reliability_chart(curve: ReliabilityCurve, alt: str, *, share_of: str, side_px: int = 200) -> Html:
    """Return a reliability diagram: dashed perfect calibration, and bars for the share of samples in a bin."""

    def draw(axes: Any) -> None:
        _unit_square(axes, "score", f"share {share_of}")
        n_bins = len(curve.n_samples)
        middles = (np.arange(n_bins) + 0.5) / n_bins
        axes.bar(middles, curve.n_samples / curve.n_samples.sum(), width=0.8 / n_bins, color=FAINT)
        _expected(axes, [0, 1])
        filled = curve.n_samples > 0
        axes.plot(
            curve.confidence[filled], curve.share_right[filled], color=ACCENT, linewidth=1.4, marker="o", markersize=3.5
        )

    return chart(draw, alt, width_px=side_px, height_px=side_px)


def _unit_square(axes: Any, x: str, y: str) -> None:
    for axis, label in ((axes.xaxis, x), (axes.yaxis, y)):
        axis.set_label_text(label)
        axis.set_ticks([0, 0.5, 1], ["0", "0.5", "1"])
        axis.labelpad = 2
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def _expected(axes: Any, ends: list[float]) -> None:
    axes.plot([0, 1], ends, color=INK, alpha=0.55, linestyle="--", linewidth=1)


def _ring(axes: Any, x: float, y: float) -> None:
    axes.plot([x], [y], marker="o", markersize=7, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.6)


def _last_above(thresholds: NDArray[np.float64], threshold: float) -> int:
    """Return the position of the lowest threshold above a score, in thresholds that descend."""
    return int(np.count_nonzero(thresholds > threshold)) - 1
