from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import imageio.v3 as imageio
import pytest
from click.testing import CliRunner, Result

from medmnist_np.cli import main


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def result(home: Path) -> Result:
    return CliRunner().invoke(main, ["demo", "--folder", str(home / "new")], catch_exceptions=False)


def test_it_succeeds_and_says_nothing_on_stderr(result: Result) -> None:
    assert result.exit_code == 0
    assert result.stderr == ""


def test_it_prints_an_auc_and_an_accuracy_of_each_set(result: Result) -> None:
    rows = re.findall(r"^(\w+mnist\w*) .* ([01]\.\d{3}) +([01]\.\d{3})$", result.stdout, flags=re.MULTILINE)

    assert [name for name, _, _ in rows] == ["breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d"]
    assert all(0.8 < float(area) <= 1 and 0.5 < float(share) <= 1 for _, area, share in rows)


def test_everything_it_names_is_there(result: Result, home: Path) -> None:
    named = [Path(line.split()[1]) for line in result.stdout.splitlines() if line.startswith(("Pic", "Arch", "Arr"))]

    assert [home / "new" / "demo.png", home / "new" / "archives", home / "new" / "cache" / "arrays"] == named
    assert all(path.exists() for path in named)


def test_the_picture_shows_ten_images_of_each_set(result: Result, home: Path) -> None:
    assert imageio.imread(home / "new" / "demo.png").shape == (4 * 29 - 1, 10 * 29 - 1, 3)


def test_it_writes_only_into_its_folder(tmp_path: Path, audit) -> None:
    before = dict(os.environ)
    with audit() as seen:
        CliRunner().invoke(main, ["demo", "--folder", str(tmp_path)], catch_exceptions=False)

    outside = [write for write in seen.writes if not write.split(" ", 1)[1].startswith(str(tmp_path))]
    assert bool(seen.writes) is True
    assert outside == []
    assert before == dict(os.environ)


def test_a_second_run_in_the_same_folder_works(result: Result, home: Path) -> None:
    again = CliRunner().invoke(main, ["demo", "--folder", str(home / "new")], catch_exceptions=False)

    assert result.stdout.splitlines()[6:] == again.stdout.splitlines()[6:]


def test_without_a_folder_it_keeps_a_new_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    CliRunner().invoke(main, ["demo", "--seed", "1"], catch_exceptions=False)

    (folder,) = tmp_path.iterdir()
    assert (folder / "demo.png").is_file()


def test_a_negative_seed_is_wrong_usage() -> None:
    assert CliRunner().invoke(main, ["demo", "--seed", "-1"]).exit_code == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path / "file" / "demo")])
    assert result.exit_code == 1
    assert f"{tmp_path / 'file'}" in result.stderr
