"""The page that tells all about one evaluation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._version import __version__
from medmnist_np.cache import settings
from medmnist_np.data.arrays import find_here
from medmnist_np.evaluation.result import Evaluation
from medmnist_np.metrics import METRICS, Interval, class_intervals

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
        The images of the split, of any size, to show the worst mistakes: :func:`images_at_hand` has those of the cache.
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
    >>> from medmnist_np.evaluation import report
    >>> evaluator = mm.Evaluator("breastmnist", "test")
    >>> page = report(evaluator.evaluate(evaluator.get_dummy_prediction()))
    >>> page.splitlines()[0]
    '<!DOCTYPE html>'
    """
    from medmnist_np.reports import Measured, evaluation_page
    from medmnist_np.reports.charts import require_matplotlib

    require_matplotlib()
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


def images_at_hand(
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
