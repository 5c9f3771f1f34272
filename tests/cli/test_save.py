"""``save``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.testing import fake_datasets, make_cases
from tests.volumes.published import publish

N = {"train": 9, "val": 4, "test": 5}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with fake_datasets(tmp_path / "fakes", "breastmnist", "chestmnist", "adrenalmnist3d", n_samples=N):
        yield


def content(folder: str | Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_the_command_of_the_official_readme_works() -> None:
    result = run("save", "--flag=breastmnist", "--folder=tmp/", "--postfix=png", "--download=True", "--size=28")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "train: 9 files, 9 of them new",
        "val: 4 files, 4 of them new",
        "test: 5 files, 5 of them new",
        "Images  tmp/breastmnist",
        "Table   tmp/breastmnist.csv",
    ]
    assert 18 + 1 == len(content("tmp"))


def test_the_command_of_the_official_readme_works_for_volumes() -> None:
    result = run("save", "--flag=adrenalmnist3d", "--folder=tmp/", "--postfix=gif", "--download=True", "--size=28")
    assert result.exit_code == 0
    assert len(list(Path("tmp/adrenalmnist3d").glob("*.gif"))) == 18


def test_the_short_form_writes_the_same_files() -> None:
    run("save", "--flag=breastmnist", "--folder=a")
    run("save", "breastmnist", "b")
    assert content("a") == content("b")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--flag=breastmnist", "b"],
        ["b", "--flag=breastmnist"],
        ["--folder=b", "breastmnist"],
        ["breastmnist", "b", "--download"],
        ["breastmnist", "b", "--download=True"],
        ["breastmnist", "b", "--download", "True"],
        ["--download", "--flag", "breastmnist", "--folder", "b"],
    ],
)
def test_other_forms_write_the_same_files(arguments: list[str]) -> None:
    run("save", "breastmnist", "a", "--split=val")
    assert run("save", *arguments, "--split", "val").exit_code == 0
    assert content("a") == content("b")


@pytest.mark.parametrize("options", [["--format=jpg"], ["--layout=csv"]])
def test_another_format_or_layout_needs_another_folder(options: list[str]) -> None:
    run("save", "breastmnist", "out")
    before = content("out")
    result = run("save", "breastmnist", "out", *options)
    assert result.exit_code == 1
    assert "Save to another folder" in result.stderr
    assert before == content("out")


def test_a_second_save_writes_nothing() -> None:
    run("save", "chestmnist", "out")
    before = content("out")
    assert "train: 9 files, 0 of them new" in run("save", "chestmnist", "out").stdout.splitlines()
    assert before == content("out")


def test_one_split_is_saved_in_another_layout_and_format() -> None:
    result = run("save", "breastmnist", "out", "--layout", "csv", "--format", "npy", "--split", "val", "--workers", 2)
    assert result.exit_code == 0
    images, _ = mm.load("breastmnist", "val")
    assert np.array_equal(images[3], np.load("out/breastmnist/val/val3.npy"))
    assert [path.name for path in Path("out/breastmnist").iterdir()] == ["val"]
    assert "Table   out/breastmnist/val/metadata.csv" in result.stdout.splitlines()


def test_lossy_formats_print_a_note() -> None:
    assert "Note: jpg is lossy for gray images." in run("save", "breastmnist", "out", "--format=jpg").stdout
    assert "Note" not in run("save", "breastmnist", "out").stdout


def test_quiet_prints_nothing() -> None:
    assert run("save", "breastmnist", "out", "--quiet").output == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["breastmnist"], "Missing: FOLDER. `medmnist-np save NAME FOLDER`"),
        ([], "Missing: NAME and FOLDER."),
        (["--folder=out"], "Missing: NAME."),
        (["breastmnist", "out", "--flag=retinamnist"], "'breastmnist out' and --flag retinamnist name the data set or"),
        (["breastmnist", "other", "--folder=out"], "Use one of them"),
        (["breastmnist", "out", "--split=train+val"], "Use --split train --split val"),
        (["brestmnist", "out"], "Did you mean 'breastmnist'"),
        (["breastmnist", "out", "--size=31"], "does not come in size 31"),
        (["breastmnist", "out", "--split=tset"], "Did you mean 'test'"),
        (["breastmnist", "out", "--layout=folders"], "'folders' is not one of"),
        (["adrenalmnist3d", "out", "--format=png"], "cannot hold volumes. Supported for volumes: tiff, gif, npy, nii"),
        (["chestmnist", "out", "--layout=imagefolder"], "Use the layout 'csv'"),
    ],
)
def test_wrong_usage_names_the_right_usage(arguments: list[str], message: str) -> None:
    result = run("save", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not Path("out").exists()


def test_download_false_downloads_nothing() -> None:
    result = run("save", "breastmnist", "out", "--download=False")
    assert result.exit_code == 1
    assert "medmnist-np fetch breastmnist" in result.stderr


def test_an_existing_file_with_other_content_is_a_failure() -> None:
    run("save", "breastmnist", "out")
    next(Path("out/breastmnist").glob("val2_*")).write_bytes(b"mine")
    result = run("save", "breastmnist", "out")
    assert result.exit_code == 1
    assert "already exists" in result.stderr


def test_a_missing_extra_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "nibabel", None)
    result = run("save", "adrenalmnist3d", "out", "--format=nii")
    assert result.exit_code == 1
    assert "medmnist-np[nifti]" in result.stderr


def test_saved_images_and_masks_can_be_built_again(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "masks", "medsegbench/kvasir_128", n_samples=N):
        saved = run("save", "medsegbench/kvasir", "out", "--size", 128)
        again = run("save", "medsegbench/kvasir", "out", "--size", 128, "--split", "val")
        wrong = run("save", "medsegbench/kvasir", "out", "--layout", "csv")
        built = run(
            "build",
            "out/kvasir_128",
            "--name",
            "again",
            "--size",
            128,
            "--classes",
            "background,foreground",
            "--license",
            "as the source",
        )
        assert tuple(result.exit_code for result in (saved, again, wrong, built)) == (0, 0, 2, 0)
        for split in N:
            expected, found = mm.load("medsegbench/kvasir_128", split), mm.load("again_128", split)
            assert np.array_equal(expected.images, found.images)
            assert np.array_equal(expected.masks, found.masks)
    assert "train: 9 pairs of files, 9 of them new" in saved.stdout
    assert "val: 4 pairs of files, 0 of them new" in again.stdout
    assert "Table   out/kvasir_128/classes.csv" in saved.stdout
    assert "Leave it out" in wrong.stderr


def test_volumes_that_differ_in_size_are_saved_as_nifti(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nibabel", reason="needs NiBabel: pip install 'medmnist-np[nifti]'")
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "volumes"))
    hippocampus = mm.info("msd/hippocampus")
    publish(hippocampus, list(make_cases(hippocampus, n_samples={"train": 2, "test": 1})))
    result = run("save", "msd/hippocampus", "out", "--split", "train")
    assert result.exit_code == 0
    assert result.stdout == "Volumes  out/hippocampus\n"
    assert {len(list(Path("out/hippocampus/train", part).iterdir())) for part in ("images", "masks")} == {2}
    assert run("save", "msd/hippocampus", "out", "--format", "png").exit_code == 2
