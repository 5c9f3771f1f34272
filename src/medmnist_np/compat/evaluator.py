"""The functions and the class of ``medmnist.evaluator``, with the same results, files and types of errors.

:class:`medmnist_np.Evaluator` checks scores more strictly, takes data frames in any order, and computes confidence
intervals.
"""

from __future__ import annotations

import os
import time
import warnings
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.compat.info import DEFAULT_ROOT, INFO, get_default_root
from medmnist_np.errors import NotCachedError, ScoresError, UnknownSizeError, UnknownSplitError, unknown

__all__ = ["DEFAULT_ROOT", "INFO", "Evaluator", "Metrics", "getACC", "getAUC", "np", "save_results"]

_OFFICIAL = frozenset(INFO)

_SPLITS = ("train", "val", "test")

Metrics = namedtuple("Metrics", ["AUC", "ACC"])


class WrongLengthError(ScoresError, AssertionError):
    """Raised if there are not as many scores as samples."""


class WrongNameError(ScoresError, AssertionError):
    """Raised if the name of a file of scores has no run."""


class Evaluator:
    """Evaluate scores for one split of a data set, as the official evaluator does.

    Parameters
    ----------
    flag : str
        Name of the data set, such as ``"breastmnist"``.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    size : int, optional
        28 (or None), 64, 128 or 224.
    root : path
        Folder of ``{flag}.npz``. If the default folder does not have it, labels in the cache are used.

    Attributes
    ----------
    labels : (n, l) uint8 array
        The labels. May be assigned, for example to evaluate a part of the split.
    info : dict
        The official facts, ``INFO[flag]``.
    flag, split, size, size_flag, root
        As above; ``size_flag`` is ``"_64"`` in file names, and empty for 28.

    Raises
    ------
    NotCachedError
        If the folder or the archive does not exist. It is a RuntimeError and a FileNotFoundError.
    UnknownSplitError
        If the split is unknown. It is a ValueError.
    """

    def __init__(self, flag: str, split: str, size: Any = None, root: Any = DEFAULT_ROOT) -> None:
        self.flag = flag
        self.split = split
        if size is not None and not isinstance(size, (int, np.integer)):
            raise UnknownSizeError(unknown("size", size, ["28", "64", "128", "224"]))
        is_default = size is None or size == 28
        self.size = 28 if is_default else size
        self.size_flag = "" if is_default else f"_{size}"
        if split not in _SPLITS:
            raise UnknownSplitError(unknown("split", str(split), _SPLITS))
        if flag not in INFO:
            raise NotCachedError(unknown("data set", flag, INFO))
        self.root = root
        self.labels = _labels(flag, split, self.size_flag, root)
        self.info = INFO[flag]

    def evaluate(self, y_score: Any, save_folder: Any = None, run: Any = None) -> Metrics:
        """Compute AUC and ACC, and write the scores to a standard file if a folder is given.

        Parameters
        ----------
        y_score : (n, columns) array
            Scores in the order of the data set.
        save_folder : path, optional
            Existing folder for the file.
        run : optional
            Name of the run in the file name. None means the time in seconds since 1970.

        Returns
        -------
        Metrics
            ``(AUC, ACC)``.

        Raises
        ------
        WrongLengthError
            If there are not as many scores as samples. It is an AssertionError and a ValueError.
        """
        if y_score.shape[0] != self.labels.shape[0]:
            raise WrongLengthError(
                f"There are {y_score.shape[0]} rows of scores and {self.labels.shape[0]} samples in {self.flag} "
                f"{self.split}."
            )
        task = self.info["task"]
        metrics = Metrics(getAUC(self.labels, y_score, task), getACC(self.labels, y_score, task))
        if save_folder is not None:
            from medmnist_np.evaluation.result_files import write_scores

            path = Path(save_folder) / self.get_standard_evaluation_filename(metrics, run)
            scores = np.asarray(y_score)
            write_scores(path, scores.reshape(len(scores), -1))
        return metrics

    def get_standard_evaluation_filename(self, metrics: Any, run: Any = None) -> str:
        """Return the standard name of a file, ``{flag}{size_flag}_{split}_[AUC]0.901_[ACC]0.863@{run}.csv``."""
        values = "_".join(f"[{name}]{value:.3f}" for name, value in zip(metrics._fields, metrics, strict=False))
        return f"{self.flag}{self.size_flag}_{self.split}_{values}@{time.time() if run is None else run}.csv"

    def get_dummy_prediction(self) -> NDArray[np.float64]:
        """Return random scores by NumPy's global generator, in the shape of the official method.

        With several classes it has one column less than there are classes, as there.
        """
        if self.info["task"] in ("multi-class", "ordinal-regression"):
            scores: NDArray[np.float64] = np.random.rand(self.labels.shape[0], self.labels.max())
            scores /= scores.sum(axis=-1, keepdims=True)
            return scores
        return np.random.rand(*self.labels.shape)

    @classmethod
    def parse_and_evaluate(cls, path: Any, run: Any = None) -> Metrics:
        """Evaluate a file of scores, print the metrics, and write the file under its standard name beside it.

        Parameters
        ----------
        path : path
            ``{flag}{size_flag}_{split}....csv``; each row is the index of a sample and its scores, in any order.
        run : optional
            Name of the run. None means that in the file name, after ``@``.

        Returns
        -------
        Metrics
            ``(AUC, ACC)``.

        Raises
        ------
        ScoresError
            If the name or the content is not of the standard form. It is a ValueError.
        """
        from medmnist_np.evaluation.result_files import read_scores

        file = Path(path).name
        flag, *rest = file.split("_")
        size = int(rest.pop(0)) if rest and rest[0].isdigit() else None
        split = next((split for split in _SPLITS if rest and rest[0].startswith(split)), None)
        if split is None:
            form = "{flag}_{split}....csv or {flag}_{size}_{split}....csv"
            raise ScoresError(f"{file:.300} is not the name of a result file: {form}.")
        if run is None:
            if "@" not in file:
                raise WrongNameError(f"{file:.300} does not name a run. Give run=, or end the name in @RUN.csv.")
            run = file.split("@")[-1].split(".")[0]
        evaluator = cls(flag, split, size=size)
        metrics = evaluator.evaluate(read_scores(path), Path(path).parent, run)
        print(metrics)
        return metrics


def _labels(flag: str, split: str, size_flag: str, root: Any) -> NDArray[np.uint8]:
    """Return the labels of the archive in a folder; in the default folder, those of the cache if it has no archive."""
    is_default = root == DEFAULT_ROOT
    if root is None or (not is_default and not os.path.isdir(root)):
        raise NotCachedError(f"The folder {root!s:.300} does not exist. Create it, or change root.")
    archive = Path(get_default_root() if is_default else root) / f"{flag}{size_flag}.npz"
    try:
        with np.load(archive) as arrays:
            labels: NDArray[np.uint8] = arrays[f"{split}_labels"]
            return labels
    except FileNotFoundError:
        if is_default and flag in _OFFICIAL:
            from medmnist_np.data.arrays import load_labels

            return load_labels(flag, split, download=False)
        raise NotCachedError(
            f"{archive} does not exist. Put it there, or open the data set once with download=True."
        ) from None


def getAUC(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:
    """Return the area under the ROC curve; for several classes or labels, the mean of those of the columns.

    Parameters
    ----------
    y_true : (n, l) or (n,) array_like
        Labels.
    y_score : (n, columns) or (n,) array_like
        Scores.
    task : str
        ``"multi-label, binary-class"``, ``"binary-class"``; any other means one column for each class.

    Returns
    -------
    float
        NaN, with a warning, if a class has no sample, or all. :func:`medmnist_np.metrics.auc` raises an error instead.
    """
    truth, scores = np.squeeze(np.asarray(y_true)), _scores(y_score)
    if task == "binary-class":
        return _auc_of_column(truth, scores[:, -1] if scores.ndim == 2 else scores)
    columns = [
        truth[:, label] if task.startswith("multi-label") else truth == label for label in range(scores.shape[1])
    ]
    return sum(map(_auc_of_column, columns, scores.T)) / len(columns)


def getACC(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:
    """Return the share of correct decisions; for several labels, the mean of those of the labels.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`getAUC`.
    threshold : float
        Scores above it are positive. With several classes, the one with the highest score is chosen.
    """
    truth, scores = np.squeeze(np.asarray(y_true)), _scores(y_score)
    if task == "multi-label, binary-class":
        shares = [np.average(row == (column > threshold)) for row, column in zip(truth.T, scores.T, strict=True)]
        return float(sum(shares) / len(shares))
    if task == "binary-class":
        return float(np.average(truth == ((scores[:, -1] if scores.ndim == 2 else scores) > threshold)))
    return float(np.average(truth == np.argmax(scores, axis=-1)))


def _scores(y_score: ArrayLike) -> NDArray[Any]:
    """Return scores as an array of numbers; official results may have the dtype object."""
    scores = np.squeeze(np.asarray(y_score))
    return scores.astype(np.float64) if scores.dtype == object else scores


def _auc_of_column(truth: NDArray[Any], scores: NDArray[Any]) -> float:
    """Return the area below the corners of the ROC curve, summed as scikit-learn does: to the last digit."""
    if len(np.unique(truth)) == 1:
        warnings.warn("A class has no sample, or all of them: its AUC is not defined.", stacklevel=3)
        return float("nan")
    if not np.isfinite(scores).all():
        raise ScoresError("Some scores are not finite numbers.")
    order = np.argsort(scores, kind="stable")[::-1]
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    positives = np.cumsum(truth[order], dtype=np.float64)[ends]
    negatives = 1.0 + ends - positives
    if len(ends) > 2:
        is_corner = (np.diff(negatives, 2) != 0) | (np.diff(positives, 2) != 0)
        kept = np.concatenate([[True], is_corner, [True]])
        positives, negatives = positives[kept], negatives[kept]
    heights = np.append(0, positives) / positives[-1]
    widths = np.append(0, negatives) / negatives[-1]
    return float((np.diff(widths) * (heights[1:] + heights[:-1]) / 2.0).sum())


def save_results(y_true: NDArray[Any], y_score: NDArray[Any], outputpath: Any) -> None:
    """Write labels and scores to a table with the columns ``id``, ``true_0``, ..., ``score_0``, ...

    Parameters
    ----------
    y_true : (n, l) array
        Labels.
    y_score : (n, columns) array
        Scores.
    outputpath : path
        The CSV file, in UTF-8 with a byte order mark.
    """
    columns = ["id", *(f"true_{i}" for i in range(y_true.shape[1])), *(f"score_{i}" for i in range(y_score.shape[1]))]
    rows = [
        ",".join(map(str, [number, *truth, *scores]))
        for number, (truth, scores) in enumerate(zip(y_true.tolist(), y_score.tolist(), strict=True))
    ]
    Path(outputpath).write_text("\n".join([",".join(columns), *rows, ""]), encoding="utf-8-sig", newline="\n")
