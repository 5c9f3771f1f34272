"""The decisions that are most surely wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics import Predictions
from medmnist_np.pages.markup import Html, element
from medmnist_np.pages.measured import Measured
from medmnist_np.reports.page import aside, figure, gallery, picture, table

_MULTI_LABEL = "multi-label, binary-class"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A sample on which the decision is wrong.

    Attributes
    ----------
    index : int
        Its place in the split.
    truth, decision : tuple of int
        The one class; or the labels that it has, and those that were decided for.
    column : int
        The class or label whose score decided wrongly.
    score : float
        That score.
    """

    index: int
    truth: tuple[int, ...]
    decision: tuple[int, ...]
    column: int
    score: float


def worst_mistakes(predictions: Predictions, n: int) -> list[Mistake]:
    """Return the samples on which the scores are most surely wrong, the worst first.

    How wrong a decision is, is told by how far the score is beyond the threshold; where the highest score decides, by
    how far it is above that of the true class. A sample with several labels counts by the worst of them.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    n : int
        How many at the most.

    Returns
    -------
    list of Mistake
        Of samples that are equally bad the first comes first.

    Examples
    --------
    >>> predictions = Predictions([0, 1, 0], [[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]], "multi-class")
    >>> [(mistake.index, mistake.score) for mistake in worst_mistakes(predictions, 5)]
    [(0, 0.8), (1, 0.6)]
    """
    scores = predictions.scores.astype(np.float64)
    wrong = (predictions.decisions != predictions.labels).reshape(len(scores), -1)
    if predictions.task in ("binary-class", _MULTI_LABEL):
        far = np.where(wrong, np.abs(scores - predictions.threshold), -1.0)
        columns = far.argmax(axis=1)
        if predictions.task == "binary-class":
            columns = np.ones_like(columns)
        far = far.max(axis=1)
    else:
        columns = predictions.decisions
        far = np.where(wrong[:, 0], _of(scores, columns) - _of(scores, predictions.labels), -1.0)
    worst = np.argsort(-far, kind="stable")[: min(n, np.count_nonzero(far >= 0))]
    decided = _of(scores, columns) if scores.shape[1] > 1 else scores[:, 0]
    return [
        Mistake(
            int(index),
            _classes(predictions.labels[index]),
            _classes(predictions.decisions[index]),
            int(columns[index]),
            float(decided[index]),
        )
        for index in worst
    ]


def mistakes(measured: Measured) -> list[Html]:
    """Return the part of a page that shows the worst mistakes: as pictures, or as a table where there are no images."""
    found = worst_mistakes(measured.predictions, measured.n_mistakes)
    if not found:
        return [element("p", "Every decision is right.")]
    how = "by how far its score is above that of the true class"
    if measured.threshold is not None:
        how = f"by how far the score is from the threshold {measured.threshold:g}"
    introduction = element(
        "p", f"The {len(found)} {measured.things} whose decision is most surely wrong, {how}. They are counted from 0."
    )
    if measured.images is None:
        rows = [[f"#{one.index}", *_described(measured, one)] for one in found]
        table_ = table("The worst mistakes", [measured.things[:-1], "true", "decided", "score"], rows, text={1, 2, 3})
        missing = f"Without pictures: the {measured.things} are not on this machine. This brings them: "
        return [introduction, table_, aside(missing, element("code", f"medmnist-np fetch {measured.record.name}"))]
    cut = ", and of each volume its middle slice" if measured.record.ndim == 3 else ""
    shown = []
    for one in found:
        pixels = np.asarray(measured.images[one.index])
        if measured.record.ndim == 3:
            pixels = pixels[len(pixels) // 2]
        truth, decision, score = _described(measured, one)
        alt = f"{measured.things[:-1].capitalize()} {one.index} of {measured.split}: {truth}, taken for {decision}"
        said = (f"true: {truth}", f"decided: {decision}", f"score {score}")
        shown.append(figure(picture(pixels, alt), f"#{one.index}", *said))
    shown_at = aside(f"Shown at size {measured.images.shape[1]}{cut}.")
    return [introduction, shown_at, gallery(shown, width_px=144)]


def _described(measured: Measured, mistake: Mistake) -> tuple[str, str, str]:
    """Say what is true, what was decided, and which score did that."""
    truth, decision = (
        ", ".join(measured.names[k] for k in which) or "none" for which in (mistake.truth, mistake.decision)
    )
    return truth, decision, f"{mistake.score:.3f} for {measured.names[mistake.column]}"


def _of(scores: NDArray[np.float64], columns: NDArray[np.integer]) -> NDArray[np.float64]:
    taken: NDArray[np.float64] = np.take_along_axis(scores, columns[:, None].astype(np.intp), axis=1)[:, 0]
    return taken


def _classes(labels: NDArray[np.integer] | np.integer) -> tuple[int, ...]:
    return tuple(np.flatnonzero(labels).tolist()) if isinstance(labels, np.ndarray) else (int(labels),)
