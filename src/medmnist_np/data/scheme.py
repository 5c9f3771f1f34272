"""Corrected splits: samples that are moved to another split than the published one, or left out.

A scheme is a CSV file with one line for each sample that moves::

    # medmnist-np scheme 1
    # dataset: breastmnist
    # digest: md5:750601b1f35ba3300ea97c75c52ff8f6
    split,index,new_split
    train,115,
    val,3,test

``split`` and ``index`` (from 0) are the published position of the sample. ``new_split`` is its corrected split, or
empty to leave the sample out. All other samples stay. The lines with ``#`` are optional; if present, the scheme is for
that data set only. ``digest`` is the checksum of one of its archives: samples and their order are the same at every
size.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np.errors import short
from medmnist_np.registry import DatasetInfo

_COLUMNS = ("split", "index", "new_split")
_TITLE = "# medmnist-np scheme 1"


@dataclass(frozen=True, slots=True)
class Scheme:
    """Corrected splits of a data set. Its files do not change.

    Attributes
    ----------
    moves : Mapping of (str, int) to str
        The corrected split of each sample that moves, by its published split and index. An empty string leaves the
        sample out. All other samples stay.
    dataset, digest : str
        Name of the data set, and checksum of one of its archives at any size. Empty if unknown.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.data.scheme import Scheme
    >>> scheme = Scheme({("train", 115): "", ("val", 3): "test"})
    >>> split, positions = scheme.selection(mm.info("breastmnist"), "test")
    >>> split, positions[:3].tolist()
    ('val+test', [3, 78, 79])
    """

    moves: Mapping[tuple[str, int], str]
    dataset: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "moves", dict(self.moves))

    def check(self, record: DatasetInfo) -> None:
        """Raise ValueError if this scheme is for another data set or has samples that do not exist."""
        digests = {archive.digest for archive in record.archives.values()}
        if self.dataset not in ("", record.name) or (self.digest and self.digest not in digests):
            raise ValueError(
                f"The scheme is for {self.dataset or 'a data set'} with the checksum {self.digest or '(not stated)'}, "
                f"but this is {record.name} with {' or '.join(sorted(digests))}. Use the scheme for this data set and "
                "release."
            )
        for (split, index), new_split in self.moves.items():
            for name in filter(None, (split, new_split)):
                record.check_split(name)
            if not 0 <= index < record.n_samples[split]:
                raise ValueError(
                    f"The scheme moves sample {index} of {split}, but {record.name} {split} has "
                    f"{record.n_samples[split]} samples, counted from 0."
                )

    def selection(self, record: DatasetInfo, split: str) -> tuple[str, NDArray[np.intp]]:
        """Return the samples of a corrected split.

        Parameters
        ----------
        record : DatasetInfo
            The data set.
        split : str
            Name of a corrected split, such as ``"test"``; ``"train+val"`` joins two.

        Returns
        -------
        str
            The published splits that the samples are taken from, for example ``"train+test"``.
        (n,) intp
            Positions in the arrays of those splits, joined in this order; ascending.

        Raises
        ------
        ValueError
            If the scheme is for another data set.
        """
        self.check(record)
        wanted = split.split("+")
        belongs = {source: np.full(n, source in wanted) for source, n in record.n_samples.items()}
        for (source, index), new_split in self.moves.items():
            belongs[source][index] = new_split in wanted
        sources = [source for source in record.splits if belongs[source].any()] or wanted
        return "+".join(sources), np.flatnonzero(np.concatenate([belongs[source] for source in sources]))

    def belonging(self, split: str, positions: NDArray[np.intp]) -> dict[str, NDArray[np.intp]]:
        """Group positions of a published split by corrected split, in their order."""
        new_splits = [self.moves.get((split, position)) or split for position in positions.tolist()]
        return {name: positions[np.array(new_splits) == name] for name in dict.fromkeys(new_splits)} or {
            split: positions
        }

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file for :func:`read_scheme`. An existing file is replaced.

        Raises
        ------
        CacheError
            If the file cannot be written.
        """
        target = Path(path)
        facts = {"dataset": self.dataset, "digest": self.digest}
        with (
            _files.errors_named(target, "write a scheme", in_cache=False),
            _files.in_one_step(target) as fresh,
            fresh.open("x", encoding="utf-8", newline="") as stream,
        ):
            stream.writelines(
                f"{line}\n" for line in [_TITLE, *(f"# {key}: {facts[key]}" for key in facts if facts[key])]
            )
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows((*place, new_split) for place, new_split in self.moves.items())


def read_scheme(file: str | os.PathLike[str]) -> Scheme:
    """Read corrected splits from a CSV file.

    Parameters
    ----------
    file : path
        A file with the columns ``split``, ``index`` and ``new_split``, in any order; others are ignored. Lines at the
        top that begin with ``#`` may state ``dataset`` and ``digest``.

    Returns
    -------
    Scheme

    Raises
    ------
    ValueError
        If the file is not valid, a sample appears twice, or an index is not a number. The message names the line.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> train = mm.Dataset("dermamnist", scheme="corrected.csv")  # doctest: +SKIP
    """
    path = Path(file)
    moves: dict[tuple[str, int], str] = {}
    with open(path, newline="", encoding="utf-8-sig", errors="replace", opener=_files.regular_only) as stream:
        facts, n_remarks = _facts(stream.read(1 << 16))
    with _files.csv_reader(path, _COLUMNS, skip=n_remarks) as reader:
        for line in reader:
            where = f"{path}, line {reader.line_num + n_remarks}"
            split, index, new_split = (str(line[column] or "").strip() for column in _COLUMNS)
            if not (index.isascii() and index.isdecimal()):
                raise ValueError(f"{where}: the index must be an integer of 0 or more, not {short(index)}.")
            if (split, int(index)) in moves:
                raise ValueError(
                    f"{where}: sample {index} of {split} is also on an earlier line. Remove one of the lines."
                )
            moves[split, int(index)] = new_split
    return Scheme(moves, **facts)


def _facts(text: str) -> tuple[dict[str, str], int]:
    """Return the facts in the lines with ``#`` at the top of a file, and the number of these lines."""
    remarks = list(takewhile(lambda line: line.startswith("#"), text.splitlines()))
    found = (re.fullmatch(r"#\s*(dataset|digest):\s*(\S+)\s*", line) for line in remarks)
    return {match[1]: match[2] for match in found if match}, len(remarks)
