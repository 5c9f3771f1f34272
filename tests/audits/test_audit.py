from __future__ import annotations

import json
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.typing import NDArray
from PIL import Image

import medmnist_np as mm
from medmnist_np.audits import Audit, ExactDuplicates, NearPair, Place, SharedGroup, audit, checks
from medmnist_np.audits.findings import alike
from medmnist_np.data.identifiers import attach_ids
from medmnist_np.errors import NotCachedError
from medmnist_np.images.hashes import changed_image
from medmnist_np.testing import fake_datasets
from tests.audits.planted import N_SAMPLES, Arrays, save, sound

NO_LEAKS: dict[str, list[int]] = {"train": [], "val": [], "test": []}


def found(folder: Path, arrays: Arrays, **options: Any) -> Audit:
    return audit(save(folder, arrays), **options)


def leaks(result: Audit) -> dict[str, list[int]]:
    return {split: positions.tolist() for split, positions in result.leaks.items()}


def places(one: ExactDuplicates | NearPair | SharedGroup) -> list[tuple[str, int]]:
    return [tuple(place) for place in one.places]


@pytest.mark.parametrize("shape", [(12, 12), (9, 8, 3), (8, 8, 8), (3, 5)])
def test_a_sound_data_set_has_no_findings(tmp_path: Path, shape: tuple[int, ...]) -> None:
    result = found(tmp_path, sound(shape))
    assert result.duplicates == ()
    assert result.blank == ()
    assert result.bad_labels == ()
    assert not result.near
    assert leaks(result) == NO_LEAKS
    assert shape == result.image_shape
    assert {split: one.n_samples for split, one in result.splits.items()} == N_SAMPLES
    assert result.shared_groups is None
    assert [(one.label_range, one.class_counts) for one in result.splits.values()] == [
        ((0, 1), (15, 15)),
        ((0, 1), (5, 5)),
        ((0, 1), (7, 7)),
    ]


def with_axes(arrays: Arrays, change: Any) -> Arrays:
    return {name: change(array) if name.endswith("_images") else array for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("usual", "change", "n_channels"),
    [
        ((12, 12), lambda images: images[..., None], 1),
        ((12, 12), lambda images: images[:, None], 1),
        ((9, 12, 3), lambda images: np.moveaxis(images, -1, 1), 3),
    ],
)
def test_a_channel_axis_at_either_end_changes_nothing(
    tmp_path: Path, usual: tuple[int, ...], change: Any, n_channels: int
) -> None:
    arrays = sound(usual)
    arrays["train_images"][8] = arrays["train_images"][2]
    arrays["test_images"][3] = arrays["val_images"][1] // 2
    arrays["train_images"][4] = 7
    expected, result = found(tmp_path, arrays), found(tmp_path, with_axes(arrays, change))
    assert result.record.ndim == 2
    assert n_channels == result.record.n_channels
    assert usual == result.image_shape
    assert expected.near
    assert expected.duplicates == result.duplicates
    assert expected.near == result.near
    assert expected.blank == result.blank
    assert ") and were read as " in result.remarks[0]


@pytest.mark.parametrize("change", [lambda images: images[..., None], lambda images: images[:, None]])
def test_volumes_with_a_channel_axis_of_1_are_accepted(tmp_path: Path, change: Any) -> None:
    result = found(tmp_path, with_axes(sound((8, 9, 10)), change))
    assert result.record.ndim == 3
    assert result.image_shape == (8, 9, 10)


def test_duplicates_in_several_splits_come_first(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][8] = arrays["train_images"][2]
    arrays["train_images"][[5, 21]] = arrays["val_images"][4] = arrays["test_images"][9]
    result = found(tmp_path, arrays)
    first, second = result.duplicates
    assert places(first) == [("train", 5), ("train", 21), ("val", 4), ("test", 9)]
    assert places(second) == [("train", 2), ("train", 8)]
    assert [(one.crosses, one.contradicts) for one in result.duplicates] == [(True, True), (False, False)]
    assert (first,) == result.conflicts
    assert result.near == ()


def test_the_later_split_keeps_its_samples(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][1] = arrays["test_images"][2]
    arrays["val_images"][3] = arrays["test_images"][4] = arrays["test_images"][5]
    arrays["train_images"][[7, 6]] = arrays["val_images"][8]
    arrays["train_images"][10] = arrays["train_images"][11]  # twice in train is no leak
    result = found(tmp_path, arrays)
    assert leaks(result) == {"train": [1, 6, 7], "val": [3], "test": []}
    assert {positions.dtype for positions in result.leaks.values()} == {np.dtype(np.intp)}


def test_duplicates_with_different_labels_are_conflicts(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][4] = arrays["train_images"][2]
    arrays["train_images"][9] = arrays["val_images"][0]
    result = found(tmp_path, arrays)
    (conflict,) = result.conflicts
    assert places(conflict) == [("train", 9), ("val", 0)]
    assert conflict.labels == ((1,), (0,))


def test_blank_images_do_not_count_as_duplicates(tmp_path: Path) -> None:
    arrays = sound((10, 10, 3))
    arrays["train_images"][[3, 4]] = arrays["test_images"][1] = 0
    arrays["val_images"][2] = (10, 20, 30)
    result = found(tmp_path, arrays)
    assert (Place("train", 3), Place("train", 4), Place("val", 2), Place("test", 1)) == result.blank
    assert result.duplicates == ()
    assert result.near == ()
    assert leaks(result) == NO_LEAKS


def test_near_duplicates_with_the_smallest_difference_come_first(tmp_path: Path) -> None:
    arrays = sound((16, 16))
    random = np.random.default_rng(1)
    arrays["train_images"] //= 2
    arrays["test_images"][3] = arrays["train_images"][20] + 40
    arrays["val_images"][6] = arrays["train_images"][7] + random.integers(0, 3, (16, 16), dtype=np.uint8)
    result = found(tmp_path, arrays)
    assert result.near is not None
    nearest, brighter = result.near
    assert places(nearest) == [("train", 7), ("val", 6)]
    assert places(brighter) == [("train", 20), ("test", 3)]
    assert brighter.distance == 0
    assert brighter.difference == 40.0
    assert 0.5 < nearest.difference < 1.5
    assert nearest.crosses is True
    assert nearest.contradicts is True
    assert brighter.crosses is True
    assert brighter.contradicts is True
    assert result.duplicates == ()
    assert result.near_distance == 4
    assert NO_LEAKS == leaks(result)  # these are for people to look at


@pytest.mark.parametrize("change", ["shifted up", "cropped by two", "mirrored top to bottom", "rotated clockwise"])
def test_a_changed_copy_is_found_with_its_change(tmp_path: Path, change: str) -> None:
    arrays = sound((28, 28))
    spots = Image.fromarray(arrays["train_images"][4][:9, :9]).resize((28, 28), Image.Resampling.BILINEAR)
    arrays["train_images"][4] = spots
    copy = np.rint(changed_image(arrays["train_images"][4], change)).astype(np.uint8)
    arrays["test_images"][6] = copy
    (pair,) = found(tmp_path, arrays).near or ()
    assert places(pair) == [("train", 4), ("test", 6)]
    assert pair.change == change
    assert pair.difference < 0.5
    assert f"train 4 ~ test 6: class {pair.labels[0][0]}" in alike(pair, found(tmp_path, arrays).record)
    assert f"; {change}, " in alike(pair, found(tmp_path, arrays).record)


def test_near_duplicates_include_only_the_first_of_exact_duplicates(tmp_path: Path) -> None:
    arrays = sound((16, 16))
    arrays["train_images"] //= 2
    arrays["test_images"][[3, 4]] = arrays["train_images"][20]
    arrays["val_images"][0] = arrays["train_images"][20] + 9
    result = found(tmp_path, arrays)
    assert [places(pair) for pair in result.near or ()] == [[("train", 20), ("val", 0)]]


def test_labels_out_of_range_and_absent_classes_are_found(tmp_path: Path) -> None:
    arrays = sound()
    for split in N_SAMPLES:
        arrays[f"{split}_labels"] = arrays[f"{split}_labels"].astype(np.int64)
    arrays["train_labels"][5] = -1
    arrays["val_labels"][:] = 3
    result = found(tmp_path, arrays)
    assert (Place("train", 5),) == result.bad_labels
    assert [(one.label_range, one.class_counts) for one in result.splits.values()] == [
        ((-1, 1), (15, 14, 0, 0)),
        ((3, 3), (0, 0, 0, 10)),
        ((0, 1), (7, 7, 0, 0)),
    ]
    assert "train has no sample of class 2" in result.in_words()


def test_labels_of_a_known_set_are_compared_with_its_record(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 4, "test": 2}):
        mm.fetch("breastmnist")
        folder = mm.Dataset("breastmnist").folder
        labels = np.load(folder / "train_labels.npy")
        labels[2] = 7
        np.save(folder / "train_labels.npy", labels)
        assert (Place("train", 2),) == audit("breastmnist").bad_labels


def test_each_finding_of_a_multi_label_set_is_counted(tmp_path: Path) -> None:
    arrays = sound(width=3)
    arrays["train_labels"][:] = (1, 0, 0)
    arrays["test_labels"][6] = (0, 2, 0)
    arrays["train_images"][0] = arrays["val_images"][1]
    result = found(tmp_path, arrays)
    assert result.splits["train"].class_counts == (30, 0, 0)
    assert (Place("test", 6),) == result.bad_labels
    assert "train 0 = val 1: label 0 against label 0, label 1, label 2" in result.in_words()


@pytest.mark.parametrize("column", ["group", "image_id"])
def test_groups_in_several_splits_are_leaks(tmp_path: Path, column: str) -> None:
    names = {(split, k): f"{split}{k}" for split, n in N_SAMPLES.items() for k in range(n)}
    names["train", 3] = names["train", 8] = names["test", 1] = "p,1"
    names["val", 2] = names["val", 3] = "twice in one split"
    names["train", 4] = names["val", 5] = "p2"
    ids = tmp_path / "ids.csv"
    rows = [
        f'{split},{k},"{name}"' if column == "image_id" else f'{split},{k},{split}/{k},"{name}"'
        for (split, k), name in names.items()
    ]
    ids.write_text("\n".join(["split,index,image_id" + (",group" if column == "group" else ""), *rows]))
    result = found(tmp_path, sound(), ids=ids)
    assert [(one.group, places(one)) for one in result.shared_groups or ()] == [
        ("p,1", [("train", 3), ("train", 8), ("test", 1)]),
        ("p2", [("train", 4), ("val", 5)]),
    ]
    assert leaks(result) == {"train": [3, 4, 8], "val": [], "test": []}


EMPTY = ["", "  ", "nan", "None", "NaN", "NA", "NULL"]


def ids_of(folder: Path, columns: str, value: Any) -> Path:
    """Write ids: ``value(split, position)`` of each sample is a text of one column, or of two."""
    lines = [f"{split},{k},{value(split, k)}" for split, n in N_SAMPLES.items() for k in range(n)]
    path = folder / "ids.csv"
    path.write_text("\n".join([f"split,index,{columns}", *lines]))
    return path


@pytest.mark.parametrize("empty", EMPTY)
def test_samples_without_an_image_id_are_not_compared(tmp_path: Path, empty: str) -> None:
    file = ids_of(tmp_path, "image_id", lambda split, k: empty if k < 5 else "both" if k == 7 else f"{split}{k}")
    result = found(tmp_path, sound(), ids=file)
    assert leaks(result) == {"train": [7], "val": [7], "test": []}
    assert result.grouped_by == "image_id"
    assert "15 samples without an image_id were not compared between splits." in result.remarks


@pytest.mark.parametrize("empty", EMPTY)
def test_empty_groups_are_ignored(tmp_path: Path, empty: str) -> None:
    file = ids_of(tmp_path, "image_id,group", lambda split, k: f"{split}{k},{empty}")
    result = found(tmp_path, sound(), ids=file)
    assert result.grouped_by == "image_id"
    assert result.shared_groups == ()
    assert leaks(result) == NO_LEAKS


def test_groups_of_some_splits_only_are_not_compared_and_a_remark_reports_it(tmp_path: Path) -> None:
    file = ids_of(tmp_path, "image_id,group", lambda split, k: f"{split}{k},{'' if split == 'test' else 'p'}")
    result = found(tmp_path, sound(), ids=file)
    assert result.grouped_by == "image_id"
    assert leaks(result) == NO_LEAKS
    assert "No groups are known for test, so groups were not compared between splits." in result.remarks


def test_groups_without_image_ids_are_compared(tmp_path: Path) -> None:
    file = ids_of(tmp_path, "image_id,group", lambda split, k: f",{'p' if k == 3 else f'{split}{k}'}")
    result = found(tmp_path, sound(), ids=file)
    assert result.grouped_by == "group"
    assert leaks(result) == {"train": [3], "val": [3], "test": []}


def test_spaces_around_an_id_do_not_make_another_one(tmp_path: Path) -> None:
    file = ids_of(
        tmp_path, "image_id", lambda split, k: {("train", 1): " x", ("val", 1): "x "}.get((split, k), f"{split}{k}")
    )
    assert leaks(found(tmp_path, sound(), ids=file)) == {"train": [1], "val": [], "test": []}


def test_ids_that_are_attached_are_used(tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("split,index,image_id\ntrain,0,a\ntrain,1,b\ntest,0,b\n")
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 2, "test": 1}):
        assert audit("breastmnist", download=True).shared_groups is None
        attach_ids("breastmnist", ids)
        (shared,) = audit("breastmnist").shared_groups or ()
    assert shared.group == "b"
    assert places(shared) == [("train", 1), ("test", 0)]


def test_ids_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("split,index,image_id\ntrain,0,a\n")
    with pytest.raises(ValueError, match="29 of 30 samples of mine train have no line"):
        found(tmp_path, sound(), ids=ids)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_shuffling_the_samples_changes_nothing_but_positions(tmp_path: Path, seed: int) -> None:
    arrays = sound((16, 16))
    arrays["train_images"][[1, 2]] = arrays["test_images"][3]
    arrays["val_images"][[4, 5]] = 7
    arrays["train_images"][6] = arrays["val_images"][8] // 2 + 60
    arrays["test_labels"][9] = 1
    random = np.random.default_rng(seed)
    orders = {split: random.permutation(n) for split, n in N_SAMPLES.items()}
    shuffled = {name: array[orders[name.partition("_")[0]]] for name, array in arrays.items()}
    before = found(tmp_path, arrays)
    after = found(tmp_path, shuffled)

    def described(result: Audit, moved: dict[str, NDArray[np.intp]]) -> Any:
        def at(alike: Any) -> Any:
            return frozenset(
                zip(((p.split, int(moved[p.split][p.position])) for p in alike.places), alike.labels, strict=True)
            )

        near = {(at(pair), pair.distance, pair.difference) for pair in result.near or ()}
        blank = {(p.split, int(moved[p.split][p.position])) for p in result.blank}
        gone = {split: set(moved[split][positions].tolist()) for split, positions in result.leaks.items()}
        return set(map(at, result.duplicates)), near, blank, gone, result.splits

    unmoved = {split: np.arange(n) for split, n in N_SAMPLES.items()}
    assert described(before, unmoved) == described(after, orders)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_any_executor_finds_the_same(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = sound()
    arrays["train_images"][5] = arrays["test_images"][5]
    arrays["train_images"][6] = arrays["test_images"][7] // 2
    arrays["val_images"][9] = 0
    expected = found(tmp_path, arrays)
    monkeypatch.setattr(checks, "_PIECE_BYTES", 1000)
    pool = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    with pool as executor:
        assert expected == found(tmp_path, arrays, executor=executor)


def test_the_search_for_near_duplicates_can_be_skipped(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][6] = arrays["test_images"][7] // 2
    result = found(tmp_path, arrays, max_distance=None)
    assert result.near is None
    assert result.near_distance is None
    assert result.remarks == ("Near duplicates were not searched, as requested.",)


def test_shapes_of_two_values_and_small_images_have_no_near_duplicates(tmp_path: Path) -> None:
    shapes = sound((8, 8, 8))
    for split in N_SAMPLES:
        shapes[f"{split}_images"] = (shapes[f"{split}_images"] > 127).astype(np.uint8) * 255
    shapes["train_images"][3] = shapes["test_images"][4]
    result = found(tmp_path, shapes)
    assert result.near is None
    assert len(result.duplicates) == 1
    assert "all images have only two values" in result.remarks[0]
    assert "at least 8 pixels along each axis" in found(tmp_path, sound((7, 20, 3))).remarks[0]


def test_an_odd_distance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"max_distance is 3, but hashes differ in an even number of bits. Use 2 or 4"):
        audit(tmp_path / "absent.npz", max_distance=3)


def test_if_there_are_too_many_near_pairs_only_closer_ones_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = sound((16, 16))
    random = np.random.default_rng(5)
    arrays["train_images"][:] = arrays["test_images"][0] // 2 + random.integers(0, 20, (30, 16, 16), dtype=np.uint8)
    everything = found(tmp_path, arrays, max_distance=16)
    n_pairs = len(everything.near or ())
    assert n_pairs > 100
    monkeypatch.setattr(checks, "MOST_PAIRS", n_pairs // 2)
    fewer = found(tmp_path, arrays, max_distance=16)
    assert fewer.near_distance is not None
    assert fewer.near_distance < 16
    assert [pair for pair in everything.near or () if pair.distance <= fewer.near_distance] == list(fewer.near or ())
    assert "differ in at most 16 bits. Only those" in fewer.remarks[0]
    for split in ("train", "test"):
        arrays[f"{split}_images"][:] = arrays["val_images"][0] // 2
        arrays[f"{split}_images"] += np.arange(len(arrays[f"{split}_images"]), dtype=np.uint8)[:, None, None]
    none = found(tmp_path, arrays, max_distance=0)
    assert none.near is None
    assert none.near_distance == 0
    assert "Near duplicates:  too many to list" in none.in_words()
    assert "have equal perceptual hashes" in none.remarks[0]


@pytest.mark.parametrize("distance", [-1, 17, 2.5])
def test_an_invalid_distance_is_rejected(tmp_path: Path, distance: Any) -> None:
    with pytest.raises(ValueError, match=rf"max_distance is {distance}. It must be between 0 and 16 bits"):
        audit(tmp_path / "not there.npz", max_distance=distance)


def test_a_split_without_samples_is_accepted(tmp_path: Path) -> None:
    result = found(tmp_path, sound(n_samples={"train": 5, "val": 0, "test": 0}))
    assert result.splits["val"].label_range is None
    assert result.splits["val"].class_counts == (0, 0)
    assert leaks(result) == NO_LEAKS


def test_a_name_and_its_archive_give_the_same(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", "chestmnist", n_samples={"train": 20, "test": 9}) as (record,):
        with pytest.raises(NotCachedError, match="medmnist-np fetch chestmnist"):
            audit("chestmnist")
        by_name = audit("chestmnist", download=True)
        by_file = audit(tmp_path / "fakes" / "archives" / "chestmnist.npz")
        assert record == by_name.record
        assert record == by_file.record
    assert {**by_name.to_dict(), "name": ""} == {**by_file.to_dict(), "name": ""}
    assert by_file.name == "chestmnist.npz"


def test_a_size_for_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"which has one size\. Leave out size="):
        audit(save(tmp_path, sound()), size=28)


def test_to_dict_returns_values_for_json(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][5] = arrays["test_images"][4]
    arrays["train_images"][6] = arrays["test_images"][7] // 2
    arrays["val_images"][9] = 0
    result = found(tmp_path, arrays)
    table = json.loads(json.dumps(result.to_dict()))
    assert table["duplicates"] == [{"places": [["train", 5], ["test", 4]], "labels": [[1], [0]]}]
    assert table["conflicts"] == table["duplicates"]
    assert table["blank"] == [["val", 9]]
    assert table["leaks"] == {"train": [5], "val": [], "test": []}
    assert table["splits"]["train"]["class_counts"] == {"0": 15, "1": 15}
    assert table["near"][0]["places"][0] == ["train", 6]
    copy = pickle.loads(pickle.dumps(result))
    assert result == copy
    assert result.page() == copy.page()


def test_an_audit_prints_as_text(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][5] = arrays["test_images"][4]
    arrays["val_images"][:7] = np.arange(7, dtype=np.uint8)[:, None, None]
    expected = """\
mine.npz: 54 images of 12 x 12 (train 30, val 10, test 14)
Exact duplicates: 1 group with 2 images; 1 in several splits, 1 with different labels
    train 5 = test 4: class 1 against class 0
Near duplicates:  no pairs up to 4 bits apart
Blank:            7 images
    val 0
    val 1
    val 2
    val 3
    val 4
    ... and 2 more
Wrong labels:     no samples
Patients:         not checked, since no groups are known
Leaks:            train 1; they also occur in a later split."""
    result = found(tmp_path, arrays)
    assert expected == repr(result)
    assert expected == result.in_words()


NOT_CHECKED = "Patients:         not checked, since no groups are known"


def test_without_ids_it_states_that_patients_were_not_checked(tmp_path: Path) -> None:
    said = found(tmp_path, sound()).in_words().splitlines()
    assert NOT_CHECKED in said
    assert "Leaks:            none among exact duplicates" in said


def test_image_ids_are_not_reported_as_patients(tmp_path: Path) -> None:
    result = found(tmp_path, sound(), ids=ids_of(tmp_path, "image_id", lambda split, k: f"{split}{k}"))
    said = result.in_words().splitlines()
    assert [line for line in said if line.startswith(("Image ids", "Groups", "Patients"))] == [
        "Image ids:        no image ids in several splits",
        NOT_CHECKED,
    ]
    assert "Leaks:            none among exact duplicates and image ids" in said
    assert "Patients: not checked, since no groups are known." in result.page()
    assert result.to_dict()["grouped_by"] == "image_id"


def test_groups_that_were_compared_are_reported(tmp_path: Path) -> None:
    result = found(tmp_path, sound(), ids=ids_of(tmp_path, "image_id,group", lambda split, k: f"{split}{k},{split}"))
    said = result.in_words().splitlines()
    assert "Groups:           no groups in several splits" in said
    assert "Leaks:            none among exact duplicates and groups" in said
    assert "not checked" not in result.in_words() + result.page()


def test_a_single_split_is_not_searched_for_leaks(tmp_path: Path) -> None:
    said = found(tmp_path, sound(n_samples={"train": 20})).in_words()
    assert "Leaks:            not checked (there is only one split)" in said


def test_a_skipped_search_for_near_duplicates_is_reported_in_its_line(tmp_path: Path) -> None:
    assert "Near duplicates:  not searched" in found(tmp_path, sound(), max_distance=None).in_words()


def test_only_the_first_of_many_duplicates_are_named(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][:20] = arrays["test_images"][3]
    result = found(tmp_path, arrays)
    assert (
        "    train 0 = train 1 = train 2 = train 3 = train 4 = train 5 = train 6 = train 7 and 13 more: "
        "class 0 against class 1\n"
    ) in result.in_words()
    page = result.page()
    assert "train 0, 1, 2, 3, 4, 5, 6, 7 and 12 more; test 3" in page
    assert "class 1: train 1, 3, 5, 7, 9, 11, 13, 15 and 2 more; test 3" in page
    assert len(result.to_dict()["duplicates"][0]["places"]) == 21


def test_no_temporary_file_remains(tmp_path: Path, sandbox: Path) -> None:
    path = save(tmp_path, sound(), "mine [1] é.npz")
    before = path.read_bytes()
    audit(path)
    audit(str(path))
    assert before == path.read_bytes()
    assert [one for one in (sandbox / "cache").rglob("*") if one.is_file() or "staging" in one.name] == []


SHOWN = ("scanning images", "comparing changed images", "comparing images")


def test_images_are_read_in_pieces_and_progress_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_PIECE_BYTES", 12 * 12 * 7)
    arrays = sound()
    arrays["train_images"][29] = arrays["val_images"][8]
    done: dict[str, list[int]] = {}

    class Bar:
        def __init__(self, task: str, total: int | None, done_before: int = 0) -> None:
            self.total, self.sums = total, done.setdefault(task, [])

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            assert self.total in (None, sum(self.sums))

        def update(self, n_bytes: int) -> None:
            self.sums.append(n_bytes)

    result = found(tmp_path, arrays, progress=Bar)
    assert [places(one) for one in result.duplicates] == [[("train", 29), ("val", 8)]]
    assert done["scanning images"] == [1008, 1008, 1008, 1008, 288, 1008, 432, 1008, 1008]
    assert done.keys() == {"checking mine.npz", "unpacking mine.npz", *SHOWN}
