"""AUC and ACC of scores, as the official evaluator computes them. Only labels are needed.

``Evaluator``, ``getAUC`` and ``getACC`` have the official names and arguments.
"""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np import registry
from medmnist_np._progress import Progress, bars
from medmnist_np.data.arrays import load_labels
from medmnist_np.errors import ScoresError
from medmnist_np.evaluation.result import Evaluation
from medmnist_np.evaluation.result_files import ResultName, check_run, parse_name, read_scores, write_json, write_scores
from medmnist_np.metrics import Predictions, Undefined
from medmnist_np.metrics.decisions import accuracy
from medmnist_np.metrics.frames import order_of_scores
from medmnist_np.metrics.predictions import as_array, in_order
from medmnist_np.metrics.ranking import auc
from medmnist_np.registry import Record


class Evaluator:
    """Evaluates scores for one split of a data set.

    Parameters
    ----------
    name : str or DatasetInfo
        ``"pathmnist"``, or with the size ``"pathmnist_64"``.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    size : int, optional
        Size of the images that the scores were computed from; None means the size in the name, else 28. It is only
        used in file names: labels are the same at every size and are read from any size on this machine.
    root : path, optional
        Folder to use in place of the cache, see :func:`~medmnist_np.load`. Labels are read from official archives
        only.
    progress : Progress
        Shows the progress if the labels are downloaded: a bar by default.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    flag : str
        Its name, as in the official evaluator.
    split, size
        As above.
    labels : (n, l) integer array
        Labels, read-only, as in the archive.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError, UnknownSplitError
        If there is no such data set, size or split. The message names the available ones.
    MedMNISTError
        If the labels are not on this machine and cannot be downloaded, see :func:`~medmnist_np.load`.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> evaluator = mm.Evaluator("breastmnist", "test")
    >>> auc, acc = evaluator.evaluate(evaluator.get_dummy_prediction())
    """

    def __init__(
        self,
        name: str | Record,
        split: str,
        size: int | None = None,
        root: str | os.PathLike[str] | None = None,
        *,
        progress: Progress = bars,
    ) -> None:
        registry.info(name).require_labels("Evaluator")
        self.record, self.size = registry.resolve_dataset(name, size)
        self.split = self.record.check_split(split)
        self.flag = self.record.name
        self.labels = load_labels(self.record, split, root=root, progress=progress)

    def __repr__(self) -> str:
        return f"Evaluator({self.flag!r}, {self.split!r}, size={self.size})"

    def evaluate(
        self,
        y_score: object,
        save_folder: str | os.PathLike[str] | None = None,
        run: object = None,
        *,
        threshold: float = 0.5,
        undefined: Undefined = "raise",
        intervals: bool = False,
    ) -> Evaluation:
        """Compute AUC and ACC, and write the standard files if a folder is given.

        Parameters
        ----------
        y_score : (n, columns) or (n,) array_like of real numbers
            Scores of the samples in the order of the data set; an array of any framework, a list or a data frame. One
            column for each class or label. A binary set may have one, the score of class 1, or two. The rows of a
            data frame are put in the order of its index, and its columns, named by class or by class number, in the
            order of the classes.
        save_folder : path, optional
            Folder for ``breastmnist_test_[AUC]0.901_[ACC]0.863@run.csv`` with the scores, and a ``.json`` of the same
            name with all digits of AUC and ACC, and how they were computed. It is created if it does not exist.
        run : optional
            Name of the run for file names, such as ``"seed1"`` or 3. None means the time in seconds since 1970.
        threshold : float
            A binary or multi-label score above it decides for 1.
        undefined : {"raise", "skip", "nan", "zero"}
            How to treat classes whose AUC is not defined, because no sample or every sample belongs to them.
        intervals : bool
            Add intervals and other metrics to the JSON.

        Returns
        -------
        Evaluation
            AUC and ACC, which unpack as a pair, ``auc, acc = evaluator.evaluate(scores)``, and more.

        Raises
        ------
        ScoresError
            If there are not as many rows as samples, or the index or the column names of a data frame do not
            identify the samples or the classes.
        ValueError
            If there are not as many columns as classes, a score is not finite or masked, or a class is absent.

        Warns
        -----
        UserWarning
            If scores are not probabilities: outside 0 to 1, or only 0 and 1. AUC and ACC are those of the official
            evaluator anyway. :attr:`Evaluation.notes` has the same sentences.
        """
        scores = self._in_order(y_score)
        name = "" if run is None else check_run(run)
        if save_folder is not None and run is None:
            name = str(time.time())
        result = self._measure(scores, name, threshold, undefined)
        _warn(result)
        if save_folder is not None:
            folder = Path(save_folder)
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / self.get_standard_evaluation_filename(result, name)
            write_scores(file, result.y_score)
            write_json(file.with_suffix(".json"), result.to_dict(intervals=intervals))
        return result

    def get_standard_evaluation_filename(self, metrics: Any, run: object = None) -> str:
        """Return the standard name of a result file.

        Parameters
        ----------
        metrics : Evaluation
            A named tuple of numbers is accepted too.
        run : optional
            See :meth:`evaluate`.
        """
        values = metrics.figures if isinstance(metrics, Evaluation) else metrics._asdict()
        figures = {metric: f"{value:.3f}" for metric, value in values.items()}
        return str(
            ResultName(self.flag, self.size, self.split, figures, check_run(time.time() if run is None else run))
        )

    def get_dummy_prediction(self, *, seed: int = 0) -> NDArray[np.float64]:
        """Return random scores in the right shape.

        Parameters
        ----------
        seed : int
            Random seed.

        Returns
        -------
        (n, columns) float64
            From 0 to 1. One column for each class, with rows that sum to 1; for each label; or one for a binary set.
        """
        binary = self.record.task == "binary-class"
        columns = 1 if binary else self.record.n_classes
        scores = np.random.default_rng(seed).random((len(self.labels), columns))
        return scores if binary or self.record.multi_label else scores / scores.sum(axis=1, keepdims=True)

    @classmethod
    def parse_and_evaluate(
        cls,
        path: str | os.PathLike[str],
        run: object = None,
        root: str | os.PathLike[str] | None = None,
        *,
        threshold: float = 0.5,
        undefined: Undefined = "raise",
        progress: Progress = bars,
    ) -> Evaluation:
        """Evaluate a result file; its name gives data set, size and split. Nothing is written.

        Parameters
        ----------
        path : path
            ``{name}{_size}_{split}....csv``; see :func:`~medmnist_np.evaluation.parse_name`.
        run : optional
            Name of the run; None means the run in the file name.
        root, progress
            See the class.
        threshold, undefined
            See :meth:`evaluate`.

        Returns
        -------
        Evaluation
            The values in the file name are not used. Compare them with
            :meth:`~medmnist_np.evaluation.ResultName.contradictions`.

        Raises
        ------
        ScoresError
            If the name or the content is not of the standard form, or the scores do not fit the data set.
        OSError
            If the file cannot be read.

        Warns
        -----
        UserWarning
            See :meth:`evaluate`.
        """
        result = evaluate_file(path, run, root, threshold=threshold, undefined=undefined, progress=progress, kind=cls)
        _warn(result)
        return result

    def _measure(self, scores: NDArray[Any], run: str, threshold: float, undefined: Undefined) -> Evaluation:
        if scores.ndim and len(scores) != len(self.labels):
            raise ScoresError(
                f"There are {len(scores)} rows of scores and {len(self.labels)} samples in {self.flag} {self.split}."
                f"{self._older(len(scores))}"
            )
        return Evaluation(
            record=self.record,
            split=self.split,
            size=self.size,
            run=run,
            predictions=Predictions(self.labels, scores, self.record.task, self.record.n_classes, threshold),
            y_true=self.labels,
            y_score=scores.reshape(len(scores), -1),
            undefined=undefined,
        )

    def _in_order(self, y_score: object) -> NDArray[Any]:
        """Return scores with rows in the order of the data set and columns in that of the classes."""
        try:
            rows, columns = order_of_scores(y_score, self.record.class_names, len(self.labels))
        except ValueError as error:
            raise ScoresError(f"{error}") from error
        return in_order(as_array(y_score, "y_score"), rows, columns)

    def _older(self, n_rows: int) -> str:
        """Return a sentence on the older release with that number of samples, if there is one."""
        for archive in self.record.archives.values():
            for old in archive.superseded:
                if old.n_samples.get(self.split) == n_rows:
                    return (
                        f" Release {old.seen_in_version} of the data had {n_rows}, so the scores seem to be for that "
                        "older release. Compute them again for the current split: its samples differ."
                    )
        return ""


def evaluate_file(
    path: str | os.PathLike[str],
    run: object = None,
    root: str | os.PathLike[str] | None = None,
    *,
    threshold: float = 0.5,
    undefined: Undefined = "raise",
    progress: Progress = bars,
    kind: type[Evaluator] = Evaluator,
) -> Evaluation:
    """Evaluate a result file as :meth:`Evaluator.parse_and_evaluate` does, without warnings: the result has notes."""
    parsed = parse_name(path)
    evaluator = kind(parsed.name, parsed.split, size=parsed.size, root=root, progress=progress)
    scores = read_scores(path)
    name = parsed.run if run is None else check_run(run)
    try:
        return evaluator._measure(scores, name, threshold, undefined)
    except ValueError as error:
        raise ScoresError(f"{path}: {error}") from error


def _warn(result: Evaluation) -> None:
    """Warn the caller of a method of the evaluator."""
    for note in result.predictions.notes:
        warnings.warn(note, stacklevel=3)


def getAUC(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:  # noqa: N802 - the official name
    """Return the area under the ROC curve; see :func:`auc`.

    Parameters
    ----------
    y_true, y_score, task
        As for :func:`auc`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`auc`. In these cases the official function returns NaN, raises another error or continues.

    Notes
    -----
    Yang et al. 2023, *MedMNIST v2* (doi:10.1038/s41597-022-01721-8) and its evaluation code.

    Examples
    --------
    >>> from medmnist_np.evaluation import getAUC
    >>> getAUC([[0], [0], [1], [1]], [[0.1], [0.4], [0.4], [0.8]], "binary-class")
    0.875
    """
    return auc(y_true, y_score, task)


def getACC(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:  # noqa: N802 - the official name
    """Return the share of correct decisions; see :func:`accuracy`.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`.

    Notes
    -----
    Yang et al. 2023, *MedMNIST v2* (doi:10.1038/s41597-022-01721-8) and its evaluation code.

    Examples
    --------
    >>> from medmnist_np.evaluation import getACC
    >>> getACC([[0], [1]], [[0.2], [0.4]], "binary-class", threshold=0.3)
    1.0
    """
    return accuracy(y_true, y_score, task, threshold)
