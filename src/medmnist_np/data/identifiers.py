"""Store and read image ids and groups, such as patients, of samples."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files, registry
from medmnist_np._groups import is_missing
from medmnist_np.cache import settings
from medmnist_np.errors import NotCachedError, short
from medmnist_np.registry import Record

_COLUMNS = ("split", "index", "image_id", "group")


class Identifiers(NamedTuple):
    """Ids and groups of samples, ``(n,)`` str, empty if unknown; ``groups`` is None if no groups are known."""

    ids: NDArray[np.str_]
    groups: NDArray[np.str_] | None


def attach_ids(name: str | Record, file: str | os.PathLike[str]) -> Path:
    """Store the image ids and groups of a data set, for ``ds.ids`` and ``ds.groups`` at every size.

    Parameters
    ----------
    name : str or DatasetInfo
        The data set. Its arrays need not be on this machine and are not changed.
    file : path
        A CSV file with the columns ``split``, ``index`` (in the split, from 0), ``image_id`` and optionally ``group``,
        in any order. Other columns are ignored. Every sample needs one line. An ``image_id`` that is empty, ``nan``,
        ``None``, ``NA`` or ``NULL`` is unknown and stored as an empty string. The same holds for ``group``, but in each
        split, either all samples or none must have a group. Spaces around values are removed.

    Returns
    -------
    Path
        The stored file. It replaces earlier ids.

    Raises
    ------
    ValueError
        If a column or a sample is missing, a sample appears twice or does not exist, or all ids and groups are
        unknown. The message names the line.
    UnknownDatasetError
        If the name is unknown. The message suggests similar names.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.data.identifiers import attach_ids
    >>> attach_ids("breastmnist", "breastmnist_ids.csv")  # doctest: +SKIP
    >>> mm.Dataset("breastmnist").ids[:2]  # doctest: +SKIP
    array(['benign (1)', 'malignant (7)'], dtype='<U13')
    """
    record = registry.info(name)
    found = read_ids(Path(file), record)
    ids = {split: [image_id for image_id, _ in rows] for split, rows in found.items()}
    groups = {split: [group for _, group in rows] for split, rows in found.items()}
    return keep_ids(record, ids, groups if any(map(any, groups.values())) else None)


def keep_ids(record: Record, ids: Mapping[str, Sequence[str]], groups: Mapping[str, Sequence[str]] | None) -> Path:
    """Write the ids and groups of all samples, by split, and return the file."""
    path = ids_file(record)
    _files.make_folder(path.parent)
    with (
        _files.errors_named(path, f"keep the ids of {record.name}"),
        _files.in_one_step(path) as fresh,
        fresh.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS if groups is not None else _COLUMNS[:3])
        for split in record.splits:
            columns = [ids[split], *([groups[split]] if groups is not None else [])]
            writer.writerows((split, index, *row) for index, row in enumerate(zip(*columns, strict=True)))
    return path


def ids_file(record: Record) -> Path:
    """Return the file of :func:`keep_ids`."""
    return _file(settings.current().cache, record)


def identifiers(record: Record, split: str) -> Identifiers:
    """Return the ids of a split; ``"train+val"`` joins two.

    Raises
    ------
    NotCachedError
        If no ids are stored.
    """
    for cache in settings.current().searched:
        path = _file(cache, record)
        try:
            found = path.stat()
        except OSError:
            continue
        kept = _kept(path, record, found.st_mtime_ns)
        parts = [kept[name] for name in split.split("+")]
        groups = [part.groups for part in parts if part.groups is not None]
        return Identifiers(
            np.concatenate([part.ids for part in parts]), np.concatenate(groups) if len(groups) == len(parts) else None
        )
    raise NotCachedError(
        f"No image ids are stored for {record.qualified_name}. Write a CSV file with the columns "
        f"{', '.join(_COLUMNS[:3])} and optionally group, and run `medmnist-np import --ids {record.qualified_name} "
        "FILE`."
    )


def known_groups(record: Record, split: str) -> NDArray[np.str_]:
    """Return the groups of a split, like :func:`identifiers`; raise if only ids are known."""
    groups = identifiers(record, split).groups
    if groups is None:
        name = record.qualified_name
        raise NotCachedError(
            f"The groups of {name} are unknown. Run `medmnist-np import --ids {name} FILE` with a CSV file that has a "
            "column group, for example with patients."
        )
    return groups


def _file(cache: Path, record: Record) -> Path:
    return cache / "ids" / f"{record.qualified_name}.csv"  # other collections have their own folders


@lru_cache(maxsize=8)
def _kept(path: Path, record: Record, changed_ns: int) -> dict[str, Identifiers]:
    kept = {}
    for split, rows in read_ids(path, record).items():
        ids, groups = (np.array([row[column] for row in rows], dtype=np.str_) for column in (0, 1))
        kept[split] = Identifiers(ids, groups if (groups != "").any() else None)
    return kept


def _known(value: str | None) -> str:
    """Return an id or a group as text, empty if it is unknown."""
    return "" if is_missing(value) else str(value).strip()


def read_ids(file: Path, record: Record) -> dict[str, list[tuple[str, str]]]:
    """Return the id and the group of each sample, by split; unknown ones are empty."""
    found: dict[str, list[tuple[str, str] | None]] = {split: [None] * n for split, n in record.n_samples.items()}
    with _files.csv_reader(file, _COLUMNS[:3]) as reader:
        for line in reader:
            where = f"{file}, line {reader.line_num}"
            split, index = str(line["split"]).strip().lower(), str(line["index"]).strip()
            if split not in found or not (index.isascii() and index.isdecimal() and int(index) < len(found[split])):
                raise ValueError(f"{where}: {record.name} has no sample {short(index)} in split {short(split)}.")
            if found[split][int(index)] is not None:
                raise ValueError(
                    f"{where}: sample {index} of {split} is also on an earlier line. Remove one of the lines."
                )
            found[split][int(index)] = (_known(line["image_id"]), _known(line.get("group")))
    complete = {}
    for split, rows in found.items():
        if None in rows:
            raise ValueError(
                f"{file}: {rows.count(None)} of {len(rows)} samples of {record.name} {split} have no line; the first "
                f"is index {rows.index(None)}."
            )
        complete[split] = [row for row in rows if row is not None]
        with_group = [bool(group) for _, group in complete[split]]
        if any(with_group) and not all(with_group):
            raise ValueError(
                f"{file}: sample {with_group.index(False)} of {split} has no group, but others have one. Fill it in."
            )
    if not any(any(row) for rows in complete.values() for row in rows):
        raise ValueError(f"{file}: every image_id and group is empty or unknown.")
    return complete
