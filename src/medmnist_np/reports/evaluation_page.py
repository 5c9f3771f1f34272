"""The page about one evaluation: scores, confidence intervals and mistakes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np._optional import require
from medmnist_np._version import __version__
from medmnist_np.cache import settings
from medmnist_np.data.arrays import find_here
from medmnist_np.evaluation.result import Evaluation
from medmnist_np.metrics import METRICS, Interval, class_intervals
from medmnist_np.reports.evaluation_sections import FEW, Measured, calibration, classes, curves, decisions, mistakes
from medmnist_np.reports.page import aside, facts, figures, note, number, page, span, table

_CLASSES = {"binary-class": "Positive class", "multi-label, binary-class": "Single labels"}


def evaluation_page(measured: Measured) -> str:
    """Return the page of an evaluation.

    Parameters
    ----------
    measured : Measured
        What to show.

    Returns
    -------
    str
        An HTML document that needs nothing else.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    record = measured.record
    subtitle = f"{record.modality}, {measured.things} of size {measured.size}"
    sections = {
        "Summary": _summary(measured),
        "Data": _data(measured),
        "All metrics": _metrics(measured),
        "Curves": curves(measured),
        "Decisions": decisions(measured),
        _CLASSES.get(record.task, "Single classes"): classes(measured),
        "Calibration": calibration(measured),
        "Worst mistakes": mistakes(measured),
        "How this was computed": _method(measured),
    }
    return page(measured.title, subtitle, sections)


def _summary(measured: Measured) -> list[Html]:
    auc, accuracy = (measured.intervals[metric] for metric in ("auc", "accuracy"))
    n = measured.predictions.n_samples
    content = [note(remark) for remark in measured.remarks]
    content += [
        figures(
            {
                "AUC": (number(auc.estimate), f"{_level(auc)} interval {span(auc.low, auc.high)}"),
                "ACC": (number(accuracy.estimate), f"{_level(accuracy)} interval {span(accuracy.low, accuracy.high)}"),
                measured.things.capitalize(): (number(n), f"{measured.split} split of {measured.record.python_class}"),
            }
        ),
        element(
            "p",
            "AUC says how well the scores rank, ACC how often the decisions are right. The intervals say how much of "
            f"that is chance in these {n:,} {measured.things}{_what_intervals_hold(measured, auc)} Two intervals do "
            "not tell whether another model is better. To find out, run ",
            element("code", "medmnist-np compare"),
            " on the same samples.",
        ),
    ]
    rare = [name for name, few in zip(measured.column_names, measured.few, strict=True) if few]
    if rare:
        what = f"There are fewer than {FEW} {measured.things} of, or beside, {', '.join(rare)}."
        content.append(note(f"{what} The interval of such an AUC is too narrow."))
    return content


def _what_intervals_hold(measured: Measured, auc: Interval) -> str:
    if measured.split == "train":
        return f", and say nothing about {measured.things} that the model was not trained on."
    return f": {100 * auc.level:g} of 100 such intervals hold the value for endless {measured.things} of the same kind."


def _metrics(measured: Measured) -> list[Html]:
    rows = [
        [METRICS[metric].title, number(one.estimate), span(one.low, one.high), _strip(one)]
        for metric, one in measured.intervals.items()
    ]
    auc = measured.intervals["auc"]
    caption = f"Each metric and its {_level(auc)} interval, by percentile bootstrap"
    content = [table(caption, ["metric", "value", "interval", "0 to 1"], rows, text={3})]
    lower = [METRICS[metric].title for metric in measured.intervals if METRICS[metric].lower_is_better]
    content.append(aside(f"Higher is better, but for {', '.join(lower)}." if lower else "Higher is better."))
    for metric, reason in measured.undefined.items():
        content.append(aside(f"Without {METRICS[metric].title}: {reason}"))
    for metric, one in measured.intervals.items():
        if one.note:
            how = "has no interval" if math.isnan(one.low) else f"has the interval of {one.method.capitalize()}"
            content.append(aside(f"{METRICS[metric].title} {how}: {one.note}."))
        if one.n_undefined:
            where = f"in {one.n_undefined:,} of the {one.n_resamples:,} resamples"
            content.append(aside(f"{METRICS[metric].title} was not defined {where}, which were left out."))
    return content


def _data(measured: Measured) -> list[Html]:
    record = measured.record
    counts = ", ".join(f"{split} {n:,}" for split, n in record.n_samples.items())
    described = facts(
        {
            "Data set": f"{record.python_class}. {record.description}",
            "Modality": record.modality,
            "Task": f"{record.task}, {record.n_classes} {'labels' if record.multi_label else 'classes'}",
            measured.things.capitalize(): f"{counts}; these figures are of {measured.split}",
            "Licence": record.license,
            "Collection": f"{record.collection.title} {record.collection.version}".strip(),
            "DOI": record.collection.doi,
        }
    )
    content = [described, *map(note, record.notes)]
    if record.collection.not_for_clinical_use:
        content.append(note("The data is made for teaching and for comparing methods. It is not for clinical use."))
    return content


def _method(measured: Measured) -> list[Html]:
    auc = measured.intervals["auc"]
    decision = "the class with the highest score"
    if measured.threshold is not None:
        decision = f"a score above {measured.threshold:g} decides for it"
    return [
        element(
            "p",
            "AUC and ACC are those of the MedMNIST benchmark: of two classes the AUC of the score of class 1, of more "
            "the mean of each class against the rest, of several labels the mean over them. The intervals speak of "
            f"chance in these {measured.things}, taken as independent; not of other training seeds, scanners or "
            "hospitals.",
        ),
        facts(
            {
                "Decision": decision,
                "Intervals": f"{_level(auc)}, percentile bootstrap, {auc.n_resamples:,} resamples",
                **measured.origin,
            }
        ),
    ]


def _strip(interval: Interval) -> Html:
    """Return a strip from 0 to 1 with the interval and the value on it; nothing for what goes beyond."""
    if not 0 <= interval.low <= interval.high <= 1:
        return Html()
    low, width, at = interval.low, interval.high - interval.low, interval.estimate
    ends = element("i", style=f"left: {low:.1%}; width: {width:.1%}")
    return element("span", ends, element("i", style=f"left: {at:.1%}"), class_="range", aria_hidden="true")


def _level(interval: Interval) -> str:
    return f"{100 * interval.level:g} %"


_ALWAYS = ("auc", "accuracy")
# Elsewhere these say the same as another metric, or nothing.
_ONLY_MULTI_LABEL = {"exact_match", "hamming_loss"}
_ONLY_ORDINAL = {"linear_kappa", "quadratic_kappa"}


def report(
    result: Evaluation,
    images: NDArray[np.uint8] | None = None,
    *,
    file: str | os.PathLike[str] = "",
    remarks: Sequence[str] = (),
    n_resamples: int = 1000,
    seed: int = 0,
) -> str:
    """Return a page with all about one evaluation: metrics and intervals, curves, decisions and the worst mistakes.

    Parameters
    ----------
    result : Evaluation
        What :class:`~medmnist_np.Evaluator` found.
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, optional
        The images of the split, of any size, to show the worst mistakes: :func:`cached_images` has those of the cache.
    file : path, optional
        Where the scores are from; only its name is shown.
    remarks : sequence of str
        What a reader must not overlook.
    n_resamples, seed
        For the bootstrap.

    Returns
    -------
    str
        An HTML document that needs nothing else, no network and no script. The same result gives the same document.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If there are not as many images as samples, or only one sample.

    Notes
    -----
    Intervals are percentile bootstraps but those of the AUC of single classes, which are DeLong's on the logit scale.

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
    intervals, undefined = _intervals(result, n_resamples, seed)
    name = PurePath(file).name
    what = f"{result.record.python_class} {result.split}"
    return evaluation_page(
        Measured(
            record=result.record,
            split=result.split,
            size=result.size,
            title=": ".join(filter(None, (what, result.run or name))),
            predictions=result.predictions,
            intervals=intervals,
            undefined=undefined,
            class_aucs=class_intervals(result.predictions, method="logit-delong"),
            origin={
                "Seed of the resamples": str(seed),
                "File": name,
                "Run": result.run,
                "Labels, SHA-256": result.to_dict()["labels_sha256"],
                "Program": f"medmnist-np {__version__}",
            },
            remarks=[*remarks, *result.notes, *filter(None, [result.undefined_in_words()])],
            images=images,
        )
    )


def cached_images(
    result: Evaluation, *, root: str | os.PathLike[str] | None = None
) -> np.memmap[Any, np.dtype[np.uint8]] | None:
    """Return the images of an evaluated split that are in the cache, of the nearest size; None if there are none.

    Nothing is downloaded or unpacked.

    Parameters
    ----------
    result : Evaluation
        What was evaluated.
    root : path, optional
        As of :func:`~medmnist_np.load`.

    Returns
    -------
    np.memmap or None
        ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)``, read-only. Of two sizes that are equally near, the larger.
    """
    record = result.record
    member = record.member_name(result.split, "images")
    places = settings.current(root)
    for size in sorted(record.sizes, key=lambda size: (abs(size - result.size), -size)):
        if (folder := find_here(record, size, places, [member])) is not None:
            return folder.open(member)
    return None


def _intervals(result: Evaluation, n_resamples: int, seed: int) -> tuple[dict[str, Interval], dict[str, str]]:
    """Return the interval of each metric that says something about the task, and why some have none."""
    from tqdm.auto import tqdm

    left_out: set[str] = set()
    if not result.record.multi_label:
        left_out |= _ONLY_MULTI_LABEL
    if result.task != "ordinal-regression":
        left_out |= _ONLY_ORDINAL
    found: dict[str, Interval] = {}
    undefined: dict[str, str] = {}
    # One metric at a time, so that there is progress to show; the seed makes the resamples the same.
    shown = [metric for metric in METRICS if metric not in left_out]
    for metric in tqdm(shown, "intervals", unit="metric", delay=2, disable=None, leave=False):
        try:
            found |= result.intervals([metric], n_resamples=n_resamples, seed=seed)
        except ValueError as error:
            if metric in _ALWAYS:
                raise
            undefined[metric] = f"{str(error).partition('. ')[0].rstrip('.')}."  # the rest is advice to programmers
    return found, undefined
