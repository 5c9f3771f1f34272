"""Archives that no record describes: one error with the reason, and nothing left behind."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from medmnist_np import _files
from medmnist_np.audits import audit
from medmnist_np.errors import ArchiveError, CacheError, NoSpaceError
from tests.audits.planted import Arrays, save, sound

SMALL = {"train": 4, "test": 2}


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        raise AssertionError("a pickle was loaded")


def changed(**changes: Any) -> Arrays:
    return {name: array for name, array in {**sound(n_samples=SMALL), **changes}.items() if array is not None}


def refusal(path: Path) -> str:
    with pytest.raises(ArchiveError) as caught:
        audit(path)
    message = str(caught.value)
    start, end = f"{path} cannot be audited: ", ". Expected an .npz file with train_images,"
    assert message.startswith(start)
    assert end in message
    return message.removeprefix(start).partition(end)[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_labels": None}, "it has no train_labels"),
        ({"test_images": None}, "it has no test_images"),
        (
            {"test_images": np.zeros((2, 28, 28), np.uint8)},
            r"its splits differ: images of \(12, 12\) with labels of \(1,\) and images of \(28, 28\) with .*",
        ),
        (
            {"test_labels": np.zeros((2, 3), np.uint8)},
            r"its splits differ: images of \(12, 12\) with labels of \(1,\) and images .* with labels of \(3,\)",
        ),
        ({"test_labels": np.zeros((3, 1), np.uint8)}, "test has 2 images and 3 labels"),
        ({"train_images": np.zeros((4, 12, 12))}, r"train_images is float64 of shape \(4, 12, 12\)"),
        ({"train_images": np.zeros((4, 144), np.uint8)}, r"train_images is uint8 of shape \(4, 144\)"),
        ({"train_images": np.zeros((4, 0, 12), np.uint8)}, r"train_images is uint8 of shape \(4, 0, 12\)"),
        (
            {"train_images": np.zeros((4, 3, 12, 3), np.uint8)},
            r"train_images: The shape \(3, 12, 3\) is ambiguous: both .* may hold channels.*",
        ),
        (
            {"train_images": np.zeros((4, 12, 12, 4), np.uint8)},
            r"train_images: The shape \(12, 12, 4\) has 4 channels; .*",
        ),
        ({"train_images": np.zeros((4, 12, 12), np.uint8, "F")}, "train_images: its values are in Fortran order"),
        ({"train_labels": np.array([["a"]] * 4)}, r"train_labels is str32 of shape \(4, 1\)"),
        ({"train_labels": np.zeros((4, 1, 1), np.uint8)}, r"train_labels is uint8 of shape \(4, 1, 1\)"),
        (dict.fromkeys(sound(n_samples=SMALL)), "it has no arrays"),
        (dict.fromkeys(sound(n_samples=SMALL)) | {"b": np.zeros(4), "a": np.zeros(4)}, "it has a, b"),
    ],
)
def test_an_invalid_archive_of_images_and_labels_is_rejected(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    assert re.fullmatch(reason, refusal(save(tmp_path, changed(**changes))))


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    path = save(tmp_path, changed(train_labels=None))
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (4, 1)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("train_labels.npy", stream.getvalue() + pickle.dumps(np.zeros(4)))
    assert refusal(path) == "train_labels is object of shape (4, 1)"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it does not end as a zip does: it is cut short, or something follows it"),
        (
            b"no zip at all, but some words that are longer than its end",
            "it does not end as a zip does: it is cut short, or something follows it",
        ),
    ],
)
def test_an_invalid_zip_is_rejected(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert reason == refusal(path)


def test_a_huge_directory_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(2000):
            archive.writestr(f"{k}.npy", b"")
    assert refusal(path) == "it says that its directory has 106890 bytes"


def test_members_that_are_not_arrays_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, changed())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("read.me", b"")
    assert refusal(path) == "it is not a readable archive of arrays (read.me is not an array)"


def test_a_truncated_or_changed_archive_is_refused(tmp_path: Path) -> None:
    whole = save(tmp_path, changed()).read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[:-30])
    assert refusal(path) == "it does not end as a zip does: it is cut short, or something follows it"
    path.write_bytes(whole[:400] + b"\0" * 8 + whole[408:])
    assert refusal(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_only_ever_raise_one_error(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(save(tmp_path, sound((4, 4), {"train": 3})).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.npz"
    path.write_bytes(content)
    try:
        audit(path)
    except ArchiveError as error:
        assert str(path) in str(error)  # noqa: PT017 -- it may also be sound


def test_a_member_with_a_path_outside_the_folder_is_not_written(tmp_path: Path, sandbox: Path) -> None:
    path = save(tmp_path, {**changed(), "../../train_images": np.zeros(3), "/tmp/x_labels": np.zeros(3)})  # noqa: S108
    before = {*tmp_path.rglob("*"), *sandbox.rglob("*")}
    audit(path)
    after = {*tmp_path.rglob("*"), *sandbox.rglob("*")}
    assert {sandbox / "cache", sandbox / "cache" / "downloads"} == after - before


def test_arrays_that_do_not_fit_on_the_disk_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "free_bytes", lambda _: 100)
    with pytest.raises(NoSpaceError, match=r"Not enough space to unpack mine\.npz"):
        audit(save(tmp_path, changed()))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=r"nowhere\.npz"):
        audit(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, ">i4"])
@pytest.mark.parametrize("width", [(), (1,)])
def test_labels_of_any_integer_dtype_are_read(tmp_path: Path, dtype: Any, width: tuple[int, ...]) -> None:
    labels = np.array([0, 1, 1, 0]).astype(dtype).reshape(4, *width)
    arrays = {"train_images": sound(n_samples=SMALL)["train_images"], "train_labels": labels}
    split = audit(save(tmp_path, arrays)).splits["train"]
    assert split.label_range == (0, 1)
    assert split.class_counts == (2, 2)


def test_other_arrays_are_ignored_and_unknown_splits_come_after_train(tmp_path: Path) -> None:
    arrays = sound(n_samples={"test": 3, "extra": 2, "val": 2, "train": 4})
    arrays["extra_images"][0] = arrays["train_images"][1]
    arrays["val_images"][1] = arrays["extra_images"][1]
    np.savez(tmp_path / "stored.npz", **arrays, names=np.array(["a"]), train_ids=np.arange(4.0))
    result = audit(tmp_path / "stored.npz")
    assert list(result.splits) == ["train", "extra", "val", "test"]
    assert {k: v.tolist() for k, v in result.leaks.items()} == {"train": [1], "extra": [1], "val": [], "test": []}
    assert "extra: not recognised as train, val or test, so placed after train." in result.remarks[0]


@pytest.mark.parametrize(
    "names",
    [
        ("training", "validation", "testing"),
        ("Train", "Valid", "Test"),
        ("tr", "dev", "ts"),
        ("train1", "val1", "test1"),
        ("TRAINING", "VAL", "TESTING"),
    ],
)
def test_splits_are_recognised_by_their_usual_names(tmp_path: Path, names: tuple[str, str, str]) -> None:
    arrays = {
        f"{name}_{role}": array
        for name, split in zip(names, ("train", "val", "test"), strict=True)
        for role, array in ((role, sound()[f"{split}_{role}"]) for role in ("images", "labels"))
    }
    train, val, test = names
    arrays[f"{train}_images"][1] = arrays[f"{test}_images"][2]
    arrays[f"{val}_images"][3] = arrays[f"{test}_images"][4]
    arrays[f"{train}_images"][5] = arrays[f"{val}_images"][6]
    result = audit(save(tmp_path, arrays))
    assert list(names) == list(result.splits)
    assert {train: [1, 5], val: [3], test: []} == {k: v.tolist() for k, v in result.leaks.items()}
    assert result.remarks == ()
