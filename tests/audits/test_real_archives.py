"""The audit of real archives, which ``MEDMNIST_NP_TEST_DATA`` names; the figures stand in docs/audit.md too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import medmnist_np as mm
from medmnist_np.audits import ExactDuplicates, NearPair, Place, audit


def counted(near: Sequence[NearPair]) -> tuple[int, int, int]:
    """Return how many pairs there are, those in several splits, and those with different labels."""
    return len(near), sum(pair.crosses for pair in near), sum(pair.contradicts for pair in near)


@pytest.mark.parametrize(
    ("name", "of_all", "below_two"),
    [("breastmnist", (176, 94, 7), (51, 28, 3)), ("retinamnist", (258, 96, 113), (26, 0, 0))],
)
def test_near_pairs_of_real_archives(
    real_archives: Path, name: str, of_all: tuple[int, int, int], below_two: tuple[int, int, int]
) -> None:
    near = audit(real_archives / f"{name}.npz").near or ()
    assert of_all == counted(near)
    assert below_two == counted([pair for pair in near if pair.difference < 2])


def test_between_copies_and_others_retinamnist_has_a_gap(real_archives: Path) -> None:
    near = audit(real_archives / "retinamnist.npz").near or ()
    assert near[25].difference < 2
    assert near[26].difference > 4


def test_an_image_of_breastmnist_is_malignant_in_train_and_benign_in_test(real_archives: Path) -> None:
    result = audit(real_archives / "breastmnist.npz")
    same = ExactDuplicates((Place("train", 115), Place("test", 76)), ((0,), (1,)))
    assert (same,) == result.duplicates
    assert (same,) == result.conflicts
    assert result.blank == ()
    assert {split: one.tolist() for split, one in result.leaks.items()} == {"train": [115], "val": [], "test": []}
    assert mm.info("breastmnist") == result.record
    assert [one.class_counts for one in result.splits.values()] == [(147, 399), (21, 57), (42, 114)]


@pytest.mark.parametrize("name", ["retinamnist", "adrenalmnist3d", "adrenalmnist3d_64"])
def test_no_image_of_the_others_is_there_twice_or_blank(real_root: Path, name: str) -> None:
    result = audit(name, root=real_root, download=True)
    assert result.duplicates == ()
    assert result.blank == ()
    assert result.bad_labels == ()
    assert not any(map(len, result.leaks.values()))
    assert ("adrenal" in name) == (result.near is None)
