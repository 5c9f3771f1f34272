from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medmnist_np.builder.splitting import divide

RATIOS = st.lists(st.floats(0.5, 10), min_size=2, max_size=4)


@given(st.lists(st.integers(0, 4), min_size=4, max_size=200), RATIOS, st.integers(0, 5))
def test_the_samples_of_each_class_are_divided_by_the_ratio(classes, ratio, seed) -> None:
    labels = np.array(classes)[:, None]
    part_of = divide(labels, ratio, seed)
    assert (len(classes),) == part_of.shape
    shares = np.array(ratio) / sum(ratio)
    for number, n in Counter(classes).items():
        counts = np.bincount(part_of[labels[:, 0] == number], minlength=len(ratio))
        # Each part gets a sample of each class that has so many, whatever its share.
        assert abs(counts - n * shares).max() <= max(2, len(ratio) - 1)
        assert n < len(ratio) or counts.min() > 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=40, max_size=200), RATIOS, st.integers(0, 5))
def test_no_group_is_ever_divided(samples, ratio, seed) -> None:
    labels = np.array([[label] for label, _ in samples])
    groups = [f"patient {group}" for _, group in samples]
    if len(set(groups)) < len(ratio):
        return
    part_of = divide(labels, ratio, seed, groups)
    assert len(set(groups)) == len(set(zip(groups, part_of.tolist(), strict=True)))
    assert set(range(len(ratio))) == set(part_of.tolist())


def test_with_many_small_groups_the_shares_of_classes_are_close() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, p=[0.7, 0.25, 0.05], size=(3000, 1))
    groups = rng.integers(900, size=3000).astype(str)
    part_of = divide(labels, (7, 1, 2), 0, groups)
    for number in range(3):
        counts = np.bincount(part_of[labels[:, 0] == number], minlength=3)
        assert abs(counts / counts.sum() - [0.7, 0.1, 0.2]).max() < 0.01


def test_rare_combinations_of_findings_do_not_all_go_into_the_largest_part() -> None:
    labels = np.random.default_rng(0).integers(2, size=(1000, 20))  # nearly all are different
    assert [700, 100, 200] == np.bincount(divide(labels, (7, 1, 2), 0)).tolist()


def test_a_seed_is_a_seed() -> None:
    labels = np.zeros((50, 1), dtype=int)
    first, again, other = (divide(labels, (7, 1, 2), seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("ratio", [(), (1,), (7, 0, 2), (7, -1), (float("nan"), 1), (float("inf"), 1)])
def test_parts_are_of_a_positive_size(ratio) -> None:
    with pytest.raises(ValueError, match="positive numbers"):
        divide(np.zeros((50, 1), dtype=int), ratio, 0)


def test_there_are_as_many_samples_or_groups_as_parts() -> None:
    with pytest.raises(ValueError, match="2 samples cannot be divided into 3 parts"):
        divide(np.zeros((2, 1), dtype=int), (7, 1, 2), 0)
    with pytest.raises(ValueError, match="2 groups cannot be divided into 3 parts"):
        divide(np.zeros((4, 1), dtype=int), (7, 1, 2), 0, ["a", "a", "b", "b"])
