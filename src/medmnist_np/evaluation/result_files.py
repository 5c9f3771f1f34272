"""Result files: one line per sample with its index and its scores, no header; and their names.

A name looks like ``pathmnist_64_test_[AUC]0.901_[ACC]0.863@run.csv``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files, registry
from medmnist_np.errors import ScoresError, UnknownDatasetError, short

_FORM = (
    "Each line must have the index of a sample, counted from 0, and its scores, separated by commas, without a header."
)


def read_scores(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    r"""Read the scores of a result file. The file is left as it is.

    Parameters
    ----------
    path : path
        A text file with lines ``index,score,score,...`` in any order.

    Returns
    -------
    (n, columns) float64
        The scores by index.

    Raises
    ------
    ScoresError
        If a line contains text or has another number of columns than the first, or the indices are not 0 to n - 1.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "breastmnist_test.csv")
    ...     _ = path.write_text("1,0.25\n0,0.75\n")
    ...     read_scores(path)
    array([[0.75],
           [0.25]])
    """
    try:
        with open(path, encoding="utf-8-sig", opener=_files.regular_only) as stream:
            lines = stream.read().splitlines()
        if not any(map(str.strip, lines)):
            raise ScoresError(f"{path} is empty. {_FORM}")
        table = np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ScoresError:
        raise
    except ValueError as error:
        # The rest of NumPy's message recommends one of its own arguments.
        reason = str(error).partition("; use `usecols`")[0].rstrip(".")
        raise ScoresError(f"{path} is not a result file: {reason}. {_FORM}") from error
    if table.shape[1] < 2:
        raise ScoresError(f"{path} is not a result file: its lines have one column. {_FORM}")
    order = np.argsort(table[:, 0], kind="stable")
    indices = table[order, 0]
    wrong = np.flatnonzero(indices != np.arange(len(table)))
    if wrong.size:
        raise ScoresError(
            f"{path} is not a result file: its {len(table)} lines must have the indices 0 to {len(table) - 1}, each "
            f"once, but {indices[wrong[0]]:g} is in place of {wrong[0]}. {_FORM}"
        )
    scores: NDArray[np.float64] = table[order, 1:]
    return scores


def write_scores(path: str | os.PathLike[str], scores: NDArray[Any]) -> None:
    r"""Write a result file, byte for byte as ``pandas.DataFrame(scores).to_csv(path, header=False)`` does on Linux.

    Parameters
    ----------
    path : path
        The file. An existing file is replaced in one step, when the new one is complete.
    scores : (n, columns) array of numbers
        Each is written with as many digits as its dtype needs to identify it. Truth values are written as 0 and 1.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "breastmnist_test.csv")
    ...     write_scores(path, np.array([[0.25], [0.75]]))
    ...     path.read_text()
    '0,0.25\n1,0.75\n'
    """
    _replace(Path(path), _lines(scores.astype(np.uint8) if scores.dtype.kind == "b" else scores))


def write_json(path: str | os.PathLike[str], value: object) -> None:
    """Write a value as JSON; an existing file is replaced."""
    _replace(Path(path), [json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False), "\n"])


def _lines(scores: NDArray[Any]) -> Iterator[str]:
    # str() of a NumPy scalar keeps to the digits of its dtype, tolist() would not.
    rows = scores.tolist() if scores.dtype == np.float64 else scores
    for number, row in enumerate(rows):
        yield f"{number},{','.join(map(str, row))}\n"


def _replace(path: Path, content: Iterable[str]) -> None:
    with _files.in_one_step(path) as fresh, fresh.open("x", encoding="utf-8", newline="") as stream:
        stream.writelines(content)


SUFFIX = ".csv"

_STEM = re.compile(r"(?P<name>[^_]+)(?:_(?P<size>[0-9]+))?_(?P<rest>[^_].*)")
_FIGURE = re.compile(r"\[(?P<metric>[A-Za-z0-9]+)\](?P<value>[0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class ResultName:
    """The parts of the name of a result file.

    Attributes
    ----------
    name : str
        Name of the data set, such as ``"pathmnist"``.
    size : int
        Pixels (voxels) along each axis; a name without a size means 28.
    split : str
        Name of the split, such as ``"test"``.
    figures : Mapping of str to str
        The figures in the name, as they are written: ``{"AUC": "0.901", "ACC": "0.863"}``. Empty if the name has none.
    run : str
        The run, after the ``@``; empty if the name has none.

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
        """Return a sentence for each value in the name that differs from the computed one, rounded as in the name.

        Examples
        --------
        >>> parse_name("pathmnist_test_[AUC]0.901_[ACC]0.863@1.csv").contradictions({"AUC": 0.9011, "ACC": 0.8333})
        ['the name has ACC 0.863, but the scores give 0.833']
        """
        contradictions = []
        for metric, text in self.figures.items():
            decimals = len(text.partition(".")[2])
            # A value in the middle between two roundings may go either way.
            if metric in metrics and not abs(metrics[metric] - float(text)) <= 0.5 * 10**-decimals + 1e-9:
                contradictions.append(
                    f"the name has {metric} {text}, but the scores give {metrics[metric]:.{decimals}f}"
                )
        return contradictions


def parse_name(path: str | os.PathLike[str]) -> ResultName:
    """Read the name of a result file.

    Parameters
    ----------
    path : path
        The file; it need not exist. Its name starts with the data set, the size unless it is 28, and the split. The
        rest is optional: values in brackets, a run after an ``@``, other words.

    Raises
    ------
    ScoresError
        If the name does not have that form, or there is no such data set or split.
    UnknownSizeError
        If the data set is not available in that size.

    Examples
    --------
    >>> parse_name("pathmnist_val_resume_sanity.csv").split
    'val'
    """
    file = PurePath(path).name
    form = "NAME_SPLIT....csv or NAME_SIZE_SPLIT....csv, such as pathmnist_64_test_[AUC]0.901_[ACC]0.863@run.csv"
    found = _STEM.fullmatch(file.removesuffix(SUFFIX))
    if not file.endswith(SUFFIX) or found is None:
        raise ScoresError(f"{short(file)} is not the name of a result file. Expected {form}.")
    try:
        record = registry.info(found["name"])
    except UnknownDatasetError as error:
        raise ScoresError(f"The file name {short(file)} must start with a data set. {error}") from error
    split = _split_of(found["rest"], record.splits)
    if split is None:
        raise ScoresError(
            f"The file name {short(file)} has no split of {record.name}: {', '.join(record.splits)}. Expected {form}."
        )
    size = int(found["size"] or 28)
    if found["size"]:
        record.archive(size)
    figures, _, run = found["rest"].partition("@")
    return ResultName(record.name, size, split, dict(_FIGURE.findall(figures)), run)


def _split_of(rest: str, splits: Iterable[str]) -> str | None:
    """Return the longest split that ``rest`` starts with, or None."""
    return max((split for split in splits if rest.startswith(split)), key=len, default=None)


def check_run(run: object) -> str:
    """Return a run as text for a file name.

    Raises
    ------
    ValueError
        If it has characters that file names cannot have.
    """
    text = str(run)
    if not text or not text.isprintable() or set(text) & set('/\\:*?"<>|'):
        raise ValueError(
            f'The run {short(text)} cannot be part of a file name. Remove / \\ : * ? " < > | and line ends.'
        )
    return text
