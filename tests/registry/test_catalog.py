"""Every fact of the catalog, walked."""

from __future__ import annotations

import pickle
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from medmnist_np import registry
from medmnist_np.errors import RecordError
from medmnist_np.registry import bundled_records, catalog as module
from medmnist_np.registry.catalog import CatalogEntry, access_levels, facts, known_sets
from medmnist_np.testing import fake_datasets

ENTRIES = known_sets()
SETS = [entry for entry in ENTRIES if not entry.is_resource]
BY_NAME = {entry.name: entry for entry in ENTRIES}
# Their sites are not known to answer on https.
PLAIN_HTTP = {"mood", "msd", "msd_cardiac", *(name for name in BY_NAME if name.startswith("msd/"))}

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def test_all_rows_of_the_file_are_there() -> None:
    assert set(facts()["entry"]) <= BY_NAME.keys()


def test_names_and_titles_are_unique() -> None:
    assert len(ENTRIES) == len(BY_NAME) == len({(entry.title, entry.section) for entry in ENTRIES})


@each_entry
def test_every_text_is_there_and_tidy(entry: CatalogEntry) -> None:
    texts = [entry.title, entry.link, entry.section, entry.description, *entry.tasks, *entry.modality, *entry.labels]
    texts += [*entry.files, *entry.citations, *entry.loads, *(text for pair in entry.listed for text in pair)]
    if not entry.is_resource:
        texts += [entry.organ, entry.subjects, entry.license, entry.basis]
    assert [text for text in texts if not text or text != text.strip()] == []


@each_entry
def test_links_are_https_but_for_sites_that_are_known_without(entry: CatalogEntry) -> None:
    assert entry.link.startswith("http://" if entry.name in PLAIN_HTTP else "https://")
    assert [file for file in entry.files if file.startswith("http://")] == []


@each_entry
def test_access_and_certainty_are_of_those_that_there_are(entry: CatalogEntry) -> None:
    assert entry.access in access_levels()
    assert entry.certainty in {"seen", "partly checked", "not checked"}


@pytest.mark.parametrize(
    ("name", "certainty"),
    [
        ("adni", "not checked"),
        ("ukb_cardiac", "not checked"),
        ("mrbrains", "partly checked"),
        ("promise12", "partly checked"),
        ("pancreas_ct", "partly checked"),  # its license
        ("chexpert", "seen"),
        ("resource_tcia", "not checked"),
    ],
)
def test_what_nobody_checked_says_so(name: str, certainty: str) -> None:
    entry = BY_NAME[name]
    assert certainty == entry.certainty
    assert ("not checked" in repr(entry)) == (certainty != "seen")


def test_memory_is_never_shown_as_certain() -> None:
    remembered = [entry for entry in ENTRIES if "memory" in entry.basis]
    assert len(remembered) >= 4
    assert all(entry.certainty != "seen" and "not checked" in repr(entry) for entry in remembered)
    assert [entry.name for entry in ENTRIES if "memory" in repr(entry)] == []


@each_entry
def test_what_is_loaded_is_in_the_registry_and_can_be_cited(entry: CatalogEntry) -> None:
    for name in (*entry.loads, *entry.small_forms):
        record, size = registry.find(name)
        assert name == record.qualified_name
        assert size is None
        assert registry.cite(name).startswith("@")


def test_every_set_of_every_collection_is_loaded_by_an_entry() -> None:
    published = {
        bundled_records.record(collection, name).qualified_name
        for collection in bundled_records.COLLECTIONS
        for name in bundled_records.names(collection)
    }
    loaded = {name for entry in SETS for name in entry.loads}
    assert set() == published - loaded - {"medsegbench/idrib"}  # which is loaded by its parts
    assert {f"medsegbench/idrib-c{number}" for number in range(1, 5)} <= loaded


def test_every_set_can_be_found_by_its_organ() -> None:
    collections = {"medmnist", "medsegbench", "msd"}  # these entries load sets of all organs
    single = {name for entry in SETS if entry.name not in collections for name in entry.loads}
    names = {
        bundled_records.record(collection, name).qualified_name
        for collection in bundled_records.COLLECTIONS
        for name in bundled_records.names(collection)
    }
    assert names - BY_NAME.keys() - single == set()


def test_a_collection_loads_its_members() -> None:
    for collection in ("medmnist", "medsegbench", "msd"):
        names = [bundled_records.record(collection, name).qualified_name for name in bundled_records.names(collection)]
        assert sorted(names) == sorted(BY_NAME[collection].loads)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("msd_cardiac", ("medmnist-np fetch msd/heart", 'mm.VolumeDataset("msd/heart", split="train")')),
        ("retinamnist", ("medmnist-np fetch retinamnist", 'mm.Dataset("retinamnist", split="train")')),
        ("amos", ("medmnist-np fetch amos22", 'mm.VolumeDataset("amos22", split="train")')),
        ("adni", ()),
    ],
)
def test_an_entry_gives_the_lines_that_load_it(name: str, lines: tuple[str, ...]) -> None:
    assert lines == BY_NAME[name].load_lines()


def test_what_a_user_must_bring_is_imported() -> None:
    assert "medmnist-np import --as brats2021 DIR" in BY_NAME["brats"].load_lines()


def test_members_say_what_the_registry_says() -> None:
    entry, record = BY_NAME["chestmnist"], registry.info("chestmnist")
    assert record.description in entry.description
    assert record.license == entry.license
    assert entry.tasks == ("multi-label, binary-class",)
    assert entry.subjects == "78,468 train, 11,219 val, 22,433 test"


def test_a_fake_does_not_get_into_the_catalog(tmp_path: Path) -> None:
    known_sets.cache_clear()
    with fake_datasets(tmp_path, "breastmnist", n_samples={"test": 5}):
        fresh = {entry.name: entry.subjects for entry in known_sets()}
    assert fresh["breastmnist"] == "546 train, 78 val, 156 test"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"access": "free"}, "access is 'free', not one of open, registration, application"),
        ({"link": "ftp://host"}, "does not start with https:// or http://"),
        ({"organ": ""}, "no organ, task, modality or description"),
        ({"basis": "rumour"}, "'rumour' contains neither"),
        ({"listed": (("colour", "red"),)}, "listed has unknown fields: colour"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(RecordError, match=words):
        replace(BY_NAME["adni"], **change)


@each_entry
def test_entries_pickle_hash_and_show_themselves(entry: CatalogEntry) -> None:
    assert entry == pickle.loads(pickle.dumps(entry))
    assert hash(entry) == hash(replace(entry))
    assert f"{entry.title} ({entry.name})" == repr(entry).splitlines()[0]
    assert entry.link in repr(entry)


def test_html_is_escaped() -> None:
    entry = replace(BY_NAME["adni"], title="<b>", note="a & b")
    assert "&lt;b&gt;" in entry._repr_html_()
    assert "a &amp; b" in entry._repr_html_()


def test_words_that_find_others_are_in_the_form_in_which_they_are_looked_up() -> None:
    assert [word for word in facts()["also"] if word != word.lower() or (len(word) > 4 and word.endswith("s"))] == []


def test_the_file_is_toml_without_unknown_tables() -> None:
    path = Path(module.__file__).parent / "catalog_entries.toml"
    assert set(tomllib.loads(path.read_text("utf-8"))) == {"access", "also", "entry"}
