"""So many of each class, and folds: which samples they are, and how even, against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from medmnist_np.subsets import balanced_weights, some_per_class, stratified_folds

NAMES = ("a", "b", "c")
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 0, 0, 1], np.uint8)[:, None]


def counts(labels: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """Return how often each stratum is in each part, ``(k, strata)``."""
    _, stratum = np.unique(labels, axis=0, return_inverse=True)
    stratum = stratum.reshape(-1)
    return np.array([np.bincount(stratum[part], minlength=stratum.max() + 1) for part in parts])


# So many of each class


@given(st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_so_many_of_each_class_are_taken(n: int, seed: int) -> None:
    chosen = some_per_class(LABELS, n, seed, NAMES)
    assert [n] * 3 == np.bincount(LABELS[chosen, 0]).tolist()
    assert sorted(set(chosen.tolist())) == chosen.tolist()
    assert chosen.tolist() == some_per_class(LABELS, n, seed, NAMES).tolist()


def test_each_sample_of_a_class_is_as_likely() -> None:
    often = np.bincount(np.concatenate([some_per_class(LABELS, 1, seed, NAMES) for seed in range(2000)]))
    expected = 2000 / np.bincount(LABELS[:, 0])[LABELS[:, 0]]
    assert (np.abs(often - expected) < 5 * np.sqrt(expected)).all()


@pytest.mark.parametrize("n", [3, 100])
def test_a_class_with_fewer_is_named(n: int) -> None:
    with pytest.raises(ValueError, match=f"{n} samples of each class.* '[abc]' has "):
        some_per_class(LABELS, n, 0, NAMES)


def test_a_class_without_samples_is_named() -> None:
    with pytest.raises(ValueError, match="'d' has 0"):
        some_per_class(LABELS, 1, 0, (*NAMES, "d"))


@pytest.mark.parametrize("n", [0, -1, True, 1.0, "1", None])
def test_what_is_no_number_of_samples_is_refused(n: Any) -> None:
    with pytest.raises(ValueError, match=r"n is .*whole number of 1 or more"):
        some_per_class(LABELS, n, 0, NAMES)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    for function in (lambda: some_per_class(LABELS, 1, seed, NAMES), lambda: stratified_folds(LABELS, 2, seed)):
        with pytest.raises(ValueError, match="seed is"):
            function()


# Folds


@given(st.data(), st.integers(2, 6), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_folds_divide_the_samples_and_each_class_evenly(data: st.DataObject, k: int, width: int, seed: int) -> None:
    rows = st.lists(st.integers(0, 2), min_size=width, max_size=width)
    labels = np.array(data.draw(st.lists(rows, min_size=k, max_size=50)), np.uint8)
    parts = stratified_folds(labels, k, seed)
    assert (k, list(range(len(labels)))) == (len(parts), sorted(np.concatenate(parts).tolist()))
    assert all((np.diff(part) > 0).all() for part in parts)
    found = counts(labels, parts)
    assert np.ptp(found, axis=0).max() <= 1
    assert np.ptp(found.sum(axis=1)) <= 1
    assert all(
        one.tolist() == other.tolist() for one, other in zip(parts, stratified_folds(labels, k, seed), strict=True)
    )


@given(st.data(), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_groups_are_never_divided(data: st.DataObject, k: int, seed: int) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=k, max_size=60)), np.uint8)[:, None]
    n = len(labels)
    groups = np.array(data.draw(st.lists(st.integers(-5, 20), min_size=n, max_size=n)))
    if len(set(groups)) < k:
        with pytest.raises(ValueError, match=f"groups cannot be divided into {k} folds"):
            stratified_folds(labels, k, seed, groups)
        return
    parts = stratified_folds(labels, k, seed, groups)
    assert list(range(n)) == sorted(np.concatenate(parts).tolist())
    assert all(len(part) for part in parts)
    assert len(set(groups)) == sum(len(set(groups[part])) for part in parts)


@pytest.mark.parametrize("kind", [str, float, bytes])
def test_groups_may_be_of_any_kind(kind: Any) -> None:
    numbers = np.repeat(np.arange(10), 3)
    labels = np.tile([0, 1, 2], 10)[:, None]
    groups = [str(number).encode() if kind is bytes else kind(number) for number in numbers]
    parts = stratified_folds(labels, 5, 0, groups)
    assert [6] * 5 == [len(part) for part in parts]
    assert all(len(set(numbers[part])) == 2 for part in parts)


def test_other_seeds_divide_in_another_way() -> None:
    divisions = {tuple(map(tuple, stratified_folds(LABELS, 3, seed))) for seed in range(10)}
    groups = np.arange(10) // 2
    grouped = {tuple(map(tuple, stratified_folds(LABELS, 2, seed, groups))) for seed in range(10)}
    assert len(divisions) > 5
    assert len(grouped) > 1


def test_folds_are_as_even_as_those_of_scikit_learn() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        labels = random.choice(4, 101, p=[0.6, 0.25, 0.1, 0.05])[:, None]
        while np.bincount(labels[:, 0], minlength=4).min() < 5:
            labels = random.choice(4, 101, p=[0.6, 0.25, 0.1, 0.05])[:, None]
        theirs = [test for _, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(labels, labels[:, 0])]
        ours = stratified_folds(labels, 5, seed)
        assert np.ptp(counts(labels, ours), axis=0).max() <= np.ptp(counts(labels, theirs), axis=0).max()


def test_grouped_folds_are_about_as_even_as_those_of_scikit_learn() -> None:
    def unevenness(labels: np.ndarray, parts: list[np.ndarray]) -> float:
        found = counts(labels, parts)
        return float((found / found.sum(axis=0)).std(axis=0).mean())

    ours, theirs = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        sizes = random.geometric(0.2, 80)
        groups = np.repeat(np.arange(80), sizes)
        leaning = random.dirichlet([0.5, 0.3, 0.1], 80)
        labels = np.array([random.choice(3, p=leaning[group]) for group in groups])[:, None]
        ours.append(unevenness(labels, stratified_folds(labels, 5, seed, groups)))
        split = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels[:, 0], groups)
        theirs.append(unevenness(labels, [test for _, test in split]))
    assert np.mean(ours) <= 1.1 * np.mean(theirs)


@settings(max_examples=30)
@given(st.integers(2, 5), st.integers(0, 1000))
def test_groups_of_one_sample_are_divided_evenly(k: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, (60, 1))
    parts = stratified_folds(labels, k, seed, np.arange(60))
    assert np.ptp(counts(labels, parts), axis=0).max() <= 1


@pytest.mark.parametrize("k", [1, 0, -3, True, 2.5, "2", None])
def test_what_is_no_number_of_folds_is_refused(k: Any) -> None:
    with pytest.raises(ValueError, match=r"k is .*whole number of 2 or more"):
        stratified_folds(LABELS, k, 0)


def test_more_folds_than_samples_or_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="10 samples cannot be divided into 11 folds"):
        stratified_folds(LABELS, 11, 0)
    with pytest.raises(ValueError, match="2 groups cannot be divided into 3 folds"):
        stratified_folds(LABELS, 3, 0, np.arange(10) % 2)
    with pytest.raises(ValueError, match="0 samples cannot"):
        stratified_folds(LABELS[:0], 2, 0)
    assert [1] * 10 == [len(part) for part in stratified_folds(LABELS, 10, 0)]


@pytest.mark.parametrize("missing", ["", " ", None, np.nan, "nan", "None"])
def test_a_sample_without_a_group_is_refused(missing: Any) -> None:
    groups = [*map(str, range(9)), missing]
    with pytest.raises(ValueError, match=r"The sample 9 has no group: groups\[9\] is "):
        stratified_folds(LABELS, 2, 0, groups)


@pytest.mark.parametrize("groups", [np.arange(9), np.zeros((10, 1)), 3, []], ids=repr)
def test_groups_of_another_length_are_refused(groups: Any) -> None:
    with pytest.raises(ValueError, match="one for each of the 10 samples"):
        stratified_folds(LABELS, 2, 0, groups)


# Weights


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_balanced_weights_make_each_class_as_likely(classes: list[int]) -> None:
    labels = np.array(classes, np.uint8)[:, None]
    weights = balanced_weights(labels)
    shares = np.bincount(classes, weights)[np.unique(classes)]
    assert (np.float64, (len(classes),)) == (weights.dtype.type, weights.shape)
    assert np.allclose(1, shares)
