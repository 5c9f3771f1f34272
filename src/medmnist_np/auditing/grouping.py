"""Groups, as patients, that have samples in several splits."""

from __future__ import annotations

import os
from pathlib import Path

from medmnist_np.auditing.findings import Place, SharedGroup
from medmnist_np.auditing.source import Source
from medmnist_np.errors import NotCachedError
from medmnist_np.identifiers import identifiers, read_ids


def shared_groups(data: Source, file: str | os.PathLike[str] | None) -> tuple[SharedGroup, ...] | None:
    """Return the groups that are in several splits; where no groups are known, the ids that are.

    Parameters
    ----------
    data : Source
        What is audited.
    file : path, optional
        Ids of all samples, see :func:`~medmnist_np.identifiers.attach_ids`. None means those that are attached.

    Returns
    -------
    tuple of SharedGroup or None
        In the order of their first samples. None if no ids are known.
    """
    names = _attached(data) if file is None else _in_file(data, Path(file))
    if names is None:
        return None
    members: dict[str, list[Place]] = {}
    for split, of_samples in names.items():
        for position, name in enumerate(of_samples):
            members.setdefault(name, []).append(Place(split, position))
    shared = {name: places for name, places in members.items() if len({place.split for place in places}) > 1}
    return tuple(SharedGroup(name, tuple(places)) for name, places in shared.items())


def _attached(data: Source) -> dict[str, list[str]] | None:
    if not data.record.archives:  # made up for a file
        return None
    try:
        known = {split: identifiers(data.record, split) for split in data.images}
    except NotCachedError:
        return None
    groups = {split: one.groups.tolist() for split, one in known.items() if one.groups is not None}
    return groups if len(groups) == len(known) else {split: one.ids.tolist() for split, one in known.items()}


def _in_file(data: Source, file: Path) -> dict[str, list[str]]:
    rows = read_ids(file, data.record)
    # A column of groups without a value is none.
    column = 1 if all(group for of_samples in rows.values() for _, group in of_samples) else 0
    return {split: [row[column] for row in of_samples] for split, of_samples in rows.items()}
