"""Labels and masks of any integer dtype and memory order become class numbers in uint8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medmnist_np.cache.manifest import StoredArray
from medmnist_np.cache.npz import class_numbers
from medmnist_np.errors import ArchiveError

LABELS = np.random.default_rng(0).integers(0, 9, (50, 3))


def rewritten(values: NDArray[Any], highest: int, folder: Path, *, binarise: bool = False) -> NDArray[Any]:
    file = folder / "labels.npy"
    np.save(file, values)
    stored = StoredArray(file.name, values.shape, values.dtype.str, "C", 128, file.stat().st_size, "", "")
    after = class_numbers(file, stored, highest, binarise=binarise)
    found = np.load(file)
    assert found.dtype.str == "|u1"
    assert found.shape == after.shape
    return np.asarray(found)


@pytest.mark.parametrize("dtype", ["|u1", "|i1", "<u2", ">i4", "<i8", ">u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_class_numbers_are_the_same_in_any_dtype_and_memory_order(dtype: str, order: Any, tmp_path: Path) -> None:
    assert np.array_equal(LABELS, rewritten(np.array(LABELS, dtype, order=order), 8, tmp_path))


def test_everything_but_0_is_1_where_masks_are_binarised(tmp_path: Path) -> None:
    assert np.array_equal(LABELS != 0, rewritten(LABELS - 4 * (LABELS > 5), 1, tmp_path, binarise=True))


def test_an_empty_split_has_no_wrong_value(tmp_path: Path) -> None:
    assert rewritten(np.zeros((0, 3), np.int64), 1, tmp_path).shape == (0, 3)


@pytest.mark.parametrize("value", [9, 255, -1, 256, -256])
def test_a_value_that_is_no_class_is_refused(value: int, tmp_path: Path) -> None:
    labels = LABELS.copy()
    labels[-1, -1] = value
    with pytest.raises(ArchiveError, match=f"go from {labels.min()} to {labels.max()}, .* are 0 to 8"):
        rewritten(labels, 8, tmp_path)
