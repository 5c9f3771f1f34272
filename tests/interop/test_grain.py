"""Grain: a source for MapDataset and DataLoader."""

from __future__ import annotations

import pickle

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
    assert (repr(source), source[5]["image"].tolist()) == (repr(again), again[5]["image"].tolist())


def test_an_index_outside_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        to_grain(mm.Dataset("breastmnist"))[37]
