"""Charts of the curves of :mod:`medmnist_np.metrics`, each in a square from 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics import PrCurve, ReliabilityCurve, RocCurve
from medmnist_np.pages.markup import Html
from medmnist_np.reports.charts import ACCENT, FAINT, INK, chart


def roc_chart(curve: RocCurve, alt: str, *, threshold: float | None = None, side_px: int = 200) -> Html:
    """Return a ROC curve; dashed what chance gives, a ring at a threshold."""

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
    """Return a precision-recall curve; dashed what chance gives, a ring at a threshold."""

    def draw(axes: Any) -> None:
        _unit_square(axes, "recall", "precision")
        _expected(axes, [share_positive, share_positive])
        axes.plot(curve.recall, curve.precision, color=ACCENT, linewidth=1.8, drawstyle="steps-pre")
        at = 0 if threshold is None else _last_above(curve.thresholds, threshold)
        if at > 0:  # at 0 nothing is decided for, and precision is not defined
            _ring(axes, curve.recall[at], curve.precision[at])

    return chart(draw, alt, width_px=side_px, height_px=side_px)


def reliability_chart(curve: ReliabilityCurve, alt: str, *, share_of: str, side_px: int = 200) -> Html:
    """Return a reliability diagram; dashed what perfect calibration gives, as bars the share of samples in a bin."""

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
    """Return where the last of falling thresholds is that is above a score: what reaches it is decided for."""
    return int(np.count_nonzero(thresholds > threshold)) - 1
