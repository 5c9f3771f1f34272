"""From a name and a size to a record, and what is refused on the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medmnist_np import registry
from medmnist_np.data.arrays import load
from medmnist_np.errors import MedMNISTError, UnknownDatasetError, UnknownSizeError, UnknownSplitError
from medmnist_np.registry import bundled_records
from medmnist_np.testing import fake_record

# Names


@pytest.mark.parametrize("name", ["pathmnist", "PathMNIST", "PATHMNIST", "pathmnist_28", "PathMNIST_64"])
def test_a_set_is_known_by_its_names(name: str) -> None:
    assert registry.info(name).name == "pathmnist"


def test_a_record_stands_for_itself() -> None:
    record = fake_record("pathmnist")
    assert registry.info(record) is record


def test_the_same_record_is_returned_each_time() -> None:
    assert registry.info("octmnist") is registry.info("OCTMNIST_224")


def test_a_record_is_published_whichever_thread_read_it() -> None:
    record = registry.info("breastmnist")
    assert registry.is_published(replace(record))
    assert not registry.is_published(replace(record, n_samples={"test": 3}))


@pytest.mark.parametrize(("name", "meant"), [("pathmnst", "pathmnist"), ("Brestmnist_64", "breastmnist")])
def test_a_misspelt_name_is_told_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(UnknownDatasetError, match=f"Unknown data set '{name}'. Did you mean '{meant}'") as caught:
        registry.info(name)
    assert "`medmnist-np list` or `mm.datasets()` lists all names." in str(caught.value)


def test_a_name_without_a_near_one_is_told_all_names() -> None:
    with pytest.raises(UnknownDatasetError) as caught:
        registry.info("zzzzzz")
    assert all(record.name in str(caught.value) for record in registry.datasets())


LOOK_ALIKES = [
    "",
    " pathmnist",
    "../../etc/passwd",
    "/etc/passwd",
    "path\0mnist",
    "pathmnist\0",
    "pathmnist/../pathmnist",
    "_citations",
    "_collection",
    "pathmnist.toml",
    "pathmnist_",
    "pathmnist_-28",
    "pathmnist_28_28",
    "pathmnist_\u0662\u0668",  # Arabic digits
    "p\u0430thmnist",  # a Cyrillic a
    "medmnist",
]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_look_alike_is_refused_and_no_file_is_touched(name: str, audit) -> None:
    registry.datasets()
    with audit() as seen, pytest.raises(UnknownDatasetError):
        load(name)
    assert seen.opened == []
    assert seen.writes == []


@pytest.mark.parametrize("name", [None, 28, b"pathmnist", ["pathmnist"]])
def test_a_name_is_a_string(name: object) -> None:
    with pytest.raises(UnknownDatasetError, match="must be a string"):
        registry.info(name)


# Sizes


def test_no_size_means_28() -> None:
    assert registry.resolve_size("pathmnist")[1] == registry.resolve_size("pathmnist", None)[1] == 28


def test_no_size_means_the_smallest_where_there_is_no_28() -> None:
    assert registry.resolve_size(fake_record("pathmnist_64"))[1] == 64


@pytest.mark.parametrize("size", [64, np.int64(64), np.uint8(64)])
def test_an_integer_of_any_kind_is_a_size(size: int) -> None:
    record, found = registry.resolve_size("pathmnist", size)
    assert record.name == "pathmnist"
    assert found == 64
    assert int is type(found)


def test_the_size_may_stand_in_the_name_or_in_both() -> None:
    assert registry.resolve_size("pathmnist_64")[1] == registry.resolve_size("pathmnist_64", 64)[1] == 64


@pytest.mark.parametrize("size", ["28", True, 23, 0, -28, 28.0, np.float64(28), (28,), "large"])
def test_another_size_is_refused_with_those_that_there_are(size: object) -> None:
    with pytest.raises(UnknownSizeError, match=r"pathmnist does not come in size .* Its sizes are 28, 64, 128, 224"):
        registry.resolve_size("pathmnist", size)


@pytest.mark.parametrize(("size", "end"), [("28", "224. A size is an int."), (True, "an int."), (23, "128, 224.")])
def test_only_who_gives_no_number_is_told_that_a_size_is_one(size: object, end: str) -> None:
    with pytest.raises(UnknownSizeError) as caught:
        registry.resolve_size("pathmnist", size)
    assert str(caught.value).endswith(end)
    assert "(int)" not in str(caught.value)


@pytest.mark.parametrize("name", ["pathmnist_23", "adrenalmnist3d_224", "pathmnist_0"])
def test_a_wrong_size_in_a_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownSizeError, match="does not come in size"):
        registry.resolve_size(name)


def test_two_sizes_that_differ_are_refused() -> None:
    with pytest.raises(UnknownSizeError, match="'pathmnist_64' contains size 64, but the argument is size=28"):
        registry.resolve_size("pathmnist_64", 28)


def test_an_endless_number_in_a_name_is_refused_as_one_of_ours() -> None:
    with pytest.raises(MedMNISTError):
        registry.resolve_size(f"pathmnist_{'9' * 5000}")


# Splits


@pytest.mark.parametrize("split", ["training", "Test", "", None, 0, ["train"]])
def test_an_unknown_split_is_refused_with_those_that_there_are(split: object) -> None:
    with pytest.raises(UnknownSplitError, match=r"has no split .* Its splits are 'train', 'val', 'test'"):
        registry.info("pathmnist").check_split(split)


def test_a_misspelt_split_is_told_the_nearest() -> None:
    with pytest.raises(UnknownSplitError, match="Did you mean 'train'"):
        registry.info("pathmnist").check_split("trian")


def test_name_size_and_split_are_checked_before_anything_is_looked_for(audit) -> None:
    registry.datasets()
    with audit() as seen:
        for arguments in (("pathmnst", "train", 28), ("pathmnist", "trian", 28), ("pathmnist", "train", 23)):
            with pytest.raises(ValueError, match="pathmnist"):
                load(arguments[0], arguments[1], size=arguments[2])
    assert seen.opened == []
    assert seen.network == []


# Lists


def test_sets_are_listed_by_task_dimension_and_size() -> None:
    def names(**wanted: object) -> list[str]:
        return [record.name for record in registry.datasets(**wanted)]

    assert names(task="binary-class", ndim=2) == ["pneumoniamnist", "breastmnist"]
    assert names(task="multi-label") == names(task="multi-label, binary-class") == ["chestmnist"]
    assert names(task="ordinal-regression") == ["retinamnist"]
    assert names(size=224) == names(ndim=2)
    assert names(size=23) == []
    assert names()[0] == "pathmnist"


def test_a_task_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="Did you mean 'multi-class'"):
        registry.datasets(task="multiclass")


def test_images_have_two_or_three_dimensions() -> None:
    with pytest.raises(ValueError, match=r"It must be 2 \(images\) or 3 \(volumes\)"):
        registry.datasets(ndim=4)


def test_a_registered_record_stands_in_for_its_namesake_inside_the_block_only() -> None:
    fake = fake_record("octmnist")
    with registry.registered(fake):
        assert registry.info("octmnist") is fake
        assert fake in registry.datasets()
        assert len(registry.datasets()) == len(bundled_records.names("medmnist"))
    assert registry.info("octmnist") is not fake
