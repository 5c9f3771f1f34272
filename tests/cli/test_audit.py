"""``audit``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from medmnist_np.audits import audit as audit_of
from medmnist_np.cli import main
from medmnist_np.data.scheme import read_scheme
from medmnist_np.testing import fake_datasets
from tests.audits.planted import N_SAMPLES, save, sound


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    arrays = sound()
    arrays["train_images"][5] = arrays["test_images"][4]
    arrays["train_images"][6] = arrays["test_images"][7] // 2
    return save(tmp_path, arrays)


def test_what_was_found_is_printed(file: Path) -> None:
    result = run(file)
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[:-2] == audit_of(file).in_words().splitlines()
    assert lines[-2] == "Use --ids CSV to check whether a patient is in several splits."
    assert lines[-1] == "Use --scheme CSV to write corrected splits without the leaks."
    assert "train 5 = test 4" in result.stdout


def test_programs_get_json(file: Path) -> None:
    result = run(file, "--json", "--near", 2)
    assert result.exit_code == 0
    assert audit_of(file, max_distance=2).to_dict() == json.loads(result.stdout)
    assert json.loads(run(file, "--json", "--exact").stdout)["near"] is None


def test_the_page_and_the_scheme_are_written(file: Path, tmp_path: Path) -> None:
    page, scheme = tmp_path / "audit.html", tmp_path / "corrected.csv"
    result = run(file, "-o", page, "--scheme", scheme, "--workers", 1)
    assert result.exit_code == 0
    assert result.stdout.endswith(f"\nWritten: {scheme}\nWritten: {page}\n")
    assert audit_of(file).page() == page.read_text("utf-8")
    assert audit_of(file).scheme == read_scheme(scheme)
    assert read_scheme(scheme).moves == {("train", 5): ""}


def test_groups_of_a_file_of_ids_are_reported(file: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    rows = [f"{split},{k},{'p' if k == 0 else f'{split}{k}'}" for split, n in N_SAMPLES.items() for k in range(n)]
    ids.write_text("\n".join(["split,index,image_id", *rows]))
    assert "    p: train 0; val 0; test 0\n" in run(file, "--ids", ids).stdout
    ids.write_text("split,index\n")
    result = run(file, "--ids", ids)
    assert result.exit_code == 1
    assert f"Error: {ids} has no column 'image_id'." in result.stderr


def test_a_set_that_is_not_here_is_fetched_if_requested(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 4, "test": 2}):
        result = run("breastmnist")
        assert result.exit_code == 1
        assert "medmnist-np fetch breastmnist" in result.stderr
        result = run("breastmnist", "--download", "--root", tmp_path / "root")
        assert result.exit_code == 0
        assert result.stdout.startswith("breastmnist: 6 images of 28 x 28")
    assert (tmp_path / "root" / "arrays").is_dir()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("brestmnist",), 2, "Did you mean 'breastmnist'"),
        (("breastmnist", "--size", 5), 2, "does not come in size 5"),
        (("breastmnist", "--near", 17), 2, "0<=x<=16"),
        (("breastmnist", "--near", 3), 2, "Hashes differ in an even number of bits. Use --near 2 or 4."),
        (("breastmnist", "-o", "page.txt"), 2, "must end in .html"),
        (("breastmnist", "--exact", "--near", 3), 2, "Leave out --near"),
        (("nowhere.npz",), 2, "File not found: nowhere.npz."),
        (("folder/breastmnist",), 2, "File not found: folder/breastmnist."),
        (("msd/liver",), 1, "audit needs one label for each image, and msd/liver has masks"),
        (("medmnist/breastmnist", "--size", 5), 2, "does not come in size 5"),
        ((__file__,), 1, "cannot be audited: it does not end as a zip"),
    ],
)
def test_wrong_usage_and_failures_are_reported(arguments: tuple[object, ...], code: int, message: str) -> None:
    result = run(*arguments)
    assert code == result.exit_code
    assert message in result.stderr


def test_what_cannot_be_written_is_reported(file: Path, tmp_path: Path) -> None:
    (tmp_path / "no folder").touch()
    for option, name in (("-o", "page.html"), ("--scheme", "scheme.csv")):
        result = run(file, option, tmp_path / "no folder" / name)
        assert result.exit_code == 1
        assert name in result.stderr
        assert "MEDMNIST_NP_CACHE" not in result.stderr  # the place was named by the user


def test_a_scheme_replaces_no_file_of_another_kind(file: Path) -> None:
    before = file.read_bytes()
    result = run(file, "--scheme", file)
    assert result.exit_code == 2
    assert "must end in .csv, so that no other file is replaced" in result.stderr
    assert before == file.read_bytes()


def test_a_scheme_does_not_replace_the_ids(file: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("split,index,image_id\ntrain,0,a\n", "utf-8")
    result = run(file, "--ids", ids, "--scheme", tmp_path / "." / "ids.csv")
    assert result.exit_code == 2
    assert "the file of --ids. Choose another path" in result.stderr
    assert ids.read_text("utf-8") == "split,index,image_id\ntrain,0,a\n"


def test_a_file_has_one_size(file: Path) -> None:
    result = run(file, "--size", 64)
    assert result.exit_code == 2
    assert "which has one size. Leave out --size" in result.stderr
