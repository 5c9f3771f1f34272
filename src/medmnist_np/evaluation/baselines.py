"""One's own results among the published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from medmnist_np import registry
from medmnist_np.errors import ScoresError
from medmnist_np.evaluation.result import Evaluation
from medmnist_np.metrics import Interval
from medmnist_np.registry import DatasetInfo

# The split that the published figures are of.
SPLIT = "test"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a leaderboard.

    Attributes
    ----------
    method : str
        Name of the method, or of one's own run.
    AUC, ACC : float
        Published to three decimals; one's own in full.
    intervals : tuple of Interval, or None
        Of AUC and ACC, for one's own.
    notes : tuple of str
        What to know about the scores of one's own.
    """

    method: str
    AUC: float
    ACC: float
    intervals: tuple[Interval, Interval] | None = None
    notes: tuple[str, ...] = ()


def leaderboard(name: str | DatasetInfo, results: Mapping[str, Evaluation] = MappingProxyType({})) -> list[Entry]:
    """Return the published baselines of a data set and one's own results, the highest AUC first.

    Parameters
    ----------
    name : str or DatasetInfo
        The data set.
    results : Mapping of str to Evaluation
        One's own by the name to show, of the test split.

    Returns
    -------
    list of Entry
        What to know about the published ones: ``medmnist_np.registry.baselines(name).notes``.

    Raises
    ------
    UnknownDatasetError
        With the nearest names.
    ScoresError
        If a result is of another data set or split.

    Examples
    --------
    >>> from medmnist_np.evaluation import leaderboard
    >>> [(entry.method, entry.AUC) for entry in leaderboard("breastmnist")[:2]]
    [('Google AutoML Vision', 0.919), ('ResNet-18 (28)', 0.901)]
    """
    record = registry.info(name)
    entries = [Entry(one.method, one.AUC, one.ACC) for one in registry.baselines(record).rows]
    for method, result in results.items():
        if (result.record.name, result.split) != (record.name, SPLIT):
            raise ScoresError(
                f"The published figures are of {record.name} {SPLIT}; these scores are of "
                f"{result.record.name} {result.split}."
            )
        found = result.intervals()
        entries.append(Entry(method, *result, intervals=(found["auc"], found["accuracy"]), notes=result.notes))
    return sorted(entries, key=lambda entry: -math.inf if math.isnan(entry.AUC) else entry.AUC, reverse=True)
