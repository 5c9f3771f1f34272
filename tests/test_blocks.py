from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np import _sequences as module
from medmnist_np._sequences import blocks


@given(n=st.integers(0, 50), side=st.integers(1, 9), block_bytes=st.integers(1, 500))
def test_blocks_are_the_whole_array_in_order(n: int, side: int, block_bytes: int) -> None:
    images = np.random.default_rng(n).integers(0, 256, (n, side, side), dtype=np.uint8)
    done: list[int] = []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BYTES", block_bytes)
        parts = list(blocks(images, done.append))

    assert np.array_equal(images, np.concatenate([images[:0], *(part for _, part in parts)]))
    assert all(np.array_equal(images[where], part) for where, part in parts)
    assert all(part.nbytes <= max(block_bytes, side * side) for _, part in parts)
    assert images.nbytes == sum(done)


def map_of(images: np.ndarray, folder: Path, mode: Any) -> np.ndarray:
    np.save(folder / "images.npy", images)
    return np.load(folder / "images.npy", mmap_mode=mode)


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssFile"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process holds is read from Linux")
@pytest.mark.parametrize("plain", [False, True])
def test_memory_stays_flat_over_a_memory_map(tmp_path: Path, plain: bool) -> None:
    images = map_of(np.ones((400, 400, 500), dtype=np.uint8), tmp_path, "r")
    before = resident_bytes()

    for _, part in blocks(np.asarray(images)[1:] if plain else images):
        assert part.any()
        assert resident_bytes() - before < images.nbytes / 4


def test_changes_to_a_copy_on_write_map_are_kept(tmp_path: Path) -> None:
    images = map_of(np.zeros((30, 1000, 1000), dtype=np.uint8), tmp_path, "c")
    images[:] = 7
    images.flags.writeable = False

    assert [7] * 30 == [int(part.min()) for _, rows in blocks(images) for part in rows]
    assert (images == 7).all()


def test_blocks_of_a_map_that_is_sliced_and_turned_are_right(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 99, 101), dtype=np.uint8)
    mapped = map_of(images, tmp_path, "r")

    for view in (np.s_[7:200], np.s_[::-1], np.s_[:, ::2], np.s_[::3, 1:, 5:]):
        assert np.array_equal(images[view], np.concatenate([part.copy() for _, part in blocks(mapped[view])]))


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((2, 3, 3)), r"float64 of shape \(2, 3, 3\)"),
        (np.zeros((2,), np.uint8), r"uint8 of shape \(2,\)"),
        (np.zeros((2, 0, 3), np.uint8), r"uint8 of shape \(2, 0, 3\)"),
        ([[1, 2]], "list"),
    ],
)
def test_what_are_no_images_is_refused(images: Any, found: str) -> None:
    with pytest.raises(ValueError, match=f"The images must be an array .* uint8, not {found}"):
        list(blocks(images))
