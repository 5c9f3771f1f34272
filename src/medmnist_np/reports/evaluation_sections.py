"""Parts of the page of an evaluation: curves, decisions, single classes and calibration."""

from __future__ import annotations

from medmnist_np.metrics import (
    METRICS,
    measure_per_class,
    pr_curves,
    reliability_curves,
    roc_curves,
)
from medmnist_np.metrics.confusion import table_of
from medmnist_np.pages.curves import pr_chart, reliability_chart, roc_chart
from medmnist_np.pages.markup import Html, element
from medmnist_np.pages.measured import FEW, Measured
from medmnist_np.reports.page import aside, figure, gallery, number, span, table

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
