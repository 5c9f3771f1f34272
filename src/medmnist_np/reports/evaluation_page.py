"""The page of an evaluation: metrics with confidence intervals, curves, decisions and the worst mistakes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np._optional import require
from medmnist_np._progress import Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import settings
from medmnist_np.data.arrays import find_here
from medmnist_np.evaluation.result import FEW, Evaluation, Mistake, worst_mistakes
from medmnist_np.metrics import (
    METRICS,
    Interval,
    class_intervals,
    measure_per_class,
    pr_curves,
    reliability_curves,
    roc_curves,
)
from medmnist_np.metrics.confusion import table_of
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.reports.charts import pr_chart, reliability_chart, roc_chart
from medmnist_np.reports.page import aside, facts, figure, figures, gallery, note, number, page, picture, span, table

_CLASSES = {"binary-class": "Positive class", "multi-label, binary-class": "Single labels"}
_MOST_MISTAKES = 12
_AUC_INTERVALS = "95 % interval of the AUC by DeLong's method on the logit scale"
_PER_CLASS = ("average_precision", "precision", "recall", "specificity", "f1")
_MOST_NAMED_HEADS = 5  # classes of a confusion matrix whose columns have room for names
_LARGE_PX, _SMALL_PX = 320, 160  # sides of one chart, and of many


def report(
    result: Evaluation,
    images: NDArray[np.uint8] | None = None,
    *,
    file: str | os.PathLike[str] = "",
    remarks: Sequence[str] = (),
    n_resamples: int = 1000,
    seed: int = 0,
    progress: Progress = bars,
) -> str:
    """Return the page of an evaluation: metrics with confidence intervals, curves, decisions and the worst mistakes.

    Parameters
    ----------
    result : Evaluation
        The result of :class:`~medmnist_np.Evaluator`.
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, optional
        The images of the split, of any size, for pictures of the worst mistakes; see :func:`cached_images`.
    file : path, optional
        The file with the scores. Only its name is shown.
    remarks : sequence of str
        Notes to show at the top.
    n_resamples, seed : int
        Number of bootstrap resamples and their random seed.
    progress : Progress
        Shows the progress of the bootstrap: a bar by default.

    Returns
    -------
    str
        A self-contained HTML document without scripts. The same result gives the same document.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If the numbers of images and samples differ, or there is only one sample.

    Notes
    -----
    Confidence intervals are percentile bootstrap intervals. Those of the AUC of single classes are by DeLong's method
    on the logit scale.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.reports import report
    >>> evaluator = mm.Evaluator("breastmnist", "test")
    >>> page = report(evaluator.evaluate(evaluator.get_dummy_prediction()))
    >>> page.splitlines()[0]
    '<!DOCTYPE html>'
    """
    require("matplotlib")
    if images is not None and len(images) != result.n_samples:
        raise ValueError(f"There are {len(images)} images and {result.n_samples} samples.")
    record, things = result.record, things_of(result.record)
    intervals, undefined = result.applicable_intervals(n_resamples=n_resamples, seed=seed, progress=progress)
    class_aucs = class_intervals(result.predictions, method="logit-delong")
    name = PurePath(file).name
    origin = {
        "Seed of the resamples": str(seed),
        "File": name,
        "Run": result.run,
        "Labels, SHA-256": result.to_dict()["labels_sha256"],
        "Program": f"medmnist-np {__version__}",
    }
    notes = [*remarks, *result.notes, *filter(None, [result.undefined_in_words()])]
    sections = {
        "Summary": _summary(result, intervals, notes),
        "Data": _data(result),
        "All metrics": _metrics(intervals, undefined),
        "Curves": _curves(result, class_aucs),
        "Decisions": _decisions(result),
        _CLASSES.get(record.task, "Single classes"): _classes(result, class_aucs),
        "Calibration": _calibration(result),
        "Worst mistakes": _mistakes(result, images),
        "How this was computed": _method(result, intervals["auc"], origin),
    }
    title = ": ".join(filter(None, (f"{record.python_class} {result.split}", result.run or name)))
    return page(title, f"{record.modality}, {things} of size {result.size}", sections)


def cached_images(
    result: Evaluation, *, root: str | os.PathLike[str] | None = None
) -> np.memmap[Any, np.dtype[np.uint8]] | None:
    """Return the images of the evaluated split from the cache, in the nearest size; None if it has none.

    Nothing is downloaded or unpacked.

    Parameters
    ----------
    result : Evaluation
        The evaluation.
    root : path, optional
        See :func:`~medmnist_np.load`.

    Returns
    -------
    np.memmap or None
        ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)``, read-only. Of two equally near sizes, the larger one.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.reports import cached_images
    >>> evaluator = mm.Evaluator("breastmnist", "test")
    >>> result = evaluator.evaluate(evaluator.get_dummy_prediction())
    >>> cached_images(result).shape
    (156, 28, 28)
    """
    record = result.record
    member = record.member_name(result.split, "images")
    places = settings.current(root)
    for size in sorted(record.sizes, key=lambda size: (abs(size - result.size), -size)):
        if (folder := find_here(record, size, places, [member])) is not None:
            return folder.open(member)
    return None


def _summary(result: Evaluation, intervals: Mapping[str, Interval], remarks: Iterable[str]) -> list[Html]:
    things = things_of(result.record)
    auc, accuracy = (intervals[metric] for metric in ("auc", "accuracy"))
    n = result.n_samples
    content = [note(remark) for remark in remarks]
    content += [
        figures(
            {
                "AUC": (number(auc.estimate), f"{_level(auc)} interval {span(auc.low, auc.high)}"),
                "ACC": (number(accuracy.estimate), f"{_level(accuracy)} interval {span(accuracy.low, accuracy.high)}"),
                things.capitalize(): (number(n), f"{result.split} split of {result.record.python_class}"),
            }
        ),
        element(
            "p",
            "AUC measures how well the scores rank, ACC how often the decisions are right. The intervals show how "
            f"uncertain both values are, because there are only {n:,} {things}. {_meaning_of_intervals(result, auc)} "
            "The intervals of two models do not show which is better. To find out, compare the models on the same "
            "samples: ",
            element("code", "medmnist-np compare A.csv B.csv"),
            ".",
        ),
    ]
    rare = [title for title, few in zip(result.column_titles, result.few_samples, strict=True) if few]
    if rare:
        content.append(
            note(
                f"The interval of the AUC is too narrow for {', '.join(rare)}: fewer than {FEW} {things} have "
                f"this label, or fewer than {FEW} do not."
            )
        )
    return content


def _meaning_of_intervals(result: Evaluation, auc: Interval) -> str:
    things = things_of(result.record)
    if result.split == "train":
        return f"They do not apply to {things} that the model was not trained on."
    return f"About {100 * auc.level:g} of 100 such intervals contain the value for unlimited {things} of the same kind."


def _metrics(intervals: Mapping[str, Interval], undefined: Mapping[str, str]) -> list[Html]:
    rows = [
        [METRICS[metric].title, number(interval.estimate), span(interval.low, interval.high), _strip(interval)]
        for metric, interval in intervals.items()
    ]
    auc = intervals["auc"]
    caption = f"Metrics with their {_level(auc)} confidence intervals (percentile bootstrap)"
    content = [table(caption, ["metric", "value", "interval", "0 to 1"], rows, text={3})]
    lower = [METRICS[metric].title for metric in intervals if METRICS[metric].lower_is_better]
    content.append(
        aside(
            f"Higher is better, except for {', '.join(lower)}: there, lower is better."
            if lower
            else "Higher is better."
        )
    )
    for metric, reason in undefined.items():
        content.append(aside(f"Not shown: {METRICS[metric].title}. {reason}"))
    for metric, interval in intervals.items():
        if interval.note:
            how = f"has the interval of {interval.method.capitalize()}"
            if math.isnan(interval.low):
                how = "has no interval"
            content.append(aside(f"{METRICS[metric].title} {how}: {interval.note}."))
        if interval.n_undefined:
            where = f"in {interval.n_undefined:,} of the {interval.n_resamples:,} resamples"
            content.append(aside(f"{METRICS[metric].title} is not defined {where}. These were left out."))
    return content


def _data(result: Evaluation) -> list[Html]:
    record = result.record
    counts = ", ".join(f"{split} {n:,}" for split, n in record.n_samples.items())
    described = facts(
        {
            "Data set": f"{record.python_class}. {record.description}",
            "Modality": record.modality,
            "Task": f"{record.task}, {record.n_classes} {'labels' if record.multi_label else 'classes'}",
            things_of(record).capitalize(): f"{counts}; this page is about {result.split}",
            "License": record.license,
            "Collection": f"{record.collection.title} {record.collection.version}".strip(),
            "DOI": record.collection.doi,
        }
    )
    content = [described, *map(note, record.notes)]
    if record.collection.not_for_clinical_use:
        content.append(note("The data is made for teaching and for comparing methods. It is not for clinical use."))
    return content


def _method(result: Evaluation, auc: Interval, origin: Mapping[str, str]) -> list[Html]:
    decision = "the class with the highest score"
    if result.threshold is not None:
        decision = f"positive if the score is above {result.threshold:g}"
    return [
        element(
            "p",
            "AUC and ACC are defined as in the MedMNIST benchmark. With two classes, the AUC is that of the score of "
            "class 1. With more classes, it is the mean over the classes, each against the rest. With several labels, "
            "it is the mean over the labels. The intervals describe the uncertainty from the choice of these "
            f"{things_of(result.record)}, which count as independent. They do not describe other random seeds, "
            "scanners or hospitals.",
        ),
        facts(
            {
                "Decision": decision,
                "Intervals": f"{_level(auc)}, percentile bootstrap, {auc.n_resamples:,} resamples",
                **origin,
            }
        ),
    ]


def _strip(interval: Interval) -> Html:
    """Draw the interval and the value on a strip from 0 to 1; draw nothing if the interval extends beyond."""
    if not 0 <= interval.low <= interval.high <= 1:
        return Html()
    low, width, at = interval.low, interval.high - interval.low, interval.estimate
    ends = element("i", style=f"left: {low:.1%}; width: {width:.1%}")
    return element("span", ends, element("i", style=f"left: {at:.1%}"), class_="range", aria_hidden="true")


def _level(interval: Interval) -> str:
    return f"{100 * interval.level:g} %"


def _curves(result: Evaluation, class_aucs: Sequence[Interval]) -> list[Html]:
    """Return ROC and precision-recall curves, in one small chart for each class."""
    predictions, threshold, things = result.predictions, result.threshold, things_of(result.record)
    arguments = predictions.labels, predictions.scores, predictions.task
    shares = predictions.positive.mean(axis=1).tolist()
    precisions = measure_per_class(predictions, "average_precision").tolist()
    curves = roc_curves(*arguments), pr_curves(*arguments)
    columns = zip(result.column_titles, class_aucs, *curves, shares, precisions, strict=True)
    side_px = _SMALL_PX if len(result.column_titles) > 1 else _LARGE_PX
    roc, pr = [], []
    for name, area, roc_curve, pr_curve, share, precision in columns:
        if not 0 < share < 1:
            absent = f"{'no' if share == 0 else 'all'} {things} have this label"
            roc.append(figure(Html(), name, absent))
            pr.append(figure(Html(), name, absent))
            continue
        label = f"AUC {number(area.estimate)}"
        drawn = roc_chart(roc_curve, f"ROC curve of {name}: {label}", threshold=threshold, side_px=side_px)
        roc.append(figure(drawn, name, label, span(area.low, area.high)))
        label = f"AP {number(precision)}"
        alt = f"Precision-recall curve of {name}: {label}"
        drawn = pr_chart(pr_curve, alt, share_positive=share, threshold=threshold, side_px=side_px)
        pr.append(figure(drawn, name, label, f"random scores: {number(share)}"))
    ring = "" if threshold is None else f" Circle: threshold {threshold:g}."
    if len(roc) == 1:
        content = f"ROC curve and precision-recall curve. Dashed: random scores.{ring} AP: average precision."
        return [aside(f"{content} {_AUC_INTERVALS}."), gallery([*roc, *pr], width_px=side_px)]
    return [
        element("h3", "ROC"),
        aside(f"Dashed: random scores.{ring} {_AUC_INTERVALS}."),
        gallery(roc, width_px=side_px),
        element("h3", "Precision and recall"),
        aside(f"Dashed: random scores, the share of positive {things}.{ring} AP: average precision."),
        gallery(pr, width_px=side_px),
    ]


def _decisions(result: Evaluation) -> list[Html]:
    """Return the confusion matrix; for a multi-label set, the counts of each label."""
    names, things = class_titles(result.record), things_of(result.record)
    tables = table_of(result.predictions)
    if result.record.multi_label:
        head = ["label", "true positives", "false negatives", "false positives", "true negatives"]
        rows = [
            [name, number(both[1, 1]), number(both[1, 0]), number(both[0, 1]), number(both[0, 0])]
            for name, both in zip(names, tables, strict=True)
        ]
        above = f"The decision for a label is positive if its score is above {result.threshold:g}."
        return [element("p", above), table(f"{things.capitalize()} by label and decision", head, rows)]
    how = "The decision is the class with the highest score."
    if result.threshold is not None:
        how = f"The decision is “{names[1]}” if its score is above {result.threshold:g}, otherwise “{names[0]}”."
    body = []
    for k, (name, row) in enumerate(zip(names, tables.tolist(), strict=True)):
        total = sum(row)
        body.append([name, *(_cell(n, total, right=k == j) for j, n in enumerate(row)), number(total)])
    heads = names if len(names) <= _MOST_NAMED_HEADS else map(str, range(len(names)))
    return [
        element(
            "p",
            f"{how} Each row has the {things} of one true class, each column those of one decision. Framed: correct.",
        ),
        table(
            f"{things.capitalize()} by class (rows) and decision (columns)",
            ["class", *heads, "all"],
            body,
            kind="matrix",
        ),
    ]


def _classes(result: Evaluation, class_aucs: Sequence[Interval]) -> list[Html]:
    """Return the table of single classes or labels."""
    predictions, record, things = result.predictions, result.record, things_of(result.record)
    columns = [measure_per_class(predictions, metric).tolist() for metric in _PER_CLASS]
    rows = [
        [
            name,
            number(int(predictions.positive[k].sum())),
            f"{number(area.estimate)}{' *' if result.few_samples[k] else ''}",
            span(area.low, area.high),
            *(number(values[k]) for values in columns),
        ]
        for k, (name, area) in enumerate(zip(result.column_titles, class_aucs, strict=True))
    ]
    short = {"average_precision": "AP"}
    head = ["label" if record.multi_label else "class", things, "AUC", "interval of AUC"]
    head += [short.get(metric, METRICS[metric].title) for metric in _PER_CLASS]
    caption = "Each label" if record.multi_label else "Each class against the rest"
    if predictions.task == "binary-class":
        caption = "Positive class"
    how = "AP: average precision."
    if len(rows) > 1:
        how += " The intervals are not adjusted for multiple comparisons."
    if any(result.few_samples):
        how += f" *: fewer than {FEW} {things} of this class or of the others, so the interval is too narrow."
    return [table(f"{caption}; {_AUC_INTERVALS}", head, rows), aside(how)]


def _calibration(result: Evaluation) -> list[Html]:
    """Return reliability diagrams, or the reason why they cannot be drawn."""
    predictions, things = result.predictions, things_of(result.record)
    try:
        curves = reliability_curves(predictions.labels, predictions.scores, predictions.task)
        errors = measure_per_class(predictions, "expected_calibration_error").tolist()
    except ValueError as error:
        return [element("p", f"The scores are not probabilities. {error}")]
    names, what, share_of = result.column_titles, "the score, and how often the label is present", "positive"
    if result.threshold is None:
        names, what = ("Predicted class",), "the score of the predicted class, and how often it is right"
        share_of = "right"
    side_px = _SMALL_PX if len(names) > 1 else _LARGE_PX
    shown = []
    for name, curve, gap in zip(names, curves, errors, strict=True):
        label = f"expected calibration error {number(gap)}"
        alt = f"Reliability diagram of {name}: {label}"
        drawn = reliability_chart(curve, alt, share_of=share_of, side_px=side_px)
        shown.append(figure(drawn, name, label))
    return [
        element("p", f"Are the scores good probabilities? The charts show {what}, in {len(curves[0].n_samples)} bins."),
        aside(
            "Dashed: perfect calibration. Below the dashed line, scores are too high. "
            f"Bars: share of the {things} in a bin."
        ),
        gallery(shown, width_px=side_px),
    ]


def _mistakes(result: Evaluation, images: NDArray[np.uint8] | None) -> list[Html]:
    """Return the worst mistakes: as pictures, or as a table without images."""
    things = things_of(result.record)
    mistakes = worst_mistakes(result.predictions, _MOST_MISTAKES)
    if not mistakes:
        return [element("p", "Every decision is right.")]
    how = "sorted by how far its score is above that of the true class"
    if result.threshold is not None:
        how = f"sorted by the distance of the score from the threshold {result.threshold:g}"
    introduction = element(
        "p", f"The {len(mistakes)} {things} with the most confident wrong decisions, {how}. Indices count from 0."
    )
    if images is None:
        rows = [[f"#{mistake.index}", *_described(result, mistake)] for mistake in mistakes]
        table_ = table("The worst mistakes", [things[:-1], "true", "predicted", "score"], rows, text={1, 2, 3})
        missing = f"Pictures are missing, because the {things} are not on this machine. Download them with "
        return [introduction, table_, aside(missing, element("code", f"medmnist-np fetch {result.record.name}"))]
    cut = ", as the middle slice of each volume" if result.record.ndim == 3 else ""
    shown = []
    for mistake in mistakes:
        pixels = np.asarray(images[mistake.index])
        if result.record.ndim == 3:
            pixels = pixels[len(pixels) // 2]
        truth, decision, score = _described(result, mistake)
        alt = f"{things[:-1].capitalize()} {mistake.index} of {result.split}: {truth}, predicted as {decision}"
        lines = (f"true: {truth}", f"predicted: {decision}", f"score {score}")
        shown.append(figure(picture(pixels, alt), f"#{mistake.index}", *lines))
    shown_at = aside(f"Shown at size {images.shape[1]}{cut}.")
    return [introduction, shown_at, gallery(shown, width_px=144)]


def _described(result: Evaluation, mistake: Mistake) -> tuple[str, str, str]:
    """Return the true classes, the predicted ones, and the score of the decision."""
    titles = class_titles(result.record)
    truth, decision = (", ".join(titles[k] for k in classes) or "none" for classes in (mistake.truth, mistake.decision))
    return truth, decision, f"{mistake.score:.3f} for {titles[mistake.column]}"


def _cell(n: int, total: int, *, right: bool) -> Html:
    share = n / total if total else 0.0
    percent = element("small", f"{share:.0%}")
    return element("td", number(n), percent, class_="right" if right else None, style=f"--share: {share:.3f}")
