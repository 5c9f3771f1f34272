"""Grain: a source for MapDataset and DataLoader."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_grain
from tests.interop.cases import CASES, expected

grain = pytest.importorskip("grain", reason="needs Grain: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


@pytest.mark.parametrize("case", CASES)
def test_a_source_has_random_access(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    source = to_grain(ds)
    assert isinstance(source, grain.sources.RandomAccessDataSource)
    elements = list(grain.MapDataset.source(source))
    assert images.tolist() == [element["image"].tolist() for element in elements]
    assert labels.tolist() == [element["label"].tolist() for element in elements]


@pytest.mark.parametrize("case", CASES)
def test_reading_a_batch_in_one_go_gives_what_item_by_item_gives(case: str) -> None:
    source = to_grain(CASES[case]())
    by_item = grain.MapDataset.source(source).shuffle(seed=1).batch(4)
    at_once = grain.MapDataset.range(len(source)).shuffle(seed=1).batch(4).map(source.gather)
    for one, other in zip(by_item, at_once, strict=True):
        assert {"image", "label"} == one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one)


def test_a_loader_takes_it() -> None:
    ds = mm.Dataset("breastmnist")
    loader = grain.load(to_grain(ds), shuffle=False, num_epochs=1, batch_size=8, worker_count=0)
    assert np.array_equal(ds.images[:32], np.concatenate([batch["image"] for batch in loader])[:32])


def test_arrays_are_fresh_and_writable() -> None:
    source = to_grain(mm.Dataset("breastmnist"))
    image = source[0]["image"]
    before = image.tolist()
    image[...] = 0
    assert before == source[0]["image"].tolist()


def test_it_pickles_small_and_is_the_same_after() -> None:
    source = to_grain(mm.Dataset("adrenalmnist3d"))
    pickled = pickle.dumps(source)
    again = pickle.loads(pickled)
    assert len(pickled) < 3000
    assert repr(source) == repr(again)
    assert source[5]["image"].tolist() == again[5]["image"].tolist()


def state_of(source):
    """The checkpoint that Grain's loader makes in the middle of an epoch, and the batches that follow it."""
    passing = iter(loader_of(source))
    next(passing)
    state = passing.get_state()
    return state, [batch["image"].tolist() for batch in passing]


def loader_of(source):
    return grain.load(source, shuffle=True, seed=1, num_epochs=1, batch_size=4, worker_count=0)


def test_a_checkpoint_is_restored_where_the_same_data_lies_under_another_root(
    fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, rest = state_of(to_grain(mm.Dataset("breastmnist")))
    shutil.copytree(fakes, tmp_path / "other")
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "other"))
    moved = mm.Dataset("breastmnist")
    assert moved.folder.is_relative_to(tmp_path)
    passing = iter(loader_of(to_grain(moved)))
    passing.set_state(state)
    assert rest == [batch["image"].tolist() for batch in passing]


def assigned(value: int) -> mm.BreastMNIST:
    ds = mm.BreastMNIST("train")
    ds.imgs = np.full(ds.imgs.shape, value, np.uint8)
    return ds


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: mm.Dataset("breastmnist")[:20], lambda: mm.Dataset("breastmnist")[1:21]),
        (lambda: mm.Dataset("breastmnist", "val"), lambda: mm.Dataset("breastmnist", "test")[:6]),
        (lambda: mm.Dataset("breastmnist"), lambda: mm.Dataset("breastmnist", as_rgb=True)),
        (lambda: mm.Dataset("breastmnist"), lambda: mm.Dataset("retinamnist")),
        (lambda: assigned(0), lambda: assigned(1)),
    ],
    ids=["selection", "split", "as_rgb", "data set", "assigned images"],
)
def test_a_checkpoint_is_refused_for_other_samples(ours, theirs) -> None:
    state, _ = state_of(to_grain(ours()))
    with pytest.raises(ValueError, match="data source"):
        iter(loader_of(to_grain(theirs()))).set_state(state)


def test_a_mask_that_is_too_short_and_fractions_are_refused() -> None:
    source = to_grain(mm.Dataset("breastmnist"))
    with pytest.raises(IndexError, match="mask has 2 values"):
        source.gather([True, False])
    with pytest.raises(TypeError, match="The index of a data set must be"):
        source.gather([0.5])


def test_what_is_assigned_to_the_data_set_later_does_not_change_the_source() -> None:
    ds = mm.BreastMNIST("train")
    source = to_grain(ds)
    before = source[0]["image"].tolist()
    ds.imgs = np.zeros((3, 28, 28), np.uint8)
    assert len(source) == 37
    assert before == source[0]["image"].tolist()


def test_an_empty_selection_has_no_element() -> None:
    assert len(to_grain(mm.Dataset("breastmnist")[:0])) == 0


def test_an_index_outside_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        to_grain(mm.Dataset("breastmnist"))[37]
