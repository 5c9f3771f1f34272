"""The names of result files: ``pathmnist_64_test_[AUC]0.901_[ACC]0.863@run.csv`` and what else occurs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from medmnist_np import registry
from medmnist_np.errors import ScoresError, UnknownDatasetError

SUFFIX = ".csv"

_STEM = re.compile(r"(?P<name>[^_]+)(?:_(?P<size>[0-9]+))?_(?P<rest>[^_].*)")
_FIGURE = re.compile(r"\[(?P<metric>[A-Za-z0-9]+)\](?P<value>[0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class ResultName:
    """What the name of a result file says.

    Attributes
    ----------
    name : str
        Of the data set, as ``"pathmnist"``.
    size : int
        Pixels (voxels) along each axis; a name without a size means 28.
    split : str
        As ``"test"``.
    figures : Mapping of str to str
        The figures in the name, as they are written: ``{"AUC": "0.901", "ACC": "0.863"}``. None in some names.
    run : str
        What stands behind the ``@``; empty in some names.

    Examples
    --------
    >>> parse_name("pathmnist_64_test_[AUC]0.901_[ACC]0.863@seed1.csv")
    ResultName(name='pathmnist', size=64, split='test', figures={'AUC': '0.901', 'ACC': '0.863'}, run='seed1')
    """

    name: str
    size: int
    split: str
    figures: Mapping[str, str] = field(default_factory=dict)
    run: str = ""

    def __str__(self) -> str:
        size = "" if self.size == 28 else f"_{self.size}"
        figures = "".join(f"_[{metric}]{value}" for metric, value in self.figures.items())
        run = f"@{self.run}" if self.run else ""
        return f"{self.name}{size}_{self.split}{figures}{run}{SUFFIX}"

    def contradictions(self, metrics: Mapping[str, float]) -> list[str]:
        """Say which figures of the name are not those that were computed, each rounded as in the name.

        Examples
        --------
        >>> parse_name("pathmnist_test_[AUC]0.901_[ACC]0.863@1.csv").contradictions({"AUC": 0.9011, "ACC": 0.8333})
        ['the name says ACC 0.863, the scores give 0.833']
        """
        found = []
        for metric, text in self.figures.items():
            decimals = len(text.partition(".")[2])
            # A value in the middle between two roundings may go either way.
            if metric in metrics and not abs(metrics[metric] - float(text)) <= 0.5 * 10**-decimals + 1e-9:
                found.append(f"the name says {metric} {text}, the scores give {metrics[metric]:.{decimals}f}")
        return found


def parse_name(path: str | os.PathLike[str]) -> ResultName:
    """Read the name of a result file.

    Parameters
    ----------
    path : path
        The file; it need not exist. Its name starts with the data set, the size unless it is 28, and the split. All
        that follows may be there or not: figures in brackets, a run behind an ``@``, other words.

    Raises
    ------
    ScoresError
        If the name is not of that form, or there is no such data set or split.
    UnknownSizeError
        If the set does not come in that size.

    Examples
    --------
    >>> parse_name("pathmnist_val_resume_sanity.csv").split
    'val'
    """
    file = PurePath(path).name
    form = "NAME_SPLIT....csv or NAME_SIZE_SPLIT....csv, as pathmnist_64_test_[AUC]0.901_[ACC]0.863@run.csv"
    found = _STEM.fullmatch(file.removesuffix(SUFFIX))
    if not file.endswith(SUFFIX) or found is None:
        raise ScoresError(f"{file!r} is no name of a result file. Such names have the form {form}.")
    try:
        record = registry.info(found["name"])
    except UnknownDatasetError as error:
        raise ScoresError(f"{file!r} names no data set. {error} The names of result files are {form}.") from error
    split = _split_of(found["rest"], record.splits)
    if split is None:
        raise ScoresError(
            f"{file!r} names no split of {record.name}; they are {', '.join(record.splits)}. "
            f"The names of result files are {form}."
        )
    size = int(found["size"] or 28)
    if found["size"]:
        record.archive(size)
    said, _, run = found["rest"].partition("@")
    return ResultName(record.name, size, split, dict(_FIGURE.findall(said)), run)


def _split_of(rest: str, splits: Iterable[str]) -> str | None:
    """Return the split that ``rest`` starts with; the longest, should one be the start of another."""
    return max((split for split in splits if rest.startswith(split)), key=len, default=None)


def check_run(run: object) -> str:
    """Return a run as text that may stand in a file name.

    Raises
    ------
    ValueError
        If it may not.
    """
    text = str(run)
    if not text or not text.isprintable() or set(text) & set('/\\:*?"<>|'):
        raise ValueError(f'The run {text!r} cannot be part of a file name: leave out / \\ : * ? " < > | and line ends.')
    return text
