"""Intervals of the accuracy and the AUC in closed form, without resampling."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from medmnist_np.metrics import decisions, ranking
from medmnist_np.metrics.averaging import Undefined, average
from medmnist_np.metrics.delong import delong_areas, standard_error
from medmnist_np.metrics.distributions import normal_quantile
from medmnist_np.metrics.predictions import Predictions
from medmnist_np.metrics.records import Interval

# Standard errors below this are rounding errors.
NO_VARIANCE = 1e-12

_NO_VARIANCE = "DeLong's variance is 0, as of a perfect or a constant score, so Newcombe's interval is given"


def wilson(predictions: Predictions, level: float) -> Interval:
    """Return Wilson's interval of the accuracy."""
    if decisions.n_decisions(predictions) > 1:
        raise ValueError(
            "Wilson's interval takes decisions that are independent; those on the labels of one sample are not. "
            'Take method="bca" or "percentile".'
        )
    n, n_right = predictions.n_samples, int(decisions.right(predictions).sum())
    z = normal_quantile((1 + level) / 2)
    centre = (n_right + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(n_right * (n - n_right) / n + z * z / 4)
    return Interval(n_right / n, max(0.0, centre - half), min(1.0, centre + half), level, "wilson")


def newcombe(predictions: Predictions, level: float, undefined: Undefined) -> Interval:
    """Return Newcombe's interval of the AUC of a binary task."""
    if len(predictions.columns) > 1:
        raise ValueError(
            "Newcombe's interval is for one AUC, not for a mean of several. "
            'Take class_intervals, or method="bca" or "logit-delong".'
        )
    area = average(ranking.areas(predictions), predictions, "AUC", undefined)
    n_positive = int(np.count_nonzero(predictions.positive))
    return newcombe_interval(area, n_positive, predictions.n_samples - n_positive, level)


def newcombe_interval(area: float, n_positive: int, n_negative: int, level: float) -> Interval:
    """Return all values from which the area is at most so many of their standard errors away, as Wilson's does."""
    if math.isnan(area) or not n_positive or not n_negative:
        return Interval(area, math.nan, math.nan, level, "newcombe")
    z = normal_quantile((1 + level) / 2)
    n = (n_positive + n_negative) / 2 - 1

    def holds(value: float) -> bool:
        shape = 1 + n * (1 - value) / (2 - value) + n * value / (1 + value)
        return (value - area) ** 2 <= z * z * value * (1 - value) * shape / (n_positive * n_negative)

    def end(outside: float) -> float:
        inside = area
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if holds(middle) else (inside, middle)
        return inside

    return Interval(area, end(0.0), end(1.0), level, "newcombe")


def newcombe_mean(predictions: Predictions, level: float, undefined: Undefined) -> Interval:
    """Return the mean of the ends of Newcombe's intervals over columns: wide enough even if these rise and fall as one.

    It is for where other intervals have no width.
    """
    values = ranking.areas(predictions)
    estimate = average(values, predictions, "AUC", undefined)
    if math.isnan(estimate):
        return Interval(estimate, math.nan, math.nan, level, "newcombe")
    each = [
        newcombe_interval(float(area), len(column.positives), len(column.negatives), level)
        for area, column in zip(values, predictions.ranked, strict=True)
        if not math.isnan(area)
    ]
    n_columns = len(values) if undefined == "zero" else len(each)
    low, high = (sum(getattr(one, end) for one in each) / n_columns for end in ("low", "high"))
    return Interval(estimate, low, high, level, "newcombe")


def with_width(predictions: Predictions, metric: str, found: Interval, undefined: Undefined) -> Interval:
    """Return the interval of a bootstrap, or in place of one without width that of a formula, if there is one."""
    if not found.note:
        return found
    if metric == "auc":
        formula = newcombe_mean(predictions, found.level, undefined)
    elif metric == "accuracy" and decisions.n_decisions(predictions) == 1:
        formula = wilson(predictions, found.level)
    else:
        return found
    return replace(formula, n_resamples=found.n_resamples, n_undefined=found.n_undefined, note=found.note)


def delong(predictions: Predictions, level: float, method: str, undefined: Undefined) -> Interval:
    """Return the interval of the AUC, or its mean over columns; ``method`` says on which scale."""
    values = ranking.areas(predictions)
    estimate = average(values, predictions, "AUC", undefined)
    defined = np.flatnonzero(~np.isnan(values))
    if math.isnan(estimate) or not defined.size:
        return Interval(estimate, math.nan, math.nan, level, method)
    n_columns = len(values) if undefined == "zero" else len(defined)
    error = standard_error(delong_areas(predictions, defined).influence.sum(axis=1) / n_columns)
    if error < NO_VARIANCE:
        return replace(newcombe_mean(predictions, level, undefined), note=_NO_VARIANCE)
    return normal_interval(estimate, error, level, method)


def delong_per_class(predictions: Predictions, level: float, method: str) -> tuple[Interval, ...]:
    """Return that of each column, NaN where there are fewer than two positive or two negative samples."""
    values = ranking.areas(predictions)
    errors = np.full(len(values), math.nan)
    for k, column in enumerate(predictions.ranked):
        if min(len(column.positives), len(column.negatives)) > 1:
            errors[k] = standard_error(delong_areas(predictions, np.array([k])).influence[:, 0])
    found = []
    for area, error, column in zip(values.tolist(), errors.tolist(), predictions.ranked, strict=True):
        if error < NO_VARIANCE:
            by_newcombe = newcombe_interval(area, len(column.positives), len(column.negatives), level)
            found.append(replace(by_newcombe, note=_NO_VARIANCE))
        else:
            found.append(normal_interval(area, error, level, method))
    return tuple(found)


def normal_interval(area: float, error: float, level: float, method: str) -> Interval:
    """Return the interval of an AUC from its standard error, on its own scale or, ``"logit-delong"``, the logit's."""
    z = normal_quantile((1 + level) / 2)
    if math.isnan(error):
        return Interval(area, math.nan, math.nan, level, method)
    if method == "delong":
        return Interval(area, max(0.0, area - z * error), min(1.0, area + z * error), level, method)
    logit, half = math.log(area / (1 - area)), z * error / (area * (1 - area))
    low, high = (1 / (1 + math.exp(-(logit + side * half))) for side in (-1, 1))
    return Interval(area, low, high, level, method)
