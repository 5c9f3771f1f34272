"""Bootstrap: resampling with replacement in bounded memory, and the intervals that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np._groups import by_first_appearance, is_missing, refuse_other_order
from medmnist_np.errors import short
from medmnist_np.metrics import all_metrics, decisions, ranking
from medmnist_np.metrics.estimates import Interval, normal_cumulative, normal_quantile
from medmnist_np.metrics.metric import Undefined, Values, averages
from medmnist_np.metrics.predictions import MULTI_LABEL, Counts, Predictions, as_array

# Values per block. Small enough for the processor's cache, and memory use stays at a few MB.
BLOCK = 1 << 17


def strata(predictions: Predictions) -> NDArray[np.intp]:
    """Return the stratum of each sample, ``(n,)``: its class, or its row of labels in a multi-label task."""
    return by_first_appearance(predictions.labels)


def resamples(
    n_samples: int,
    n_resamples: int,
    seed: int,
    *,
    strata: NDArray[np.intp] | None = None,
    groups: NDArray[Any] | None = None,
    block: int = BLOCK,
) -> Iterator[Counts]:
    """Yield how often each sample is drawn, resample by resample.

    Parameters
    ----------
    n_samples : int
        Number of samples, and of draws in each resample.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of ``numpy.random.default_rng``. A resample does not depend on `block`.
    strata : (n,) intp, optional
        Draw from each stratum as many samples as it has; by default all samples are one stratum.
    groups : (n,) array, optional
        Draw whole groups, as many as there are, each with all its samples; not together with `strata`. Results depend
        on the order in which groups first appear, not on their names.
    block : int
        Number of counts in memory at a time; a block has at least one resample.

    Yields
    ------
    (b, n) int64
        A block of resamples. Each row adds up to ``n``, unless groups of different sizes are drawn.

    Notes
    -----
    Efron 1979, *Bootstrap methods: another look at the jackknife* (doi:10.1214/aos/1176344552). For groups: Davison and
    Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8.

    Examples
    --------
    >>> [counts.sum(axis=1).tolist() for counts in resamples(4, 3, seed=0, block=8)]
    [[4, 4], [4]]
    """
    random = np.random.default_rng(seed)
    rows = max(1, block // n_samples)
    if strata is None:
        group_of = None if groups is None else by_first_appearance(groups)
        n_drawn = n_samples if group_of is None else int(group_of.max()) + 1
        for done in range(0, n_resamples, rows):
            b = min(rows, n_resamples - done)
            counts = _count(random.integers(n_drawn, size=(b, n_drawn)))
            yield counts if group_of is None else counts[:, group_of]
        return
    order = np.argsort(strata, kind="stable")
    sizes = np.bincount(strata)
    # Start and size of the stratum of each draw, in the order of the strata.
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    size = np.repeat(sizes, sizes)
    for done in range(0, n_resamples, rows):
        b = min(rows, n_resamples - done)
        drawn = start + (random.random((b, n_samples)) * size).astype(np.intp)
        counts = np.empty((b, n_samples), dtype=np.intp)
        counts[:, order] = _count(drawn)
        yield counts


def _count(drawn: NDArray[np.int64]) -> Counts:
    """Return how often each number ``0..n-1`` is in each row of ``drawn`` ``(b, n)``."""
    b, n = drawn.shape
    drawn += np.arange(0, b * n, n)[:, None]
    return np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n)


N_RESAMPLES = 1000

# Intervals narrower than this have no width: the rest is rounding.
NO_WIDTH = 1e-12

_SAME = "all resamples give the same value, which does not show how uncertain it is"


def replicates(
    predictions: Predictions,
    metrics: Iterable[str],
    *,
    n_resamples: int,
    seed: int,
    stratified: bool,
    groups: ArrayLike | None = None,
) -> dict[str, Values]:
    """Return each metric of each resample and class, ``(n_resamples, columns)``, NaN where it is not defined."""
    chosen = [all_metrics.metric_named(name) for name in metrics]
    check_enough(predictions.n_samples, n_resamples)
    if stratified and predictions.task == MULTI_LABEL:
        raise ValueError(
            "A stratified bootstrap does not support multi-label tasks: its intervals are much too narrow, because "
            "most combinations of labels are rare. Remove stratified=True."
        )
    if groups is not None and stratified:
        raise ValueError("stratified=True and groups cannot be combined: a group may contain several classes.")
    drawn = None if groups is None else _checked_groups(groups, predictions.n_samples)
    blocks: dict[str, list[Values]] = {metric.name: [] for metric in chosen}
    which = strata(predictions) if stratified else None
    for counts in resamples(predictions.n_samples, n_resamples, seed, strata=which, groups=drawn):
        for metric in chosen:
            blocks[metric.name].append(metric.resampled(predictions, counts))
    return {name: np.concatenate(found) for name, found in blocks.items()}


def check_enough(n_samples: int, n_resamples: int, of: str = "samples") -> None:
    """Raise ValueError if there is nothing to resample."""
    if n_resamples < 2:
        raise ValueError(f"n_resamples is {n_resamples}. It must be at least 2; 1000 is common.")
    if n_samples < 2:
        raise ValueError(f"A bootstrap needs at least 2 {of}, and there is 1.")


def _checked_groups(groups: ArrayLike, n_samples: int) -> NDArray[np.intp]:
    refuse_other_order(groups, "groups")
    array = as_array(groups, "groups")
    if array.shape != (n_samples,):
        raise ValueError(f"groups has shape {array.shape}. It must have one group for each of {n_samples} samples.")
    for sample, group in enumerate(array.tolist()):
        if is_missing(group):  # all of these would be drawn as one group
            raise ValueError(f"Sample {sample} has no group: groups[{sample}] is {short(array[sample])}.")
    numbers = by_first_appearance(array)
    if not numbers.any():
        raise ValueError("A grouped bootstrap needs at least 2 groups, and there is 1.")
    return numbers


def method_name(method: str, stratified: bool, groups: ArrayLike | None = None) -> str:
    """Return the name of a method: ``"stratified bca"``, ``"grouped bootstrap"`` and so on."""
    drawn = "stratified " if stratified else ""
    return f"{drawn if groups is None else 'grouped '}{method}"


def percentile_interval(estimate: float, values: Values, level: float, method: str) -> Interval:
    """Return the interval between two quantiles of the values of resamples, ``(n_resamples,)``; NaN are ignored.

    Both ends are NaN if it would have zero width.
    """
    defined = values[~np.isnan(values)]
    low = high = math.nan
    if defined.size and not math.isnan(estimate):
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return _with_width(Interval(estimate, low, high, level, method, len(values), len(values) - defined.size))


def bca_interval(estimate: float, values: Values, without_one: Values, level: float, method: str) -> Interval:
    """Return the BCa interval from the values of resamples and those without one sample, ``(n,)``; NaN are ignored."""
    defined = values[~np.isnan(values)]
    n_undefined = len(values) - defined.size
    if not defined.size or np.isnan(estimate) or np.isnan(without_one).any():
        if not math.isnan(estimate):
            raise ValueError(
                "BCa leaves out each sample in turn, so each class needs at least 2 samples. "
                'Use method="percentile", or undefined="skip".'
            )
        return Interval(estimate, math.nan, math.nan, level, method, len(values), n_undefined)
    share = (np.count_nonzero(defined < estimate) + np.count_nonzero(defined == estimate) / 2) / defined.size
    smallest = 0.5 / defined.size
    bias = normal_quantile(min(max(share, smallest), 1 - smallest))
    off = without_one.mean() - without_one
    spread = float(np.sqrt(np.square(off).sum()))
    acceleration = float((off**3).sum()) / (6 * spread**3) if spread > 0 else 0.0
    ends = []
    for side in (-1, 1):
        z = bias + side * normal_quantile((1 + level) / 2)
        ends.append(normal_cumulative(bias + z / (1 - acceleration * z)))
    low, high = np.quantile(defined, ends).tolist()
    return _with_width(Interval(estimate, low, high, level, method, len(values), n_undefined))


def _with_width(found: Interval) -> Interval:
    """Return the interval, or NaN ends if it has no width: that would suggest that the value is certain."""
    if found.high - found.low > NO_WIDTH or math.isnan(found.low):
        return found
    return replace(found, low=math.nan, high=math.nan, note=_SAME)


def metric_without_one(predictions: Predictions, metric: str, undefined: Undefined) -> Values:
    """Return the metric without each sample in turn, ``(n,)``, up to a factor and a constant, which BCa ignores."""
    if metric == "auc":
        return averages(ranking.areas_without_one(predictions), undefined)
    left_out = decisions.all_right(predictions) if metric == "exact_match" else decisions.right(predictions)
    return left_out.astype(np.float64) * (1 if metric == "hamming_loss" else -1)
