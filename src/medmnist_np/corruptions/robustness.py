"""From result files to what corruptions cost, a file at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from medmnist_np import registry
from medmnist_np._parallel import spread
from medmnist_np._progress import Progress, bars
from medmnist_np.corruptions.balanced_errors import Errors, Robustness, RunName, parse_run, summarise_errors
from medmnist_np.data.arrays import load_labels
from medmnist_np.errors import ScoresError
from medmnist_np.evaluation import parse_name
from medmnist_np.evaluation.evaluator import evaluate_file
from medmnist_np.evaluation.result import split_notes
from medmnist_np.metrics import measure
from medmnist_np.metrics.averaging import averages
from medmnist_np.metrics.bootstrap import N_RESAMPLES, replicates
from medmnist_np.metrics.distributions import check_level

_METRIC = "balanced_accuracy"


class _Task(NamedTuple):
    """What to measure, small enough to be sent to another process."""

    file: Path
    root: str | None
    threshold: float
    n_resamples: int
    seed: int


class _Subject(NamedTuple):
    """What result files are put together by."""

    name: str
    split: str
    size: int
    model: str


def measure_robustness(
    files: Sequence[str | os.PathLike[str]],
    *,
    root: str | os.PathLike[str] | None = None,
    threshold: float = 0.5,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> list[Robustness]:
    """Measure what corruptions cost, by result files.

    Parameters
    ----------
    files : sequence of path
        Result files of :class:`~medmnist_np.Evaluator`, whose runs are named ``MODEL`` for images as they are and
        ``MODEL+CORRUPTION_SEVERITY`` for corrupted ones; of one model or of several.
    root : path, optional
        Folder to use in place of the cache, as for :func:`~medmnist_np.load`.
    threshold : float
        A binary or multi-label score above it decides for 1.
    level, n_resamples, seed
        Of the percentile bootstrap. A resample is of the same images in all files of a model, so the interval of a mean
        or of a difference is that of paired values.
    executor : concurrent.futures.Executor, optional
        Who works, file by file: threads, processes, or a cluster whose machines see the same paths. None means this
        thread.
    progress : Progress
        What to show; a bar, by default.

    Returns
    -------
    list of Robustness
        One for each data set, split, size and model, in the order in which the files name them.

    Raises
    ------
    ScoresError
        If a file is no result file, its run names no corruption that there is, or two are of one run.
    ValueError
        If there is no file, or the level is not between 0 and 1.
    OSError
        If a file cannot be read.

    Notes
    -----
    The balanced error is one minus the balanced accuracy. With the mean ``E`` of the errors at the five severities, the
    error ``C`` on images as they are, and ``E'`` and ``C'`` of the reference, an AlexNet, a corruption has
    ``BE = E / E'`` and ``rBE = (E - C) / (E' - C')``; a data set has the means over its corruptions. Di Salvo et al.
    2024 (arXiv:2406.17536).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import medmnist_np as mm
    >>> from medmnist_np.corruptions import measure_robustness
    >>> evaluator = mm.Evaluator("breastmnist", "test")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for run in ("random", "random+pixelate_1"):
    ...         _ = evaluator.evaluate(evaluator.get_dummy_prediction(), folder, run)
    ...     (found,) = measure_robustness(sorted(Path(folder).glob("*.csv")))
    >>> found.clean == found.corruptions[0].errors[1]
    True
    """
    check_level(level)
    plan = _plan(map(Path, files))
    tasks = [
        _Task(file, None if root is None else os.fspath(root), threshold, n_resamples, seed)
        for runs in plan.values()
        for file in runs.values()
    ]
    sizes = [task.file.stat().st_size for task in tasks]
    # Workers find the labels here, and need not each bring them.
    for name, split in dict.fromkeys((subject.name, subject.split) for subject in plan):
        load_labels(name, split, root=root, progress=progress)
    errors, wrong = {}, {}
    with progress("measuring result files", total=sum(sizes)) as bar:
        for task, n_bytes, found in zip(tasks, sizes, spread(_measure, tasks, executor), strict=True):
            errors[task.file], wrong[task.file] = found
            bar.update(n_bytes)
    found_of_each = []
    for subject, runs in plan.items():
        summary = summarise_errors(
            registry.resolve_dataset(subject.name)[0],
            {run: errors[file] for run, file in runs.items()},
            split=subject.split,
            size=subject.size,
            level=level,
        )
        of_scores = (f"{file.name}: {wrong[file]}" for file in runs.values() if wrong[file])
        found_of_each.append(replace(summary, notes=(*split_notes(subject.split), *of_scores, *summary.notes)))
    return found_of_each


def _plan(files: Iterable[Path]) -> dict[_Subject, dict[RunName, Path]]:
    """Return the files by what their names say; nothing is read."""
    plan: dict[_Subject, dict[RunName, Path]] = {}
    for file in files:
        said = parse_name(file)
        try:
            run = parse_run(said.run)
        except ScoresError as error:
            raise ScoresError(f"{file}: {error}") from error
        runs = plan.setdefault(_Subject(said.name, said.split, said.size, run.model), {})
        if run in runs:
            raise ScoresError(f"{runs[run]} and {file} are both results of the run {str(run)!r}: give one of them.")
        runs[run] = file
    if not plan:
        raise ValueError("There is no result file to measure.")
    return plan


def _measure(task: _Task) -> tuple[Errors, str]:
    """Return the balanced error and that of each resample, ``(1 + n_resamples,)``, and a note on the scores."""
    # The AUC is not needed here, and not defined wherever a balanced error is.
    result = evaluate_file(task.file, root=task.root, threshold=task.threshold, undefined="nan")
    try:
        accuracy = measure(result.predictions, _METRIC)
        drawn = replicates(
            result.predictions, [_METRIC], n_resamples=task.n_resamples, seed=task.seed, stratified=False
        )
    except ValueError as error:
        raise ScoresError(f"{task.file}: {error}") from error
    errors: Errors = 1 - np.concatenate([[accuracy], averages(drawn[_METRIC], "raise")])
    return errors, result.predictions.decision_note
