"""``build`` and ``register``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cache import settings
from medmnist_np.cli import main
from tests.builder.pictures import folder_per_class, noise, save as save_image, table


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_a_folder_is_built_and_registered_elsewhere(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    result = run(
        "build",
        folder,
        "--name",
        "moles",
        "--size",
        "28",
        "--size",
        "16",
        "--output",
        tmp_path / "out",
        "--license",
        "CC0",
    )
    assert 0 == result.exit_code, result.output
    assert "train 14, val 2, test 4" in result.stdout
    assert result.stdout.endswith(f'Ready: mm.load("moles", "train"). Files to share: {tmp_path / "out"}\n')
    mm.configure(cache=tmp_path / "colleague")
    result = run("register", tmp_path / "out" / "moles.toml")
    assert result.exit_code == 0
    assert "`medmnist-np fetch moles` downloads it." in result.stdout
    assert mm.load("moles_16", "train").images.shape == (14, 16, 16)
    mm.configure()


def test_an_output_that_cannot_be_made_is_named_and_the_cache_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(
        "build", folder_per_class(tmp_path / "images"), "--name", "moles", "--output", tmp_path / "file" / "out"
    )
    assert result.exit_code == 1
    assert str(tmp_path / "file" / "out") in result.stderr
    assert "choose another path" in result.stderr
    assert "MEDMNIST_NP_CACHE" not in result.stderr


def test_a_table_says_labels_groups_and_more(tmp_path: Path) -> None:
    rows = [[save_image(tmp_path / "images" / f"{n}.png", noise(n, (40, 30))).name, n % 3, n // 2] for n in range(60)]
    labels = table(tmp_path / "labels.csv", ["image", "grade", "patient"], rows)
    options = "--name grades --label grade --group-by patient --split 8:2 --seed 3 --recipe crop --workers 2"
    more = ["--classes", "none, mild,severe", "--task", "ordinal-regression", "--window", "0:200"]
    result = run("build", tmp_path / "images", "--labels", labels, *options.split(), *more)
    assert 0 == result.exit_code, result.output
    record = mm.info("grades")
    assert record.task == "ordinal-regression"
    assert record.class_names == ("none", "mild", "severe")
    assert record.splits == ("train", "test")
    assert record.notes[0] == "Divided 8:2 at random (seed 3), stratified by label; no patient is in two splits."
    assert record.preparation.startswith("Map 0 to 200 linearly")


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_class_that_is_missing_from_a_split_is_reported_once_on_standard_output(
    tmp_path: Path, options: list[str]
) -> None:
    rows = [[save_image(tmp_path / f"{n}.png", noise(n)).name, "rare" if n < 3 else "common"] for n in range(33)]
    source = table(tmp_path / "labels.csv", ["image", "label"], rows)
    result = run("build", source, "--name", "m", "--split", "28:1:1", "--license", "CC0", *options)
    assert 0 == result.exit_code, result.output
    assert "Class 'rare' has no samples in" in result.stdout
    assert "rare" not in result.stderr


def test_files_that_were_left_out_are_reported(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    (folder / "benign" / "000.png").write_bytes(b"no image")
    result = run("build", folder, "--name", "moles")
    assert result.exit_code == 1
    assert "benign/000.png: its content is not in a supported format" in result.stderr
    result = run("build", folder, "--name", "moles", "--skip-bad", "--json")
    assert f"{folder}/benign/000.png" == json.loads(result.stdout)["skipped"][0]["image"]
    result = run("build", folder, "--name", "again", "--skip-bad")
    assert "Left out: " in result.stderr
    assert "1 of 20 images could not be used" in result.stdout


def test_a_file_that_was_left_out_is_reported_with_the_options_that_help(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    save_image(folder / "benign" / "000.png", noise(0, (40, 30)))
    result = run("build", folder, "--name", "moles", "--skip-bad")
    text = "it is 40 x 30, not square. Use --recipe crop (cut out the centre) or --recipe squeeze (stretch).\n"
    assert text in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "28,large"], "Write --size 28,64,224"),
        (["--split", "7-1-2"], "Write --split 7:1:2"),
        (["--window", "0"], "--window must be two numbers, LOW:HIGH"),
    ],
)
def test_options_that_are_not_numbers_are_rejected(tmp_path: Path, options: list[str], message: str) -> None:
    result = run("build", folder_per_class(tmp_path / "images"), "--name", "moles", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_error_is_reported_without_a_traceback(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    for options in (["--group-by", "patient"], ["--classes", "a,b"], ["--task", "multi-label"]):
        result = run("build", folder, "--name", "moles", *options)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "Moles"], "cannot name a data set"),
        (["--name", "train"], "it is the name of a split"),
        (["--name", "breastmnist"], "the name of a published data set"),
        (["--task", "detection"], "Unknown task 'detection'"),
        (["--recipe", "circle"], "Available: crop, squeeze, pathmnist"),
        (["--size", "0"], "Invalid size: 0"),
        (["--size", "3"], "--size must be one or more integers of at least 4"),
        (["--split", "0:1:2"], "positive numbers"),
        (["--split", "1:1:1:1"], "--split must be 2 or 3 positive numbers"),
        (["--window", "9:0"], "9"),
    ],
)
def test_wrong_usage_has_an_exit_code_of_its_own(tmp_path: Path, options: list[str], message: str) -> None:
    result = run("build", folder_per_class(tmp_path / "images"), "--name", "moles", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (settings.current().cache / "built").exists()


def test_other_names_of_splits_are_reported(tmp_path: Path) -> None:
    for split in ("Training", "Testing", "__MACOSX/Training"):
        folder_per_class(tmp_path / "images" / split, n=2)
    result = run("build", tmp_path / "images", "--name", "moles")
    assert (0, True) == (result.exit_code, "train 4, test 4" in result.stdout), result.output
    assert "The splits were given: 'Testing' as test, 'Training' as train." in " ".join(result.stdout.split())


def test_folders_of_images_become_volumes_only_with_an_option(tmp_path: Path) -> None:
    for split in ("first", "second"):  # are no splits, and so classes, with folders in place of images
        folder_per_class(tmp_path / "images" / split, n=28, classes=[f"{split}-{number}" for number in range(6)])
    options = ("--name", "scans", "--recipe", "squeeze", "--size", "8")
    result = run("build", tmp_path / "images", *options)
    assert result.exit_code == 2
    assert "first/first-0 is a folder in a class folder" in result.stderr
    assert run("build", tmp_path / "images", *options, "--slices").exit_code == 0
    assert mm.info("scans").ndim == 3


def test_a_missing_license_is_reported(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    said = run("build", folder, "--name", "moles", "--json")
    assert json.loads(said.stdout)["name"] == "moles"
    assert "State one with --license" in said.stderr
    assert "license" not in run("build", folder, "--name", "free", "--license", "CC0").stderr


def test_an_exported_set_can_be_built_from(tmp_path: Path) -> None:
    assert run("build", folder_per_class(tmp_path / "images"), "--name", "moles").exit_code == 0
    assert run("save", "moles", tmp_path / "export", "--split", "train", "--layout", "csv").exit_code == 0
    (file,) = (tmp_path / "export").rglob("metadata.csv")
    result = run("build", file, "--name", "again")
    assert (0, True) == (result.exit_code, 'Ready: mm.load("again", "train")' in result.stdout), result.output
    found, expected = mm.load("again", "train"), mm.load("moles", "train")
    assert np.array_equal(expected.images, found.images)
    assert np.array_equal(expected.labels, found.labels)


def test_a_mirror_lays_out_a_built_set(tmp_path: Path) -> None:
    assert run("build", folder_per_class(tmp_path / "images"), "--name", "moles").exit_code == 0
    assert run("mirror", tmp_path / "mirror", "moles").exit_code == 0
    assert [path.name for path in (tmp_path / "mirror").iterdir()] == ["moles.npz"]


def test_a_folder_without_options_is_shown_and_built_with_its_name(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "My Moles")
    result = run("build", folder)
    assert result.exit_code == 0
    assert "Layout:      <class>/<image>" in result.stdout
    assert mm.info("my-moles").n_samples["train"] == 14


def test_a_folder_with_several_readings_is_not_built_and_the_commands_are_printed(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "moles")
    save_image(folder / "benign" / "wide.png", noise(99, (30, 50)))
    result = run("build", folder)
    assert result.exit_code == 2
    commands = [
        line.partition("Build with:")[2].split() for line in result.stdout.splitlines() if "Build with:" in line
    ]
    assert [command[-2:] for command in commands] == [["--recipe", "crop"], ["--recipe", "squeeze"]]
    assert not any(record.name == "moles" for record in mm.datasets())
    assert run(*commands[0][1:]).exit_code == 0
    assert mm.info("moles").splits == ("train", "val", "test")


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_dry_run_builds_nothing(tmp_path: Path, options: list[str]) -> None:
    result = run("build", folder_per_class(tmp_path / "moles"), "--dry-run", *options)
    assert result.exit_code == 0
    assert "medmnist-np build" in result.stdout
    assert not any(record.name == "moles" for record in mm.datasets())


def test_several_readings_are_json_for_programs(tmp_path: Path) -> None:
    for number in range(4):
        save_image(tmp_path / "moles" / "ab"[number % 2] / f"p{number}" / "0.png", noise(number))
    result = run("build", tmp_path / "moles", "--json")
    assert result.exit_code == 2
    assert [reading["options"] for reading in json.loads(result.stdout)["readings"]] == [
        {"group_by_folder": True},
        {"slices": True},
    ]


def test_a_build_with_a_name_also_prints_the_command_of_each_reading(tmp_path: Path) -> None:
    for number in range(4):
        save_image(tmp_path / "in" / "ab"[number % 2] / f"p{number}" / "0.png", noise(number))
    result = run("build", tmp_path / "in", "--name", "moles")
    assert result.exit_code == 2
    assert f"medmnist-np build {tmp_path / 'in'} --name moles --group-by-folder\n" in result.stderr


def test_a_folder_that_cannot_be_read_is_an_error_with_its_reason(tmp_path: Path) -> None:
    save_image(tmp_path / "moles" / "0.png", noise(0))
    result = run("build", tmp_path / "moles")
    assert result.exit_code == 1
    assert "has no class folders with images" in result.stdout


def test_a_build_ends_with_a_page_of_card_and_audit(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "moles")
    (folder / "Meier.txt").write_text("the name of a patient")
    (folder / "benign" / "copy.png").write_bytes((folder / "benign" / "000.png").read_bytes())
    result = run("build", folder, "--output", tmp_path / "out", "--size", "28,64")
    assert f"Card and audit: {tmp_path / 'out' / 'moles.html'}" in result.stdout
    page = (tmp_path / "out" / "moles.html").read_text("utf-8")
    assert "<h2>Audit: exact duplicates</h2>" in page
    assert "Patients in several splits: not checked, since no groups are known." in page
    assert "Some source images are smaller than size 64." in page
    assert "Ignored: 1 text file." in page
    assert "Meier" not in page


def test_the_page_of_masks_says_that_duplicates_were_not_searched(tmp_path: Path) -> None:
    for number in range(20):
        save_image(tmp_path / "polyps" / "images" / f"{number}.png", noise(number))
        save_image(tmp_path / "polyps" / "masks" / f"{number}.png", noise(number) // 128)
    result = run("build", tmp_path / "polyps", "--output", tmp_path / "out")
    assert result.exit_code == 0
    assert "Duplicates and leaks were not searched" in (tmp_path / "out" / "polyps.html").read_text("utf-8")
