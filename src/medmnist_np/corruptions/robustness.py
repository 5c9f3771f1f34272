"""Balanced errors, BE and rBE as MedMNIST-C defines them, with intervals; the names of runs on corrupted images."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._parallel import spread
from medmnist_np._progress import Progress, bars
from medmnist_np.data.arrays import load_labels
from medmnist_np.errors import ScoresError, nearest
from medmnist_np.evaluation import parse_name
from medmnist_np.evaluation.evaluator import evaluate_file
from medmnist_np.evaluation.result import for_json, split_notes
from medmnist_np.metrics import Interval, measure
from medmnist_np.metrics.averaging import averages
from medmnist_np.metrics.bootstrap import N_RESAMPLES, percentile_interval, replicates
from medmnist_np.metrics.distributions import check_level
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.corruption_facts import SEVERITIES, CorruptedSet, corrupted_sets, corruption_facts

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


@dataclass(frozen=True, slots=True)
class CorruptionErrors:
    """What one corruption costs.

    Attributes
    ----------
    corruption : str
        Its name.
    errors : Mapping of int to Interval
        Balanced error at each severity that was measured.
    mean : Interval or None
        Mean over the five severities; None if one is missing.
    be : Interval or None
        The mean, over that of the reference; None without one.
    rbe : Interval or None
        What the corruption adds to the error, over what it adds to that of the reference; None without one, or without
        the error on images as they are.
    """

    corruption: str
    errors: Mapping[int, Interval]
    mean: Interval | None
    be: Interval | None
    rbe: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {
            "errors": {str(severity): _described(error) for severity, error in self.errors.items()},
            **{name: _described(getattr(self, name)) for name in ("mean", "be", "rbe")},
        }


@dataclass(frozen=True, slots=True)
class Robustness:
    """What corruptions cost one model on one data set.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    split, size, model
        As the names of the result files say.
    clean : Interval or None
        Balanced error on images as they are; None if that was not measured.
    corruptions : tuple of CorruptionErrors
        In the order of MedMNIST-C.
    mean : Interval or None
        Mean over the corruptions that were measured; None if a severity of one is missing.
    be, rbe : Interval or None
        Means over all corruptions that MedMNIST-C has for the set; None if one is missing.
    notes : tuple of str
        What to know about these figures, in sentences.
    """

    record: DatasetInfo
    split: str
    size: int
    model: str
    clean: Interval | None
    corruptions: tuple[CorruptionErrors, ...]
    mean: Interval | None
    be: Interval | None
    rbe: Interval | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, ready for JSON; a value that is not defined is None."""
        return {
            "dataset": self.record.name,
            "split": self.split,
            "size": self.size,
            "model": self.model,
            "corruptions": {one.corruption: one.to_dict() for one in self.corruptions},
            **{name: _described(getattr(self, name)) for name in ("clean", "mean", "be", "rbe")},
            "notes": list(self.notes),
        }


def _described(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else for_json(asdict(interval))


_CORRUPTED = re.compile(r"(?P<model>.*)\+(?P<corruption>[A-Za-z_]+)_(?P<severity>[0-9]+)")


class RunName(NamedTuple):
    """What the name of a run says. As text it is that name.

    Attributes
    ----------
    model : str
        What was evaluated.
    corruption : str or None
        Of its images; None if they are as they are.
    severity : int or None
        1 to 5; None if there is no corruption.

    Examples
    --------
    >>> str(RunName("resnet18", "motion_blur", 3))
    'resnet18+motion_blur_3'
    """

    model: str
    corruption: str | None = None
    severity: int | None = None

    def __str__(self) -> str:
        return self.model if self.corruption is None else f"{self.model}+{self.corruption}_{self.severity}"


def parse_run(run: str) -> RunName:
    """Read the name of a run.

    Raises
    ------
    ScoresError
        If it ends as that of corrupted images does, and there is no such corruption or severity.

    Examples
    --------
    >>> parse_run("resnet18+motion_blur_3")
    RunName(model='resnet18', corruption='motion_blur', severity=3)
    >>> parse_run("resnet18")
    RunName(model='resnet18', corruption=None, severity=None)
    """
    found = _CORRUPTED.fullmatch(run)
    if found is None:
        return RunName(run)
    corruption, severity = found["corruption"], int(found["severity"])
    known = corruption_facts()
    if corruption not in known:
        raise ScoresError(
            f"The run {run!r} names no corruption.{nearest(corruption, known)} There are: {', '.join(known)}."
        )
    if severity not in SEVERITIES:
        raise ScoresError(f"The run {run!r} names severity {severity}; 1 (weakest) to 5 (strongest) are there.")
    return RunName(found["model"], corruption, severity)


Errors = NDArray[np.float64]
"""A balanced error, and the same of each resample, ``(1 + n_resamples,)``: what follows is computed of all alike."""

_REFERENCE_SIZE = 224  # px, of the images of the reference errors


def summarise_errors(
    record: DatasetInfo,
    errors: Mapping[RunName, Errors],
    *,
    split: str = "test",
    size: int = _REFERENCE_SIZE,
    level: float = 0.95,
) -> Robustness:
    """Put the balanced errors of one model together.

    Parameters
    ----------
    record : DatasetInfo
        The data set. Only published ones have reference errors, not what stands in for one under its name.
    errors : Mapping of RunName to (1 + n_resamples,) float
        The balanced error, and that of each resample. One resample is of the same images in all of them.
    split, size
        What they are of.
    level : float
        Of the intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np import registry
    >>> from medmnist_np.corruptions import RunName, summarise_errors
    >>> errors = {RunName("mine", "pixelate", severity): np.full(3, severity / 10) for severity in (1, 2, 3, 4, 5)}
    >>> (pixelate,) = summarise_errors(registry.info("octmnist"), errors).corruptions
    >>> round(pixelate.errors[5].estimate, 3), round(pixelate.mean.estimate, 3)
    (0.5, 0.3)
    """
    reference = corrupted_sets().get(record.name) if registry.is_published(record) else None
    clean = next((values for run, values in errors.items() if run.corruption is None), None)
    measured = _by_corruption(errors, reference)
    means = {name: _mean([found.get(severity) for severity in SEVERITIES]) for name, found in measured.items()}
    bes = {name: _be(mean, name, reference) for name, mean in means.items()}
    rbes = {name: _rbe(mean, clean, name, reference) for name, mean in means.items()}
    of_set = () if reference is None else tuple(reference.corruptions)

    def interval(values: Errors | None) -> Interval | None:
        return None if values is None else percentile_interval(float(values[0]), values[1:], level, "percentile")

    def intervals(found: Mapping[int, Errors]) -> dict[int, Interval]:
        each = {severity: interval(found[severity]) for severity in sorted(found)}
        return {severity: error for severity, error in each.items() if error is not None}

    return Robustness(
        record=record,
        split=split,
        size=size,
        model=next((run.model for run in errors), ""),
        clean=interval(clean),
        corruptions=tuple(
            CorruptionErrors(name, intervals(found), interval(means[name]), interval(bes[name]), interval(rbes[name]))
            for name, found in measured.items()
        ),
        mean=interval(_mean(list(means.values()))),
        be=interval(_mean([bes.get(name) for name in of_set])),
        rbe=interval(_mean([rbes.get(name) for name in of_set])),
        notes=(
            *_what_is_missing(record, reference, measured, has_clean=clean is not None),
            *_what_the_definition_leaves_open(record, reference, rbes),
            *_what_differs(record, reference, split, size),
        ),
    )


def _by_corruption(errors: Mapping[RunName, Errors], reference: CorruptedSet | None) -> dict[str, dict[int, Errors]]:
    """Return errors by corruption, in the order of MedMNIST-C, and by severity."""
    found: dict[str, dict[int, Errors]] = {}
    for (_, corruption, severity), values in errors.items():
        if corruption is not None and severity is not None:
            found.setdefault(corruption, {})[severity] = values
    order = dict.fromkeys((*(() if reference is None else reference.corruptions), *corruption_facts()))
    return {name: found[name] for name in order if name in found}


def _mean(values: Sequence[Errors | None]) -> Errors | None:
    """Return the mean; None if one is missing, or there are none."""
    found = [value for value in values if value is not None]
    if not found or len(found) < len(values):
        return None
    mean: Errors = np.mean(found, axis=0)
    return mean


def _be(mean: Errors | None, name: str, reference: CorruptedSet | None) -> Errors | None:
    if mean is None or reference is None or name not in reference.corruptions:
        return None
    return mean / reference.corruptions[name].reference_error


def _rbe(mean: Errors | None, clean: Errors | None, name: str, reference: CorruptedSet | None) -> Errors | None:
    if mean is None or clean is None or reference is None or name not in reference.corruptions:
        return None
    return (mean - clean) / _added(name, reference)


def _added(name: str, reference: CorruptedSet) -> float:
    """Return what a corruption adds to the error of the reference."""
    return reference.corruptions[name].reference_error - reference.reference_clean_error


def _what_is_missing(
    record: DatasetInfo,
    reference: CorruptedSet | None,
    measured: Mapping[str, Mapping[int, Errors]],
    *,
    has_clean: bool,
) -> Iterator[str]:
    partly = [f"{name} at {_listed(missing)}" for name, found in measured.items() if (missing := _missing(found))]
    if partly:
        yield f"A mean takes all five severities. There is no result for {'; '.join(partly)}."
    if reference is None:
        stands_in = " that stands in for the published one" if record.name in corrupted_sets() else ""
        yield (
            f"There are no reference errors for this {record.name}{stands_in}: these are plain balanced errors, "
            "without BE and rBE."
        )
        return
    if not has_clean:
        yield "rBE needs the error on images as they are too: a result file whose run is named MODEL, without '+'."
    if absent := [name for name in reference.corruptions if name not in measured]:
        yield (
            f"BE and rBE of {record.name} are means over {len(reference.corruptions)} corruptions. There is no result "
            f"for {', '.join(absent)}."
        )
    if foreign := [name for name in measured if name not in reference.corruptions]:
        yield f"MedMNIST-C does not have {', '.join(foreign)} for {record.name}: no part of BE and rBE."


def _what_the_definition_leaves_open(
    record: DatasetInfo, reference: CorruptedSet | None, rbes: Mapping[str, Errors | None]
) -> Iterator[str]:
    if reference is None:
        return
    better = [name for name in reference.corruptions if name in rbes and _added(name, reference) <= 0]
    if better:
        text = (
            f"The reference has a smaller error under {' and '.join(better)} than on images as they are, so rBE has a "
            "negative denominator there: a model that the corruption harms gets a negative rBE."
        )
        others = _mean([rbes.get(name) for name in reference.corruptions if name not in better])
        yield text if others is None else f"{text} The mean of the other corruptions is {others[0]:.3f}."
    if record.multi_label:
        yield (
            "The reference decides each label at an operating point of its own. Here one threshold decides all labels, "
            "so BE and rBE compare different things."
        )


def _what_differs(record: DatasetInfo, reference: CorruptedSet | None, split: str, size: int) -> Iterator[str]:
    if reference is not None and (split, size) != ("test", _REFERENCE_SIZE):
        yield (
            f"The reference errors are of the test split at {_REFERENCE_SIZE} px; these results are of {record.name} "
            f"{split} at {size} px."
        )


def _missing(found: Mapping[int, Errors]) -> list[int]:
    return [severity for severity in SEVERITIES if severity not in found]


def _listed(severities: Sequence[int]) -> str:
    return f"severity {', '.join(map(str, severities))}"
