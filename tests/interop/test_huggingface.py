"""Hugging Face datasets: an export with features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import huggingface, to_huggingface
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
    with pytest.raises(ValueError, match="No sample of breastmnist train is selected"):
        to_huggingface(mm.Dataset("breastmnist")[:0], cache_dir=tmp_path)
