"""``import`` of source ids, and of archives that a user built."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.builder import build
from medmnist_np.cache import settings
from medmnist_np.cli.fetch import import_
from tests.builder.pictures import folder_per_class


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(import_, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def moles(tmp_path: Path) -> Path:
    """The folder of a set of 20 samples."""
    return build(folder_per_class(tmp_path / "images"), name="moles", ratio=(8, 2)).folder


def test_ids_are_attached(moles: Path, tmp_path: Path) -> None:
    lines = [
        f"{split},{index},{split} {index},p{index // 2}"
        for split, n in (("train", 16), ("test", 4))
        for index in range(n)
    ]
    (tmp_path / "ids.csv").write_text("\n".join(["split,index,image_id,group", *lines]))
    result = run("--ids", "moles", tmp_path / "ids.csv")
    assert f"Source ids of moles: {settings.current().cache / 'ids' / 'moles.csv'}\n" == result.output
    test = mm.Dataset("moles", "test")[[3, 0]]
    assert test.ids.tolist() == ["test 3", "test 0"]
    assert test.groups.tolist() == ["p1", "p0"]


def test_invalid_ids_are_an_error(moles: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("split,index,image_id\ntrain,0,a\n")
    result = run("--ids", "moles", tmp_path / "ids.csv")
    assert result.exit_code == 1
    assert "15 of 16 samples of moles train have no line" in result.output
    assert run("--ids", "moles", tmp_path / "ids.csv", tmp_path / "ids.csv").exit_code == 2


def test_an_archive_that_was_built_is_recognised_by_its_checksum(moles: Path, tmp_path: Path) -> None:
    shutil.rmtree(settings.current().cache / "arrays")
    result = run(shutil.move(moles / "moles.npz", tmp_path / "mailed.npz"))
    assert result.exit_code == 0
    assert "is moles at size 28: ready" in result.output
    assert mm.load("moles", download=False).images.shape == (16, 28, 28)
