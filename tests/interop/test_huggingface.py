"""Hugging Face datasets: an export with features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import huggingface, huggingface_card, to_huggingface
from tests.interop.cases import CASES, expected

datasets = pytest.importorskip("datasets", reason="needs Hugging Face datasets: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


@pytest.mark.parametrize("case", CASES)
def test_what_is_exported_comes_back(case: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(huggingface, "_BLOCK_BYTES", 10_000)  # so that there are several blocks
    ds = CASES[case]()
    images, labels = expected(ds)
    exported = to_huggingface(ds, cache_dir=tmp_path).with_format("numpy")
    assert len(ds) == len(exported)
    assert np.array_equal(images, exported["image" if ds.record.ndim == 2 else "volume"][:])
    if ds.record.multi_label:
        found = [np.isin(np.arange(14), row).astype(int).tolist() for row in exported["labels"]]
        assert labels.tolist() == found
    else:
        assert labels[:, 0].tolist() == exported["label"][:].tolist()


def test_columns_know_what_they_are(tmp_path: Path) -> None:
    record = mm.info("retinamnist")
    exported = to_huggingface(mm.Dataset("retinamnist", "val"), cache_dir=tmp_path)
    assert isinstance(exported.features["image"], datasets.Image)
    assert list(record.class_names) == exported.features["label"].names
    assert record.license == exported.info.license
    assert str(exported.split) == "validation"
    assert "@article" in exported.info.citation
    assert exported[0]["image"].size == (28, 28)


def test_nothing_is_written_elsewhere(tmp_path: Path, audit) -> None:
    with audit() as seen:
        to_huggingface(mm.Dataset("breastmnist"), cache_dir=tmp_path)
    outside = [path for path in seen.opened_for_writing if not Path(path).is_relative_to(tmp_path)]
    assert outside == []


def test_two_selections_are_two_exports(tmp_path: Path) -> None:
    ds = mm.Dataset("breastmnist")
    assert tuple(len(to_huggingface(ds[:n], cache_dir=tmp_path)) for n in (4, 5)) == (4, 5)


def test_an_empty_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No samples of breastmnist train are selected"):
        to_huggingface(mm.Dataset("breastmnist")[:0], cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "license_", "task"),
    [
        ("breastmnist", "cc-by-4.0", "image-classification"),
        ("dermamnist", "cc-by-nc-4.0", "image-classification"),
        ("msd/liver", "cc-by-sa-4.0", "image-segmentation"),
        ("medsegbench/kvasir", "other", "image-segmentation"),
    ],
)
def test_the_header_of_a_card_is_what_the_hub_expects(name: str, license_: str, task: str) -> None:
    # Hugging Face's own reader of these headers.
    card = pytest.importorskip("huggingface_hub", reason="comes with datasets").DatasetCard(
        huggingface_card(mm.info(name))
    )
    assert card.data.license == license_
    assert card.data.task_categories == [task]


@pytest.mark.parametrize(("n", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (112_120, "100K<n<1M")])
def test_the_header_of_a_card_has_a_size_category(n: int, size: str) -> None:
    record = replace(mm.info("breastmnist"), n_samples={"train": n})
    assert f"\nsize_categories: [{size}]\n" in huggingface_card(record)


def test_a_card_has_splits_classes_and_citation() -> None:
    record = mm.info("breastmnist")
    text = huggingface_card(record)
    assert f"| train | {record.n_samples['train']} |" in text
    assert "| 0 | malignant |" in text
    assert "@inproceedings{medmnistv1," in text
