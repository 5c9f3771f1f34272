"""All cases into flat arrays: what is written, by any executor, and what bad cases bring about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, NoSpaceError
from medmnist_np.registry import VolumeInfo
from medmnist_np.volumes import decoder
from medmnist_np.volumes.layouts import read_report
from medmnist_np.volumes.publish import locate
from medmnist_np.volumes.ragged import Ragged
from tests.volumes.making import AFFINE, archived, cache, decathlon, nifti, packed, tar_of

RANDOM = np.random.default_rng(0)
RECORD = mm.info("msd/hippocampus")
assert isinstance(RECORD, VolumeInfo)
Pair = tuple[np.ndarray, np.ndarray | None]


def pairs(n: int, dtype: str = "i2") -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for number in range(n):
        shape = tuple((RANDOM.integers(3, 9, 3)).tolist())
        image = RANDOM.integers(0, 200, shape).astype(dtype)
        found[f"h_{number:02}"] = image, RANDOM.integers(0, 3, shape, np.uint8) if number < n - 2 else None
    return found


PAIRS = pairs(7)


def files_of(of: Mapping[str, Pair], **fields: object) -> dict[str, tuple[bytes, bytes | None]]:
    return {
        name: (packed(nifti(image, **fields)), None if mask is None else packed(nifti(mask)))
        for name, (image, mask) in of.items()
    }


GOOD = files_of(PAIRS)


def made(folder: Path, cases: Mapping[str, tuple[bytes, bytes | None]], record: VolumeInfo = RECORD) -> VolumeInfo:
    """Pack cases as the Decathlon does; return the record."""
    n_train = sum(mask is not None for _, mask in cases.values())
    counts = {"train": n_train, "test": len(cases) - n_train}
    return archived(record, tar_of(decathlon(record, cases)), folder, counts)


def check(folder: ArrayFolder, of: Mapping[str, Pair], dtype: str) -> None:
    for split in ("train", "test"):
        expected = {name: pair for name, pair in of.items() if (pair[1] is not None) == (split == "train")}
        shapes = folder.open(f"{split}_shapes")
        names = [bytes(row).rstrip(b"\0").decode() for row in folder.open(f"{split}_cases")]
        assert list(expected) == names
        images = Ragged(folder.open(f"{split}_images"), shapes)
        assert np.dtype(dtype) == images.dtype
        for (image, _), found in zip(expected.values(), images, strict=True):
            np.testing.assert_array_equal(image, found)
        if split == "train":
            masks = Ragged(folder.open("train_masks"), shapes[:, :3])
            for (_, mask), found in zip(expected.values(), masks, strict=True):
                np.testing.assert_array_equal(mask, found)
        for affine, spacing in zip(folder.open(f"{split}_affines"), folder.open(f"{split}_spacings"), strict=True):
            np.testing.assert_allclose(AFFINE, affine, atol=1e-5)
            np.testing.assert_allclose([0.7, 0.7, 3], spacing, atol=1e-6)
    assert "test_masks" not in folder.manifest.arrays


def staged() -> list[str]:
    return sorted(path.name for path in cache().glob("arrays/*/.*"))


def test_cases_lie_one_after_another_as_in_their_files(tmp_path: Path) -> None:
    record = made(tmp_path, files_of(PAIRS))
    folder = locate(record, progress=silent)
    check(folder, PAIRS, "i2")
    assert f"arrays/{record.storage_key()}" == folder.path.relative_to(cache()).as_posix()
    assert folder.manifest.checked == "digest"
    assert record.archive_file.digest == folder.manifest.digest
    assert staged() == []
    assert read_report(folder.path) == []
    folder.check_sizes()
    files = {path.name for path in folder.path.iterdir()}
    assert {f"{name}.npy" for name in folder.manifest.arrays} | {"manifest.json", "decoding.json"} == files
    for name in folder.manifest.arrays:
        np.testing.assert_array_equal(np.load(folder.path / f"{name}.npy"), folder.open(name))


@pytest.mark.parametrize(
    ("dtypes", "common"),
    [
        (["u1", "f4"], "f4"),
        (["u1", "i2"], "i2"),
        (["i2", "u2"], "i4"),
        (["u1", "u1"], "u1"),
        (["i4", "f4"], "f8"),
        (["i2", "f8"], "f8"),
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_the_smallest_dtype_that_holds_all_is_taken(tmp_path: Path, dtypes: list[str], common: str, order: str) -> None:
    of = {name: (image.astype(dtypes[n % 2]), mask) for n, (name, (image, mask)) in enumerate(PAIRS.items())}
    check(locate(made(tmp_path, files_of(of, order=order)), progress=silent), of, common)


def test_scaled_images_are_float32(tmp_path: Path) -> None:
    of = {name: (image * np.float32(0.5) + 3, mask) for name, (image, mask) in PAIRS.items()}
    check(locate(made(tmp_path, files_of(PAIRS, slope=0.5, inter=3)), progress=silent), of, "f4")


def test_labels_that_a_scale_has_rounded_are_whole(tmp_path: Path) -> None:
    files = dict(GOOD)
    files["h_01"] = (GOOD["h_01"][0], packed(nifti(MASK * np.uint8(100), slope=0.01)))  # 1.9999999553 for 2
    check(locate(made(tmp_path, files), progress=silent), PAIRS, "i2")


def test_a_trailing_axis_of_one_is_left_out(tmp_path: Path) -> None:
    of = {name: (image[..., None], None if mask is None else mask[..., None]) for name, (image, mask) in PAIRS.items()}
    check(locate(made(tmp_path, files_of(of)), progress=silent), PAIRS, "i2")


def test_channels_come_last(tmp_path: Path) -> None:
    record = mm.info("msd/prostate")
    assert isinstance(record, VolumeInfo)
    of = {name: (np.stack([image, image + 1], axis=-1), mask) for name, (image, mask) in PAIRS.items()}
    check(locate(made(tmp_path, files_of(of), record), progress=silent), of, "i2")


@pytest.fixture(scope="module")
def executors() -> Iterator[dict[str, Executor]]:
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        yield {"threads": threads, "processes": processes}


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_any_executor_gives_the_same_digests(tmp_path: Path, executors: Mapping[str, Executor], kind: str) -> None:
    record = made(tmp_path, files_of(PAIRS))
    alone = locate(record, root=tmp_path / "alone", download=True, progress=silent)
    spread = locate(record, root=tmp_path / kind, download=True, executor=executors[kind], progress=silent)
    assert alone.manifest == spread.manifest


@pytest.mark.parametrize("kind", [None, "threads"])
def test_bars_are_full_when_the_work_is_done(
    tmp_path: Path, executors: Mapping[str, Executor], kind: str | None
) -> None:
    shown: dict[str, list[int | None]] = {}

    @contextmanager
    def progress(task: str, total: int | None, done: int = 0) -> Iterator[Any]:
        bar = SimpleNamespace(total=total, done=done)
        bar.update = lambda n_bytes: setattr(bar, "done", bar.done + n_bytes)
        yield bar
        shown[task] = [total, bar.done]

    record = made(tmp_path, GOOD)
    folder = locate(record, progress=progress, executor=executors[kind] if kind else None)
    names = ["checking headers of msd/hippocampus", "unpacking msd/hippocampus", "checking msd/hippocampus"]
    assert names == [task for task in shown if "msd/" in task]
    assert all(total == done for total, done in (shown[name] for name in names))
    assert sum(array.bytes for array in folder.manifest.arrays.values()) == shown[names[2]][1]


# Bad cases

IMAGE, MASK = PAIRS["h_01"]
assert MASK is not None
TURNED = np.diag([-1, 1, 1, 1]) @ AFFINE
MOVED = AFFINE + np.array([[0, 0, 0, 0.01], [0] * 4, [0] * 4, [0] * 4])


@pytest.mark.parametrize(
    ("image", "mask", "said"),
    [
        (nifti(IMAGE), nifti(MASK[:-1]), r"the shape \(.*\) and .*h_01.nii.gz the shape"),
        (nifti(IMAGE), nifti(MASK, sform=TURNED), "180 mm apart"),
        (nifti(IMAGE), nifti(MASK, sform=MOVED), "0.01 mm apart"),
        (nifti(IMAGE), nifti(MASK + 1), "the value 3, but a mask may only have 0, 1, 2"),
        # What NiBabel writes of floats into uint8 by default: off by half a step.
        (nifti(IMAGE), nifti((MASK > 0) * np.uint8(128), slope=2 / 255), r"the value 1\.00392, but a mask"),
        (nifti(IMAGE), nifti(MASK)[:-1], "truncated"),
        (nifti(IMAGE)[:-1], nifti(MASK), "truncated"),
        (nifti(IMAGE)[:100], nifti(MASK), "not a NIfTI file"),
        (nifti(np.stack([IMAGE, IMAGE], axis=-1)), nifti(MASK), "one channel is expected"),
        (b"", nifti(MASK), "not a NIfTI file"),
    ],
)
def test_a_bad_case_is_named_and_nothing_is_kept(tmp_path: Path, image: bytes, mask: bytes, said: str) -> None:
    record = made(tmp_path, GOOD | {"h_01": (packed(image), packed(mask))})
    with pytest.raises(ArchiveError, match=said) as caught:
        locate(record, progress=silent)
    assert str(caught.value).startswith("msd/hippocampus cannot be imported: h_01: ")
    assert "skip=True" in str(caught.value)
    assert staged() == []
    assert list(cache().glob("arrays/*/*")) == []
    # The same with leave to go on: all but that case, as if it had never been there.
    folder = locate(record, progress=silent, skip=True)
    check(folder, {name: pair for name, pair in PAIRS.items() if name != "h_01"}, "i2")
    assert [one.case for one in read_report(folder.path)] == ["h_01"]


def test_a_wrong_checksum_in_the_middle_is_found(tmp_path: Path) -> None:
    image, mask = GOOD["h_02"]
    broken = image[:-8] + bytes([image[-8] ^ 1]) + image[-7:]
    record = made(tmp_path, GOOD | {"h_02": (broken, mask)})
    with pytest.raises(ArchiveError, match=r"h_02: .*damaged"):
        locate(record, progress=silent)
    check(locate(record, progress=silent, skip=True), {n: p for n, p in PAIRS.items() if n != "h_02"}, "i2")


def test_rounding_in_an_affine_is_no_difference(tmp_path: Path) -> None:
    mask = packed(nifti(MASK, sform=AFFINE + 5e-4))
    check(locate(made(tmp_path, GOOD | {"h_01": (packed(nifti(IMAGE)), mask)}), progress=silent), PAIRS, "i2")


@pytest.mark.parametrize("keep", [20, -9], ids=["headers", "voxels"])
def test_a_labelled_split_is_never_left_out_as_a_whole(tmp_path: Path, keep: int) -> None:
    cut = {name: (image if mask is None else image[:keep], mask) for name, (image, mask) in GOOD.items()}
    with pytest.raises(
        ArchiveError, match=r"No case of the train split of msd/hippocampus can be used: h_00: .*--skip"
    ):
        locate(made(tmp_path, cut), progress=silent, skip=True)
    assert staged() == []
    assert list(cache().glob("arrays/*/*")) == []


def test_an_unlabelled_split_of_which_nothing_is_left_is_not_there(tmp_path: Path) -> None:
    cut = {name: (image[:-9] if mask is None else image, mask) for name, (image, mask) in GOOD.items()}
    folder = locate(made(tmp_path, cut), progress=silent, skip=True)
    assert {name.partition("_")[0] for name in folder.manifest.arrays} == {"train"}
    folder.check_sizes()


@pytest.mark.parametrize("keep", [20, -9])
def test_if_nothing_at_all_is_left_that_is_an_error(tmp_path: Path, keep: int) -> None:
    cut = {name: (image[:keep], mask) for name, (image, mask) in GOOD.items()}
    with pytest.raises(ArchiveError, match=r"No case of msd/hippocampus can be used: h_00: .*; and 2 more"):
        locate(made(tmp_path, cut), progress=silent, skip=True)
    assert staged() == []


def test_the_disk_is_asked_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = replace(made(tmp_path, GOOD), size_voxels={})
    monkeypatch.setattr("medmnist_np._files.free_bytes", lambda _: 1 << 20)
    written = []
    monkeypatch.setattr("medmnist_np.volumes.voxels.make", lambda *_: written.append(1))
    with pytest.raises(NoSpaceError, match="decode 7 cases of msd/hippocampus"):
        locate(record, progress=silent)
    assert written == []
    assert staged() == []


def test_affines_are_those_of_nibabel_to_the_bit(tmp_path: Path) -> None:
    folder = locate(made(tmp_path, GOOD), progress=silent)
    for number, name in enumerate(n for n, (_, mask) in PAIRS.items() if mask is not None):
        (tmp_path / "one.nii.gz").write_bytes(GOOD[name][0])
        assert (nibabel.load(tmp_path / "one.nii.gz").affine == folder.open("train_affines")[number]).all()
    assert decoder.AFFINE_TOLERANCE_MM == 1e-3
