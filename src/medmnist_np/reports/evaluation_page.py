"""The page of an evaluation: how good the scores are, how sure that is, and where they fail."""

from __future__ import annotations

import math

from medmnist_np.metrics import METRICS, Interval
from medmnist_np.pages.markup import Html, element
from medmnist_np.pages.measured import FEW, Measured
from medmnist_np.pages.mistakes import mistakes
from medmnist_np.reports.evaluation_sections import calibration, classes, curves, decisions
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
