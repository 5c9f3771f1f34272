"""A leaderboard: your own results among the published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from medmnist_np import registry
from medmnist_np.errors import ScoresError
from medmnist_np.evaluation.result import Evaluation
from medmnist_np.metrics import Interval
from medmnist_np.registry import Record

# The published figures are of this split.
SPLIT = "test"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a leaderboard.

    Attributes
    ----------
    method : str
        Name of the method, or of your own run.
    AUC, ACC : float
        Published results have three decimals; your own are exact.
    intervals : tuple of Interval, or None
        Confidence intervals of AUC and ACC, for your own results.
    notes : tuple of str
        Notes on the scores, for your own results.
    """

    method: str
    AUC: float
    ACC: float
    intervals: tuple[Interval, Interval] | None = None
    notes: tuple[str, ...] = ()


def leaderboard(name: str | Record, results: Mapping[str, Evaluation] = MappingProxyType({})) -> list[Entry]:
    """Return the published baselines of a data set and your own results, the highest AUC first.

    Parameters
    ----------
    name : str or DatasetInfo
        The data set.
    results : Mapping of str to Evaluation
        Your own results on the test split, by the name to show.

    Returns
    -------
    list of Entry
        ``medmnist_np.registry.baselines(name).notes`` has notes on the published ones.

    Raises
    ------
    UnknownDatasetError
        If there is no such data set; the message suggests similar names.
    ScoresError
        If a result is of another data set or split.

    Examples
    --------
    >>> from medmnist_np.evaluation import leaderboard
    >>> [(entry.method, entry.AUC) for entry in leaderboard("breastmnist")[:2]]
    [('Google AutoML Vision', 0.919), ('ResNet-18 (28)', 0.901)]
    """
    record = registry.info(name)
    entries = [Entry(row.method, row.AUC, row.ACC) for row in registry.baselines(record).rows]
    for method, result in results.items():
        if (result.record.name, result.split) != (record.name, SPLIT):
            raise ScoresError(
                f"The published figures are of {record.name} {SPLIT}; these scores are of "
                f"{result.record.name} {result.split}."
            )
        intervals = result.intervals()
        own = Entry(method, result.AUC, result.ACC, (intervals["auc"], intervals["accuracy"]), result.notes)
        entries.append(own)
    return sorted(entries, key=lambda entry: -math.inf if math.isnan(entry.AUC) else entry.AUC, reverse=True)
