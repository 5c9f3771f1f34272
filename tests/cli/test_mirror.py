"""``mirror``: its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from medmnist_np.cli import main
from medmnist_np.testing import fake_datasets


def run(folder: Path) -> Result:
    return CliRunner().invoke(main, ["mirror", str(folder), "breastmnist"], catch_exceptions=False)


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path):
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 3}):
        yield


def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    result = run(tmp_path / "a" / "b")
    assert result.exit_code == 0
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["breastmnist.npz"]


def test_a_folder_that_cannot_be_created_is_named_and_the_cache_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(tmp_path / "file" / "mirror")
    message = f"Error: {tmp_path / 'file' / 'mirror'} could not be written: Not a directory.\n"
    assert result.exit_code == 1
    assert message == result.stderr


def test_a_folder_that_is_read_only_is_named_and_the_cache_is_not(tmp_path: Path, monkeypatch) -> None:
    # The superuser may write everywhere.
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "is not writable" in result.stderr
    assert "CACHE" not in result.stderr


def test_a_set_that_cannot_be_downloaded_is_wrong_usage_and_creates_no_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["mirror", str(tmp_path / "new"), "breastmnist", "brats2021"])
    assert result.exit_code == 2
    assert "brats2021 cannot be downloaded automatically. Register at" in result.stderr
    assert not (tmp_path / "new").exists()
