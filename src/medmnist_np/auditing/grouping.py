"""Groups, as patients, that have samples in several splits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from medmnist_np.auditing.findings import Place, SharedGroup
from medmnist_np.audits.source import Source
from medmnist_np.data.identifiers import identifiers, read_ids
from medmnist_np.errors import NotCachedError
from medmnist_np.missing import is_missing


class Grouping(NamedTuple):
    """What was compared between the splits, and what was found.

    Attributes
    ----------
    by : "group", "image_id" or None
        What the samples were compared by: groups where every split has them, else ids; None if neither is known.
    shared : tuple of SharedGroup, or None
        Groups or ids that are in several splits, in the order of their first samples; None if nothing was compared.
    n_unknown : int
        Samples that were left out, as they have no id.
    with_groups : tuple of str
        Splits whose groups are known.
    """

    by: Literal["group", "image_id"] | None
    shared: tuple[SharedGroup, ...] | None
    n_unknown: int
    with_groups: tuple[str, ...] = ()


def grouping(data: Source, file: str | os.PathLike[str] | None) -> Grouping:
    """Look for groups in several splits; where they are not known in every split, for ids.

    Parameters
    ----------
    data : Source
        What is audited.
    file : path, optional
        Ids of all samples, see :func:`~medmnist_np.data.identifiers.attach_ids`. None means those that are attached.
    """
    columns = _attached(data) if file is None else _in_file(data, Path(file))
    if columns is None:
        return Grouping(None, None, 0)
    ids, groups = columns
    with_groups = tuple(split for split, one in groups.items() if not any(map(is_missing, one)))
    by: Literal["group", "image_id"] = "group" if len(with_groups) == len(groups) else "image_id"
    members: dict[str, list[Place]] = {}
    n_unknown = 0
    for split, names in (groups if by == "group" else ids).items():
        for position, name in enumerate(names):
            if is_missing(name):
                n_unknown += 1
            else:
                members.setdefault(name, []).append(Place(split, position))
    if not members:
        return Grouping(None, None, n_unknown, with_groups)
    shared = {name: places for name, places in members.items() if len({place.split for place in places}) > 1}
    found = tuple(SharedGroup(name, tuple(places)) for name, places in shared.items())
    return Grouping(by, found, n_unknown, with_groups)


_Columns = tuple[dict[str, list[str]], dict[str, list[str]]]


def _attached(data: Source) -> _Columns | None:
    if not data.record.archives:  # made up for a file
        return None
    try:
        known = {split: identifiers(data.record, split) for split in data.images}
    except NotCachedError:
        return None
    ids = {split: one.ids.tolist() for split, one in known.items()}
    groups = {split: [""] * len(one.ids) if one.groups is None else one.groups.tolist() for split, one in known.items()}
    return ids, groups


def _in_file(data: Source, file: Path) -> _Columns:
    rows = read_ids(file, data.record)
    ids, groups = ({split: [row[k] for row in of_samples] for split, of_samples in rows.items()} for k in (0, 1))
    return ids, groups
