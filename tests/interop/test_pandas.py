"""pandas: labels and positions as a table."""

from __future__ import annotations

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_pandas
from tests.interop.cases import CASES

pandas = pytest.importorskip("pandas", reason="needs pandas: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


@pytest.mark.parametrize("case", CASES)
def test_a_row_is_a_sample(case: str) -> None:
    ds = CASES[case]()
    table = to_pandas(ds)
    assert list(range(len(ds))) == table.index.tolist()
    assert ds.positions.tolist() == table["position"].tolist()
    if ds.record.multi_label:
        assert np.array_equal(ds.labels, table[list(ds.class_names)].to_numpy())
    else:
        assert ds.labels[:, 0].tolist() == table["label"].tolist()
        assert [ds.decode(label) for label in ds.labels] == table["class_name"].tolist()


def test_a_class_that_is_absent_is_still_a_category() -> None:
    table = to_pandas(mm.Dataset("retinamnist")[:1])
    assert list(mm.info("retinamnist").class_names) == list(table["class_name"].cat.categories)


def test_rows_select_samples() -> None:
    ds = mm.Dataset("breastmnist")
    table = to_pandas(ds)
    malignant = ds[table.index[table["class_name"] == "malignant"]]
    assert {"malignant": len(malignant), "normal, benign": 0} == malignant.class_counts()


def test_a_transform_of_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="to_pandas returns stored labels"):
        to_pandas(mm.Dataset("breastmnist", target_transform=float))


def test_a_transform_of_images_does_not_matter() -> None:
    assert len(to_pandas(mm.Dataset("breastmnist", transform=float))) == len(mm.Dataset("breastmnist"))


def test_nothing_may_be_selected() -> None:
    assert to_pandas(mm.Dataset("breastmnist")[:0]).empty
