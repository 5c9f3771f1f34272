"""Searching the catalog."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given, strategies as st

import medmnist_np as mm
from medmnist_np.errors import UnknownDatasetError
from medmnist_np.registry.catalog import Catalog, catalog, known_sets

ALL = [entry.name for entry in known_sets()]


def names(*words: str, **filters: str) -> list[str]:
    return [entry.name for entry in catalog(*words, **filters)]


def test_without_conditions_it_is_everything() -> None:
    assert names() == ALL
    assert mm.catalog is catalog


def test_open_brain_mri_segmentation_sets_are_found_with_links() -> None:
    expected = ["synthstrip", "msd/brain", "msd/hippocampus"]
    found = catalog(organ="brain", task="segmentation", modality="MRI", access="open")
    assert expected == [entry.name for entry in found]
    assert expected == names("open brain MRI segmentation") == names("open", "brain", "MRI", "segmentation")
    assert all(entry.link.startswith("http") and entry.link in repr(found) for entry in found)


@pytest.mark.parametrize(
    ("filters", "found", "not_found"),
    [
        ({"organ": "brain"}, "mood", "chexpert"),  # of brain and abdomen
        ({"organ": "BRAIN"}, "adni", "lits"),
        ({"organ": "lung"}, "chexpert", "adni"),  # of the chest
        ({"organ": "cardiac"}, "acdc", "adni"),
        ({"task": "segmentation"}, "brats", "chexpert"),
        ({"task": "tumour segmentation"}, "brats", "mrbrains"),
        ({"task": "skull-stripping"}, "synthstrip", "brats"),
        ({"task": "classification"}, "octmnist", "brats"),
        ({"modality": "MRI"}, "acdc", "chexpert"),  # cine MRI
        ({"modality": "MR"}, "acdc", "chexpert"),
        ({"modality": "MRI"}, "msd/prostate", "lits"),
        ({"modality": "xray"}, "padchest", "lits"),
        ({"modality": "radiographs"}, "padchest", "lits"),
        ({"modality": "CT"}, "lits", "mrbrains"),
        ({"access": "application"}, "adni", "lits"),
    ],
)
def test_a_filter_finds_what_people_mean(filters: dict[str, str], found: str, not_found: str) -> None:
    result = names(**filters)
    assert found in result
    assert not_found not in result


@pytest.mark.parametrize(
    ("words", "found", "not_found"),
    [
        ("tumor", "msd/brain", "adni"),
        ("tumour", "brats", "adni"),
        ("tumors", "lits", "adni"),
        ("glioma", "brats", "lits"),
        ("Alzheimer", "adni", "hcp"),
        ("ct", "lits", "acdc"),  # which has structures
        ("kvasir", "medsegbench/kvasir", "medsegbench/wbc"),
        ("brain infant", "iseg2017", "brats"),
    ],
)
def test_words_may_stand_anywhere(words: str, found: str, not_found: str) -> None:
    result = names(words)
    assert found in result
    assert not_found not in result


def test_resources_are_kept_apart() -> None:
    found = catalog()
    assert len(found.resources) == 7
    assert len(found) == len(found.sets) + len(found.resources)
    assert catalog(organ="brain").resources == ()
    assert "resource_openneuro" in [entry.name for entry in catalog("neuro").resources]


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"organ": "brian"}, "no organ 'brian'. Did you mean 'brain'"),
        ({"task": "segmentaton"}, "Did you mean 'segmentation'"),
        ({"modality": "xrey"}, "Did you mean 'x-ray'"),
        ({"access": "opne"}, "Did you mean 'open'. Available: open, registration, application"),
        ({"access": ""}, "Available: open"),
    ],
)
def test_a_misspelt_filter_names_the_nearest(filters: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?").replace("'. T", r"'\? T")):
        catalog(**filters)


@pytest.mark.parametrize("arguments", [((3,), {}), ((), {"organ": 3}), ((None,), {})])
def test_what_is_no_string_is_refused(arguments: tuple[tuple[object, ...], dict[str, object]]) -> None:
    words, filters = arguments
    with pytest.raises(TypeError, match="can only be searched for strings"):
        catalog(*words, **filters)


def test_nothing_found_says_how_many_there_are_with_one_condition_less() -> None:
    found = catalog(organ="brain", modality="CT", access="application")
    assert list(found) == []
    assert len(found) == 0
    assert bool(found) is False
    without = {
        "organ 'brain'": len(names(modality="CT", access="application")),
        "modality 'CT'": len(names(organ="brain", access="application")),
        "access 'application'": len(names(organ="brain", modality="CT")),
    }
    assert ", ".join(f"{count} without {condition}" for condition, count in without.items()) in repr(found)
    assert catalog("brain").advice == ""


def test_a_word_that_stands_nowhere_is_answered_with_the_nearest() -> None:
    assert "No entry has the word 'gliona'. Did you mean 'glioma'" in catalog("gliona", organ="brain").advice


def test_a_search_can_be_searched() -> None:
    assert names(organ="heart", access="open") == [one.name for one in catalog(organ="heart").filter(access="open")]
    assert names("tumor", organ="brain") == [one.name for one in catalog(organ="brain").filter("tumor")]
    assert "1 without organ 'brain'" in catalog(organ="brain").filter("acdc").advice


@given(st.lists(st.sampled_from(["brain", "MRI", "segmentation", "open", "tumor", "ct", "lung"]), max_size=4))
def test_each_further_word_narrows_and_order_does_not_matter(words: list[str]) -> None:
    found = names(*words)
    assert found == names(*reversed(words)) == names(" ".join(words))
    assert set(found) <= set(names(*words[:-1]))
    assert found == [name for name in ALL if name in found]


def test_an_entry_is_found_by_name_or_title() -> None:
    everything = catalog()
    assert everything.entry("adni") is everything.entry("ADNI") is everything.entry("Adni")
    assert everything.entry("chestx-ray8 / chestx-ray14 (nih)").name == "chestxray14"
    assert all(everything.entry(name).name == name for name in ALL)
    with pytest.raises(UnknownDatasetError, match=r"no entry 'adnii'\. Did you mean 'adni'"):
        everything.entry("adnii")


def test_it_is_a_sequence() -> None:
    found = catalog(organ="brain")
    assert found[0] is next(iter(found))
    assert found[-1] in found
    assert isinstance(found[1:3], Catalog)
    assert list(found)[1:3] == list(found[1:3])
    assert found == pickle.loads(pickle.dumps(found))


def test_dicts_are_fit_for_json() -> None:
    dicts = catalog().to_dicts()
    assert [one["name"] for one in json.loads(json.dumps(dicts))] == ALL
    brats = catalog().entry("brats").to_dict()
    assert brats["listed"]["subjects"] == "~750"
    assert brats["certainty"] == "partly checked"


def test_texts_mark_what_is_not_checked() -> None:
    assert "(not checked)" in repr(catalog("Alzheimer"))
    assert "(not checked)" in catalog("Alzheimer")._repr_html_()
    assert "... and" in repr(catalog())
    assert repr(Catalog(())) == "The catalog is empty."


def test_html_has_a_row_and_a_link_for_each_entry() -> None:
    page = catalog(organ="brain")._repr_html_()
    assert len(catalog(organ="brain")) == page.count("<a href=") == page.count("<tr><td")
    assert "No entry of the catalog has" in catalog("nowhere")._repr_html_()


def test_searching_writes_nothing_and_opens_no_socket(audit) -> None:
    with audit() as seen:
        catalog("brain")
    assert seen.writes == []
    assert seen.network == []
