"""Every fact on how images were made, walked; what the recipes do is tested in tests/images."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from medmnist_np import registry
from medmnist_np.errors import RecordError
from medmnist_np.images.recipes import STEPS, At, recipe
from medmnist_np.registry.bundled_records import RecipeFacts, recipe_facts

FILE = Path(registry.__file__).parent / "medmnist" / "_recipes.toml"
TABLES = tomllib.loads(FILE.read_text("utf-8"))
QUESTIONS = TABLES.pop("unknown")

each_record = pytest.mark.parametrize("record", registry.datasets(), ids=lambda record: record.name)


def test_there_is_a_recipe_for_every_set_in_the_official_order() -> None:
    assert [record.name for record in registry.datasets()] == list(TABLES)


def test_every_open_question_is_asked_of_a_set() -> None:
    assert set(QUESTIONS) == {question for table in TABLES.values() for question in table.get("unknown", ())}


@each_record
def test_only_known_keys_and_steps_are_used(record: registry.DatasetInfo) -> None:
    table = TABLES[record.name]
    assert set(table) <= {"takes", "steps", "notes", "unknown"}
    assert {step["step"] for step in table["steps"]} <= set(STEPS)
    assert {size for step in table["steps"] for size in step.get("at", ())} <= set(record.sizes)


@each_record
def test_steps_have_the_settings_of_the_file(record: registry.DatasetInfo) -> None:
    for facts, made in zip(TABLES[record.name]["steps"], recipe(record).steps, strict=True):
        step = made.step if isinstance(made, At) else made
        settings = {key: value for key, value in facts.items() if key not in {"step", "at"}}
        assert STEPS[facts["step"]] is type(step)
        assert settings == {key: to_toml(getattr(step, key)) for key in settings}


def to_toml(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@each_record
def test_texts_are_there_and_tidy(record: registry.DatasetInfo) -> None:
    facts = recipe_facts(record)
    assert facts is not None
    assert facts.takes == facts.takes.strip()
    assert not facts.takes.endswith(".")
    assert [note for note in facts.notes if note != note.strip() or not note.endswith(".")] == []
    table = TABLES[record.name]
    assert (*table.get("notes", ()), *(QUESTIONS[name] for name in table.get("unknown", ()))) == facts.notes


@each_record
def test_recipes_agree_with_the_preparation_in_words(record: registry.DatasetInfo) -> None:
    words = {
        "crop_to_short_edge": "center-crop to the short edge",
        "project_maximum": "maximum over",
        "centre_slice": "center slice",
    }
    steps = {step["step"] for step in TABLES[record.name]["steps"]}
    assert {step for step, text in words.items() if text in record.preparation} == steps & set(words)
    assert ("resize" in steps) == (record.ndim == 2)


@each_record
def test_enlargements_of_the_record_are_named(record: registry.DatasetInfo) -> None:
    facts = recipe_facts(record)
    assert facts is not None
    assert not record.enlarged_sizes or any("enlarge" in note for note in facts.notes)


@each_record
def test_only_the_shapes_leave_no_question_open(record: registry.DatasetInfo) -> None:
    assert ("unknown" not in TABLES[record.name]) == record.modality.startswith("Shape from")


def test_a_recipe_without_steps_or_names_of_steps_is_refused() -> None:
    for takes, steps in [("", ({"step": "zoom"},)), ("a volume", ()), ("a volume", ({"axis": 0},))]:
        with pytest.raises(RecordError, match="at least one step"):
            RecipeFacts(takes, steps)
