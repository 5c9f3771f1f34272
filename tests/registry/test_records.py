"""Records are frozen and check themselves."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from medmnist_np import registry
from medmnist_np.errors import RecordError
from medmnist_np.registry import Archive, DatasetInfo, Superseded
from medmnist_np.testing import fake_record

DIGEST = f"md5:{'a' * 32}"


def record_with(**changes: object) -> DatasetInfo:
    return replace(registry.info("breastmnist"), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Breast MNIST"}, "the name 'Breast MNIST'"),
        ({"name": "../breast"}, "the name '../breast'"),
        ({"name": ""}, "the name ''"),
        ({"task": "regression"}, "the task 'regression' is not one of 'multi-class'"),
        ({"ndim": 4}, "ndim is 4"),
        ({"n_channels": 4}, "4 channels are not possible in 2D"),
        ({"n_channels": 3, "ndim": 3}, "3 channels are not possible in 3D"),
        ({"class_names": ()}, "class names are missing"),
        ({"class_names": ("same", "same")}, "class names are missing or repeated"),
        ({"class_names": ("a", "b", "c")}, "a binary set with 3 classes"),
        ({"n_samples": {}}, "no samples"),
        ({"n_samples": {"train": -1}}, "a negative number"),
        ({"enlarged_sizes": (23,)}, "names a size that has no archive"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        record_with(**changes)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(RecordError, match=r"ndim is 5.*class names are missing"):
        record_with(ndim=5, class_names=())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file_name": "../x.npz"}, "not a plain file name"),
        ({"file_name": "/x.npz"}, "not a plain file name"),
        ({"file_name": ".npz"}, "not a plain file name"),
        ({"file_name": "x\0.npz"}, "not a plain file name"),
        ({"url": "ftp://example.org/x.npz"}, "must start with https:, http: or file:"),
        ({"digest": "a" * 32}, "is not 'md5:' and 32"),
        ({"digest": "md5:abc"}, "is not 'md5:' and 32"),
        ({"digest": f"sha256:{'a' * 32}"}, "or 'sha256:' and 64"),
        ({"digest": f"md5:{'A' * 32}"}, "lower-case"),
        ({"digest": f"md5:{'a' * 31} "}, "lower-case hex digits"),
        ({"sha256": "abc"}, "64 lower-case"),
        ({"bytes": 0}, "bytes is 0. It must be at least 1"),
    ],
)
def test_an_archive_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    sound = {"file_name": "x.npz", "url": "https://example.org/x.npz", "digest": DIGEST}
    assert Archive(**sound).short_digest == "aaaaaaaa"
    with pytest.raises(RecordError, match=message):
        Archive(**{**sound, **changes})


def test_the_digest_of_a_superseded_archive_is_checked_too() -> None:
    with pytest.raises(RecordError, match="a superseded archive"):
        Superseded(digest="md5:x", seen_in_version="1")


def test_a_record_is_frozen_with_all_that_it_holds() -> None:
    record = registry.info("pathmnist")
    with pytest.raises(FrozenInstanceError):
        record.task = "binary-class"
    with pytest.raises(TypeError):
        record.n_samples["train"] = 1
    with pytest.raises(TypeError):
        record.archives[28] = record.archives[64]


@pytest.mark.parametrize("record", registry.datasets(), ids=lambda record: record.name)
def test_a_record_survives_pickling_and_copying(record: DatasetInfo) -> None:
    assert record == pickle.loads(pickle.dumps(record))
    assert record == copy.deepcopy(record)


def test_a_record_may_have_other_splits_and_sizes() -> None:
    record = fake_record("pathmnist_64", n_samples={"train": 3, "extra": 2})
    assert record.splits == ("train", "extra")
    assert record.sizes == (64,)
    shapes = [member.shape for member in record.archive(64).members]
    assert shapes == [(3, 64, 64, 3), (3, 1), (2, 64, 64, 3), (2, 1)]
    assert 5 * (64 * 64 * 3 + 1) == record.archive(64).array_bytes


def test_a_multi_label_set_has_a_column_for_each_label() -> None:
    chest, path = registry.info("chestmnist"), registry.info("pathmnist")
    assert [(r.label_width, r.n_classes, r.multi_label) for r in (chest, path)] == [(14, 14, True), (1, 9, False)]


def test_a_record_is_a_key_of_a_dict() -> None:
    record = registry.info("pathmnist")
    assert {record: 1}[pickle.loads(pickle.dumps(record))] == 1
