"""``verify`` finds what opening cannot: flipped bits, and contents that make no sense."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medmnist_np import registry
from medmnist_np._progress import silent
from medmnist_np.cache.manifest import Manifest, stored_array
from medmnist_np.data import verification
from medmnist_np.data.arrays import fetch, load
from medmnist_np.data.verification import verify
from medmnist_np.errors import NotCachedError
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import FakeCase, fake_datasets, fakes, make_arrays
from tests.volumes.published import publish

FEW = {"train": 12, "val": 4, "test": 6}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with fake_datasets(tmp_path, "breastmnist", "chestmnist", n_samples=FEW):
        yield fetch("breastmnist")


@pytest.fixture
def altered(monkeypatch: pytest.MonkeyPatch):
    """Let the fakes hold some other values."""

    def alter(**values: tuple[object, int]) -> None:
        def make(record: DatasetInfo, size: int | None = None, *, seed: int = 0) -> dict[str, np.ndarray]:
            arrays = make_arrays(record, size, seed=seed)
            for member, (index, value) in values.items():
                arrays[member][index] = value
            return arrays

        monkeypatch.setattr(fakes, "make_arrays", make)

    return alter


def flip_a_bit(path: Path, position: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_sound_arrays_are_found_sound(folder: Path) -> None:
    report = verify("breastmnist")
    assert report.name == "breastmnist"
    assert report.size == 28
    assert folder == report.folder
    assert report.checked == "digest"
    assert report.ok is True
    assert report.damage == ()
    assert report.blank_images == {"train": [], "val": [], "test": []}


def test_nothing_is_written_locked_or_asked_of_the_network(folder: Path, audit) -> None:
    with audit() as seen:
        verify("breastmnist")
    assert seen.writes == []
    assert seen.locks == []
    assert seen.network == []


@pytest.mark.parametrize("position", [0, 8, 100, -1])
@pytest.mark.parametrize("file", ["train_images.npy", "test_labels.npy"])
def test_a_flipped_bit_is_found_although_opening_does_not_see_it(folder: Path, file: str, position: int) -> None:
    flip_a_bit(folder / file, position)
    load("breastmnist")
    report = verify("breastmnist")
    assert report.ok is False
    assert len(report.damage) == 1
    assert report.damage[0].startswith(f"{file} has changed: its SHA-256 should be ")


def test_all_damage_is_listed(folder: Path) -> None:
    flip_a_bit(folder / "val_images.npy")
    (folder / "val_labels.npy").unlink()
    with (folder / "test_images.npy").open("ab") as stream:
        stream.write(b"x")
    assert sorted(problem.split(" ")[0] for problem in verify("breastmnist").damage) == [
        "test_images.npy",
        "val_images.npy",
        "val_labels.npy",
    ]


@pytest.mark.parametrize("content", ["", "{}", '{"format": 0}', "garbage"])
def test_a_damaged_manifest_is_damage(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    report = verify("breastmnist")
    assert report.ok is False
    assert folder == report.folder
    assert "manifest.json is not a manifest of format 1" in report.damage[0]


def test_a_digest_that_was_changed_in_the_manifest_is_damage(folder: Path) -> None:
    table = json.loads((folder / "manifest.json").read_text())
    table["arrays"]["val_images"]["sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(table))
    assert [problem.split(" ")[0] for problem in verify("breastmnist").damage] == ["val_images.npy"]


def test_what_is_not_here_cannot_be_verified(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        NotCachedError, match=r"is not in .*\. Download it with `medmnist-np fetch chestmnist --size 28`"
    ):
        verify("chestmnist")
    with pytest.raises(NotCachedError):
        verify("breastmnist", root=tmp_path / "elsewhere")


def test_blank_images_are_noted_and_are_no_damage(tmp_path: Path, altered) -> None:
    altered(train_images=([2, 5], 7), test_images=(0, 0))
    with fake_datasets(tmp_path, "pathmnist", n_samples=FEW):
        fetch("pathmnist")
        report = verify("pathmnist")
    assert report.ok is True
    assert report.blank_images == {"train": [2, 5], "val": [], "test": [0]}


def store_otherwise(folder: Path, member: str, index: Any, value: int) -> None:
    """Change a stored array and its checksums, as if an older version had unpacked it, which did not check labels."""
    manifest = Manifest.read(folder)
    assert manifest is not None
    before = manifest.arrays[member]
    values = np.load(folder / before.file)
    values[index] = value
    np.save(folder / before.file, values)
    after = stored_array(folder / before.file, before.shape, before.dtype, before.offset)
    replace(manifest, arrays={**manifest.arrays, member: after}).write(folder)


@pytest.mark.parametrize(("name", "highest"), [("breastmnist", 1), ("chestmnist", 1), ("retinamnist", 4)])
def test_labels_out_of_range_are_damage(tmp_path: Path, name: str, highest: int) -> None:
    with fake_datasets(tmp_path, name, n_samples=FEW):
        store_otherwise(fetch(name), "val_labels", (slice(1, 3), 0), highest + 1)
        report = verify(name)
    assert (f"val: 2 labels are not in 0 to {highest}; the first is at index 1",) == report.damage


def test_an_empty_split_is_sound(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 3, "val": 0}):
        fetch("breastmnist")
        report = verify("breastmnist")
    assert report.ok is True
    assert report.blank_images == {"train": [], "val": []}


def test_masks_of_volumes_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    record = registry.info("msd/hippocampus")
    mask = np.zeros((200, 200, 200), np.uint8, order="F")
    mask[199, 199, 199] = 9
    case = FakeCase("hippocampus_001", "train", np.zeros_like(mask), mask, np.eye(4))
    with registered(record):
        publish(record, [case])
        monkeypatch.setattr(verification, "_BLOCK_BYTES", 1 << 16)
        tracemalloc.start()
        try:
            report = verify("msd/hippocampus", progress=silent)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (f"train: 1 masks are not in 0 to 2; the first is at index {mask.size - 1}",) == report.damage
    assert peak < mask.size / 2
