"""A part of the card of a data set: which values its pixels have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np.pages.card_data import CardData, Values
from medmnist_np.pages.markup import Html, element, join
from medmnist_np.reports.page import aside, figure, gallery, table

_CHANNELS = ("red", "green", "blue")
_BIN = 4  # values in a bin of a chart
_WIDTH_PX, _HEIGHT_PX = 320, 130  # of a chart; the text in it is 11 px high
_TOP_PX, _BOTTOM_PX, _SIDE_PX = 16, 20, 4
_STYLES = {"area": "filled", "line": "as a line", "dashed": "dashed"}  # of the splits in their order
_TICKS = (0, 64, 128, 192, 255)


def values(data: CardData) -> list[Html]:
    """Return mean and standard deviation of each channel and split, and histograms."""
    names = _CHANNELS if data.record.n_channels == 3 else ("gray",)
    what = "voxels" if data.record.ndim == 3 else "pixels"
    rows = [
        [
            f"{split}, {name}" if len(names) > 1 else split,
            f"{found.mean[k]:.2f}",
            f"{found.std[k]:.2f}",
            f"{found.mean[k] / 255:.4f}",
            f"{found.std[k] / 255:.4f}",
            _share(found.histogram[k], 0),
            _share(found.histogram[k], 255),
        ]
        for split, found in data.values.items()
        for k, name in enumerate(names)
    ]
    head = ["split", "mean", "std", "mean / 255", "std / 255", "value 0", "value 255"]
    return [
        table(f"Values of the {what}", head, rows),
        aside(f"Of all {what} at size {data.size}; values are 0 to 255."),
        *_histograms(data.values, names, what),
    ]


def _histograms(found: Mapping[str, Values], names: Sequence[str], what: str) -> list[Html]:
    """Return a chart for each channel, or in words that there are two values only."""
    if not any(one.histogram[:, 1:-1].any() for one in found.values()):
        return [aside(f"All {what} are 0 or 255.")]
    charts = [
        figure(_chart({split: one.histogram[k] for split, one in found.items()}, name), name)
        for k, name in enumerate(names)
    ]
    styles = ", ".join(f"{split} {said}" for split, said in zip(found, _STYLES.values(), strict=False))
    return [
        element("h3", "Histograms" if len(names) > 1 else "Histogram"),
        aside(
            f"Share of the {what} in bins of {_BIN} values: {styles}. Where the first or the last bin is higher than "
            "the chart, it is cut off."
        ),
        gallery(charts, width_px=_WIDTH_PX),
    ]


def _share(histogram: NDArray[np.int64], value: int) -> str:
    return f"{histogram[value] / histogram.sum():.2%}"


def _chart(histograms: Mapping[str, NDArray[np.int64]], name: str) -> Html:
    """Return the histograms of one channel in one chart: that of the first split filled, the next as lines."""
    shares = {split: _binned(histogram) for split, histogram in histograms.items()}
    # A black background fills the first bin, and would flatten all others.
    inner = max(share[1:-1].max() for share in shares.values())
    full = inner or max(share.max() for share in shares.values())
    base = _HEIGHT_PX - _BOTTOM_PX
    drawn = [
        element("path", d=_steps(share, full, closed=style == "area"), class_=style)
        for share, style in zip(shares.values(), _STYLES, strict=False)
    ]
    ticks = [
        element("text", value, x=f"{_across(value):g}", y=_HEIGHT_PX - 5, text_anchor=_anchor(value))
        for value in _TICKS
    ]
    marks = " ".join(f"M{_across(value):g} {base}v4" for value in _TICKS)
    axis = element("path", d=f"M{_SIDE_PX} {base}H{_WIDTH_PX - _SIDE_PX} {marks}", class_="axis")
    top = element("text", f"top: {full:.1%}", x=_WIDTH_PX - _SIDE_PX, y=_TOP_PX - 5, text_anchor="end")
    (first, histogram), *_ = histograms.items()
    alt = f"Histogram of {name}: half of the values of {first} are at most {_median(histogram)}; {full:.1%} at the top"
    return element(
        "svg",
        join([*drawn, axis, *ticks, top]),
        viewBox=f"0 0 {_WIDTH_PX} {_HEIGHT_PX}",
        role="img",
        aria_label=alt,
        class_="chart plot",
    )


def _binned(histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = histogram.reshape(-1, _BIN).sum(axis=1) / histogram.sum()
    return shares


def _steps(shares: NDArray[np.float64], full: float, *, closed: bool) -> str:
    """Return the outline of bars, each as wide as its bin."""
    base = _HEIGHT_PX - _BOTTOM_PX
    heights = base - (base - _TOP_PX) * np.minimum(shares / full, 1)
    left = [_across(_BIN * k) for k in range(len(shares) + 1)]
    steps = [f"V{height:.1f}H{right:g}" for height, right in zip(heights, left[1:], strict=True)]
    return f"M{left[0]:g} {base}{''.join(steps)}{f'V{base}Z' if closed else ''}"


def _across(value: float) -> float:
    """Return where a value is, in pixels; bins are drawn from their first value to the next bin's."""
    return round(_SIDE_PX + (_WIDTH_PX - 2 * _SIDE_PX) * value / 256, 2)


def _anchor(value: int) -> str:
    return {0: "start", 255: "end"}.get(value, "middle")


def _median(histogram: NDArray[np.int64]) -> int:
    return int(np.searchsorted(histogram.cumsum(), (histogram.sum() + 1) // 2))
