"""Every metric by its name, for tables, files and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import nearest
from medmnist_np.metrics import calibration, confusion, decisions, ranking
from medmnist_np.metrics.metric import Undefined, average, check_choice
from medmnist_np.metrics.predictions import MULTI_LABEL, Counts, Predictions, each_once
from medmnist_np.registry.records import LABEL_TASKS

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, how it is computed, and what it is used for.

    Attributes
    ----------
    name : str
        Its key in :data:`METRICS`.
    title : str
        Its name in tables and messages.
    resampled : callable
        ``(predictions, counts) -> (b, columns)`` float: the value of each class or label (or only one) in each
        resample, where ``counts`` ``(b, n)`` is how often each sample is in it; NaN if it is not defined. The metric is
        the mean over the columns. A row of the result must not depend on other rows of ``counts``.
    otherwise : str
        Why a value may be undefined although there are both positive and negative samples.
    lower_is_better : bool
        Whether it is a loss.
    methods : tuple of str
        Methods of confidence intervals that it supports besides the percentile bootstrap.
    biased : str
        Why its value is biased in every resample, so that a bootstrap interval is misleading; empty if it is not.
    tasks : tuple of str
        The tasks for which reports show it. For others it equals another metric or has no meaning.
    """

    name: str
    title: str
    resampled: Callable[[Predictions, Counts], Values]
    otherwise: str = ""
    lower_is_better: bool = False
    methods: tuple[str, ...] = ()
    biased: str = ""
    tasks: tuple[str, ...] = LABEL_TASKS

    def per_class(self, predictions: Predictions) -> Values:
        """Return the value of each class or label, ``(columns,)``; NaN where it is not defined."""
        return self.resampled(predictions, each_once(predictions)).reshape(-1)


_ALL = (
    Metric("auc", "AUC", ranking.resampled_areas, methods=("bca", "delong", "logit-delong", "newcombe")),
    Metric("accuracy", "accuracy", decisions.resampled_accuracies, methods=("bca", "wilson")),
    Metric("average_precision", "average precision", ranking.resampled_average_precisions),
    Metric("precision", "precision", confusion.resampled_precisions, confusion.NEVER_DECIDED),
    Metric("recall", "recall", confusion.resampled_recalls),
    Metric("specificity", "specificity", confusion.resampled_specificities),
    Metric("f1", "F1", confusion.resampled_f1),
    Metric("mcc", "MCC", confusion.resampled_mcc, confusion.ALL_ALIKE),
    Metric("balanced_accuracy", "balanced accuracy", confusion.resampled_balanced_accuracies),
    Metric("kappa", "Cohen's kappa", confusion.resampled_kappa, confusion.ALL_ALIKE),
    Metric(
        "linear_kappa",
        "Cohen's kappa, linear weights",
        partial(confusion.resampled_kappa, weights="linear"),
        confusion.ALL_ALIKE,
        tasks=("ordinal-regression",),
    ),
    Metric(
        "quadratic_kappa",
        "Cohen's kappa, quadratic weights",
        partial(confusion.resampled_kappa, weights="quadratic"),
        confusion.ALL_ALIKE,
        tasks=("ordinal-regression",),
    ),
    Metric("exact_match", "exact match", decisions.resampled_exact_matches, methods=("bca",), tasks=(MULTI_LABEL,)),
    Metric(
        "hamming_loss",
        "Hamming loss",
        decisions.resampled_hamming_losses,
        lower_is_better=True,
        methods=("bca",),
        tasks=(MULTI_LABEL,),
    ),
    Metric("log_loss", "log loss", calibration.resampled_log_losses, lower_is_better=True),
    Metric("brier_score", "Brier score", calibration.resampled_brier_scores, lower_is_better=True),
    Metric(
        "expected_calibration_error",
        "expected calibration error",
        calibration.resampled_calibration_errors,
        lower_is_better=True,
        biased=(
            "chance in the bins makes this error larger in every resample, so that a bootstrap interval may not even "
            "hold the estimate"
        ),
    ),
)

#: Every metric by its name, in the order in which tables show them.
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def metric_named(name: str) -> Metric:
    """Return a metric by its name.

    Raises
    ------
    ValueError
        If there is no such metric.

    Examples
    --------
    >>> metric_named("f1").title
    'F1'
    """
    if name not in METRICS:
        hint = nearest(name, METRICS) if isinstance(name, str) else ""
        raise ValueError(f"There is no metric {name!r}.{hint} The metrics are: {', '.join(METRICS)}.")
    return METRICS[name]


def measure(predictions: Predictions, metric: str, *, undefined: Undefined = "raise") -> float:
    """Return one metric of checked predictions.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    metric : str
        A name in :data:`METRICS`.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle classes or labels for which the metric is not defined: raise an error that names one, average the
        others, return NaN, or count them as 0.

    Returns
    -------
    float
        The same as from the function of that metric.

    Raises
    ------
    ValueError
        If there is no such metric, it is not defined and `undefined` is ``"raise"``, or it needs probabilities and
        the scores are not probabilities.

    Notes
    -----
    See the function of each metric for its formula and source.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, measure
    >>> predictions = Predictions([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    >>> measure(predictions, "auc"), measure(predictions, "accuracy")
    (1.0, 0.75)
    """
    found = metric_named(metric)
    check_choice(undefined)
    # The values alone are needed here, and they sort faster than the indices that resampling needs.
    values = ranking.areas(predictions) if metric == "auc" else found.per_class(predictions)
    return average(values, predictions, found.title, undefined, found.otherwise)


def measure_per_class(predictions: Predictions, metric: str) -> Values:
    """Return one metric of each class against the rest, or of each label.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    metric : str
        A name in :data:`METRICS`.

    Returns
    -------
    (columns,) float
        NaN where it is not defined. One value for metrics of all classes together, such as the accuracy, the exact
        match or the log loss; one for each label of a multi-label task where a label has a value of its own.

    Raises
    ------
    ValueError
        If there is no such metric, or it needs probabilities and the scores are not probabilities.

    Notes
    -----
    See the function of each metric for its formula and source.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, measure_per_class
    >>> predictions = Predictions([0, 1, 1], [[0.8, 0.2], [0.4, 0.6], [0.7, 0.3]], "multi-class")
    >>> measure_per_class(predictions, "recall").tolist()
    [1.0, 0.5]
    """
    return metric_named(metric).per_class(predictions)
