"""Balanced errors, BE and rBE as MedMNIST-C defines them, with intervals; the names of runs on corrupted images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np.errors import ScoresError, nearest
from medmnist_np.evaluation.result import for_json
from medmnist_np.metrics import Interval
from medmnist_np.metrics.bootstrap import percentile_interval
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.corruption_facts import SEVERITIES, CorruptedSet, corrupted_sets, corruption_facts


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
