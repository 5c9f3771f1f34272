"""``verify``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from medmnist_np._progress import silent
from medmnist_np.cache.manifest import FILE_NAME
from medmnist_np.corruptions.stored import make_corrupted
from medmnist_np.data.arrays import fetch
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import fake_datasets, fakes, make_arrays
from tests.cli.caches import FEW, damage, run
from tests.data.test_verification import store_otherwise


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["pathmnist", "breastmnist"]),
        (["--size", "28"], ["pathmnist", "breastmnist"]),
        (["BreastMNIST"], ["breastmnist"]),
        (["breastmnist_28", "pathmnist"], ["breastmnist", "pathmnist"]),
    ],
)
def test_verify_checks_everything_or_the_named_sets(cache: Path, arguments: list[str], expected: list[str]) -> None:
    result = run("verify", *arguments)
    assert result.exit_code == 0
    assert [f"{name} 28: ok" for name in expected] == [line.partition(",")[0] for line in result.stdout.splitlines()]


def test_verify_checks_computed_corrupted_images(cache: Path) -> None:
    sound, damaged = (one.folder for one in make_corrupted("breastmnist", ["pixelate"], [2, 5], progress=silent))
    assert f"breastmnist 28 corrupted here by pixelate 5, seed 0: ok, {damaged}" in run("verify").stdout.splitlines()
    file = damaged / "test_images.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    result = run("verify", "breastmnist")
    assert result.exit_code == 1
    assert f"breastmnist 28 corrupted here by pixelate 2, seed 0: ok, {sound}" in result.stdout.splitlines()
    assert f"breastmnist 28 corrupted here by pixelate 5, seed 0: DAMAGED, {damaged}" in result.stdout.splitlines()
    assert (
        "1 of 3 damaged. For corrupted images made here, remove the folder and run `medmnist-np corrupt`"
        in result.stderr
    )
    found = json.loads(run("verify", "breastmnist", "--json").stdout)
    assert [(one["made_corruption"], one["ok"]) for one in found] == [
        ("", True),
        ("pixelate 2, seed 0", True),
        ("pixelate 5, seed 0", False),
    ]
    assert len(run("verify", "pathmnist").stdout.splitlines()) == 1
    (damaged / "manifest.json").write_text("no manifest")
    assert "DAMAGED" in run("verify", "breastmnist_28").stdout


def test_verify_finds_a_flipped_bit(cache: Path) -> None:
    damage("breastmnist")
    result = run("verify")
    assert result.exit_code == 1
    assert "breastmnist 28: DAMAGED" in result.stdout
    assert "    val_images.npy has changed: its SHA-256 should be " in result.stdout
    assert "1 of 2 damaged. Run `medmnist-np clean breastmnist` and `medmnist-np fetch breastmnist`" in result.stderr


def test_verify_prints_json(cache: Path) -> None:
    damage("breastmnist")
    result = run("verify", "--json")
    found = {entry["name"]: (entry["ok"], len(entry["damage"])) for entry in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert found == {"breastmnist": (False, 1), "pathmnist": (True, 0)}


def test_clean_and_fetch_repair_damaged_arrays(cache: Path) -> None:
    damage("breastmnist")
    run("clean", "breastmnist", "--yes")
    run("fetch", "breastmnist")
    assert run("verify").exit_code == 0


def test_verify_notes_blank_images_and_finds_labels_out_of_range(tmp_path: Path, monkeypatch) -> None:
    def make(record: DatasetInfo, size: int | None = None, *, seed: int = 0) -> dict[str, np.ndarray]:
        arrays = make_arrays(record, size, seed=seed)
        arrays["train_images"][3:15] = 0
        return arrays

    monkeypatch.setattr(fakes, "make_arrays", make)
    with fake_datasets(tmp_path, "breastmnist", "pathmnist", n_samples=FEW):
        fetch("pathmnist")
        store_otherwise(fetch("breastmnist"), "test_labels", 2, 9)
        blank, wrong = run("verify", "pathmnist"), run("verify", "breastmnist")
    note = "    note: 12 blank images in train, as in the archive: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ..."
    assert blank.exit_code == 0
    assert note == blank.stdout.splitlines()[1]
    assert wrong.exit_code == 1
    assert "test: 1 labels are not in 0 to 1; the first is at index 2" in wrong.stdout


def test_verify_states_that_the_cache_is_empty(sandbox: Path) -> None:
    assert (result := run("verify", "--json")).exit_code == 0
    assert result.stdout == "[]\n"
    assert f"No data sets in {sandbox / 'cache'}. " in run("verify").stdout


def test_verify_states_that_no_data_of_a_size_is_here(cache: Path) -> None:
    result = run("verify", "--size", "64")
    assert result.exit_code == 0
    assert f"No data sets of size 64 in {cache}. " in result.stdout
    assert (result := run("verify", "--size", "23")).exit_code == 2
    assert "has size 23" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["octmnist"], 1), (["octmnst"], 2), (["octmnist", "--size", "23"], 2)]
)
def test_verify_of_a_missing_set_fails(cache: Path, arguments: list[str], code: int) -> None:
    assert code == run("verify", *arguments).exit_code


def test_verify_continues_after_arrays_of_a_newer_format(cache: Path) -> None:
    folder = next((cache / "arrays" / "medmnist").glob("breastmnist_28*"))
    manifest = folder / FILE_NAME
    manifest.write_text(json.dumps({**json.loads(manifest.read_text("utf-8")), "format": 999}), "utf-8")
    result = run("verify")
    assert result.exit_code == 1
    assert f"Not verified: {folder} was written by a newer version" in result.stdout
    assert "pathmnist 28: ok" in result.stdout
    assert "1 not verified" in result.stderr
    assert {report["ok"] for report in json.loads(run("verify", "--json").stdout)} == {True, False}
