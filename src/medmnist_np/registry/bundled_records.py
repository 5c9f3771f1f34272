"""Read the records and recipes bundled with the package: one TOML file per set, parsed on first use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from medmnist_np.errors import RecordError
from medmnist_np.registry.records import Archive, Collection, DatasetInfo, Member, Record, Superseded
from medmnist_np.registry.volume_records import VolumeInfo

COLLECTIONS = ("medmnist", "medsegbench", "msd", "amos", "brats")
"""The folders beside this file, in the order in which data sets are listed."""

_FOLDER = Path(__file__).parent
_PART = re.compile("c[1-9]")


@cache
def collection(name: str) -> Collection:
    """Return a collection by its name."""
    table = read(name, "_collection")
    table["dtypes"] = {role: tuple(dtypes) for role, dtypes in table.get("dtypes", {}).items()}
    return Collection(**tuples(table))


@cache
def record(collection_name: str, name: str) -> Record:
    """Return the record of a set or of one of its parts: ``record("medsegbench", "wbc-c1")``.

    Raises
    ------
    KeyError
        If there is no such record.
    """
    shared = collection(collection_name)
    name = shared.aliases.get(name, name)
    if name not in shared.order:
        whole, _, part = name.replace("_", "-").rpartition("-")
        if whole not in shared.order or _PART.fullmatch(part) is None:
            raise KeyError(name)
        return _part(collection_name, whole, part.upper())
    table = tuples(read(collection_name, name))
    if "modalities" in table:
        archive = Archive(**table.pop("archive")) if "archive" in table else None
        return VolumeInfo(collection=shared, archive_file=archive, **table)
    parts = table.pop("categories", {})
    archives = {int(size): _archive(archive) for size, archive in table.pop("archives").items()}
    info = DatasetInfo(collection=shared, archives=archives, parts=_names_of_parts(name, parts), **table)
    return _sharing(info, [_of_part(info, part, about) for part, about in parts.items()])


def names(collection_name: str) -> tuple[str, ...]:
    """Return the names of the sets of a collection, in order, without parts."""
    return collection(collection_name).order


def read(collection_name: str, file: str) -> dict[str, Any]:
    """Parse one file of a collection."""
    import tomllib

    with (_FOLDER / collection_name / f"{file}.toml").open("rb") as stream:
        return tomllib.load(stream)


def tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with tuples instead of lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _part(collection_name: str, whole: str, part: str) -> DatasetInfo:
    parts: Mapping[str, Any] = read(collection_name, whole).get("categories", {})
    if part not in parts:
        raise KeyError(f"{whole}-{part}")
    info = replace(cast("DatasetInfo", record(collection_name, whole)), parts=())
    alone = [replace(info, archives=_without_others(info))]
    alone += [_of_part(info, other, about) for other, about in parts.items() if other != part]
    return _sharing(_of_part(info, part, parts[part]), alone)


def _of_part(whole: DatasetInfo, part: str, about: Mapping[str, Any]) -> DatasetInfo:
    return replace(
        whole,
        name=f"{whole.name}-{part.lower()}",
        description=f"{about['title']}, a part of {whole.name}. {whole.description}",
        n_samples=about["n_samples"],
        archives=_without_others(whole),
        notes=(),
        part=part,
        stored_as=whole.name,
        parts=(),
    )


def _sharing(own: DatasetInfo, others: list[DatasetInfo]) -> DatasetInfo:
    """Return a record whose archives also contain the arrays of other records."""
    if not others:
        return own
    archives = {}
    for size, archive in own.archives.items():
        known = {member.name for member in archive.members}
        also: dict[str, Member] = {}
        for other in others:
            for member in other.archive(size).members:
                if member.name not in known:
                    also.setdefault(member.name, replace(member, optional=True))
        archives[size] = replace(archive, also=tuple(also.values()))
    return replace(own, archives=archives)


def _without_others(info: DatasetInfo) -> dict[int, Archive]:
    return {size: replace(archive, also=()) for size, archive in info.archives.items()}


def _names_of_parts(name: str, parts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}-{part.lower()}" for part in parts)


def _archive(table: Mapping[str, Any]) -> Archive:
    superseded = tuple(Superseded(**old) for old in table.get("superseded", ()))
    return Archive(**{**table, "superseded": superseded})


_RECIPE_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """The preparation of one data set.

    Attributes
    ----------
    takes : str
        Description of the input images.
    steps : tuple of Mapping
        The steps in order. In each, ``step`` is its name and ``at`` the sizes it applies to (all sizes if missing);
        other keys are its settings.
    notes : tuple of str
        Further facts, followed by what is unknown.
    """

    takes: str
    steps: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.takes or not self.steps or not all("step" in step for step in self.steps):
            raise RecordError("A recipe needs `takes` and at least one step, and each step needs its name in `step`.")


def recipe_facts(record: Record) -> RecipeFacts | None:
    """Return the preparation of a data set, or None if it is unknown."""
    return _recipes(record.collection.name).get(record.name)


@cache
def _recipes(collection: str) -> Mapping[str, RecipeFacts]:
    import tomllib

    file = _RECIPE_FOLDER / collection / "_recipes.toml"
    if not file.exists():
        return {}
    tables = tomllib.loads(file.read_text("utf-8"))
    questions = tables.pop("unknown")
    return {
        name: RecipeFacts(
            table["takes"],
            tuple(table["steps"]),
            (*table.get("notes", ()), *(questions[question] for question in table.get("unknown", ()))),
        )
        for name, table in tables.items()
    }
