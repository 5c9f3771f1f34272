"""Measure masks of many cases, one case in memory at a time; means, confidence intervals, comparison of two methods."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, repeat
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np._parallel import spread
from medmnist_np._progress import Progress, bars
from medmnist_np.errors import check_choice, short
from medmnist_np.metrics.bootstrap import N_RESAMPLES, bca_interval, check_enough, percentile_interval, resamples
from medmnist_np.metrics.estimates import Difference, Interval, check_level
from medmnist_np.metrics.masks import BothEmpty, Case, Labels, OneEmpty, Values, case_of, check_empty, structures
from medmnist_np.metrics.overlap import overlap_of
from medmnist_np.metrics.paired_tests import bootstrap_difference
from medmnist_np.metrics.predictions import as_array, ratio
from medmnist_np.metrics.surfaces import check_tolerances, distances_of, stated, stated_share

SEGMENTATION_METRICS = ("dice", "iou", "hausdorff", "hausdorff_95", "average_surface_distance", "surface_dice")

_OVERLAP = frozenset({"dice", "iou"})
_NONE_LEFT = object()

MaskSource: TypeAlias = ArrayLike | Callable[[], Any]
CaseMethod = Literal["percentile", "bca"]
CaseTest = Literal["bootstrap", "wilcoxon"]


# Differences are rounded to this many decimals, so that equal ones have the same rank.
_DIGITS = 12


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class SegmentationTable:
    """Each metric of each label of each case. :func:`segmentation_table` returns it.

    The mean over labels is the mean of the means over cases, so each label has the same weight, however many cases
    contain it. Means ignore values that are not defined (NaN).

    Attributes
    ----------
    values : (cases, labels, metrics) float
        Read-only. By default NaN if a metric is not defined, and infinite if only one mask contains the label.
        Distances are in mm.
    cases, labels, metrics : tuple of str
        Names along the axes.
    tolerance_mm : tuple of float
        Tolerance of each label for ``"surface_dice"``; empty without that metric.
    both_empty, one_empty : str
        How empty masks are counted.

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
            raise ValueError(f"values has shape {values.shape}. It must be {expected}: cases, labels, metrics.")
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
        """Return the mean over cases of one label, or of all labels with the same weight."""
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
        """Return the mean with its confidence interval, from a bootstrap of the cases.

        Parameters
        ----------
        metric : str
            One of `metrics`.
        label : str, optional
            One of `labels` (default: the mean over all).
        method : {"percentile", "bca"}
            BCa corrects for skew and is more accurate with few cases.
        level, n_resamples, seed
            See :func:`interval`.

        Returns
        -------
        Interval
            The mean and its interval. Cases are assumed to be independent: measure whole volumes, not slices.

        Raises
        ------
        ValueError
            If values are infinite, there are fewer than two cases, or a metric, label or method is unknown.
        """
        check_choice("method", method, get_args(CaseMethod))
        check_level(level)
        values = _defined_labels(self._finite(metric, label))
        estimate = _mean(_means(values))
        drawn = _replicates(values, n_resamples, seed)
        if method == "percentile" or math.isnan(estimate):
            return percentile_interval(estimate, drawn, level, method)
        return bca_interval(estimate, drawn, _without_one(values), level, method)

    def to_dict(self) -> dict[str, Any]:
        """Return the content, ready for JSON; NaN becomes None, and infinity ``"inf"``."""
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
        """Yield a line for each label with cases whose values are not defined or infinite."""
        for label, values in zip(self.labels, self.values.swapaxes(0, 1), strict=True):
            for what, missing in (("not defined", np.isnan(values)), ("infinite", np.isinf(values))):
                if n_cases := np.count_nonzero(missing.any(axis=1)):
                    names = ", ".join(np.array(self.metrics)[missing.any(axis=0)])
                    yield f"{label} is {what} in {n_cases} of {len(self.cases)} cases: {names}"

    def _places(self, label: str | int | None) -> list[int]:
        return list(range(len(self.labels))) if label is None else [_place(label, self.labels, "label")]

    def _finite(self, metric: str, label: str | int | None) -> Values:
        """Return one metric, ``(cases, labels)``, or raise ValueError if a value is infinite."""
        values = self[metric][:, self._places(label)]
        if n_infinite := np.count_nonzero(np.isinf(values).any(axis=1)):
            raise ValueError(
                f"{metric} is infinite in {n_infinite} of {len(self.cases)} cases, because only one of the two masks "
                'contains the label. Measure again with one_empty="diagonal", or "nan" to ignore these cases.'
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
    """Compare two methods on the same cases. Cases in which the metric is not defined for both are ignored.

    Parameters
    ----------
    first, second : SegmentationTable
        Tables of the same cases in the same order, with the same settings.
    metric, label, level, n_resamples, seed
        See :meth:`SegmentationTable.interval`.
    test : {"bootstrap", "wilcoxon"}
        Source of the p-value: the resamples that also give the interval, or the ranks of the differences. Wilcoxon's
        test uses the mean over labels of each case.

    Returns
    -------
    Difference
        ``second - first``: for distances, a better second method is below 0. P-values are not adjusted for multiple
        comparisons: pass them to :func:`holm`. If all cases differ by the same value, the bootstrap has neither an
        interval nor a p-value: use ``test="wilcoxon"``.

    Raises
    ------
    ValueError
        If the tables do not match each other; also see :meth:`SegmentationTable.interval`.

    Notes
    -----
    See :func:`paired_bootstrap` for the bootstrap. Wilcoxon 1945 (doi:10.2307/3001968), by SciPy, without cases whose
    difference is 0.

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
    check_choice("test", test, get_args(CaseTest))
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
        found = replace(found, low=0.0, high=0.0, note="")  # equal masks differ by 0 in every case
    if test == "wilcoxon" and a.size:
        return replace(found, p_value=_wilcoxon(b - a), method="wilcoxon, bootstrap interval")
    return found


def _wilcoxon(differences: Values) -> float:
    """Return the two-sided p-value of differences ``(cases, labels)``, averaged over the labels of each case."""
    from scipy.stats import wilcoxon

    defined = ~np.isnan(differences)
    of_cases = ratio(np.where(defined, differences, 0).sum(axis=1), defined.sum(axis=1))
    of_cases = np.round(of_cases, _DIGITS)  # otherwise 0.9 - 0.8 and 0.8 - 0.7 are not tied
    moved = of_cases[~np.isnan(of_cases) & (of_cases != 0)]
    return float(wilcoxon(moved).pvalue) if moved.size else 1.0


def _place(name: object, known: tuple[str, ...], what: str) -> int:
    check_choice(what, str(name), known)
    return known.index(str(name))


def _defined_labels(values: Values) -> Values:
    """Return the values ``(cases, labels)`` without the labels that no case has."""
    return values[:, ~np.isnan(values).all(axis=0)]


def _means(values: Values) -> Values:
    """Return the mean over cases of each column of values ``(cases, columns)``; NaN where no case has one."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0))


def _replicates(values: Values, n_resamples: int, seed: int) -> Values:
    """Return the mean over labels in each resample, ``(n_resamples,)``; NaN if a label has no value."""
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
        raise ValueError(
            'BCa leaves out each case in turn, but a label occurs in only one case. Use method="percentile".'
        )
    known = np.where(defined, values, 0)
    means: Values = ((known.sum(axis=0) - known) / (defined.sum(axis=0) - defined)).mean(axis=1)
    return means


def _mean(values: Values) -> float:
    return float(values.mean()) if values.size else math.nan


def _written(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else value


def segmentation_table(  # noqa: PLR0913 -- masks, what to measure, what empty ones count, and how
    references: Iterable[MaskSource],
    predictions: Iterable[MaskSource],
    *,
    spacing_mm: ArrayLike,
    labels: Labels | None = None,
    metrics: Sequence[str] | None = None,
    tolerance_mm: ArrayLike | None = None,
    cases: Iterable[str] | None = None,
    both_empty: BothEmpty = "nan",
    one_empty: OneEmpty = "infinite",
    executor: Executor | None = None,
    progress: Progress = bars,
) -> SegmentationTable:
    """Measure the masks of many cases, one after another.

    Parameters
    ----------
    references, predictions : iterable
        Masks in the same order, as accepted by :func:`dice`. Cases may differ in shape. A generator is read one case
        at a time. Each item may also be a function without arguments that returns the mask.
    spacing_mm : float, (d,) or (cases, d) array_like
        Voxel spacing in mm: one number for all axes, one per axis, or one row per case.
    labels
        See :func:`dice`. Pass them if some cases may lack some of the labels.
    metrics : sequence of str, optional
        Names from :data:`SEGMENTATION_METRICS` (default: all; ``"surface_dice"`` only with a tolerance).
    tolerance_mm : float or (k,) array_like, optional
        See :func:`surface_dice`. Required for that metric.
    cases : iterable of str, optional
        Names of the cases (default: ``"0"``, ``"1"``, ...).
    both_empty, one_empty
        See :func:`hausdorff`.
    executor : concurrent.futures.Executor, optional
        Runs the cases in parallel. Masks are cropped in this process before they are sent, at most 64 at a time.
        Functions are called in the worker, which avoids sending masks: ``functools.partial(np.load, path)``.
    progress : Progress
        Where to report the number of bytes measured.

    Returns
    -------
    SegmentationTable
        The values of every case.

    Raises
    ------
    ValueError
        If there are no cases, the numbers of references, predictions, spacings and names differ, a mask is invalid (the
        message names its case), or a metric or option is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.metrics import segmentation_table
    >>> references = np.zeros((2, 8, 8), int)
    >>> references[:, 2:6, 2:6] = 1
    >>> segmentation_table(references, np.roll(references, 1, axis=1), spacing_mm=[0.5, 2], tolerance_mm=0.5)
    SegmentationTable: mean over 2 cases
                 dice    iou  hausdorff  hausdorff_95  average_surface_distance  surface_dice
    foreground  0.750  0.600      0.500         0.500                     0.250         1.000
    """
    wanted = structures(labels)
    chosen = _metrics(metrics, tolerance_mm)
    check_empty(both_empty, one_empty)
    tolerances = check_tolerances(tolerance_mm, len(wanted)) if tolerance_mm is not None else ()
    settings = _Settings(wanted, chosen, tolerances, both_empty, one_empty)
    names: list[str] = []
    bounded, endless = _columns(references, predictions, spacing_mm, cases)
    tasks = _tasks(settings, bounded, endless, names, sent=executor is not None)
    values: list[Values] = []
    with progress("measuring masks", total=None) as bar:
        for found, n_bytes in spread(_measure, tasks, executor):
            values.append(found)
            bar.update(n_bytes)
    if not values:
        raise ValueError("references and predictions are empty.")
    used = tolerances if "surface_dice" in chosen else ()
    return SegmentationTable(np.stack(values), tuple(names), tuple(wanted), chosen, used, both_empty, one_empty)


@dataclass(frozen=True, slots=True)
class _Settings:
    structures: Mapping[str, tuple[int, ...]]
    metrics: tuple[str, ...]
    tolerances: tuple[float, ...]
    both_empty: BothEmpty
    one_empty: OneEmpty


@dataclass(frozen=True, slots=True)
class _Task:
    settings: _Settings
    case: Case | Callable[[], Case]


def _metrics(metrics: Sequence[str] | None, tolerance_mm: ArrayLike | None) -> tuple[str, ...]:
    if metrics is None:
        return SEGMENTATION_METRICS if tolerance_mm is not None else SEGMENTATION_METRICS[:-1]
    chosen = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    for metric in chosen:
        check_choice("segmentation metric", metric, SEGMENTATION_METRICS)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"metrics is {short(list(chosen))}. It must name at least one metric, and each only once.")
    if "surface_dice" in chosen and tolerance_mm is None:
        raise ValueError(
            '"surface_dice" needs tolerance_mm, the largest distance in mm at which surfaces count as equal.'
        )
    return chosen


def _columns(
    references: Iterable[MaskSource],
    predictions: Iterable[MaskSource],
    spacing_mm: ArrayLike,
    cases: Iterable[str] | None,
) -> tuple[dict[str, Iterator[Any]], dict[str, Iterator[Any]]]:
    """Return iterators over the inputs by argument: those with one item per case, and those without an end."""
    bounded: dict[str, Iterator[Any]] = {"references": iter(references), "predictions": iter(predictions)}
    endless: dict[str, Iterator[Any]] = {}
    spacing = np.asarray(as_array(spacing_mm, "spacing_mm"), dtype=np.float64)
    if spacing.shape == (3,) and isinstance(references, np.ndarray) and references.ndim == 3:
        raise ValueError(
            f"references has shape {references.shape}, a stack of 2D masks, and spacing_mm has three axes. Pass a "
            "single volume as a list: [volume]."
        )
    if spacing.ndim > 1:
        bounded["spacing_mm"] = iter(spacing)
    else:
        endless["spacing_mm"] = repeat(spacing)
    if cases is not None:
        bounded["cases"] = map(str, cases)
    else:
        endless["cases"] = map(str, count())
    return bounded, endless


def _tasks(
    settings: _Settings,
    bounded: Mapping[str, Iterator[Any]],
    endless: Mapping[str, Iterator[Any]],
    names: list[str],
    *,
    sent: bool,
) -> Iterator[_Task]:
    """Yield the cases and record their names. No reference to a case is kept when the next one is read."""
    while True:
        row: dict[str, Any] = {name: next(column, _NONE_LEFT) for name, column in bounded.items()}
        ended = [name for name, value in row.items() if value is _NONE_LEFT]
        if len(ended) == len(row):
            return
        if ended:
            raise ValueError(
                f"{' and '.join(ended)} ended after {len(names)} cases, but there are more "
                f"{' and '.join(name for name in row if name not in ended)}. The numbers must be equal."
            )
        row |= {name: next(column) for name, column in endless.items()}
        names.append(row["cases"])
        make = partial(
            _case, row["cases"], row["references"], row["predictions"], settings.structures, row["spacing_mm"]
        )
        del row
        if callable(make.args[1]) or callable(make.args[2]):
            yield _Task(settings, make)
            continue
        case = make()
        del make
        if sent:
            # A view would keep the uncropped masks in memory while the case waits.
            case = replace(case, reference=case.reference.copy(), prediction=case.prediction.copy())
        yield _Task(settings, case)
        del case


def _case(
    name: str, reference: MaskSource, prediction: MaskSource, wanted: Mapping[str, tuple[int, ...]], spacing_mm: Values
) -> Case:
    try:
        masks = [mask() if callable(mask) else mask for mask in (reference, prediction)]
        return case_of(masks[0], masks[1], wanted, spacing_mm)
    except ValueError as error:
        raise ValueError(f"Case {name}: {error}") from error


def _measure(task: _Task) -> tuple[Values, int]:
    """Return the values of one case, ``(labels, metrics)``, and the number of bytes of its cropped masks."""
    case = task.case if isinstance(task.case, Case) else task.case()
    settings = task.settings
    tolerances = settings.tolerances or repeat(0.0)
    rows = [
        _row(case, values, settings, tolerance)
        for values, tolerance in zip(settings.structures.values(), tolerances, strict=False)
    ]
    return np.array(rows), case.reference.nbytes + case.prediction.nbytes


def _row(case: Case, values: tuple[int, ...], settings: _Settings, tolerance_mm: float) -> list[float]:
    both_empty, one_empty = settings.both_empty, settings.one_empty
    overlap = overlap_of(case.reference, case.prediction, values)
    row = {"dice": overlap.dice(both_empty), "iou": overlap.iou(both_empty)}
    if not _OVERLAP.issuperset(settings.metrics):
        distances = distances_of(case.pair(values), case)
        for metric, found in (
            ("hausdorff", distances.hausdorff()),
            ("hausdorff_95", distances.hausdorff(95)),
            ("average_surface_distance", distances.average()),
        ):
            row[metric] = stated(found, distances.diagonal_mm, both_empty, one_empty)
        row["surface_dice"] = stated_share(distances.share_within(tolerance_mm), both_empty)
    return [row[metric] for metric in settings.metrics]
