"""Result files: a line for each sample, its index and then its scores, without a head."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np.errors import ScoresError

_FORM = (
    "A result file has one line for each sample: its index from 0, then its scores, all separated by commas, no head."
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
        If a line has a word in it or another number of columns than the first, or the indices are not 0 to n - 1.
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
        # NumPy goes on to recommend one of its own arguments.
        reason = str(error).partition("; use `usecols`")[0].rstrip(".")
        raise ScoresError(f"{path} is no result file: {reason}. {_FORM}") from error
    if table.shape[1] < 2:
        raise ScoresError(f"{path} is no result file: its lines have one column. {_FORM}")
    order = np.argsort(table[:, 0], kind="stable")
    indices = table[order, 0]
    wrong = np.flatnonzero(indices != np.arange(len(table)))
    if wrong.size:
        raise ScoresError(
            f"{path} is no result file: its {len(table)} lines must have the indices 0 to {len(table) - 1}, each once; "
            f"in place of {wrong[0]} there is {indices[wrong[0]]:g}. {_FORM}"
        )
    scores: NDArray[np.float64] = table[order, 1:]
    return scores


def write_scores(path: str | os.PathLike[str], scores: NDArray[Any]) -> None:
    """Write a result file, byte for byte as ``pandas.DataFrame(scores).to_csv(path, header=False)`` does on Linux.

    Parameters
    ----------
    path : path
        The file; one that is there is replaced at once, when the new one is complete.
    scores : (n, columns) array of numbers
        Each is written with as many digits as tell it from its neighbours in its dtype. Truth values are written as
        0 and 1.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    _replace(Path(path), _lines(scores.astype(np.uint8) if scores.dtype.kind == "b" else scores))


def write_json(path: str | os.PathLike[str], value: object) -> None:
    """Write a value as JSON, in place of what is there."""
    _replace(Path(path), [json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False), "\n"])


def _lines(scores: NDArray[Any]) -> Iterator[str]:
    # str() of a NumPy scalar keeps to the digits of its dtype, tolist() would not.
    rows = scores.tolist() if scores.dtype == np.float64 else scores
    for number, row in enumerate(rows):
        yield f"{number},{','.join(map(str, row))}\n"


def _replace(path: Path, content: Iterable[str]) -> None:
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as stream:
            stream.writelines(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
