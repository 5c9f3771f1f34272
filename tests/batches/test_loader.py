"""Batches of plain arrays: what is in them, in which order, from where they go on, and whose memory they are."""

from __future__ import annotations

import gc
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from medmnist_np._sequences import Joined
from medmnist_np.batches import Batch, Batches, Transform, loader
from medmnist_np.batches.layout import Layout
from medmnist_np.batches.order import Plan

N = 23
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 4, 3), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 9, (N, 1), dtype=np.uint8)
for array in (IMAGES, LABELS):
    array.flags.writeable = False


@pytest.fixture(scope="module", autouse=True)
def threads_for_small_batches() -> Iterator[None]:
    """Small batches are made where they are asked for; here threads make them too, as they do large ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "_WORTH_A_THREAD_BYTES", 0)
        yield


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert still_running(seconds=60) == []


def still_running(seconds: float) -> list[str]:
    """Wait for the threads of passes, each at most so long, and return those that still run."""
    for thread in threading.enumerate():
        if thread.name.startswith("medmnist-np"):
            thread.join(seconds)
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("medmnist-np")]


def make(
    batch_size: int = 5, *, images: Any = IMAGES, labels: Any = LABELS, positions: Any = None, **kw: Any
) -> Batches:
    """Batches of the arrays above; arguments of the layout, of the batches, and the rest of the plan."""
    layout = {name: kw.pop(name) for name in ("as_rgb", "channels", "dtype", "scale") if name in kw}
    outer = {name: kw.pop(name) for name in ("epoch", "transform", "prefetch", "identity", "read_ahead") if name in kw}
    positions = range(len(images)) if positions is None else positions
    plan = Plan(n_samples=len(positions), batch_size=batch_size, **kw)
    return Batches(images, labels, positions, plan, Layout(channel_axis_stored=False, **layout), **outer)


def augmented(batch: Batch, rng: np.random.Generator) -> Batch:
    """Use the generator and write in place."""
    batch.images[...] ^= rng.integers(0, 256, batch.images.shape, dtype=np.uint8)
    return batch._replace(labels=batch.labels + rng.integers(0, 100, batch.labels.shape))


def listed(batches: Any) -> list[tuple[Any, ...]]:
    return [tuple(array.tolist() for array in batch) for batch in batches]


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    of = draw(st.integers(1, 4))
    return {
        "batch_size": draw(st.integers(1, N + 3)),
        "shuffle": draw(st.sampled_from([False, True, "blocks"])),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "last": draw(st.sampled_from(["keep", "drop", "pad"])),
        "uneven": draw(st.sampled_from(["keep", "pad", "drop"])),
        "shard": (draw(st.integers(0, of - 1)), of),
        "block_length": draw(st.integers(1, 5)),
        "transform": draw(st.sampled_from([None, augmented])),
        "epoch": draw(st.integers(0, 3)),
    }


# What is in them


@given(arguments(), st.integers(0, 2), st.booleans())
@settings(max_examples=60)
def test_an_epoch_holds_each_sample_of_the_shard_once(arguments, prefetch: int, in_part: bool) -> None:
    arguments |= {"transform": None}
    positions = np.random.default_rng(3).permutation(N)[:17] if in_part else range(N)
    batches = make(**arguments, positions=positions, prefetch=prefetch)
    seen: list[int] = []
    found = list(batches)
    assert len(batches) == len(found)
    for number, batch in enumerate(found):
        rows = np.asarray(positions)[batch.indices]
        assert np.array_equal(IMAGES[rows], batch.images)
        assert np.array_equal(LABELS[rows], batch.labels)
        n = len(batch.indices)
        assert ((n, 4, 3), (n, 1), (n,), (n,)) == tuple(array.shape for array in batch)
        assert ["uint8", "int64", str(np.dtype(np.intp)), "bool"] == [str(array.dtype) for array in batch]
        assert number == len(found) - 1 or n == arguments["batch_size"]
        seen += batch.indices[batch.mask].tolist()
    order = batches.plan.order(arguments["epoch"])
    assert order.indices[: order.n_real].tolist() == seen
    assert len(set(seen)) == len(seen)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 5), st.sampled_from(["keep", "pad"]), st.booleans())
def test_batches_of_all_shards_hold_each_sample_once(n: int, size: int, of: int, last: Any, shuffle: bool) -> None:
    images, labels = np.zeros((n, 1, 1), np.uint8), np.zeros((n, 1), np.uint8)
    rest = {"last": last, "uneven": "pad" if last == "pad" else "keep", "shuffle": shuffle, "prefetch": 0}
    shards = [list(make(size, images=images, labels=labels, shard=(which, of), **rest)) for which in range(of)]
    assert list(range(n)) == sorted(int(i) for shard in shards for batch in shard for i in batch.indices[batch.mask])
    if last == "pad":
        assert {(-(-n // of) + size - 1) // size} == {len(shard) for shard in shards}
        assert {size} == {len(batch.indices) for shard in shards for batch in shard}


def test_positions_that_change_afterwards_do_not_change_the_batches() -> None:
    positions = np.array([4, 8, 15])
    batches = make(3, positions=positions)

    positions[:] = 0

    assert np.array_equal(IMAGES[[4, 8, 15]], batches.batch(0, 0).images)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_last_batch_is_filled_up_with_samples_that_are_masked(prefetch: int) -> None:
    *full, last = make(10, last="pad", shuffle=True, prefetch=prefetch)
    assert all(batch.mask.all() for batch in full)
    assert [True] * 3 + [False] * 7 == last.mask.tolist()
    assert np.array_equal(IMAGES[last.indices], last.images)
    assert np.array_equal(LABELS[last.indices], last.labels)


@pytest.mark.parametrize("prefetch", [0, 1, 3])
@pytest.mark.parametrize(
    "layout",
    [{}, {"channels": "first"}, {"channels": "last", "scale": 1 / 255}, {"as_rgb": True}, {"dtype": "float64"}],
    ids=str,
)
def test_batches_are_fresh_writable_and_contiguous_and_share_no_memory(layout, prefetch: int) -> None:
    held = list(make(4, shuffle=True, prefetch=prefetch, last="pad", **layout))
    before = listed(held)
    arrays = [array for batch in held for array in batch]
    for array in arrays:
        assert np.ndarray is type(array)
        assert array.flags.writeable is True
        assert array.flags.c_contiguous is True
        assert array.base is None or not np.shares_memory(array, IMAGES)
    spans = sorted((a.__array_interface__["data"][0], a.nbytes) for a in arrays)
    assert all(start + n_bytes <= other for (start, n_bytes), (other, _) in pairwise(spans))
    for batch in held[1:]:
        for array in batch:
            array[...] = 0
    assert before[0] == listed(held)[0]
    assert before == listed(make(4, shuffle=True, prefetch=prefetch, last="pad", **layout))


@pytest.mark.parametrize("prefetch", [0, 1, 2, 5])
def test_whatever_shows_a_batch_keeps_what_it_shows(prefetch: int) -> None:
    images = np.arange(700, dtype=np.uint32).repeat(64).reshape(700, 8, 8).astype(np.float32)
    labels = np.zeros((700, 1), np.uint8)
    batches = make(7, images=images, labels=labels, shuffle=True, prefetch=prefetch, dtype="float64", channels="first")
    ways: list[Callable[[np.ndarray], Any]] = [
        lambda array: array[:, 0, 1],
        lambda array: np.asarray(memoryview(array))[:, 0, 2],
        lambda array: np.from_dlpack(array[:, 0])[:, 3],
        lambda array: np.frombuffer(array, np.float64).reshape(array.shape)[:, 0, 4][::-1][::-1],
    ]
    held: list[tuple[Any, Any]] = []
    for _ in range(2):
        for number, (shown, _, indices, _) in enumerate(batches):
            # Arrays that are given back while those of other batches stay.
            if number % 3 == 0:
                held.append((indices, ways[number % len(ways)](shown)))
            del shown
            if number % 50 == 0:
                gc.collect()
    assert all((np.asarray(view)[:, 0] == indices).all() for indices, view in held)


def test_many_passes_in_many_threads_never_share_memory() -> None:
    images = np.arange(600, dtype=np.uint16).repeat(32).reshape(600, 4, 8)
    labels = np.zeros((600, 1), np.uint8)
    batches = make(3, images=images, labels=labels, shuffle=True, prefetch=3, dtype="float32")

    def work(_: int) -> bool:
        held = []
        for number, batch in enumerate(batches):
            held.append((batch.indices, batch.images[:, 1:, ::2] if number % 2 else np.from_dlpack(batch.images)))
            del batch
            if len(held) > 7:
                indices, view = held.pop(number % 7)
                if not (view == indices[:, None, None]).all():
                    return False
        return all((view == indices[:, None, None]).all() for indices, view in held)

    with ThreadPoolExecutor(6) as threads:
        assert [True] * 12 == list(threads.map(work, range(12)))


def test_images_made_ahead_start_where_other_libraries_take_them_without_a_copy() -> None:
    for batch in make(3, scale=1 / 255, prefetch=2):
        assert batch.images.ctypes.data % 64 == 0


# In which order


@given(arguments(), st.integers(0, 4))
@settings(max_examples=60)
def test_order_and_content_are_the_same_with_any_prefetch(arguments, prefetch: int) -> None:
    assert listed(make(**arguments, prefetch=0)) == listed(make(**arguments, prefetch=prefetch))


def test_a_batch_that_takes_longer_than_the_next_ones_still_comes_first() -> None:
    another = threading.Event()

    def first_is_last(batch: Batch, rng: np.random.Generator) -> Batch:
        if 0 in batch.indices:
            assert another.wait(60)
        else:
            another.set()
        return batch

    found = [batch.indices.tolist() for batch in make(2, shuffle=False, transform=first_is_last, prefetch=6)]
    assert found == [list(range(start, min(start + 2, N))) for start in range(0, N, 2)]


def test_each_pass_is_the_next_epoch() -> None:
    batches = make(shuffle=True, epoch=3)
    first, second = listed(batches), listed(batches)
    assert first == listed(make(shuffle=True, epoch=3))
    assert second == listed(make(shuffle=True, epoch=4))
    assert first != second
    assert batches.epoch == 5


def test_two_passes_at_once_are_two_epochs() -> None:
    batches = make(shuffle=True, transform=augmented)
    pairs = list(zip(batches, batches, strict=True))
    assert listed(make(shuffle=True, transform=augmented)) == listed(pair[0] for pair in pairs)
    assert listed(make(shuffle=True, transform=augmented, epoch=1)) == listed(pair[1] for pair in pairs)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_threads_that_share_an_iterator_get_each_batch_once(prefetch: int) -> None:
    images, labels = np.zeros((900, 2, 2), np.uint8), np.zeros((900, 1), np.uint8)
    batches = make(3, images=images, labels=labels, shuffle=True, prefetch=prefetch)
    shared = iter(batches)
    start = threading.Barrier(8)

    def work(_: int) -> list[tuple[int, ...]]:
        start.wait()
        return [tuple(batch.indices.tolist()) for batch in shared]

    with ThreadPoolExecutor(8) as threads:
        found = list(chain(*threads.map(work, range(8))))
    expected = [tuple(batch.indices.tolist()) for batch in make(3, images=images, labels=labels, shuffle=True)]
    assert sorted(expected) == sorted(found)
    assert batches.state_dict()["epoch"] == 1
    assert batches.state_dict()["batch"] == 0


@pytest.mark.parametrize("prefetch", [0, 2])
def test_threads_that_iterate_for_themselves_get_an_epoch_each(prefetch: int) -> None:
    batches = make(3, shuffle=True, prefetch=prefetch)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: json.dumps(listed(batches)), range(12)))
    assert {json.dumps(listed(make(3, shuffle=True, epoch=epoch))) for epoch in range(12)} == set(found)


def test_a_batch_can_be_made_alone() -> None:
    batches = make(shuffle=True, transform=augmented, last="pad")
    for epoch in range(2):
        expected = listed(batches)
        assert expected[::-1] == listed(batches.batch(epoch, number) for number in reversed(range(len(batches))))
    for number in (-1, len(batches)):
        with pytest.raises(IndexError, match=f"Batch {number} does not exist: an epoch has 5"):
            batches.batch(0, number)


def test_an_empty_set_has_no_batches() -> None:
    empty = make(images=IMAGES[:0], labels=LABELS[:0], shuffle=True, prefetch=2)
    assert len(empty) == 0
    assert list(empty) == []
    assert list(empty) == []
    json.dumps(empty.state_dict())


def test_joined_arrays_are_read_as_one() -> None:
    joined = {"images": Joined(np.split(IMAGES, [4, 4, 20])), "labels": Joined(np.split(LABELS, [4, 4, 20]))}
    for prefetch in (0, 2):
        assert listed(make(shuffle=True, prefetch=prefetch)) == listed(make(shuffle=True, prefetch=prefetch, **joined))


# From where they go on


@given(arguments(), st.integers(0, 3), st.integers(0, 3), st.integers(0, 40), st.booleans())
@settings(max_examples=80)
def test_a_resumed_iterator_is_the_uninterrupted_one(arguments, before: int, after: int, cut: int, part: bool) -> None:
    arguments |= {"positions": np.arange(N)[::-1]} if part else {}
    whole = make(**arguments, prefetch=0)
    length = len(whole)
    expected = list(chain(*(listed(whole) for _ in range(4))))
    cut = min(cut, 2 * length)

    interrupted = make(**arguments, prefetch=before)
    head: list[Any] = []
    while len(head) < cut:
        one = iter(interrupted)
        while len(head) < cut and (batch := next(one, None)) is not None:
            head += listed([batch])
        state = json.loads(json.dumps(interrupted.state_dict()))
        del one
    if not cut:
        state = json.loads(json.dumps(interrupted.state_dict()))

    resumed = make(**arguments | {"epoch": 17}, prefetch=after)
    resumed.load_state_dict(state)
    assert state == resumed.state_dict()
    tail: list[Any] = []
    while len(head) + len(tail) < 3 * length:
        tail += listed(resumed)
    assert expected[: len(head) + len(tail)] == head + tail


def test_every_cut_of_an_epoch_and_its_borders() -> None:
    arguments = {"shuffle": True, "transform": augmented, "last": "pad", "seed": 5}
    uninterrupted = make(**arguments)
    expected = listed(uninterrupted) + listed(uninterrupted)
    for cut in range(6):
        for before, after in ((0, 3), (3, 0), (2, 2)):
            batches = make(**arguments, prefetch=before)
            one = iter(batches)
            head = listed(next(one) for _ in range(cut))
            state = json.dumps(batches.state_dict())
            resumed = make(**arguments, prefetch=after)
            resumed.load_state_dict(json.loads(state))
            assert expected[cut:] == (listed(resumed) + (listed(resumed) if cut < 5 else []))
            assert expected[:cut] == head


def test_the_state_counts_what_was_handed_out_not_what_was_made_ahead() -> None:
    made = threading.Semaphore(0)

    def noted(batch: Batch, rng: np.random.Generator) -> Batch:
        made.release()
        return batch

    batches = make(4, prefetch=3, transform=noted)
    assert where(batches) == (0, 0)
    one = iter(batches)
    assert where(batches) == (0, 0)
    next(one)
    for _ in range(4):
        assert made.acquire(timeout=60)
    assert where(batches) == (0, 1)


def where(batches: Batches) -> tuple[int, int]:
    state = batches.state_dict()
    return state["epoch"], state["batch"]


def test_at_the_end_of_an_epoch_the_state_is_the_next_one() -> None:
    batches = make(shuffle=True)
    one = iter(batches)
    for _ in range(len(batches)):
        next(one)
    assert where(batches) == (1, 0)
    assert batches.epoch == 1
    assert next(one, None) is None
    assert where(batches) == (1, 0)


def test_the_state_is_of_the_latest_pass() -> None:
    batches = make(shuffle=True)
    first = iter(batches)
    next(first)
    second = iter(batches)
    next(second)
    next(first)
    assert where(batches) == (1, 1)
    next(second)
    assert where(batches) == (1, 2)


def test_a_pass_from_before_does_not_move_a_state_that_was_loaded() -> None:
    batches = make(shuffle=True)
    one = iter(batches)
    next(one)
    state = batches.state_dict()
    next(one)
    batches.load_state_dict(state)
    next(one)
    assert state == batches.state_dict()
    assert listed(make(shuffle=True))[1:] == listed(batches)


def test_states_are_taken_while_threads_iterate() -> None:
    images, labels = np.zeros((2000, 2, 2), np.uint8), np.zeros((2000, 1), np.uint8)
    batches = make(2, images=images, labels=labels, shuffle=True)
    with ThreadPoolExecutor(2) as threads:
        done = threads.submit(lambda: sum(1 for _ in batches))
        while not done.done():
            state = batches.state_dict()
            make(2, images=images, labels=labels, shuffle=True).load_state_dict(state)
    assert done.result() == 1000


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 6}, "batch_size is 6 here, but 5 in the state"),
        ({"shuffle": False}, "shuffle is False here, but True in the state"),
        ({"shuffle": "blocks"}, "shuffle is 'blocks'"),
        ({"seed": 1}, "seed is 1"),
        ({"last": "pad"}, "last is 'pad'"),
        ({"shard": (0, 2)}, r"shard is \[0, 2\] here, but \[0, 1\] in the state"),
        ({"uneven": "pad"}, "uneven is 'pad'"),
        ({"weights": np.ones(N)}, "weighted is True"),
        ({"channels": "first"}, "channels is 'first' here, but None in the state"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"scale": 0.5}, "dtype is 'float32' here, but None in the state; scale is 0.5"),
        ({"identity": {"name": "other"}}, "dataset is .*'other'"),
        ({"positions": range(N - 1)}, "n_samples is 22 here, but 23 in the state"),
    ],
    ids=str,
)
def test_the_state_of_other_batches_is_refused(changed: dict[str, Any], message: str) -> None:
    arguments = {"shuffle": True, "identity": {"name": "one"}}
    state = json.loads(json.dumps(make(**arguments).state_dict()))
    other = make(**arguments | changed)
    with pytest.raises(ValueError, match=f"{message}.*Use the same arguments"):
        other.load_state_dict(state)
    assert other.epoch == 0
    make(**arguments).load_state_dict(state)


def test_the_state_of_other_weights_is_refused() -> None:
    state = make(shuffle=True, weights=np.ones(N)).state_dict()
    with pytest.raises(ValueError, match=r"the weights changed.*batches\(..., epoch=0\)"):
        make(shuffle=True, weights=np.arange(1, N + 1)).load_state_dict(state)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": None},
        {"epoch": -1},
        {"epoch": None},
        {"epoch": "0"},
        {"batch": 6},
        {"batch": -1},
        {"batch": 1.5},
        {"batch": True},
        {"order_crc32": 0},
        {"order_crc32": None},
        {"dataset": None},
        {"n_samples": "23"},
    ],
    ids=str,
)
def test_a_state_that_was_changed_is_refused(change: dict[str, Any]) -> None:
    batches = make(shuffle=True)
    next(iter(batches))
    before = batches.state_dict()
    with pytest.raises(ValueError, match=r"state|batch must be|epoch must be|order"):
        batches.load_state_dict(before | change)
    assert before == batches.state_dict()


@pytest.mark.parametrize("state", [None, {}, [], 5, "{}", {"format": 1}, [("format", 1)]], ids=repr)
def test_nonsense_is_not_a_state(state: Any) -> None:
    with pytest.raises(ValueError, match="state"):
        make().load_state_dict(state)


def test_a_state_is_small() -> None:
    images, labels = np.zeros((50_000, 1, 1), np.uint8), np.zeros((50_000, 1), np.uint8)
    batches = make(100, images=images, labels=labels, shuffle=True, weights=np.ones(50_000))
    next(iter(batches))
    assert len(json.dumps(batches.state_dict())) < 500


def test_batches_are_not_pickled() -> None:
    batches = make()
    with pytest.raises(TypeError, match="Pickle the data set"):
        pickle.dumps(batches)
    with pytest.raises(TypeError):
        pickle.dumps(iter(batches))


def test_a_transform_that_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="not 5"):
        make(transform=5)


# Threads


@pytest.mark.parametrize("shuffle", [True, "blocks"])
def test_a_pass_that_is_abandoned_leaves_no_thread(shuffle: Any) -> None:
    read = []
    arrays = {"images": np.zeros((3000, 2, 2), np.uint8), "labels": np.zeros((3000, 1), np.uint8)}
    batches = make(1, **arrays, shuffle=shuffle, transform=augmented, prefetch=3, read_ahead=read.append)
    for _ in range(3):
        one = iter(batches)
        next(one)
        assert still_running(seconds=0)
        del one
        assert still_running(seconds=60) == []


def test_a_pass_that_is_not_begun_starts_no_thread() -> None:
    one = iter(make(prefetch=4))
    assert still_running(seconds=0) == []
    del one


def test_a_finished_pass_leaves_no_thread_even_if_it_is_kept() -> None:
    one = iter(make(prefetch=4))
    list(one)
    assert still_running(seconds=60) == []
    assert next(one, None) is None


@pytest.mark.parametrize("prefetch", [1, 2, 4])
def test_no_more_threads_work_than_were_requested(prefetch: int) -> None:
    names = set()

    def noted(batch: Batch, rng: np.random.Generator) -> Batch:
        names.add(threading.current_thread().name)
        return batch

    images, labels = np.zeros((40, 1000, 1000), np.uint8), np.zeros((40, 1), np.uint8)
    list(make(1, images=images, labels=labels, transform=noted, prefetch=prefetch))
    # The thread that asks makes what no other has begun when its turn comes.
    assert len(names - {threading.main_thread().name}) <= prefetch


def test_without_prefetch_batches_are_made_here_when_they_are_requested() -> None:
    made: list[int] = []

    def noted(batch: Batch, rng: np.random.Generator) -> Batch:
        made.append(threading.get_ident())
        return batch

    one = iter(make(prefetch=0, transform=noted))
    assert made == []
    next(one)
    assert [threading.get_ident()] == made


# Reading ahead


@pytest.mark.parametrize("positions", [range(N), range(N)[::-1], np.random.default_rng(0).permutation(N)], ids=str)
@pytest.mark.parametrize("start", [0, 2])
def test_blocks_are_read_ahead_in_the_order_of_the_file(positions: Any, start: int) -> None:
    read: list[np.ndarray] = []
    all_read = threading.Event()

    def noted(rows: np.ndarray) -> None:
        read.append(rows)
        if sum(map(len, read)) >= N:
            all_read.set()

    batches = make(4, shuffle="blocks", positions=positions, read_ahead=noted, prefetch=2, block_length=3)
    batches.load_state_dict(batches.state_dict() | {"batch": start})
    passing = iter(batches)
    first = next(passing)
    all_read.wait(60)  # pieces that have not been started at the end of a pass are not read
    used = np.concatenate([np.asarray(positions)[batch.indices] for batch in (first, *passing)])
    assert still_running(seconds=60) == []
    rows = np.concatenate(read)
    assert set(used) <= set(rows.tolist())
    assert all((np.diff(piece) >= 0).all() for piece in read)


def test_nothing_is_read_ahead_without_blocks() -> None:
    read: list[np.ndarray] = []
    list(make(4, shuffle=True, read_ahead=read.append))
    assert read == []


# Transforms


def test_the_generator_of_a_transform_depends_on_seed_epoch_shard_and_batch_alone() -> None:
    drawn = {}

    def noted(batch: Batch, rng: np.random.Generator) -> Batch:
        drawn[key, int(batch.indices[0])] = int(rng.integers(2**62))
        return batch

    for key in [(seed, epoch, which) for seed in range(3) for epoch in range(3) for which in range(2)]:
        seed, epoch, which = key
        list(make(4, seed=seed, epoch=epoch, shard=(which, 2), transform=noted))
    assert 3 * 3 * (3 + 3) == len(drawn) == len(set(drawn.values()))


def replaced(**change: Callable[[Batch], Any]) -> Transform:
    """A transform that changes the batch which begins with sample 15."""

    def transform(batch: Batch, rng: np.random.Generator) -> Any:
        if batch.indices[0] != 15:
            return batch
        return batch._replace(**{name: function(batch) for name, function in change.items()})

    return transform


@pytest.mark.parametrize("prefetch", [0, 1, 3])
@pytest.mark.parametrize(
    ("transform", "error", "message"),
    [
        (
            replaced(images=lambda b: b.images[:, :2]),
            ValueError,
            r"\(2, 3\) uint8 .*batch 3 of epoch 0.*\(4, 3\) uint8",
        ),
        (replaced(images=lambda b: b.images.astype("f4")), ValueError, "float32 .*batch 3 of epoch 0.*uint8"),
        (replaced(labels=lambda b: b.labels[:, 0]), ValueError, r"labels \(\) int64 .*batch 3.*labels \(1,\) int64"),
        (replaced(labels=lambda b: b.labels * 1.0), ValueError, "labels .*float64 .*batch 3"),
        (replaced(images=lambda b: b.images[1:]), ValueError, "got 5 samples, but returned .*'images': 4"),
        (replaced(labels=lambda b: b.labels[1:]), ValueError, "got 5 samples, but returned .*'labels': 4"),
        (replaced(mask=lambda b: b.mask[:0]), ValueError, "'mask': 0"),
        (replaced(images=lambda _: None), TypeError, "Batch of NoneType"),
        (replaced(images=lambda b: b.images.tolist()), TypeError, "Batch of list, ndarray"),
        (replaced(labels=lambda _: np.int64(3)), TypeError, "Batch of ndarray, int64"),
        (lambda b, _: b if b.indices[0] != 15 else None, TypeError, "must return a Batch, such as .*, not NoneType"),
        (lambda b, _: b if b.indices[0] != 15 else tuple(b), TypeError, "must return a Batch, such as .*, not tuple"),
        (lambda b, _: b if b.indices[0] != 15 else b.images, TypeError, "must return a Batch, such as .*, not ndarray"),
        (lambda b, _: b if b.indices[0] != 15 else 1 / 0, ZeroDivisionError, "division"),
        (lambda b, _: b if b.indices[0] != 15 else b[9], IndexError, "tuple index"),
    ],
)
def test_what_is_wrong_with_a_transform_is_reported_where_its_batch_would_have_come(
    prefetch: int, transform: Any, error: type[Exception], message: str
) -> None:
    batches = make(transform=transform, prefetch=prefetch)
    found: list[Batch] = []
    with pytest.raises(error, match=message):
        found.extend(batches)
    assert [int(batch.indices[0]) for batch in found] == [0, 5, 10]
    assert where(batches) == (0, 3)


@pytest.mark.parametrize("prefetch", [0, 3])
def test_a_transform_that_stops_iteration_does_not_end_the_epoch(prefetch: int) -> None:
    def stops(batch: Batch, rng: np.random.Generator) -> Batch:
        raise StopIteration

    with pytest.raises(RuntimeError):
        list(make(transform=stops, prefetch=prefetch))


def test_a_transform_may_change_what_it_changes_in_every_batch() -> None:
    def one_hot(batch: Batch, rng: np.random.Generator) -> Batch:
        return batch._replace(images=batch.images[:, ::2] / 255, labels=np.eye(9)[batch.labels[:, 0]])

    for batch in make(transform=one_hot, last="pad"):
        assert batch.images.shape == (5, 2, 3)
        assert batch.labels.shape == (5, 9)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(({"prefetch": value}, "prefetch must be") for value in (-1, True, 1.5, None)),
        *(({"epoch": value}, "epoch must be") for value in (-1, True, 1.5, "1")),
        ({"labels": LABELS[:-1]}, "23 images, but 22 labels"),
        ({"labels": LABELS.repeat(2, axis=0)}, "23 images, but 46 labels"),
    ],
    ids=str,
)
def test_what_makes_no_batches_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_it_states_what_it_is() -> None:
    batches = make(10, epoch=2, identity={"name": "breastmnist"})
    assert repr(batches) == "Batches(3 of 10; breastmnist, epoch 2)"


# Small batches


def test_small_batches_are_made_where_they_are_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "_WORTH_A_THREAD_BYTES", 2_000_000)
    passing = iter(make(3, prefetch=2))
    next(passing)
    assert still_running(seconds=0) == []
    with_transform = iter(make(3, prefetch=2, transform=lambda batch, _rng: batch))
    next(with_transform)
    assert still_running(seconds=0) != []
