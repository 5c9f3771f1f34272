"""What is known of a model after it was measured on corrupted images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from medmnist_np.metrics import Interval
from medmnist_np.registry import DatasetInfo


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
    if interval is None:
        return None
    values = asdict(interval).items()
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values}
