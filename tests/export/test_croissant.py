"""Croissant: descriptions that other tools read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.registry.user_records import record_of
from medmnist_np.testing import make_archive
from tests.registry.test_user_records import TABLE

NAMES = [
    record.qualified_name
    for collection in (None, "medsegbench", "msd", "amos", "brats")
    for record in registry.datasets(collection=collection)
]

# mlcroissant still uses a name that rdflib has renamed.
of_rdflib = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")


def described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(mm.info(name).to_croissant()))
    return found


def test_archives_have_address_checksum_and_size() -> None:
    archive, arrays = described("breastmnist")["distribution"][:2]
    assert archive["contentUrl"] == "https://zenodo.org/records/10519652/files/breastmnist.npz?download=1"
    assert archive["md5"] == "750601b1f35ba3300ea97c75c52ff8f6"
    assert archive["sha256"] == "3a22d2a4625e7dd8903f0f59030e81a3d0c222bece2e5e10927456cb50efdec1"
    assert archive["contentSize"] == "559580 B"
    assert arrays["containedIn"] == {"@id": "breastmnist.npz"}


def test_there_is_one_archive_for_each_size() -> None:
    files = [part["@id"] for part in described("organmnist3d")["distribution"] if part["@type"] == "cr:FileObject"]
    assert files == ["organmnist3d.npz", "organmnist3d_64.npz"]


def test_classes_and_splits_are_data() -> None:
    classes, splits = described("breastmnist")["recordSet"][:2]
    assert classes["data"][0] == {"classes/label": 0, "classes/name": "malignant"}
    assert splits["data"][2] == {"splits/name": "test", "splits/samples": 156}


@pytest.mark.parametrize(
    ("name", "license_"),
    [
        ("pathmnist", "https://creativecommons.org/licenses/by/4.0/"),
        ("dermamnist", "https://creativecommons.org/licenses/by-nc/4.0/"),
        ("msd/liver", "https://creativecommons.org/licenses/by-sa/4.0/"),
    ],
)
def test_a_creative_commons_license_is_an_address(name: str, license_: str) -> None:
    assert described(name)["license"] == license_


def test_a_set_that_cannot_be_downloaded_has_no_distribution() -> None:
    assert "distribution" not in described("brats2021")


def test_the_path_of_a_file_on_this_machine_is_not_published() -> None:
    archives = {"28": {**TABLE["archives"]["28"], "url": "file:///home/me/moles.npz"}}
    (file, _) = record_of({**TABLE, "archives": archives}, "here").to_croissant()["distribution"]
    assert file["contentUrl"] == "moles.npz"


@pytest.mark.framework
@of_rdflib
@pytest.mark.parametrize("name", NAMES)
def test_mlcroissant_accepts_every_record(name: str) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs mlcroissant: pip install mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=described(name))
    assert not dataset.metadata.ctx.issues.errors
    assert len(list(dataset.records("classes"))) == mm.info(name).n_classes


@pytest.mark.framework
@of_rdflib
def test_mlcroissant_accepts_a_set_of_your_own() -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs mlcroissant: pip install mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=record_of(TABLE, "here").to_croissant())
    assert [record["splits/name"] for record in dataset.records("splits")] == ["train", "test"]


@pytest.mark.framework
@of_rdflib
def test_mlcroissant_finds_the_arrays_in_an_archive(tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs mlcroissant: pip install mlcroissant")
    record = make_archive(tmp_path, "breastmnist")
    mapping = {"breastmnist.npz": str(tmp_path / "breastmnist.npz")}
    dataset = mlcroissant.Dataset(jsonld=record.to_croissant(), mapping=mapping)
    found = {found["arrays_28/file"]: found["arrays_28/split"] for found in dataset.records("arrays_28")}
    assert found[b"val_labels.npy"] == b"val"
    assert len(found) == 6
