"""What follows from an audit: data sets without leaks, and corrected splits."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.data.scheme import Scheme
from medmnist_np.errors import UnknownSplitError
from medmnist_np.testing import fake_datasets

FEW = {"train": 20, "val": 6, "test": 9}
MOVES = {("train", 3): "", ("train", 7): "test", ("val", 5): "test", ("test", 0): "train"}


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples=FEW):
        yield


def published(*places: tuple[str, int]) -> list[bytes]:
    return [mm.Dataset("breastmnist", split)[index][0].tobytes() for split, index in places]


def contents(dataset: mm.Dataset) -> list[bytes]:
    return [image.tobytes() for image, _ in dataset]


def test_without_removes_the_leaks() -> None:
    leaks = {"train": np.array([2, 5]), "val": [0], "test": []}
    for split, gone in (("train", {2, 5}), ("val", {0}), ("test", set())):
        expected = published(*((split, index) for index in range(FEW[split]) if index not in gone))
        assert expected == contents(mm.Dataset("breastmnist", split).without(leaks))


@pytest.mark.parametrize("positions", [np.arange(20) == 7, [1.5], ["3"]], ids=["a mask", "floats", "text"])
def test_without_needs_integers(positions: Any) -> None:
    with pytest.raises(TypeError, match="Positions of samples in train must be integers, not "):
        mm.Dataset("breastmnist", "train").without({"train": positions})


def test_without_removes_leaks_from_parts_and_joined_splits() -> None:
    train, val = mm.Dataset("breastmnist", "train"), mm.Dataset("breastmnist", "val")
    part = (val[[3, 0, 4]] + train[[5, 6]]).without({"train": [5, 19], "val": [0]})
    assert published(("val", 3), ("val", 4), ("train", 6)) == contents(part)
    assert contents(part) == contents(pickle.loads(pickle.dumps(part)))


def test_without_removes_nothing_if_there_are_no_leaks() -> None:
    found = mm.audit("breastmnist", download=True)
    train = mm.Dataset("breastmnist", "train").without(found.leaks)
    assert FEW["train"] == len(train)
    assert train.split == "train"


@pytest.mark.parametrize(
    ("leaks", "error"),
    [({"train": [20]}, IndexError), ({"train": [-1]}, IndexError), ({"trian": []}, UnknownSplitError)],
)
def test_without_refuses_unknown_positions(leaks: dict[str, list[int]], error: type[Exception]) -> None:
    with pytest.raises(error):
        mm.Dataset("breastmnist", "val").without(leaks)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_scheme_moves_samples_between_splits(tmp_path: Path, as_file: bool) -> None:
    scheme = Scheme(MOVES, "breastmnist", mm.info("breastmnist").archive(28).digest)
    scheme.write(tmp_path / "scheme.csv")
    given = tmp_path / "scheme.csv" if as_file else scheme
    test = mm.Dataset("breastmnist", "test", scheme=given)
    expected = published(("train", 7), ("val", 5), *(("test", index) for index in range(1, 9)))
    assert expected == contents(test)
    assert test.split == "train+val+test"
    train = mm.Dataset("breastmnist", "train", scheme=given)
    assert [index for index in range(20) if index not in (3, 7)] + [20] == train.positions.tolist()
    assert train.split == "train+test"
    val = mm.Dataset("breastmnist", "val", scheme=given)
    assert published(*(("val", index) for index in range(5))) == contents(val)
    assert val.split == "val"
    assert contents(test) == contents(pickle.loads(pickle.dumps(test)))
    assert sum(map(len, (train, val, test))) == 34


def test_corrected_splits_work_like_published_ones(tmp_path: Path) -> None:
    test = mm.Dataset("breastmnist", "test", scheme=Scheme(MOVES))
    assert test.labels.tolist() == [label.tolist() for _, label in test]
    assert [test.images.tobytes()] == [batch.images.tobytes() for batch in test.batches(len(test))]
    assert sum(test.class_counts().values()) == len(test) == test.statistics().n_pixels // 784


def test_a_scheme_of_another_set_is_refused() -> None:
    with pytest.raises(ValueError, match="The scheme is for pathmnist"):
        mm.Dataset("breastmnist", scheme=Scheme({}, "pathmnist"))
