"""Summarise segmentation metrics over many cases: means, confidence intervals and comparisons of two methods."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from medmnist_np.errors import nearest
from medmnist_np.metrics.bootstrap import N_RESAMPLES, bca_interval, check_enough, percentile_interval, resamples
from medmnist_np.metrics.estimates import Interval, check_level
from medmnist_np.metrics.masks import BothEmpty, OneEmpty, Values
from medmnist_np.metrics.paired_tests import Difference, bootstrap_difference
from medmnist_np.metrics.predictions import as_array, ratio

CaseMethod = Literal["percentile", "bca"]
CaseTest = Literal["bootstrap", "wilcoxon"]


# Differences that are nearer to each other than this many decimals are equal, and have the same rank.
_DIGITS = 12


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class SegmentationTable:
    """Each metric of each label of each case; :func:`segmentation_table` makes it.

    A mean over labels is that of the labels' own means over cases, so that each label counts the same, however many
    cases have it. Values that are not defined (NaN) are left out of means.

    Attributes
    ----------
    values : (cases, labels, metrics) float
        Read-only. NaN where a metric is not defined, infinite where only one mask holds the label, unless chosen
        otherwise. Distances are in mm.
    cases, labels, metrics : tuple of str
        What the axes are.
    tolerance_mm : tuple of float
        That of each label, for ``"surface_dice"``; without that, empty.
    both_empty, one_empty : str
        What was chosen for empty masks.

    Examples
    --------
    >>> from medmnist_np.metrics import segmentation_table
    >>> reference, prediction = [[0, 1, 1, 2]], [[1, 1, 0, 2]]
    >>> table = segmentation_table([reference] * 3, [prediction] * 3, spacing_mm=1, labels=[1, 2], metrics=["dice"])
    >>> table
    SegmentationTable: mean over 3 cases
                 dice
    1           0.500
    2           1.000
    all labels  0.750
    >>> table["dice"].shape, table.mean("dice", "1")
    ((3, 2), 0.5)
    """

    values: Values
    cases: tuple[str, ...]
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    tolerance_mm: tuple[float, ...] = ()
    both_empty: BothEmpty = "nan"
    one_empty: OneEmpty = "infinite"

    def __post_init__(self) -> None:
        values = np.array(as_array(self.values, "values"), dtype=np.float64)
        expected = len(self.cases), len(self.labels), len(self.metrics)
        if values.shape != expected:
            raise ValueError(f"The values have shape {values.shape}; cases, labels and metrics are {expected}.")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def __getitem__(self, metric: str) -> Values:
        """Return one metric, ``(cases, labels)``."""
        return self.values[:, :, _place(metric, self.metrics, "metric")]

    @property
    def means(self) -> Values:
        """The mean over cases of each label and metric, ``(labels, metrics)``."""
        return _means(self.values.reshape(len(self.cases), -1)).reshape(self.values.shape[1:])

    def mean(self, metric: str, label: str | int | None = None) -> float:
        """Return the mean over cases of one label, or of all, each counting the same."""
        chosen = self.means[self._places(label), _place(metric, self.metrics, "metric")]
        return _mean(chosen[~np.isnan(chosen)])

    def interval(
        self,
        metric: str,
        label: str | int | None = None,
        *,
        method: CaseMethod = "percentile",
        level: float = 0.95,
        n_resamples: int = N_RESAMPLES,
        seed: int = 0,
    ) -> Interval:
        """Return the mean with its interval, from a bootstrap of the cases.

        Parameters
        ----------
        metric : str
            One of `metrics`.
        label : str, optional
            One of `labels`; by default the mean over all.
        method : {"percentile", "bca"}
            BCa corrects for skew, and is closer where cases are few.
        level, n_resamples, seed
            See :func:`interval`.

        Returns
        -------
        Interval
            The mean and its interval. Cases are assumed to be independent: measure whole volumes, not slices.

        Raises
        ------
        ValueError
            If values are infinite, there are fewer than two cases, or there is no such metric, label or method.
        """
        _check_choice(method, get_args(CaseMethod), "method")
        check_level(level)
        values = _defined_labels(self._finite(metric, label))
        estimate = _mean(_means(values))
        drawn = _replicates(values, n_resamples, seed)
        if method == "percentile" or math.isnan(estimate):
            return percentile_interval(estimate, drawn, level, method)
        return bca_interval(estimate, drawn, _without_one(values), level, method)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, ready for JSON; NaN is None there, and what is infinite ``"inf"``."""
        return {
            **{name: list(getattr(self, name)) for name in ("cases", "labels", "metrics", "tolerance_mm")},
            "both_empty": self.both_empty,
            "one_empty": self.one_empty,
            "values": [[list(map(_written, row)) for row in case] for case in self.values.tolist()],
            "means": [list(map(_written, row)) for row in self.means.tolist()],
        }

    def __repr__(self) -> str:
        shown = [*self.labels, None] if len(self.labels) > 1 else self.labels
        cells = [[label or "all labels", *(f"{self.mean(m, label):.3f}" for m in self.metrics)] for label in shown]
        cells.insert(0, ["", *self.metrics])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [f"SegmentationTable: mean over {len(self.cases)} cases"]
        for first, *rest in cells:
            lines.append("  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]))
        return "\n".join([*lines, *self._gaps()])

    def _gaps(self) -> Iterable[str]:
        """Yield in how many cases a label has no value, or an infinite one."""
        for label, values in zip(self.labels, self.values.swapaxes(0, 1), strict=True):
            for what, missing in (("not defined", np.isnan(values)), ("infinite", np.isinf(values))):
                if n_cases := np.count_nonzero(missing.any(axis=1)):
                    names = ", ".join(np.array(self.metrics)[missing.any(axis=0)])
                    yield f"{label} is {what} in {n_cases} of {len(self.cases)} cases: {names}"

    def _places(self, label: str | int | None) -> list[int]:
        return list(range(len(self.labels))) if label is None else [_place(label, self.labels, "label")]

    def _finite(self, metric: str, label: str | int | None) -> Values:
        """Return one metric, ``(cases, labels)``; refuse infinite values."""
        values = self[metric][:, self._places(label)]
        if n_infinite := np.count_nonzero(np.isinf(values).any(axis=1)):
            raise ValueError(
                f"{metric} is infinite in {n_infinite} of {len(self.cases)} cases, where only one of the masks holds "
                'the label. Measure again with one_empty="diagonal", or "nan" to leave these cases out.'
            )
        return values


def compare_segmentations(
    first: SegmentationTable,
    second: SegmentationTable,
    metric: str = "dice",
    label: str | int | None = None,
    *,
    test: CaseTest = "bootstrap",
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Compare two methods on the same cases, those in which the metric is defined for both.

    Parameters
    ----------
    first, second : SegmentationTable
        Tables of the same cases in the same order, with the same settings.
    metric, label, level, n_resamples, seed
        See :meth:`SegmentationTable.interval`.
    test : {"bootstrap", "wilcoxon"}
        Where the p-value comes from: the resamples that also give the interval, or the ranks of the differences.
        Wilcoxon's test takes the mean over labels of each case.

    Returns
    -------
    Difference
        ``second - first``: for distances, a better second method is below 0. It is not adjusted for there being
        several labels or metrics: give the p-values to :func:`holm`. If all cases differ by the same, the bootstrap
        has neither an interval nor a p-value: take ``test="wilcoxon"``.

    Raises
    ------
    ValueError
        If the tables do not fit each other, or as for :meth:`SegmentationTable.interval`.

    Notes
    -----
    Bootstrap as for :func:`paired_bootstrap`. Wilcoxon 1945 (doi:10.2307/3001968), by
    SciPy, without cases that are equal.

    Examples
    --------
    >>> from medmnist_np.metrics import compare_segmentations, segmentation_table
    >>> references = [[[0, 1, 1, 1]], [[0, 0, 1, 1]], [[0, 1, 1, 0]]]
    >>> worse = [[[1, 1, 1, 1]], [[0, 1, 1, 1]], [[1, 1, 1, 1]]]
    >>> before, after = (
    ...     segmentation_table(references, masks, spacing_mm=1, metrics=["dice"]) for masks in (worse, references)
    ... )
    >>> print(compare_segmentations(before, after, test="wilcoxon"))
    +0.225 (95 % interval +0.143 to +0.333, p = 0.25, wilcoxon, bootstrap interval)
    """
    _check_choice(test, get_args(CaseTest), "test")
    check_level(level)
    tolerance = ("tolerance_mm",) if metric == "surface_dice" else ()
    for name in ("cases", "labels", "both_empty", "one_empty", *tolerance):
        if getattr(first, name) != getattr(second, name):
            here, there = (reprlib.repr(getattr(table, name)) for table in (first, second))
            raise ValueError(f"The two tables differ in {name}: {here} and {there}.")
    values = [table._finite(metric, label) for table in (first, second)]
    missing = np.isnan(values).any(axis=0)
    a, b = (_defined_labels(np.where(missing, np.nan, one)) for one in values)
    differences = _replicates(b, n_resamples, seed) - _replicates(a, n_resamples, seed)
    found = bootstrap_difference(_mean(_means(a)), _mean(_means(b)), differences, level, "bootstrap")
    if found.note and np.array_equal(a, b, equal_nan=True):
        found = replace(found, low=0.0, high=0.0, note="")  # the same masks differ by 0 on any cases
    if test == "wilcoxon" and a.size:
        return replace(found, p_value=_wilcoxon(b - a), method="wilcoxon, bootstrap interval")
    return found


def _wilcoxon(differences: Values) -> float:
    """Return the two-sided p-value of differences ``(cases, labels)``, each case with the mean of its labels."""
    from scipy.stats import wilcoxon

    defined = ~np.isnan(differences)
    of_cases = ratio(np.where(defined, differences, 0).sum(axis=1), defined.sum(axis=1))
    of_cases = np.round(of_cases, _DIGITS)  # otherwise 0.9 - 0.8 and 0.8 - 0.7 are not tied
    moved = of_cases[~np.isnan(of_cases) & (of_cases != 0)]
    return float(wilcoxon(moved).pvalue) if moved.size else 1.0


def _place(name: object, known: tuple[str, ...], what: str) -> int:
    _check_choice(str(name), known, what)
    return known.index(str(name))


def _check_choice(choice: str, known: tuple[str, ...], what: str) -> None:
    if choice not in known:
        raise ValueError(
            f"There is no {what} {choice!r}.{nearest(str(choice), known)} There is: {', '.join(map(repr, known))}."
        )


def _defined_labels(values: Values) -> Values:
    """Return values ``(cases, labels)`` of those labels that any case has."""
    return values[:, ~np.isnan(values).all(axis=0)]


def _means(values: Values) -> Values:
    """Return the mean over cases of each column of values ``(cases, columns)``; NaN where no case has one."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0))


def _replicates(values: Values, n_resamples: int, seed: int) -> Values:
    """Return the mean over labels in each resample, ``(n_resamples,)``; NaN where a label has none."""
    check_enough(len(values), n_resamples, "cases")
    if not values.shape[1]:
        return np.full(n_resamples, math.nan)
    defined = ~np.isnan(values)
    known = np.where(defined, values, 0)
    blocks = resamples(len(values), n_resamples, seed)
    return np.concatenate([ratio(counts @ known, counts @ defined.astype(np.intp)).mean(axis=1) for counts in blocks])


def _without_one(values: Values) -> Values:
    """Return the mean over labels without each case in turn, ``(cases,)``."""
    defined = ~np.isnan(values)
    if (defined.sum(axis=0) < 2).any():
        raise ValueError('BCa leaves out each case in turn, and a label is in one case only. Take method="percentile".')
    known = np.where(defined, values, 0)
    means: Values = ((known.sum(axis=0) - known) / (defined.sum(axis=0) - defined)).mean(axis=1)
    return means


def _mean(values: Values) -> float:
    return float(values.mean()) if values.size else math.nan


def _written(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else value
