"""How the images of a data set were made, as facts; :mod:`medmnist_np.images.recipes` makes functions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from medmnist_np.errors import RecordError
from medmnist_np.registry.records import Record

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """The preparation of one data set.

    Attributes
    ----------
    takes : str
        What it is done to, in words.
    steps : tuple of Mapping
        The steps in order: ``step`` is the name of each, ``at`` the sizes at which it is done (all if it is
        missing), and all else are its settings.
    notes : tuple of str
        What is known beyond the steps, and then what is not.
    """

    takes: str
    steps: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.takes or not self.steps or not all("step" in step for step in self.steps):
            raise RecordError("A recipe says what it takes and names at least one step, and each step by `step`.")


def recipe_facts(record: Record) -> RecipeFacts | None:
    """Return the preparation of a data set, ``None`` if none is known."""
    return _recipes(record.collection.name).get(record.name)


@cache
def _recipes(collection: str) -> Mapping[str, RecipeFacts]:
    import tomllib

    file = _FOLDER / collection / "_recipes.toml"
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
