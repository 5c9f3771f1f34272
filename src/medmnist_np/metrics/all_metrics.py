"""Every metric by its name, for tables, files and reports."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from medmnist_np.errors import check_choice
from medmnist_np.metrics import calibration, confusion, decisions, ranking
from medmnist_np.metrics.metric import Metric, Undefined, Values
from medmnist_np.metrics.predictions import Predictions

_ALL = (
    ranking.AUC,
    decisions.ACCURACY,
    ranking.AVERAGE_PRECISION,
    confusion.PRECISION,
    confusion.RECALL,
    confusion.SPECIFICITY,
    confusion.F1,
    confusion.MCC,
    confusion.BALANCED_ACCURACY,
    *confusion.KAPPAS.values(),
    decisions.EXACT_MATCH,
    decisions.HAMMING_LOSS,
    calibration.LOG_LOSS,
    calibration.BRIER_SCORE,
    calibration.CALIBRATION_ERROR,
)

#: Every metric by its name, in the order in which tables show them.
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def metric_named(name: str) -> Metric:
    """Return a metric by its name.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> metric_named("f1").title
    'F1'
    """
    check_choice("metric", name, METRICS)
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
        If the metric is unknown, it is not defined and `undefined` is ``"raise"``, or it needs probabilities and the
        scores are not probabilities.

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
    return metric_named(metric).value(predictions, undefined)


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
        NaN where it is not defined. Metrics of all classes together, such as accuracy, exact match and log loss, have
        a single value.

    Raises
    ------
    ValueError
        If the metric is unknown, or it needs probabilities and the scores are not probabilities.

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
