"""Which samples come when: every shard, epoch and way to end, without a single image."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.batches.order import BLOCKS_PER_WINDOW, Plan, block_length, block_order, checked_seed

LASTS, UNEVENS, SHUFFLES = ("keep", "drop", "pad"), ("keep", "pad", "drop"), (False, True, "blocks")


@st.composite
def plans(draw: st.DrawFn, **fixed: Any) -> dict[str, Any]:
    """Draw the arguments of a plan, without its shard, and of how many shards it is one."""
    return {
        "n_samples": draw(st.integers(0, 60)),
        "batch_size": draw(st.integers(1, 20)),
        "shuffle": draw(st.sampled_from(SHUFFLES)),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "last": draw(st.sampled_from(LASTS)),
        "uneven": draw(st.sampled_from(UNEVENS)),
        "block_length": draw(st.integers(1, 9)),
        "of": draw(st.integers(1, 7)),
    } | fixed


def shards(arguments: dict[str, Any]) -> list[Plan]:
    rest = {name: value for name, value in arguments.items() if name != "of"}
    return [Plan(**rest, shard=(which, arguments["of"])) for which in range(arguments["of"])]


def real(plan: Plan, epoch: int = 0) -> list[int]:
    order = plan.order(epoch)
    return order.indices[: order.n_real].tolist()


# Laws


@given(plans(uneven="keep", last="keep"), st.integers(0, 5))
def test_shards_partition_the_set(arguments, epoch: int) -> None:
    parts = [real(plan, epoch) for plan in shards(arguments)]
    assert list(range(arguments["n_samples"])) == sorted(chain(*parts))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(plans(last="pad"), st.integers(0, 5))
def test_filling_up_leaves_the_real_samples_as_they_were(arguments, epoch: int) -> None:
    padded = shards(arguments | {"uneven": "pad"})
    parts = [real(plan, epoch) for plan in padded]
    assert [real(plan, epoch) for plan in shards(arguments | {"uneven": "keep", "last": "keep"})] == parts
    assert len({len(plan.order(epoch).indices) for plan in padded}) == 1


@given(plans(uneven="drop", last="keep"), st.integers(0, 5))
def test_cut_shards_are_equally_long_and_share_no_sample(arguments, epoch: int) -> None:
    parts = [real(plan, epoch) for plan in shards(arguments)]
    assert {arguments["n_samples"] // arguments["of"]} == set(map(len, parts))
    assert len(set(chain(*parts))) == sum(map(len, parts))


@given(plans(), st.integers(0, 5))
def test_what_fills_up_are_samples_that_there_are(arguments, epoch: int) -> None:
    for plan in shards(arguments):
        order = plan.order(epoch)
        assert ((np.intp, True) if len(order.indices) else (np.intp, order.n_real == 0)) == (
            order.indices.dtype.type,
            0 <= order.n_real <= len(order.indices),
        )
        assert all(0 <= index < arguments["n_samples"] for index in order.indices)
        if order.n_real:
            assert set(order.indices[order.n_real :]) <= set(order.indices[: order.n_real])


@given(plans(), st.sampled_from(["keep", "drop"]), st.sampled_from(["keep", "drop"]), st.integers(0, 5))
def test_every_sample_is_real_where_nothing_is_filled_up(arguments, last: str, uneven: str, epoch: int) -> None:
    for plan in shards(arguments | {"last": last, "uneven": uneven}):
        order = plan.order(epoch)
        assert order.n_real == len(order.indices)


@given(plans(), st.integers(0, 5))
def test_the_number_of_batches_is_what_the_order_fills(arguments, epoch: int) -> None:
    size = arguments["batch_size"]
    for plan in shards(arguments):
        length = len(plan.order(epoch).indices)
        assert -(-length // size) == plan.n_batches
        if plan.last != "keep":
            assert length % size == 0


@given(plans(last="drop"), st.integers(0, 5))
def test_dropping_the_last_batch_leaves_the_others_as_they_were(arguments, epoch: int) -> None:
    for dropped, kept in zip(shards(arguments), shards(arguments | {"last": "keep"}), strict=True):
        indices = dropped.order(epoch).indices
        assert kept.order(epoch).indices[: len(indices)].tolist() == indices.tolist()
        assert len(kept.order(epoch).indices) - len(indices) < arguments["batch_size"]


@given(plans(), st.integers(0, 5))
def test_the_order_is_a_function_of_seed_epoch_and_shard(arguments, epoch: int) -> None:
    for one, other in zip(shards(arguments), shards(arguments), strict=True):
        other.order(epoch + 1)
        assert one.order(epoch).indices.tolist() == other.order(epoch).indices.tolist()


@given(plans(), st.integers(0, 5))
def test_a_plan_without_shuffling_is_the_order_of_the_file(arguments, epoch: int) -> None:
    whole = list(chain(*(real(plan, epoch) for plan in shards(arguments | {"shuffle": False, "last": "keep"}))))
    assert sorted(whole) == whole


@pytest.mark.parametrize("shuffle", [True, "blocks"])
def test_seeds_and_epochs_give_other_orders(shuffle: Any) -> None:
    def order(seed: int, epoch: int) -> tuple[int, ...]:
        plan = Plan(n_samples=50, batch_size=10, shuffle=shuffle, seed=seed, block_length=3)
        return tuple(plan.order(epoch).indices.tolist())

    # (1, 2) and (2, 1) have the same sum.
    assert len({order(seed, epoch) for seed in range(4) for epoch in range(4)}) == 16


def test_every_order_is_as_likely() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for epoch in range(2400):
        order = tuple(Plan(n_samples=4, batch_size=4, shuffle=True).order(epoch).indices.tolist())
        counts[order] = counts.get(order, 0) + 1
    # 24 orders, each 100 times, give or take 5 standard deviations.
    assert len(counts) == 24
    assert all(50 < count < 150 for count in counts.values())


def test_the_epoch_before_and_after_need_not_be_made() -> None:
    plan = Plan(n_samples=1000, batch_size=10, shuffle=True, seed=2**32 - 1)
    assert sorted(plan.order(10**12).indices) == list(range(1000))


# Weights


def test_samples_are_drawn_as_often_as_their_weights_say() -> None:
    weights = np.arange(10.0)
    plan = Plan(n_samples=10, batch_size=4, shuffle=True, weights=weights)
    drawn = np.bincount(np.concatenate([plan.order(epoch).indices for epoch in range(2000)]), minlength=10)
    share = weights / weights.sum()
    error = np.sqrt(share * (1 - share) / drawn.sum())
    assert drawn[0] == 0
    assert bool((np.abs(drawn / drawn.sum() - share) <= 5 * error).all()) is True


@given(st.integers(1, 6), st.integers(1, 40))
def test_weighted_shards_divide_what_one_machine_draws(of: int, n: int) -> None:
    rest = {"n_samples": n, "batch_size": 3, "shuffle": True, "weights": np.arange(1.0, n + 1)}
    whole = Plan(**rest).order(3).indices.tolist()
    assert whole == list(chain(*(real(Plan(**rest, shard=(which, of)), 3) for which in range(of))))
    assert len(whole) == n


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e307])
def test_only_the_ratio_of_weights_matters(scale: float) -> None:
    weights = np.arange(1.0, 101.0) / 100
    plan = Plan(n_samples=100, batch_size=4, shuffle=True, weights=weights * scale)
    expected = Plan(n_samples=100, batch_size=4, shuffle=True, weights=weights)
    assert expected.order(0).indices.tolist() == plan.order(0).indices.tolist()


def test_weights_that_are_changed_afterwards_change_no_order() -> None:
    weights = np.ones(50)
    plan = Plan(n_samples=50, batch_size=4, shuffle=True, weights=weights)
    before = plan.order(0).indices.tolist()
    weights[:49] = 0
    assert before == plan.order(0).indices.tolist()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(9), r"shape \(9,\)\. Give one weight for each of the 10 samples"),
        (np.ones((10, 1)), r"shape \(10, 1\)"),
        (1.0, r"shape \(\)"),
        (np.zeros(10), "not all zero"),
        (np.append(np.ones(9), -1), "not negative"),
        (np.append(np.ones(9), np.nan), "finite"),
        (np.append(np.ones(9), np.inf), "finite"),
        (["a"] * 10, "could not convert"),
    ],
)
def test_wrong_weights_are_refused(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(n_samples=10, batch_size=4, shuffle=True, weights=weights)


@pytest.mark.parametrize("shuffle", [False, "blocks"])
def test_weights_need_a_full_shuffle(shuffle: Any) -> None:
    with pytest.raises(ValueError, match="weights need shuffle=True"):
        Plan(n_samples=10, batch_size=4, shuffle=shuffle, weights=np.ones(10))


# Blocks


@given(st.integers(0, 300), st.integers(1, 40), st.integers(1, 9), st.integers(0, 100))
def test_blocks_are_a_permutation(n: int, length: int, per_window: int, seed: int) -> None:
    order = block_order(n, length, per_window, np.random.default_rng(seed))
    assert np.intp == order.dtype.type
    assert list(range(n)) == sorted(order.tolist())


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 9), st.integers(0, 100))
def test_a_window_reads_few_blocks(n: int, length: int, per_window: int, seed: int) -> None:
    order = block_order(n, length, per_window, np.random.default_rng(seed))
    windows = max(1, n // (length * per_window))
    size = -(-n // windows)
    for start in range(0, n, size):
        # At most twice as many as asked for, one that is cut at each end and the short one.
        assert len(set(order[start : start + size] // length)) <= 2 * per_window + 3


@pytest.mark.parametrize(
    ("n_blocks", "length", "per_window", "size"),
    [(64, 16, 16, 32), (65, 16, 16, 32), (66, 16, 16, 32), (40, 64, 16, 32), (17, 64, 16, 16), (33, 8, 16, 64)],
)
def test_classes_mix_as_stated_in_a_file_sorted_by_class(n_blocks, length, per_window, size) -> None:
    n, repeats = n_blocks * length + 5, 300
    share = 0.25
    in_class = np.arange(n) < share * n
    full = in_class.mean() * (1 - in_class.mean()) / size
    squares = np.empty((repeats, n // size))
    for seed in range(repeats):
        order = block_order(n, length, per_window, np.random.default_rng([11, seed]))
        shares = in_class[order[: n // size * size]].reshape(-1, size).mean(axis=1)
        squares[seed] = np.square(shares - in_class.mean())
    law = 1 + size / per_window
    assert squares.mean() / full <= law
    # And nowhere in the epoch much worse; a variance from 300 values is off by 8 %.
    assert (squares.mean(axis=0) / full).max() <= 1.4 * law


def test_one_window_is_a_full_shuffle() -> None:
    places = [block_order(60, 5, 100, np.random.default_rng(seed)).tolist().index(7) for seed in range(3000)]
    assert min(places) == 0
    assert max(places) == 59
    assert np.bincount(places).max() < 50 + 5 * np.sqrt(50)


def test_a_block_is_about_a_megabyte() -> None:
    assert [block_length(n_bytes) for n_bytes in (28 * 28, 224 * 224 * 3, 1 << 20, 1 << 24)] == [1337, 6, 1, 1]


def test_the_plan_knows_how_long_a_window_is() -> None:
    for n, expected in ((10, 10), (BLOCKS_PER_WINDOW * 3, BLOCKS_PER_WINDOW * 3), (BLOCKS_PER_WINDOW * 7, None)):
        length = Plan(n_samples=n, batch_size=1, shuffle="blocks", block_length=2).window_length()
        assert length == expected or BLOCKS_PER_WINDOW * 2 <= length <= BLOCKS_PER_WINDOW * 4


# Bad input


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *(("batch_size", value, "batch_size must be an integer of 1 or more, not ") for value in (0, -1, True, 2.5)),
        *(("batch_size", value, "batch_size must be") for value in ("3", None, np.array([1, 2]), np.True_)),
        *(("seed", value, "seed must be an integer from 0 to 4294967295, not ") for value in (-1, 2**32, 0.5, None)),
        *(("shuffle", value, "shuffle must be False, True or 'blocks'") for value in ("block", None, 0, 1, 2)),
        *(
            ("last", value, "Unknown value of last: .* Available: keep, drop, pad")
            for value in ("x", None, True, "Keep")
        ),
        *(
            ("uneven", value, "Unknown value of uneven: .* Available: keep, pad, drop")
            for value in ("x", None, ["keep"])
        ),
        ("shard", (2, 2), r"shard must be from \(0, 2\) to \(1, 2\), not \(2, 2\)"),
        ("shard", (0, 0), "The number of shards must be at least 1"),
        ("shard", (-1, 2), "shard must be an integer of 0 or more, not -1"),
        ("shard", (0, True), "shard must be an integer of 0 or more, not True"),
        ("shard", (0.0, 2), "shard must be an integer of 0 or more, not 0.0"),
        *(("shard", value, "must be a pair") for value in ("x", "12", 1, None, (1,), (0, 1, 2))),
    ],
)
def test_an_invalid_plan_is_rejected(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(**{"n_samples": 10, "batch_size": 4, name: value})


def test_numbers_and_flags_of_numpy_are_taken_for_those_of_python() -> None:
    plan = Plan(
        n_samples=10,
        batch_size=np.int64(4),
        seed=np.uint32(7),
        shard=[np.int8(1), np.int16(2)],  # type: ignore[arg-type]
        shuffle=np.True_,  # type: ignore[arg-type]
    )
    found = (plan.batch_size, plan.seed, *plan.shard, plan.shuffle)
    assert found == (4, 7, 1, 2, True)
    assert [int, int, int, int, bool] == [type(value) for value in found]
    unshuffled = Plan(n_samples=10, batch_size=4, shuffle=np.False_)  # type: ignore[arg-type]
    assert list(range(10)) == unshuffled.order(0).indices.tolist()


def test_a_seed_is_checked_by_itself() -> None:
    assert [0, 2**32 - 1] == [checked_seed(0), checked_seed(2**32 - 1)]
