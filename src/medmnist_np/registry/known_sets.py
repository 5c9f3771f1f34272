"""What is known of data sets of medical images at large, also of those that this package cannot load."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Literal

from medmnist_np._html import card
from medmnist_np.errors import RecordError
from medmnist_np.registry import bundled_records
from medmnist_np.registry.lookup import info
from medmnist_np.registry.records import DatasetInfo
from medmnist_np.registry.volume_records import VolumeInfo

__all__ = ["Access", "CatalogEntry", "access_levels", "known_sets"]

Access = Literal["open", "registration", "application"]
"""What a data set asks for; :func:`access_levels` puts it in words."""

_FILE = Path(__file__).parent / "catalog_entries.toml"
_LISTED = ("link", "subjects", "labels", "size", "access")
_MOST_SETS_OF_A_COLLECTION = 3  # of a collection


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class CatalogEntry:
    """What is known of one data set, how sure it is and how the data is had.

    Attributes
    ----------
    name : str
        By which the catalog finds it: ``"synthstrip"``, ``"msd/brain"``.
    title : str
        What people call it.
    section : str
        ``"brain"``, ``"heart"``, ``"lung"``, ``"other"``, ``"collection"``, or ``"resource"`` for an archive or a list
        of data sets.
    organ : str
        ``"many"`` for a collection, empty for a resource.
    tasks, modality, labels : tuple of str
        What it is made for, how the images were taken, what is labelled.
    subjects, size, description, license : str
        In words; empty where not known.
    link : str
        The page of the data set.
    files : tuple of str
        Addresses or names of its files, where known.
    access : str
        ``"open"``, ``"registration"`` or ``"application"``; :func:`access_levels` says what each asks for.
    citations : tuple of str
        Papers, where known.
    note : str
        What is easily got wrong.
    basis : str
        ``"seen"``: stated in public material that was read. ``"memory"``: not checked. Else which part is which.
    listed : tuple of (str, str)
        What a public list says otherwise: the field and the words of the list.
    loads : tuple of str
        Sets of this package with the same data.
    small_forms : tuple of str
        Sets of this package that others made smaller from the data.

    Raises
    ------
    RecordError
        If an entry contradicts itself.
    """

    name: str
    title: str
    section: str
    link: str
    access: Access
    organ: str = ""
    tasks: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    subjects: str = ""
    labels: tuple[str, ...] = ()
    description: str = ""
    files: tuple[str, ...] = ()
    size: str = ""
    license: str = ""
    citations: tuple[str, ...] = ()
    note: str = ""
    basis: str = ""
    listed: tuple[tuple[str, str], ...] = ()
    loads: tuple[str, ...] = ()
    small_forms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = []
        if self.access not in access_levels():
            problems.append(f"access is {self.access!r}, none of {', '.join(access_levels())}")
        if not self.link.startswith(("https://", "http://")):
            problems.append(f"the link {self.link!r} is neither https nor http")
        if not self.is_resource and not (self.organ and self.tasks and self.modality and self.description):
            problems.append("it has no organ, task, modality or description")
        if not self.is_resource and "seen" not in self.basis and "memory" not in self.basis:
            problems.append(f"the basis {self.basis!r} names neither 'seen' nor 'memory'")
        if unknown := [field for field, _ in self.listed if field not in _LISTED]:
            problems.append(f"listed has {', '.join(unknown)}")
        if problems:
            raise RecordError(f"The catalog's entry {self.name!r} does not hold together: {'; '.join(problems)}.")

    @property
    def is_resource(self) -> bool:
        """Whether it is an archive or a list of data sets, and no data set itself."""
        return self.section == "resource"

    @property
    def certainty(self) -> str:
        """``"seen"``, ``"partly checked"`` or ``"not checked"``."""
        if "seen" not in self.basis:
            return "not checked"
        said = f"{self.license} {self.note}"
        return "partly checked" if "memory" in self.basis or "not checked" in said else "seen"

    @property
    def how_to_get(self) -> str:
        """What the access asks for, in a sentence."""
        return f"{self.access}: {access_levels()[self.access]}"

    def load_lines(self) -> tuple[str, ...]:
        """Return a line for a shell and one for Python for each set in ``loads``.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> mm.catalog().entry("medsegbench/kvasir").load_lines()
        ('medmnist-np fetch medsegbench/kvasir', 'mm.Dataset("medsegbench/kvasir", split="train")')
        """
        return tuple(line for name in self.loads for line in _load_lines(name))

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known as strings, lists and dicts, for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {**lists, "listed": dict(self.listed), "certainty": self.certainty, "load_lines": [*self.load_lines()]}

    def __repr__(self) -> str:
        lines = [f"{self.title} ({self.name})"]
        for title, text in self._facts().items():
            heads = chain([f"{title}:"], repeat(""))
            lines += [f"    {head:<13}{line}" for head, line in zip(heads, text.splitlines(), strict=False)]
        lines += [f"    {'Note:':<13}{caution}" for caution in self._cautions()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return card(f"{self.title} ({self.name})", self._facts(), self._cautions())

    def _facts(self) -> dict[str, str]:
        lines = self.load_lines()
        more = len(self.loads) - _MOST_SETS_OF_A_COLLECTION
        shown = list(lines[: 2 * _MOST_SETS_OF_A_COLLECTION])
        if more > 0:
            shown.append(f"and {more} more: {', '.join(self.loads[_MOST_SETS_OF_A_COLLECTION:])}")
        return {
            "Description": self.description,
            "Organ": self.organ,
            "Modality": ", ".join(self.modality),
            "Tasks": ", ".join(self.tasks),
            "Subjects": self.subjects,
            "Labels": "; ".join(self.labels),
            "Size": self.size,
            "Access": self.how_to_get,
            "Link": self.link,
            "Files": ", ".join(self.files),
            "Licence": self.license or "not known here",
            "Loads": "\n".join(shown),
            "Small forms": ", ".join(f'mm.Dataset("{name}")' for name in self.small_forms),
            "Cite": "\n".join(self.citations) or self._where_to_cite(),
            "A list says": "; ".join(f"{field}: {words}" for field, words in self.listed),
            "Known from": _known_from(self.basis),
        }

    def _cautions(self) -> list[str]:
        return [self.note] if self.note else []

    def _where_to_cite(self) -> str:
        if self.is_resource:
            return ""
        return f"`medmnist-np cite {self.loads[0]}`" if self.loads else "not known here; the page of the set may say"


@cache
def known_sets() -> tuple[CatalogEntry, ...]:
    """Return every entry: those of the public lists, then the members of the collections, then resources."""
    entries = [_entry(name, table) for name, table in facts()["entry"].items()]
    sets = [entry for entry in entries if not entry.is_resource]
    resources = [entry for entry in entries if entry.is_resource]
    return (*sets, *(_member(name, organ) for name, organ in facts()["organ"].items()), *resources)


def access_levels() -> dict[str, str]:
    """Return what each level of access asks for, by its name, from the easiest."""
    levels: dict[str, str] = facts()["access"]
    return levels


@cache
def facts() -> dict[str, Any]:
    """Return the tables of the catalog's file."""
    import tomllib

    return tomllib.loads(_FILE.read_text("utf-8"))


def _entry(name: str, table: dict[str, Any]) -> CatalogEntry:
    listed = tuple(table.get("listed", {}).items())
    return CatalogEntry(name=name, **bundled_records.tuples({**table, "listed": listed}))


def _member(name: str, organ: str) -> CatalogEntry:
    """Make an entry of what the registry knows."""
    collection, _, own_name = name.rpartition("/")
    record = bundled_records.record(collection or "medmnist", own_name)
    # Masks of such a set belong to its parts alone.
    loads = [name.replace(own_name, part) for part in record.parts] if record.shares_images else [name]
    return CatalogEntry(
        name=name,
        title=record.python_class,
        section="collection",
        organ=organ,
        tasks=(record.task,),
        modality=tuple(dict.fromkeys((record.modality, *_modalities(record)))),
        subjects=", ".join(f"{count:,} {split}" for split, count in record.n_samples.items() if count),
        labels=tuple(label for label in record.class_names if label != "background"),
        description=f"{record.description} Part of {record.collection.title}.",
        link=record.collection.homepage,
        access="open",
        license=record.license,
        citations=record.sources,
        note=" ".join(record.notes),
        basis="seen",
        loads=tuple(loads),
    )


def _modalities(record: DatasetInfo) -> tuple[str, ...]:
    return record.modalities if isinstance(record, VolumeInfo) else ()


def _load_lines(name: str) -> tuple[str, str]:
    record = info(name)
    by_user = isinstance(record, VolumeInfo) and record.archive_file is None
    opener = "VolumeDataset" if isinstance(record, VolumeInfo) else "Dataset"
    return (
        f"medmnist-np import --as {name} DIR" if by_user else f"medmnist-np fetch {name}",
        f'mm.{opener}("{name}", split="train")',
    )


def _known_from(basis: str) -> str:
    if not basis:
        return "not stated: not checked"
    return basis.replace("seen", "public material that was read").replace("memory", "general knowledge (not checked)")
