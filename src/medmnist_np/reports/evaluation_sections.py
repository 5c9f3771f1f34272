"""Sections of the evaluation page: curves, decisions, classes, calibration and the worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np.metrics import (
    METRICS,
    Interval,
    Predictions,
    measure_per_class,
    pr_curves,
    reliability_curves,
    roc_curves,
)
from medmnist_np.metrics.confusion import table_of
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.reports.charts import pr_chart, reliability_chart, roc_chart
from medmnist_np.reports.page import aside, figure, gallery, number, picture, span, table

# With fewer samples of a class, or beside it, an interval of its AUC is too narrow: see the page on statistics.
FEW = 30


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An evaluation as plain data.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    split : str
        Its split.
    size : int
        Size of the images that the scores are said to be from, in pixels or voxels.
    title : str
        What stands above the page.
    predictions : Predictions
        Labels and scores.
    intervals : Mapping of str to Interval
        By the name of the metric in :data:`~medmnist_np.metrics.METRICS`; it has ``auc`` and ``accuracy``.
    undefined : Mapping of str to str
        Metrics without a value, and why.
    class_aucs : sequence of Interval
        The AUC of each class against the rest, or of each label; one for a binary set.
    origin : Mapping of str to str
        Where all this comes from, by name: file, digests, seeds, versions.
    remarks : sequence of str
        What a reader must not overlook.
    images : array of uint8, optional
        Images or volumes of the split, in its order, of any size.
    n_mistakes : int
        How many of the worst mistakes to show.
    """

    record: DatasetInfo
    split: str
    size: int
    title: str
    predictions: Predictions
    intervals: Mapping[str, Interval]
    undefined: Mapping[str, str]
    class_aucs: Sequence[Interval]
    origin: Mapping[str, str]
    remarks: Sequence[str] = ()
    images: NDArray[np.uint8] | None = None
    n_mistakes: int = 12

    @property
    def things(self) -> str:
        """What a sample is, in the plural."""
        return things_of(self.record)

    @property
    def names(self) -> tuple[str, ...]:
        """Classes with their number, or labels."""
        return class_titles(self.record)

    @property
    def column_names(self) -> tuple[str, ...]:
        """What each column of the scores is of."""
        return self.names[1:] if self.predictions.task == "binary-class" else self.names

    @property
    def threshold(self) -> float | None:
        """The score above which the decision is 1; None where the highest score decides."""
        thresholded = self.predictions.task in ("binary-class", "multi-label, binary-class")
        return self.predictions.threshold if thresholded else None

    @property
    def few(self) -> NDArray[np.bool_]:
        """For each column whether it has too few positive or negative samples for an interval."""
        positive = self.predictions.positive.sum(axis=1)
        few: NDArray[np.bool_] = np.minimum(positive, self.predictions.n_samples - positive) < FEW
        return few


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


_AUC_INTERVALS = "95 % interval of the AUC by DeLong's method on the logit scale"
_PER_CLASS = ("average_precision", "precision", "recall", "specificity", "f1")
_MOST_NAMED_HEADS = 5  # classes of a confusion matrix whose columns have room for names
_LARGE_PX, _SMALL_PX = 320, 160  # sides of one chart, and of many


def curves(measured: Measured) -> list[Html]:
    """Return ROC and precision-recall curves, in one small chart for each class."""
    predictions, threshold = measured.predictions, measured.threshold
    given = predictions.labels, predictions.scores, predictions.task
    shares = predictions.positive.mean(axis=1).tolist()
    precisions = measure_per_class(predictions, "average_precision").tolist()
    each = zip(
        measured.column_names,
        measured.class_aucs,
        roc_curves(*given),
        pr_curves(*given),
        shares,
        precisions,
        strict=True,
    )
    side_px = _SMALL_PX if len(measured.column_names) > 1 else _LARGE_PX
    roc, pr = [], []
    for name, area, roc_curve, pr_curve, share, precision in each:
        if not 0 < share < 1:
            absent = f"{'none' if share == 0 else 'each'} of the {measured.things} is of it"
            roc.append(figure(Html(), name, absent))
            pr.append(figure(Html(), name, absent))
            continue
        said = f"AUC {number(area.estimate)}"
        drawn = roc_chart(roc_curve, f"ROC curve of {name}: {said}", threshold=threshold, side_px=side_px)
        roc.append(figure(drawn, name, said, span(area.low, area.high)))
        said = f"AP {number(precision)}"
        alt = f"Precision-recall curve of {name}: {said}"
        drawn = pr_chart(pr_curve, alt, share_positive=share, threshold=threshold, side_px=side_px)
        pr.append(figure(drawn, name, said, f"by chance {number(share)}"))
    ring = "" if threshold is None else f" Ring: the threshold {threshold:g}."
    if len(roc) == 1:
        content = f"ROC curve, and precision against recall. Dashed: what chance gives.{ring} AP: average precision."
        return [aside(f"{content} {_AUC_INTERVALS}."), gallery([*roc, *pr], width_px=side_px)]
    return [
        element("h3", "ROC"),
        aside(f"Dashed: what chance gives.{ring} {_AUC_INTERVALS}."),
        gallery(roc, width_px=side_px),
        element("h3", "Precision and recall"),
        aside(f"Dashed: what chance gives, the share of positive {measured.things}.{ring} AP: average precision."),
        gallery(pr, width_px=side_px),
    ]


def decisions(measured: Measured) -> list[Html]:
    """Return the confusion matrix, or for several labels the counts of each."""
    predictions, names = measured.predictions, measured.names
    tables = table_of(predictions)
    if measured.record.multi_label:
        head = ["label", "found", "missed", "false alarms", "rightly left out"]
        rows = [
            [name, number(both[1, 1]), number(both[1, 0]), number(both[0, 1]), number(both[0, 0])]
            for name, both in zip(names, tables, strict=True)
        ]
        above = f"A label is decided for where its score is above {measured.threshold:g}."
        return [element("p", above), table(f"{measured.things.capitalize()} by label and decision", head, rows)]
    how = "The class with the highest score is decided for."
    if measured.threshold is not None:
        how = f"“{names[1]}” is decided for where its score is above {measured.threshold:g}, else “{names[0]}”."
    body = []
    for k, (name, row) in enumerate(zip(names, tables.tolist(), strict=True)):
        total = sum(row)
        body.append([name, *(_cell(n, total, right=k == j) for j, n in enumerate(row)), number(total)])
    heads = names if len(names) <= _MOST_NAMED_HEADS else map(str, range(len(names)))
    return [
        element(
            "p",
            f"{how} A row holds the {measured.things} of one class, a column those of one decision. "
            "Framed: what is right.",
        ),
        table(
            f"{measured.things.capitalize()} by class (rows) and decision (columns)",
            ["class", *heads, "all"],
            body,
            kind="matrix",
        ),
    ]


def classes(measured: Measured) -> list[Html]:
    """Return the table of single classes or labels."""
    predictions, record = measured.predictions, measured.record
    columns = [measure_per_class(predictions, metric).tolist() for metric in _PER_CLASS]
    rows = [
        [
            name,
            number(int(predictions.positive[k].sum())),
            f"{number(area.estimate)}{' *' if measured.few[k] else ''}",
            span(area.low, area.high),
            *(number(values[k]) for values in columns),
        ]
        for k, (name, area) in enumerate(zip(measured.column_names, measured.class_aucs, strict=True))
    ]
    short = {"average_precision": "AP"}
    head = ["label" if record.multi_label else "class", measured.things, "AUC", "interval of AUC"]
    head += [short.get(metric, METRICS[metric].title) for metric in _PER_CLASS]
    caption = "Each label" if record.multi_label else "Each class against the rest"
    if predictions.task == "binary-class":
        caption = "The class that counts as positive"
    how = "AP: average precision."
    if len(rows) > 1:
        how += " The intervals are not adjusted for there being several."
    if measured.few.any():
        how += f" *: fewer than {FEW} {measured.things} of it or beside it; the interval is too narrow."
    return [table(f"{caption}; {_AUC_INTERVALS}", head, rows), aside(how)]


def calibration(measured: Measured) -> list[Html]:
    """Return reliability diagrams, or why there are none."""
    predictions = measured.predictions
    try:
        found = reliability_curves(predictions.labels, predictions.scores, predictions.task)
        errors = measure_per_class(predictions, "expected_calibration_error").tolist()
    except ValueError as error:
        return [element("p", f"The scores cannot be taken as probabilities. {error}")]
    names, what, share_of = measured.column_names, "the score against how often the label is there", "positive"
    if measured.threshold is None:
        names, what = ("Class decided for",), "the score of the class decided for against how often it is right"
        share_of = "right"
    side_px = _SMALL_PX if len(names) > 1 else _LARGE_PX
    shown = []
    for name, curve, gap in zip(names, found, errors, strict=True):
        said = f"expected calibration error {number(gap)}"
        alt = f"Reliability diagram of {name}: {said}"
        drawn = reliability_chart(curve, alt, share_of=share_of, side_px=side_px)
        shown.append(figure(drawn, name, said))
    return [
        element("p", f"Whether scores can be taken as probabilities: {what}, in {len(found[0].n_samples)} bins."),
        aside(
            f"Dashed: perfect calibration. Below it scores are too high. Bars: share of the {measured.things} in a bin."
        ),
        gallery(shown, width_px=side_px),
    ]


def _cell(n: int, total: int, *, right: bool) -> Html:
    share = n / total if total else 0.0
    percent = element("small", f"{share:.0%}")
    return element("td", number(n), percent, class_="right" if right else None, style=f"--share: {share:.3f}")
