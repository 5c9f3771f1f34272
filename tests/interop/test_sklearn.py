"""scikit-learn: two arrays in memory."""

from __future__ import annotations

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import sklearn as adapter, to_sklearn
from tests.interop.cases import CASES, expected

pytestmark = pytest.mark.usefixtures("fakes")


@pytest.mark.parametrize("case", CASES)
def test_images_are_rows_and_labels_a_column_less(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    rows, found = to_sklearn(ds)
    assert np.array_equal(images.reshape(len(ds), -1), rows)
    assert np.array_equal(labels if ds.record.multi_label else labels[:, 0], found)
    assert np.uint8 == rows.dtype
    assert np.int64 == found.dtype
    assert rows.flags.writeable is True
    assert found.flags.writeable is True


def test_images_may_keep_their_shape() -> None:
    ds = mm.Dataset("retinamnist")
    assert np.array_equal(ds.images, to_sklearn(ds, flatten=False)[0])


def test_a_scale_gives_float32(monkeypatch) -> None:
    monkeypatch.setattr(adapter, "_BLOCK_BYTES", 5000)  # so that there are several blocks, the last a short one
    ds = mm.Dataset("breastmnist")
    rows, _ = to_sklearn(ds, scale=1 / 255)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.array(ds.images).reshape(37, -1) / 255, rows, rtol=1e-6)


def test_a_scale_with_whole_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="float"):
        to_sklearn(mm.Dataset("breastmnist"), dtype="uint8", scale=2)


def test_what_does_not_fit_in_memory_is_refused_before_anything_is_read(monkeypatch) -> None:
    monkeypatch.setattr(adapter, "memory_bytes", lambda: 100_000)
    with pytest.raises(MemoryError, match="37 images as float32 take 116,032 bytes, but this machine has 100,000"):
        to_sklearn(mm.Dataset("breastmnist"), dtype="float32")
    assert to_sklearn(mm.Dataset("breastmnist"))[0].nbytes == 37 * 784


def test_a_system_that_does_not_tell_its_memory_refuses_nothing(monkeypatch) -> None:
    monkeypatch.delattr("os.sysconf", raising=False)  # as on Windows
    assert to_sklearn(mm.Dataset("breastmnist"))[0].shape == (37, 784)


def test_nothing_may_be_selected() -> None:
    rows, found = to_sklearn(mm.Dataset("breastmnist")[:0])
    assert rows.shape == (0, 784)
    assert found.shape == (0,)


@pytest.mark.framework
def test_an_estimator_takes_them() -> None:
    linear_model = pytest.importorskip(
        "sklearn.linear_model", reason="needs scikit-learn: pip install 'medmnist-np[interop]'"
    )
    rows, found = to_sklearn(mm.Dataset("breastmnist"), scale=1 / 255)
    model = linear_model.LogisticRegression(max_iter=500).fit(rows, found)
    assert model.score(rows, found) > 0.9
