"""So many of each class, divisions and folds: which samples they are, and how even, against chance and scikit-learn."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from medmnist_np.data.subsets import (
    absent_from,
    balanced_weights,
    dirichlet_parts,
    divide,
    group_parts,
    iid_parts,
    shard_parts,
    some_per_class,
    stratified_folds,
)

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
    with pytest.raises(ValueError, match=f"{n} samples per class.* '[abc]' has "):
        some_per_class(LABELS, n, 0, NAMES)


def test_a_class_without_samples_is_named() -> None:
    with pytest.raises(ValueError, match="'d' has 0"):
        some_per_class(LABELS, 1, 0, (*NAMES, "d"))


@pytest.mark.parametrize("n", [0, -1, True, 1.0, "1", None])
def test_an_invalid_number_of_samples_is_rejected(n: Any) -> None:
    with pytest.raises(ValueError, match=r"n must be an integer of 1 or more"):
        some_per_class(LABELS, n, 0, NAMES)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None])
def test_an_invalid_seed_is_rejected(seed: Any) -> None:
    for function in (lambda: some_per_class(LABELS, 1, seed, NAMES), lambda: stratified_folds(LABELS, 2, seed)):
        with pytest.raises(ValueError, match="seed must be"):
            function()


# Divisions

RATIOS = st.lists(st.floats(0.5, 10), min_size=2, max_size=4)


def chest_like(n: int) -> np.ndarray:
    """Return the zeros and ones of 14 findings that go together and are about as frequent as those of ChestMNIST."""
    often = [0.1, 0.025, 0.12, 0.18, 0.05, 0.056, 0.012, 0.046, 0.04, 0.02, 0.022, 0.015, 0.03, 0.002]
    random = np.random.default_rng(0)
    ill = random.gamma(0.7, 1 / 0.7, (n, 1))
    return (random.random((n, 14)) < ill * often).astype(np.uint8)


@given(st.lists(st.integers(0, 4), min_size=4, max_size=200), RATIOS, st.integers(0, 5))
def test_the_samples_of_each_class_are_divided_by_the_ratio(classes, ratio, seed) -> None:
    labels = np.array(classes)[:, None]
    part_of = divide(labels, ratio, seed)
    assert (len(classes),) == part_of.shape
    assert set(range(len(ratio))) == set(part_of.tolist())
    shares = np.array(ratio) / sum(ratio)
    for number, n in Counter(classes).items():
        counts = np.bincount(part_of[labels[:, 0] == number], minlength=len(ratio))
        # Every part gets a sample, whatever its share.
        assert abs(counts - n * shares).max() <= max(len(ratio) - 1, 1)


@pytest.mark.parametrize("common", [0, 15, 30])
def test_many_small_classes_take_nothing_from_a_common_one_whatever_its_number(common: int) -> None:
    classes = np.repeat(np.delete(np.arange(31), common), 3)
    labels = np.append(classes, np.full(300, common))[:, None]
    for seed in range(20):
        part_of = divide(labels, (8, 1, 1), seed)
        assert np.bincount(part_of[labels[:, 0] == common]).tolist() == [240, 30, 30]
        assert np.bincount(part_of).tolist() == [312, 39, 39]


def test_a_small_class_is_in_each_part_as_often_as_by_chance() -> None:
    labels = np.repeat([0, 1], [3, 57])[:, None]
    found = np.array([np.bincount(divide(labels, (8, 1, 1), seed)[:3], minlength=3) for seed in range(1500)])
    spread = np.sqrt(3 * np.array([0.8, 0.1, 0.1]) * np.array([0.2, 0.9, 0.9]) / 1500)
    assert (abs(found.mean(axis=0) - [2.4, 0.3, 0.3]) < 4 * spread).all()


@pytest.mark.parametrize("grouped", [False, True])
def test_each_sample_is_as_likely_to_be_in_a_part_whatever_its_labels(grouped: bool) -> None:
    labels = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0], *[[0, 0, 0]] * 10])
    groups = [*"aaabcd", *"efghijklmn"[:10]] if grouped else None
    n = 3000
    often = np.array([divide(labels, (7, 1, 2), seed, groups) for seed in range(n)])
    for part, share in enumerate((0.7, 0.1, 0.2)):
        assert abs((often == part).mean(axis=0) - share).max() < 4.5 * np.sqrt(share * (1 - share) / n)


def test_findings_and_pairs_of_them_are_shared_out_without_bias_and_more_evenly_than_by_chance() -> None:
    labels = chest_like(3000).astype(np.int64)
    expected = 0.1 * labels.T @ labels
    ours, plain = [], []
    for seed in range(40):
        val = labels[divide(labels, (7, 1, 2), seed) == 1]
        assert len(val) == 300
        ours.append(val.T @ val)
        by_chance = labels[np.random.default_rng(seed).permutation(3000)[:300]]
        plain.append(by_chance.T @ by_chance)
    single = np.eye(14, dtype=bool)
    off, off_by_chance = np.array(ours) - expected, np.array(plain) - expected
    assert abs(off[:, single]).max() < 4
    assert abs(off[:, single]).mean() < 0.25 * abs(off_by_chance[:, single]).mean()
    assert abs(off[:, ~single]).mean() < 0.9 * abs(off_by_chance[:, ~single]).mean()
    # 40 divisions of 300: the mean of all pairs is known to about 1 %.
    assert abs(off[:, ~single].mean() / expected[~single].mean()) < 0.04
    assert abs(off[:, single].mean() / expected[single].mean()) < 0.01


@pytest.mark.parametrize("grouped", [False, True])
def test_other_numbers_of_the_classes_or_names_of_the_groups_give_the_same_division(grouped: bool) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(9, size=(200, 1))
    groups = random.integers(60, size=200) if grouped else None
    renamed = None if groups is None else [f"patient {number}" for number in groups]  # sorted otherwise
    renumbered = random.permutation(9)[labels]
    first = divide(labels, (7, 1, 2), 0, groups)
    assert first.tolist() == divide(renumbered, (7, 1, 2), 0, renamed).tolist()
    findings = chest_like(200)
    mixed = findings[:, random.permutation(14)]
    assert divide(findings, (7, 1, 2), 0, groups).tolist() == divide(mixed, (7, 1, 2), 0, renamed).tolist()
    folds = [
        [part.tolist() for part in stratified_folds(one, 4, 0, g)]
        for one, g in ((labels, groups), (renumbered, renamed))
    ]
    assert folds[0] == folds[1]


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


def test_large_groups_are_as_often_in_a_small_part_as_small_groups() -> None:
    sizes = np.tile([1, 2, 9], 20)
    groups = np.repeat(np.arange(60), sizes)
    labels = np.random.default_rng(0).integers(3, size=60)[groups][:, None]
    first = np.cumsum(sizes) - sizes
    in_val = np.array([divide(labels, (7, 1, 2), seed, groups)[first] == 1 for seed in range(400)]).mean(axis=0)
    assert np.allclose([0.1] * 3, in_val.reshape(20, 3).mean(axis=0), atol=0.015)


@pytest.mark.parametrize(
    ("ratio", "n_groups", "sizes"), [((7, 1, 2), 10, [7, 1, 2]), ((7, 1, 2), 5, [3, 1, 1]), ((0.85, 0.15), 20, [17, 3])]
)
def test_a_few_groups_are_divided_as_well_as_whole_groups_can_be(ratio, n_groups, sizes) -> None:
    part_of = divide(np.zeros((n_groups, 1), dtype=int), ratio, 0, np.arange(n_groups))
    assert sizes == np.bincount(part_of).tolist()


def test_many_combinations_of_findings_are_divided_by_the_ratio() -> None:
    labels = np.random.default_rng(0).integers(2, size=(1000, 20))  # nearly all are different
    part_of = divide(labels, (7, 1, 2), 0)
    assert np.bincount(part_of).tolist() == [700, 100, 200]
    assert abs(labels[part_of == 1].sum(axis=0) - 0.1 * labels.sum(axis=0)).max() < 4


def test_a_seed_is_a_seed() -> None:
    labels = np.zeros((50, 1), dtype=int)
    first, again, other = (divide(labels, (7, 1, 2), seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_there_are_as_many_samples_or_groups_as_parts() -> None:
    with pytest.raises(ValueError, match="2 samples cannot be divided into 3 parts"):
        divide(np.zeros((2, 1), dtype=int), (7, 1, 2), 0)
    with pytest.raises(ValueError, match="2 groups cannot be divided into 3 parts"):
        divide(np.zeros((4, 1), dtype=int), (7, 1, 2), 0, ["a", "a", "b", "b"])


def test_classes_that_are_missing_from_some_parts_are_named() -> None:
    labels = np.array([0, 1, 0, 1, 0, 0])[:, None]
    assert absent_from([np.array([0, 1, 2]), np.array([4, 5])], labels, NAMES) == {"b": 1}
    findings = np.array([[0, 0, 1], [0, 1, 1]])
    assert absent_from([np.array([0]), np.array([1])], findings, NAMES) == {"b": 1}


# Folds


@given(st.data(), st.integers(2, 6), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_folds_divide_the_samples_and_each_class_evenly(data: st.DataObject, k: int, width: int, seed: int) -> None:
    rows = st.lists(st.integers(0, 2), min_size=width, max_size=width)
    labels = np.array(data.draw(st.lists(rows, min_size=k, max_size=50)), np.uint8)
    parts = stratified_folds(labels, k, seed)
    assert k == len(parts)
    assert list(range(len(labels))) == sorted(np.concatenate(parts).tolist())
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
        with pytest.raises(ValueError, match=f"groups cannot be divided into {k} parts"):
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
def test_an_invalid_number_of_folds_is_rejected(k: Any) -> None:
    with pytest.raises(ValueError, match=r"k must be an integer of 2 or more"):
        stratified_folds(LABELS, k, 0)


def test_more_folds_than_samples_or_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="10 samples cannot be divided into 11 parts"):
        stratified_folds(LABELS, 11, 0)
    with pytest.raises(ValueError, match="2 groups cannot be divided into 3 parts"):
        stratified_folds(LABELS, 3, 0, np.arange(10) % 2)
    with pytest.raises(ValueError, match="0 samples cannot"):
        stratified_folds(LABELS[:0], 2, 0)
    assert [1] * 10 == [len(part) for part in stratified_folds(LABELS, 10, 0)]


@pytest.mark.parametrize("missing", ["", " ", None, np.nan, "nan", "None"])
def test_a_sample_without_a_group_is_refused(missing: Any) -> None:
    groups = [*map(str, range(9)), missing]
    with pytest.raises(ValueError, match=r"Sample 9 has no group \(the value is "):
        stratified_folds(LABELS, 2, 0, groups)


@pytest.mark.parametrize("groups", [np.arange(9), np.zeros((10, 1)), 3, []], ids=repr)
def test_groups_of_another_length_are_refused(groups: Any) -> None:
    with pytest.raises(ValueError, match="Give one group for each of the 10 samples"):
        stratified_folds(LABELS, 2, 0, groups)


def test_groups_with_an_index_in_another_order_are_refused() -> None:
    groups = pd.Series(range(10)).sort_values(ascending=False)
    with pytest.raises(ValueError, match=r"The index of groups is not in order.*\.to_numpy\(\)"):
        stratified_folds(LABELS, 2, 0, groups)


def test_an_index_that_does_not_number_the_samples_is_ignored() -> None:
    groups = pd.Series(range(10), index=range(20, 10, -1))
    assert all(map(np.array_equal, stratified_folds(LABELS, 2, 0, groups), stratified_folds(LABELS, 2, 0, range(10))))


def test_masked_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="groups is a masked array with masked values"):
        stratified_folds(LABELS, 2, 0, np.ma.masked_equal(np.arange(10), 3))


# Weights


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_balanced_weights_make_each_class_as_likely(classes: list[int]) -> None:
    labels = np.array(classes, np.uint8)[:, None]
    weights = balanced_weights(labels)
    shares = np.bincount(classes, weights)[np.unique(classes)]
    assert np.float64 == weights.dtype.type
    assert (len(classes),) == weights.shape
    assert np.allclose(1, shares)


# Clients of a federation

MANY = np.repeat(np.arange(4), [400, 300, 200, 100])[:, None].astype(np.uint8)


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5, 10.0, 1000.0]))
def test_each_sample_goes_to_exactly_one_client(n: int, seed: int, alpha: float) -> None:
    for parts in (
        iid_parts(len(MANY), n, seed),
        dirichlet_parts(MANY, n, alpha, 0, seed),
        shard_parts(MANY, n, 2, seed),
        group_parts(np.arange(len(MANY)) // 20, len(MANY), n, seed),
    ):
        assert len(parts) == n
        assert np.sort(np.concatenate(parts)).tolist() == list(range(len(MANY)))
        assert all((np.diff(part) > 0).all() for part in parts)


def test_iid_clients_have_equal_sizes() -> None:
    assert {len(part) for part in iid_parts(1000, 7, 0)} == {142, 143}


def test_the_class_proportions_of_clients_follow_the_dirichlet_distribution() -> None:
    n, alpha = 5, 0.5
    shares = [len(dirichlet_parts(MANY[:400], n, alpha, 0, seed)[0]) / 400 for seed in range(3000)]
    # The share of one client has the beta distribution B(alpha, (n - 1) * alpha).
    variance = (1 / n) * (1 - 1 / n) / (n * alpha + 1)
    assert np.mean(shares) == pytest.approx(1 / n, abs=5 * np.sqrt(variance / 3000))
    assert np.var(shares) == pytest.approx(variance, rel=0.1)


def test_a_large_alpha_gives_clients_the_class_balance_of_the_whole() -> None:
    found = counts(MANY, dirichlet_parts(MANY, 4, 1e6, 1, 0))
    assert np.abs(found - np.array([100, 75, 50, 25])).max() <= 1


def test_every_client_has_the_smallest_size_requested() -> None:
    assert min(map(len, dirichlet_parts(MANY, 10, 0.3, 25, 3))) >= 25


def test_a_smallest_size_that_no_draw_reaches_is_refused() -> None:
    with pytest.raises(ValueError, match="None of 1000 draws gave each of the 10 clients 99 samples"):
        dirichlet_parts(MANY, 10, 0.05, 99, 0)


def test_more_samples_than_there_are_cannot_be_the_smallest_size() -> None:
    with pytest.raises(ValueError, match="1000 samples are too few for 10 clients with min_size=101"):
        dirichlet_parts(MANY, 10, 0.5, 101, 0)


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf"), "1", None])
def test_alpha_is_a_positive_number(alpha: Any) -> None:
    with pytest.raises(ValueError, match=r"alpha must be a positive number, not "):
        dirichlet_parts(MANY, 3, alpha, 0, 0)


def test_a_client_of_two_shards_has_few_classes() -> None:
    for part in shard_parts(MANY, 10, 2, 1):
        assert len(part) == 100
        assert len(np.unique(MANY[part])) <= 4  # each of its two runs crosses one border between classes at most


def test_more_shards_than_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="10 samples cannot be divided into 6 x 2 shards"):
        shard_parts(LABELS, 6, 2, 0)


def test_groups_stay_with_one_client() -> None:
    groups = np.random.default_rng(0).integers(0, 30, len(MANY))
    parts = group_parts(groups, len(MANY), 4, 0)
    assert sum(len(np.unique(groups[part])) for part in parts) == 30
    assert max(map(len, parts)) - min(map(len, parts)) < np.bincount(groups).max()


def test_without_a_number_each_group_is_a_client() -> None:
    parts = group_parts(["b", "a", "b", "c"], 4, 0, 0)
    assert [part.tolist() for part in parts] == [[0, 2], [1], [3]]


def test_a_sample_without_a_group_cannot_be_given_to_a_client() -> None:
    with pytest.raises(ValueError, match="Sample 1 has no group"):
        group_parts(["b", "", "b", "c"], 4, 0, 0)
