"""Robustness to corruptions: balanced errors, BE and rBE as MedMNIST-C defines them, with confidence intervals."""

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
from medmnist_np.errors import ScoresError, short, unknown
from medmnist_np.evaluation import parse_name
from medmnist_np.evaluation.evaluator import evaluate_file
from medmnist_np.evaluation.result import for_json, split_notes
from medmnist_np.metrics import Interval, measure
from medmnist_np.metrics.bootstrap import N_RESAMPLES, percentile_interval, replicates
from medmnist_np.metrics.estimates import check_level
from medmnist_np.metrics.metric import averages
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.corruption_facts import SEVERITIES, CorruptedSet, corrupted_sets, corruption_facts

Errors = NDArray[np.float64]
"""A balanced error, then its value in each resample, ``(1 + n_resamples,)``."""

_METRIC = "balanced_accuracy"

_REFERENCE_SIZE = 224  # px, size of the images with which the reference errors were measured

_CORRUPTED = re.compile(r"(?P<model>.*)\+(?P<corruption>[A-Za-z_]+)_(?P<severity>[0-9]+)")


@dataclass(frozen=True, slots=True)
class CorruptionErrors:
    """Errors of a model under one corruption.

    Attributes
    ----------
    corruption : str
        Name of the corruption.
    errors : Mapping of int to Interval
        Balanced error at each measured severity.
    mean : Interval or None
        Mean over the five severities; None if one is missing.
    be : Interval or None
        The mean divided by that of the reference; None without a reference.
    rbe : Interval or None
        The increase of the error over clean images, divided by that of the reference; None without a reference or
        without the error on clean images.
    """

    corruption: str
    errors: Mapping[int, Interval]
    mean: Interval | None
    be: Interval | None
    rbe: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """Return all values as a dict for JSON."""
        return {
            "errors": {str(severity): _for_json(error) for severity, error in self.errors.items()},
            **{name: _for_json(getattr(self, name)) for name in ("mean", "be", "rbe")},
        }


@dataclass(frozen=True, slots=True)
class Robustness:
    """Robustness of one model on one data set.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    split, size, model
        Split, image size and model, from the names of the result files.
    clean : Interval or None
        Balanced error on clean images; None if it was not measured.
    corruptions : tuple of CorruptionErrors
        Errors of each corruption, in the order of MedMNIST-C.
    mean : Interval or None
        Mean over the measured corruptions; None if one of their severities is missing.
    be, rbe : Interval or None
        Means over all corruptions that MedMNIST-C has for the data set; None if one is missing.
    notes : tuple of str
        Remarks on these values, in sentences.
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
        """Return all values as a dict for JSON; undefined values are None."""
        return {
            "dataset": self.record.name,
            "split": self.split,
            "size": self.size,
            "model": self.model,
            "corruptions": {one.corruption: one.to_dict() for one in self.corruptions},
            **{name: _for_json(getattr(self, name)) for name in ("clean", "mean", "be", "rbe")},
            "notes": list(self.notes),
        }


def _for_json(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else for_json(asdict(interval))


class RunName(NamedTuple):
    """Name of a run: model, corruption and severity. ``str()`` gives the name used in result files.

    Attributes
    ----------
    model : str
        The evaluated model.
    corruption : str or None
        Corruption of the images; None for clean images.
    severity : int or None
        1 to 5; None for clean images.

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
    """Parse the name of a run.

    Raises
    ------
    ScoresError
        If it ends like the run of a corruption, but the corruption or the severity does not exist.

    Examples
    --------
    >>> parse_run("resnet18+motion_blur_3")
    RunName(model='resnet18', corruption='motion_blur', severity=3)
    >>> parse_run("resnet18")
    RunName(model='resnet18', corruption=None, severity=None)
    """
    match = _CORRUPTED.fullmatch(run)
    if match is None:
        return RunName(run)
    corruption, severity = match["corruption"], int(match["severity"])
    available = corruption_facts()
    if corruption not in available:
        raise ScoresError(f"The run {short(run)} cannot be read. {unknown('corruption', corruption, available)}")
    if severity not in SEVERITIES:
        raise ScoresError(
            f"The run {short(run)} has severity {severity}. It must be from 1 (weakest) to 5 (strongest)."
        )
    return RunName(match["model"], corruption, severity)


class _Task(NamedTuple):
    """A file to measure and the options, small enough to send to another process."""

    file: Path
    root: str | None
    threshold: float
    n_resamples: int
    seed: int


class _Subject(NamedTuple):
    """The key by which result files are grouped."""

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
    """Measure robustness to corruptions from result files.

    Parameters
    ----------
    files : sequence of path
        Result files of :class:`~medmnist_np.Evaluator`, of one or several models. Their runs are named ``MODEL`` for
        clean images and ``MODEL+CORRUPTION_SEVERITY`` for corrupted ones.
    root : path, optional
        Folder of the data; see :func:`~medmnist_np.load`.
    threshold : float
        Decision threshold of binary and multi-label scores.
    level, n_resamples, seed
        Confidence level, number of resamples and random seed of the percentile bootstrap. All files of a model use the
        same resamples of the images, so means and differences have paired intervals.
    executor : concurrent.futures.Executor, optional
        Threads, processes, or a cluster whose machines see the same paths (default: this thread). Each file is a task.
    progress : Progress
        What to show (default: a progress bar).

    Returns
    -------
    list of Robustness
        One for each data set, split, size and model, in the order of the files.

    Raises
    ------
    ScoresError
        If a file is not a result file, its run names an unknown corruption, or two files are of the same run.
    ValueError
        If there are no files, or the level is not between 0 and 1.
    OSError
        If a file cannot be read.

    Notes
    -----
    The balanced error is one minus the balanced accuracy. Let ``E`` be the mean error over the five severities, ``C``
    the error on clean images, and ``E'`` and ``C'`` those of the reference, an AlexNet. A corruption has
    ``BE = E / E'`` and ``rBE = (E - C) / (E' - C')``. A data set has the means over its corruptions.

    Source: Di Salvo et al. 2024 (arXiv:2406.17536).

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
    ...     (result,) = measure_robustness(sorted(Path(folder).glob("*.csv")))
    >>> result.clean == result.corruptions[0].errors[1]
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
    # Download missing labels once, before several workers look for them.
    for name, split in dict.fromkeys((subject.name, subject.split) for subject in plan):
        load_labels(name, split, root=root, progress=progress)
    errors, remarks = {}, {}
    with progress("measuring result files", total=sum(sizes)) as bar:
        for task, n_bytes, measured in zip(tasks, sizes, spread(_measure, tasks, executor), strict=True):
            errors[task.file], remarks[task.file] = measured
            bar.update(n_bytes)
    results = []
    for subject, runs in plan.items():
        result = summarise_errors(
            registry.resolve_dataset(subject.name)[0],
            {run: errors[file] for run, file in runs.items()},
            split=subject.split,
            size=subject.size,
            level=level,
        )
        on_scores = (f"{file.name}: {remarks[file]}" for file in runs.values() if remarks[file])
        results.append(replace(result, notes=(*split_notes(subject.split), *on_scores, *result.notes)))
    return results


def _plan(files: Iterable[Path]) -> dict[_Subject, dict[RunName, Path]]:
    """Group the files by their names, without reading them."""
    plan: dict[_Subject, dict[RunName, Path]] = {}
    for file in files:
        parsed = parse_name(file)
        try:
            run = parse_run(parsed.run)
        except ScoresError as error:
            raise ScoresError(f"{file}: {error}") from error
        runs = plan.setdefault(_Subject(parsed.name, parsed.split, parsed.size, run.model), {})
        if run in runs:
            raise ScoresError(
                f"{runs[run]} and {file} are both results of the run {str(run)!r}. Pass only one of them."
            )
        runs[run] = file
    if not plan:
        raise ValueError("No result files given.")
    return plan


def _measure(task: _Task) -> tuple[Errors, str]:
    """Return the balanced error with its resamples, and a remark on the scores."""
    # undefined="nan": this does not need the AUC, which may be undefined where the balanced error is defined.
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


def summarise_errors(
    record: DatasetInfo,
    errors: Mapping[RunName, Errors],
    *,
    split: str = "test",
    size: int = _REFERENCE_SIZE,
    level: float = 0.95,
) -> Robustness:
    """Summarise the balanced errors of one model on one data set.

    Parameters
    ----------
    record : DatasetInfo
        The data set. Only published data sets have reference errors, not your own under the same name.
    errors : Mapping of RunName to (1 + n_resamples,) float
        The balanced error of each run, then its value in each resample. All runs use the same resamples of the images.
    split, size
        Split and image size that were evaluated.
    level : float
        Confidence level of the intervals.

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
    published = corrupted_sets().get(record.name) if registry.is_published(record) else None
    clean = next((values for run, values in errors.items() if run.corruption is None), None)
    measured = _by_corruption(errors, published)
    means = {name: _mean([values.get(severity) for severity in SEVERITIES]) for name, values in measured.items()}
    bes, rbes = {}, {}
    for name, mean in means.items():
        if published is not None and name in published.corruptions and mean is not None:
            bes[name] = mean / published.corruptions[name].reference_error
            if clean is not None:
                rbes[name] = (mean - clean) / _increase(name, published)
    of_set = published.corruptions if published is not None else ()

    def interval(values: Errors) -> Interval:
        return percentile_interval(float(values[0]), values[1:], level, "percentile")

    def optional(values: Errors | None) -> Interval | None:
        return None if values is None else interval(values)

    return Robustness(
        record=record,
        split=split,
        size=size,
        model=next((run.model for run in errors), ""),
        clean=optional(clean),
        corruptions=tuple(
            CorruptionErrors(
                name,
                {severity: interval(by_severity[severity]) for severity in sorted(by_severity)},
                optional(means[name]),
                optional(bes.get(name)),
                optional(rbes.get(name)),
            )
            for name, by_severity in measured.items()
        ),
        mean=optional(_mean(list(means.values()))),
        be=optional(_mean([bes.get(name) for name in of_set])),
        rbe=optional(_mean([rbes.get(name) for name in of_set])),
        notes=(
            *_notes_on_results(record, published, measured, has_clean=clean is not None),
            *(() if published is None else _notes_on_reference(record, published, measured, rbes, split, size)),
        ),
    )


def _by_corruption(errors: Mapping[RunName, Errors], published: CorruptedSet | None) -> dict[str, dict[int, Errors]]:
    """Return the errors by corruption, in the order of MedMNIST-C, and by severity."""
    measured: dict[str, dict[int, Errors]] = {}
    for (_, corruption, severity), values in errors.items():
        if corruption is not None and severity is not None:
            measured.setdefault(corruption, {})[severity] = values
    order = dict.fromkeys((*(published.corruptions if published is not None else ()), *corruption_facts()))
    return {name: measured[name] for name in order if name in measured}


def _mean(values: Sequence[Errors | None]) -> Errors | None:
    """Return the mean, or None if there are no values or one is missing."""
    present = [value for value in values if value is not None]
    if not present or len(present) < len(values):
        return None
    mean: Errors = np.mean(present, axis=0)
    return mean


def _increase(name: str, published: CorruptedSet) -> float:
    """Return how much a corruption increases the error of the reference."""
    return published.corruptions[name].reference_error - published.reference_clean_error


def _notes_on_results(
    record: DatasetInfo,
    published: CorruptedSet | None,
    measured: Mapping[str, Mapping[int, Errors]],
    *,
    has_clean: bool,
) -> Iterator[str]:
    missing = {name: [str(s) for s in SEVERITIES if s not in by_severity] for name, by_severity in measured.items()}
    if incomplete := [f"{name} at severity {', '.join(absent)}" for name, absent in missing.items() if absent]:
        yield f"A mean needs all five severities. Missing: {'; '.join(incomplete)}."
    if published is None:
        own = " (not the published data set)" if record.name in corrupted_sets() else ""
        yield f"There are no reference errors for {record.name}{own}, so the results have no BE and rBE."
        return
    if not has_clean:
        yield "rBE also needs the error on clean images: a result file whose run is named MODEL, without '+'."
    if absent := [name for name in published.corruptions if name not in measured]:
        yield (
            f"BE and rBE of {record.name} are means over {len(published.corruptions)} corruptions. Missing: "
            f"{', '.join(absent)}."
        )
    if foreign := [name for name in measured if name not in published.corruptions]:
        yield f"MedMNIST-C does not have {', '.join(foreign)} for {record.name}. BE and rBE do not include it."


def _notes_on_reference(
    record: DatasetInfo,
    published: CorruptedSet,
    measured: Mapping[str, Mapping[int, Errors]],
    rbes: Mapping[str, Errors],
    split: str,
    size: int,
) -> Iterator[str]:
    if better := [name for name in published.corruptions if name in measured and _increase(name, published) <= 0]:
        text = (
            f"The reference has a smaller error with {' and '.join(better)} than on clean images, so rBE has a "
            "negative denominator: a model that gets worse has a negative rBE."
        )
        others = _mean([rbes.get(name) for name in published.corruptions if name not in better])
        yield text if others is None else f"{text} The mean rBE of the other corruptions is {others[0]:.3f}."
    if record.multi_label:
        yield (
            "The reference decides each label at its own operating point. Here one threshold decides all labels, so BE "
            "and rBE compare different decisions."
        )
    if (split, size) != ("test", _REFERENCE_SIZE):
        yield (
            f"The reference errors are for the test split at {_REFERENCE_SIZE} px. These results are for the {split} "
            f"split of {record.name} at {size} px."
        )
