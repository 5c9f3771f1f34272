"""Searching the catalog: by words, organ, task, modality and access."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, overload

from medmnist_np.errors import UnknownDatasetError, nearest
from medmnist_np.registry.known_sets import CatalogEntry, access_levels, facts, known_sets

__all__ = ["Catalog", "Condition", "catalog"]

_MOST_LINES = 40  # of a repr
_WORD = "the word"  # a condition on all texts of an entry
_SHORT = 3  # letters of a word that must stand at the beginning of a word: "ct" is not in "structure"


def catalog(
    *words: str,
    organ: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    access: str | None = None,
) -> Catalog:
    """Search what is known of data sets of medical images, also of those that this package cannot load.

    Letter case does not matter, and some words find others too: ``"tumor"`` finds tumour, ``"segmentation"`` finds
    skull-stripping, ``"MRI"`` finds FLAIR.

    Parameters
    ----------
    *words : str
        All must occur somewhere: in a name, description, task, modality, label, organ or level of access.
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
        Perhaps empty; then its text says which condition left nothing.

    Raises
    ------
    ValueError
        If no data set at all has such an organ, task, modality or access; the message names those that there are.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> [entry.name for entry in mm.catalog(organ="brain", task="segmentation", modality="MRI", access="open")]
    ['synthstrip', 'msd/brain', 'msd/hippocampus']
    """
    return Catalog(known_sets()).filter(*words, organ=organ, task=task, modality=modality, access=access)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that an entry has to fulfil: a word, or what a field has to say."""

    field: str
    value: str

    def __str__(self) -> str:
        return f"{self.field} {self.value!r}"

    def holds(self, entry: CatalogEntry) -> bool:
        """Return whether an entry fulfils it: one text of the field has all words of the value."""
        if self.field == "access":
            return entry.access == self.value.lower()
        words = self.value.split()
        return any(all(_occurs(word, text) for word in words) for text in _texts(entry, self.field))


@dataclass(frozen=True, slots=True, repr=False)
class Catalog(Sequence[CatalogEntry]):
    """Entries that a search found; search them again with :meth:`filter`.

    Attributes
    ----------
    searched : tuple of CatalogEntry
        What was searched.
    conditions : tuple of Condition
        What each entry of the catalog fulfils.
    entries : tuple of CatalogEntry
        Those of ``searched`` that do.
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
        """Return the entries that fulfil further conditions, with the parameters of :func:`catalog`."""
        filters = {"organ": organ, "task": task, "modality": modality, "access": access}
        asked = [Condition(_WORD, word) for text in words for word in _text(text, "a word").split()]
        asked += [Condition(name, _text(value, name)) for name, value in filters.items() if value is not None]
        for condition in asked:
            _check(condition)
        return Catalog(self.searched, (*self.conditions, *asked))

    def entry(self, name: str) -> CatalogEntry:
        """Return the entry of a name or title, in any letter case.

        Raises
        ------
        UnknownDatasetError
            With the nearest names.
        """
        found = {text.lower(): entry for entry in reversed(self.entries) for text in (entry.title, entry.name)}
        found |= {entry.name: entry for entry in self.entries}
        if _text(name, "a name").lower() not in found:
            raise UnknownDatasetError(
                f"The catalog has no entry {name!r}.{nearest(name, found)} `medmnist-np catalog` lists all, and "
                "`medmnist-np catalog WORDS` searches."
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
        """Return each entry as a dict of strings, lists and dicts, for JSON or a table."""
        return [entry.to_dict() for entry in self.entries]

    @property
    def advice(self) -> str:
        """What to leave out if nothing was found; empty if something was."""
        if self.entries or not self.conditions:
            return ""
        unknown = [one for one in self.conditions if not _fulfilling(self.searched, [one]) and one.field == _WORD]
        hints = "".join(f" No entry has {one}.{nearest(one.value, _vocabulary())}" for one in unknown)
        said = f"Nothing in the catalog fulfils {_all_of(self.conditions)}.{hints}"
        if len(self.conditions) == 1:
            return said
        fewer = {
            str(condition): len(_fulfilling(self.searched, [one for one in self.conditions if one != condition]))
            for condition in self.conditions
        }
        counts = ", ".join(f"{count} without {condition}" for condition, count in fewer.items())
        return f"{said} With one condition less: {counts}."

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
            return f"<p>{escape(repr(self))}</p>"
        rows = "".join(
            f'<tr><td style="text-align: left"><a href="{escape(entry.link)}">{escape(entry.title)}</a></td>'
            + "".join(
                f'<td style="text-align: left">{escape(words)}</td>'
                for words in (entry.name, entry.access, f"{_about(entry)}{_mark(entry)}", ", ".join(entry.loads[:3]))
            )
            + "</tr>"
            for entry in self.entries
        )
        head = "".join(f"<th>{name}</th>" for name in ("data set", "name", "access", "about", "loads"))
        return f"<p>{escape(self._title())}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

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
    """Return whether a word, or another that the facts put beside it, stands in a text."""
    stem = word.lower()
    stem = stem[:-1] if stem.endswith("s") and len(stem) > _SHORT + 1 else stem
    return any(_stands_in(one, text.lower()) for one in (stem, *facts()["also"].get(stem, ())))


def _stands_in(word: str, text: str) -> bool:
    return word in text if len(word) > _SHORT else re.search(rf"\b{re.escape(word)}", text) is not None


def _check(condition: Condition) -> None:
    """Refuse what no entry of the whole catalog says; a word may be any."""
    if condition.field == _WORD or _fulfilling(known_sets(), [condition]):
        return
    if condition.field == "access":
        known = list(access_levels())
    else:
        said = (text for entry in known_sets() for text in _texts(entry, condition.field))
        known = sorted({text for text in said if text}, key=str.lower)
    words = {word.lower() for text in known for word in text.split()}
    hint = nearest(condition.value, [*known, *sorted(words.difference(known))])
    raise ValueError(f"The catalog has no {condition}.{hint} There are: {', '.join(known)}.")


def _vocabulary() -> list[str]:
    texts = " ".join(text for entry in known_sets() for text in _texts(entry, _WORD)).lower()
    return sorted(set(re.findall(r"[a-z][a-z-]{3,}", texts)))


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"The catalog is searched with strings; {what} is {type(value).__name__}: {value!r}.")
    return value


def _all_of(conditions: Sequence[Condition]) -> str:
    return ", ".join(map(str, conditions))


def _about(entry: CatalogEntry) -> str:
    if entry.is_resource:
        return entry.description
    return f"{entry.organ}: {', '.join(entry.tasks)}; {', '.join(entry.modality)}"


def _mark(entry: CatalogEntry) -> str:
    return "" if entry.certainty == "seen" else f" ({entry.certainty})"
