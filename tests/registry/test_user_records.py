"""Records of users: written, read from anywhere, and found by their names."""

from __future__ import annotations

import logging
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from medmnist_np import registry
from medmnist_np.cache import settings
from medmnist_np.errors import CacheError, MedMNISTError, RecordError, UnknownDatasetError
from medmnist_np.registry import bundled_records
from medmnist_np.registry.user_records import FORMAT, as_toml, read_table, record_of

TABLE: dict[str, Any] = {
    "format": FORMAT,
    "name": "moles",
    "python_class": "moles",
    "description": "",
    "modality": "",
    "task": "binary-class",
    "ndim": 2,
    "n_channels": 1,
    "class_names": ["benign", "malignant"],
    "license": "",
    "source_size": "",
    "preparation": "",
    "enlarged_sizes": [],
    "notes": [],
    "n_samples": {"train": 7, "test": 2},
    "archives": {
        "28": {
            "file_name": "moles.npz",
            "url": "https://lab.example/moles.npz",
            "digest": f"sha256:{0:064}",
            "bytes": 9,
        }
    },
    "provenance": {"recipe": "crop\n  1. Cut.", "software": {"numpy": "2.4"}},
}


def put(table: dict[str, Any], name: str = "moles") -> Path:
    path = settings.current().cache / "records" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_toml(table), "utf-8")
    return path


@pytest.mark.parametrize("field", ["description", "modality", "license", "source_size", "preparation", "python_class"])
@pytest.mark.parametrize("character", ["\x1b", "\n", "\r", "\x07", "\x7f", "\x9b", "\u202e", "\u2028"])
def test_a_text_with_a_control_character_is_refused(field: str, character: str) -> None:
    text = as_toml({**TABLE, field: f"a{character}b"})
    with pytest.raises(RecordError, match=rf"here: {field} has the control character .*\. Remove it"):
        read_table(text, "here")


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"class_names": ["a", "b\x1b]52;c;eA==\x07"]}, "class_names.1"),
        ({"notes": ["\nLicense: CC BY"]}, "notes.0"),
        ({"provenance": {"software": {"numpy": "\x1b"}}}, "provenance.software.numpy"),
        ({"a\x1b": 1}, "a key"),
    ],
)
def test_control_characters_are_found_wherever_they_are(changed: dict[str, Any], where: str) -> None:
    with pytest.raises(RecordError, match=f"here: {re.escape(where)} has the control character"):
        read_table(as_toml({**TABLE, **changed}), "here")


def test_the_recipe_in_the_provenance_may_have_lines() -> None:
    assert record_of(read_table(as_toml(TABLE), "here"), "here").name == "moles"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ndim = " + "1" * 5000, "a number in it is too long"),
        ("ndim = 0x" + "f" * 5000, "here: ndim is a number of more than 64 bits"),
        ("ndim = " + "9" * 20, "here: ndim is a number of more than 64 bits"),
        ("format = " + "0x" + "f" * 5000, "here: format is a number of more than 64 bits"),
        ("score = nan", "here: score is nan"),
        ("score = -inf", "here: score is -inf"),
        ("day = 2026-11-21", "here: day is a date"),
        ("deep = " + "[" * 50 + "]" * 50, "nested too deeply"),
        (".".join(["a"] * 5000) + " = 1", "nested too deeply"),
    ],
)
def test_a_value_that_could_not_be_shown_or_written_again_is_refused(line: str, why: str) -> None:
    with pytest.raises(RecordError, match=why):
        read_table(line, "here")


def test_a_record_with_an_endless_number_is_passed_over_in_lists(caplog: pytest.LogCaptureFixture) -> None:
    put(TABLE)
    path = put({**TABLE, "name": "broken"}, "broken")
    path.write_text(path.read_text("utf-8").replace("ndim = 2", f"ndim = {'1' * 5000}"), "utf-8")
    assert "moles" in [record.name for record in registry.datasets()]
    assert "a number in it is too long" in caplog.text


def test_a_record_is_found_by_its_name() -> None:
    put(TABLE)
    assert registry.info("Moles") is registry.info("moles_28")
    assert registry.info("moles").sizes == (28,)
    assert registry.info("moles").splits == ("train", "test")
    assert registry.info("moles").collection.name == "local"
    assert registry.datasets()[-1].name == "moles"
    assert (registry.info("moles"), 28, None) == registry.find_archive(f"sha256:{0:064}")
    assert registry.baselines("moles").rows == ()
    assert not registry.is_published(registry.info("moles"))


def test_a_record_that_changed_is_read_anew() -> None:
    path = put(TABLE)
    assert registry.info("moles").license == ""
    path.write_text(as_toml({**TABLE, "license": "CC0"}), "utf-8")
    assert registry.info("moles").license == "CC0"
    path.unlink()
    with pytest.raises(UnknownDatasetError):
        registry.info("moles")


def test_a_misspelt_name_is_told_the_nearest() -> None:
    put(TABLE)
    with pytest.raises(UnknownDatasetError, match="Did you mean 'moles'"):
        registry.info("molse")


def test_no_record_stands_in_for_a_published_set() -> None:
    put({**TABLE, "name": "breastmnist"}, "breastmnist")
    assert registry.is_published(registry.info("breastmnist"))
    assert len(registry.datasets()) == len(bundled_records.names("medmnist"))


def test_a_published_set_is_found_without_a_look_at_the_cache(audit, monkeypatch) -> None:
    put(TABLE)
    registry.info("pathmnist")
    monkeypatch.setattr(settings, "current", None)
    with audit() as seen:
        assert registry.resolve_size("pathmnist_64")[0].name == "pathmnist"
    assert seen.opened == []


def test_without_a_place_for_a_cache_there_are_no_records(monkeypatch) -> None:
    monkeypatch.delenv("MEDMNIST_NP_CACHE")
    monkeypatch.setattr("os.path.expanduser", str)  # what it does for a user without a home
    with pytest.raises(CacheError):
        settings.current()
    with pytest.raises(UnknownDatasetError, match="Unknown data set 'moles'"):
        registry.info("moles")


def test_a_damaged_record_is_an_error_by_its_name_and_passed_over_in_lists(caplog: pytest.LogCaptureFixture) -> None:
    put(TABLE)
    put({**TABLE, "ndim": 5}, "broken")
    with pytest.raises(RecordError, match="ndim is 5"):
        registry.info("broken")
    with caplog.at_level(logging.WARNING):
        assert [record.name for record in registry.datasets()[18:]] == ["moles"]
    assert "Skipping an invalid record" in caplog.text
    put({**TABLE, "name": "other"}, "misnamed")
    with pytest.raises(RecordError, match="is the record of 'other'"):
        registry.info("misnamed")


@pytest.mark.parametrize("key", [key for key in TABLE if key not in ("format", "provenance")])
def test_a_record_says_everything(key: str) -> None:
    with pytest.raises(RecordError, match=f"{key} is missing|cannot name"):
        record_of({name: value for name, value in TABLE.items() if name != key}, "mail")


ARCHIVE = TABLE["archives"]["28"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../moles"}, "cannot name a data set"),
        ({"name": "moles_28"}, "cannot name a data set"),
        ({"colour": "red"}, "'colour' is not a field"),
        ({"ndim": "2"}, "ndim is '2', not int"),
        ({"ndim": True}, "ndim is True, not int"),
        ({"ndim": 4}, "ndim is 4, not 2 or 3"),
        ({"class_names": "ab"}, "class_names is 'ab', not list"),
        ({"class_names": [1, 2]}, "must be a list of str"),
        ({"n_samples": {"../../train": 3}}, "'../../train' = 3"),
        ({"n_samples": {"train": 3.5}}, "'train' = 3.5"),
        ({"n_samples": {"train": -3}}, "a negative number"),
        ({"archives": {"28": 3}}, "the archive '28' must be a table"),
        ({"archives": {"0": ARCHIVE}}, "the archive '0' must be a table"),
        ({"archives": {"28": {**ARCHIVE, "file_name": "../../x"}}}, "not a plain file name"),
        ({"archives": {"28": {**ARCHIVE, "file_name": 3}}}, "file_name is 3, not str"),
        ({"archives": {"28": {**ARCHIVE, "digest": "sha256:0"}}}, "64 lower-case hex digits"),
        ({"archives": {"28": {**ARCHIVE, "url": "ftp://lab.example/x"}}}, "must start with https:, http: or file:"),
        ({"archives": {"28": {**ARCHIVE, "kind": "zip"}}}, "'kind' is not a field"),
        (
            {"archives": {"28": {"file_name": "moles.npz", "digest": f"sha256:{0:064}"}}},
            "archive 28 is not a record of a data set: url is missing",
        ),
    ],
)
def test_a_record_from_anywhere_is_looked_at_closely(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=re.escape(message)):
        record_of({**TABLE, **changes}, "mail")


@pytest.mark.parametrize("text", ["", "format = 2", "no toml", "format = 1\nformat = 1", "a = " + "[" * 10_000])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="mail is not a record of a data set"):
        read_table(text, "mail")


@given(
    st.recursive(
        st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.lists(st.text(), max_size=3),
        lambda inner: st.dictionaries(st.text(), inner, min_size=1, max_size=3),
        max_leaves=8,
    )
)
def test_what_is_written_as_toml_is_read_the_same(value) -> None:
    assert {"key": value} == tomllib.loads(as_toml({"key": value}))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([key for key in TABLE if key not in ("format", "provenance")]), json_like)
def test_whatever_stands_in_a_field_only_ever_raises_one_kind_of_error(key: str, value) -> None:
    try:
        record_of({**TABLE, key: value}, "mail")
    except MedMNISTError as error:
        assert isinstance(error, RecordError)  # noqa: PT017 -- it may as well be a record
