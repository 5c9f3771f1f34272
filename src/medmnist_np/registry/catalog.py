"""A searchable catalog of medical image data sets, including those that this package cannot load."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Literal, overload

from medmnist_np._html import card, element
from medmnist_np.errors import RecordError, UnknownDatasetError, nearest, short
from medmnist_np.registry import bundled_records
from medmnist_np.registry.lookup import info
from medmnist_np.registry.records import DatasetInfo, Record

Access = Literal["open", "registration", "application"]
"""Levels of access to a data set; :func:`access_levels` describes them."""

_FILE = Path(__file__).parent / "catalog_entries.toml"
_LISTED = ("link", "subjects", "labels", "size", "access")
_MOST_SETS_OF_A_COLLECTION = 3  # the repr shows how to load these, and the names of the others


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class CatalogEntry:
    """The facts about one data set, how reliable they are, and how to get the data.

    Attributes
    ----------
    name : str
        Name in the catalog, such as ``"synthstrip"`` or ``"msd/brain"``.
    title : str
        Common name of the data set.
    section : str
        ``"brain"``, ``"heart"``, ``"lung"``, ``"other"``, ``"collection"``, or ``"resource"`` for an archive or a list
        of data sets.
    organ : str
        ``"many"`` for a collection, empty for a resource.
    tasks, modality, labels : tuple of str
        Intended tasks, imaging modalities, and what is labelled.
    subjects, size, description, license : str
        Descriptions; empty if unknown.
    link : str
        Web page of the data set.
    files : tuple of str
        URLs or names of its files, if known.
    access : str
        ``"open"``, ``"registration"`` or ``"application"``; see :func:`access_levels`.
    citations : tuple of str
        Papers, if known.
    note : str
        Common pitfalls.
    basis : str
        ``"seen"`` if the facts were read in public sources, ``"memory"`` if they were not checked, otherwise a text
        that states which facts were checked.
    listed : tuple of (str, str)
        Disagreements with a public list: the field, and the text of the list.
    loads : tuple of str
        Data sets of this package with the same data.
    small_forms : tuple of str
        Data sets of this package with a smaller version of the data.

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
            problems.append(f"access is {self.access!r}, not one of {', '.join(access_levels())}")
        if not self.link.startswith(("https://", "http://")):
            problems.append(f"the link {short(self.link)} does not start with https:// or http://")
        if not self.is_resource and not (self.organ and self.tasks and self.modality and self.description):
            problems.append("it has no organ, task, modality or description")
        if not self.is_resource and "seen" not in self.basis and "memory" not in self.basis:
            problems.append(f"the basis {short(self.basis)} contains neither 'seen' nor 'memory'")
        if unknown := [field for field, _ in self.listed if field not in _LISTED]:
            problems.append(f"listed has unknown fields: {', '.join(unknown)}")
        if problems:
            raise RecordError(f"The catalog entry {self.name!r} is inconsistent: {'; '.join(problems)}.")

    @property
    def is_resource(self) -> bool:
        """Whether the entry is an archive or list of data sets rather than a data set."""
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
        """The level of access, and what it requires."""
        return f"{self.access}: {access_levels()[self.access]}"

    def load_lines(self) -> tuple[str, ...]:
        """Return a shell command and a line of Python for each set in ``loads``.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> mm.catalog().entry("medsegbench/kvasir").load_lines()
        ('medmnist-np fetch medsegbench/kvasir', 'mm.Dataset("medsegbench/kvasir", split="train")')
        """
        return tuple(line for name in self.loads for line in _load_lines(name))

    def to_dict(self) -> dict[str, Any]:
        """Return all facts as strings, lists and dicts, for JSON."""
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
            "License": self.license or "unknown",
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
        return f"`medmnist-np cite {self.loads[0]}`" if self.loads else "unknown; see the web page of the data set"


@cache
def known_sets() -> tuple[CatalogEntry, ...]:
    """Return every entry: those of public lists, sets with an ``organ`` in their record, then resources.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> [entry.name for entry in registry.known_sets() if entry.organ == "heart"][:2]
    ['msd_cardiac', 'acdc']
    """
    entries = [_entry(name, table) for name, table in facts()["entry"].items()]
    sets = [entry for entry in entries if not entry.is_resource]
    resources = [entry for entry in entries if entry.is_resource]
    records = (
        bundled_records.record(collection, name)
        for collection in bundled_records.COLLECTIONS
        for name in bundled_records.names(collection)
    )
    return (*sets, *(_member(record) for record in records if record.organ), *resources)


def access_levels() -> dict[str, str]:
    """Return what each level of access requires, by name, starting with the easiest.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> list(registry.access_levels())
    ['open', 'registration', 'application']
    """
    levels: dict[str, str] = facts()["access"]
    return levels


@cache
def facts() -> dict[str, Any]:
    """Return the tables of the catalog's file."""
    import tomllib

    return tomllib.loads(_FILE.read_text("utf-8"))


def _entry(name: str, table: dict[str, Any]) -> CatalogEntry:
    table = {**table, "listed": tuple(table.get("listed", {}).items())}
    if collection := table.pop("loads_all_of", ""):
        members = (bundled_records.record(collection, member) for member in bundled_records.names(collection))
        table["loads"] = [member.qualified_name for member in members]
    return CatalogEntry(name=name, **bundled_records.tuples(table))


def _member(record: Record) -> CatalogEntry:
    """Make an entry from a record."""
    name = record.qualified_name
    # Only the parts of such a set have masks.
    by_part = isinstance(record, DatasetInfo) and record.shares_images
    loads = [name.replace(record.name, part) for part in record.parts] if by_part else [name]
    return CatalogEntry(
        name=name,
        title=record.python_class,
        section="collection",
        organ=record.organ,
        tasks=(record.task,),
        modality=tuple(dict.fromkeys((record.modality, *record.modalities))),
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


def _load_lines(name: str) -> tuple[str, str]:
    record = info(name)
    return (
        f"medmnist-np import --as {name} DIR" if not record.can_be_fetched else f"medmnist-np fetch {name}",
        f'mm.{record.opener}("{name}", split="train")',
    )


def _known_from(basis: str) -> str:
    if not basis:
        return "not stated: not checked"
    return basis.replace("seen", "public material that was read").replace("memory", "general knowledge (not checked)")


_MOST_LINES = 40  # of a repr
_WORD = "the word"  # field of a condition that any text of an entry may fulfil
_SHORT = 3  # words of up to this length match only at the start of a word: "ct" is not in "structure"


def catalog(
    *words: str,
    organ: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    access: str | None = None,
) -> Catalog:
    """Search the catalog of medical image data sets, including those that this package cannot load.

    The search ignores case, and some words also match related ones: ``"tumor"`` matches tumour, ``"segmentation"``
    matches skull-stripping, ``"MRI"`` matches FLAIR.

    Parameters
    ----------
    *words : str
        Every word must occur in a name, description, task, modality, label, organ or level of access.
    organ : str, optional
        Part of the name of an organ: ``"brain"`` also finds ``"brain and abdomen"``.
    task : str, optional
        For example ``"segmentation"``, which also finds ``"tumor segmentation"``.
    modality : str, optional
        For example ``"MRI"``, which also finds ``"cine MRI"``.
    access : str, optional
        ``"open"``, ``"registration"`` or ``"application"``.

    Returns
    -------
    Catalog
        The matching entries. If nothing matches, its text states which conditions to remove.

    Raises
    ------
    ValueError
        If no entry at all has this organ, task, modality or access. The message lists the available values.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> [entry.name for entry in mm.catalog(organ="brain", task="segmentation", modality="MRI", access="open")]
    ['synthstrip', 'msd/brain', 'msd/hippocampus']
    """
    return Catalog(known_sets()).filter(*words, organ=organ, task=task, modality=modality, access=access)


@dataclass(frozen=True, slots=True)
class Condition:
    """A search condition: a word that must occur, or a value that a field must contain."""

    field: str
    value: str

    def __str__(self) -> str:
        return f"{self.field} {short(self.value)}"

    def holds(self, entry: CatalogEntry) -> bool:
        """Return whether one text of the field contains all words of the value."""
        if self.field == "access":
            return entry.access == self.value.lower()
        words = self.value.split()
        return any(all(_occurs(word, text) for word in words) for text in _texts(entry, self.field))


@dataclass(frozen=True, slots=True, repr=False)
class Catalog(Sequence[CatalogEntry]):
    """The entries found by a search; narrow them down with :meth:`filter`.

    :func:`medmnist_np.catalog` returns one.

    Attributes
    ----------
    searched : tuple of CatalogEntry
        The entries that were searched.
    conditions : tuple of Condition
        The search conditions.
    entries : tuple of CatalogEntry
        The entries of ``searched`` that fulfil all conditions.
    """

    searched: tuple[CatalogEntry, ...]
    conditions: tuple[Condition, ...] = ()
    entries: tuple[CatalogEntry, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", _fulfilling(self.searched, self.conditions))

    def filter(
        self,
        *words: str,
        organ: str | None = None,
        task: str | None = None,
        modality: str | None = None,
        access: str | None = None,
    ) -> Catalog:
        """Return the entries that also fulfil further conditions; parameters as in :func:`medmnist_np.catalog`."""
        filters = {"organ": organ, "task": task, "modality": modality, "access": access}
        asked = [Condition(_WORD, word) for text in words for word in _text(text, "a word").split()]
        asked += [Condition(name, _text(value, name)) for name, value in filters.items() if value is not None]
        for condition in asked:
            _check(condition)
        return Catalog(self.searched, (*self.conditions, *asked))

    def entry(self, name: str) -> CatalogEntry:
        """Return the entry with a name or title, ignoring case.

        Raises
        ------
        UnknownDatasetError
            If there is no such entry. The message suggests similar names.
        """
        found = {text.lower(): entry for entry in reversed(self.entries) for text in (entry.title, entry.name)}
        found |= {entry.name: entry for entry in self.entries}
        if _text(name, "a name").lower() not in found:
            raise UnknownDatasetError(
                f"The catalog has no entry {short(name)}.{nearest(name, found)} `medmnist-np catalog` lists all, and "
                "`medmnist-np catalog WORDS` searches them."
            )
        return found[name.lower()]

    @property
    def sets(self) -> tuple[CatalogEntry, ...]:
        """The data sets, without resources."""
        return tuple(entry for entry in self.entries if not entry.is_resource)

    @property
    def resources(self) -> tuple[CatalogEntry, ...]:
        """Archives and lists of data sets."""
        return tuple(entry for entry in self.entries if entry.is_resource)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return all entries as dicts of strings, lists and dicts, for JSON or a table."""
        return [entry.to_dict() for entry in self.entries]

    @property
    def advice(self) -> str:
        """Which conditions to drop if nothing was found; empty otherwise."""
        if self.entries or not self.conditions:
            return ""
        unknown = [one for one in self.conditions if not _fulfilling(self.searched, [one]) and one.field == _WORD]
        hints = "".join(f" No entry has {one}.{nearest(one.value, _vocabulary())}" for one in unknown)
        said = f"No entry of the catalog has {_all_of(self.conditions)}.{hints}"
        if len(self.conditions) == 1:
            return said
        fewer = {
            str(condition): len(_fulfilling(self.searched, [one for one in self.conditions if one != condition]))
            for condition in self.conditions
        }
        counts = ", ".join(f"{count} without {condition}" for condition, count in fewer.items())
        return f"{said} With one condition fewer, the catalog has: {counts}."

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> CatalogEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Catalog: ...
    def __getitem__(self, index: int | slice) -> CatalogEntry | Catalog:
        return Catalog(self.entries[index]) if isinstance(index, slice) else self.entries[index]

    def __repr__(self) -> str:
        if not self.entries:
            return self.advice or "The catalog is empty."
        shown = self.entries[:_MOST_LINES]
        width = max(len(entry.name) for entry in shown)
        lines = [f"  {one.name:<{width}}  {one.access:<12}  {_about(one)}{_mark(one)}  {one.link}" for one in shown]
        more = [f"  ... and {len(self) - len(shown)} more"] if len(self) > len(shown) else []
        return "\n".join([self._title(), *lines, *more])

    def _repr_html_(self) -> str:
        if not self.entries:
            return element("p", repr(self))
        head = element("tr", *(element("th", name) for name in ("data set", "name", "access", "about", "loads")))
        rows = []
        for entry in self.entries:
            link, about = element("a", entry.title, href=entry.link), f"{_about(entry)}{_mark(entry)}"
            cells = (link, entry.name, entry.access, about, ", ".join(entry.loads[:3]))
            rows.append(element("tr", *(element("td", cell, style="text-align: left") for cell in cells)))
        table = element("table", element("thead", head), element("tbody", *rows))
        return element("p", self._title()) + table

    def _title(self) -> str:
        counts = f"{len(self.sets)} data sets, {len(self.resources)} general resources"
        return f"Catalog: {counts}{f' with {_all_of(self.conditions)}' if self.conditions else ''}"


def _fulfilling(entries: Sequence[CatalogEntry], conditions: Sequence[Condition]) -> tuple[CatalogEntry, ...]:
    return tuple(entry for entry in entries if all(condition.holds(entry) for condition in conditions))


def _texts(entry: CatalogEntry, field: str) -> tuple[str, ...]:
    if field == "organ":
        return (entry.organ,)
    if field == "task":
        return entry.tasks
    if field == "modality":
        return entry.modality
    lists = (*entry.tasks, *entry.modality, *entry.labels)
    return (" ".join((entry.name, entry.title, entry.description, entry.organ, entry.access, *lists)),)


def _occurs(word: str, text: str) -> bool:
    """Return whether a word or one of its synonyms occurs in a text."""
    stem = word.lower()
    stem = stem[:-1] if stem.endswith("s") and len(stem) > _SHORT + 1 else stem
    words, text = (stem, *facts()["also"].get(stem, ())), text.lower()
    return any(one in text if len(one) > _SHORT else re.search(rf"\b{re.escape(one)}", text) for one in words)


def _check(condition: Condition) -> None:
    """Raise ValueError for a value that no catalog entry has; words are not checked."""
    if condition.field == _WORD or _fulfilling(known_sets(), [condition]):
        return
    if condition.field == "access":
        known = list(access_levels())
    else:
        said = (text for entry in known_sets() for text in _texts(entry, condition.field))
        known = sorted({text for text in said if text}, key=str.lower)
    words = {word.lower() for text in known for word in text.split()}
    hint = nearest(condition.value, [*known, *sorted(words.difference(known))])
    raise ValueError(f"The catalog has no {condition}.{hint} Available: {', '.join(known)}.")


def _vocabulary() -> list[str]:
    texts = " ".join(text for entry in known_sets() for text in _texts(entry, _WORD)).lower()
    return sorted(set(re.findall(r"[a-z][a-z-]{3,}", texts)))


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"The catalog can only be searched for strings, but {what} is {short(value)}.")
    return value


def _all_of(conditions: Sequence[Condition]) -> str:
    return ", ".join(map(str, conditions))


def _about(entry: CatalogEntry) -> str:
    if entry.is_resource:
        return entry.description
    return f"{entry.organ}: {', '.join(entry.tasks)}; {', '.join(entry.modality)}"


def _mark(entry: CatalogEntry) -> str:
    return "" if entry.certainty == "seen" else f" ({entry.certainty})"
