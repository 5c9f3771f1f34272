"""Measure the masks of many cases, with one case in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, repeat
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np._parallel import spread
from medmnist_np._progress import Progress, bars
from medmnist_np.errors import nearest
from medmnist_np.metrics.masks import BothEmpty, Case, Labels, OneEmpty, Values, case_of, check_empty, structures
from medmnist_np.metrics.overlap import overlap_of
from medmnist_np.metrics.predictions import as_array
from medmnist_np.metrics.segmentation import SegmentationTable
from medmnist_np.metrics.surfaces import check_tolerances, distances_of, stated, stated_share

SEGMENTATION_METRICS = ("dice", "iou", "hausdorff", "hausdorff_95", "average_surface_distance", "surface_dice")

_OVERLAP = frozenset({"dice", "iou"})
_NONE_LEFT = object()

MaskSource: TypeAlias = ArrayLike | Callable[[], Any]


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
        raise ValueError("There are no cases: references and predictions are empty.")
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
        if metric not in SEGMENTATION_METRICS:
            raise ValueError(
                f"There is no metric {metric!r} of masks.{nearest(str(metric), SEGMENTATION_METRICS)} "
                f"There is: {', '.join(SEGMENTATION_METRICS)}."
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"metrics is {list(chosen)}; each is needed once, and at least one.")
    if "surface_dice" in chosen and tolerance_mm is None:
        raise ValueError('"surface_dice" needs tolerance_mm, the distance in mm that still counts as near.')
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
            f"references has shape {references.shape}, a stack of 2D masks, a case each, and spacing_mm has three "
            "axes. One volume alone is a list of one: [volume]."
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
                f"{' and '.join(ended)} ended after {len(names)} cases, but there are more of "
                f"{' and '.join(name for name in row if name not in ended)}: there must be as many of each."
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
