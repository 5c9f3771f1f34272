"""``catalog``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from medmnist_np.cli import main
from medmnist_np.registry import bundled_records
from medmnist_np.registry.catalog import catalog, known_sets


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["catalog", *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["open", "brain", "MRI", "segmentation"],
        ["--organ", "brain", "--task", "segmentation", "--modality", "MRI", "--access", "open"],
    ],
)
def test_open_brain_mri_segmentation_sets_are_reported_with_links(arguments: list[str]) -> None:
    result = run(*arguments)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].split() == ["name", "organ", "modality", "tasks", "access"]
    assert [line.split()[0] for line in lines if line.endswith("open")] == [
        "synthstrip",
        "msd/brain",
        "msd/hippocampus",
    ]
    assert "    https://surfer.nmr.mgh.harvard.edu/docs/synthstrip/" in lines
    assert "    medmnist-np fetch msd/brain" in lines
    assert '    mm.VolumeDataset("msd/brain", split="train")' in lines
    assert "open: no account; anyone can download it." in lines


def test_everything_is_reported_and_resources_apart() -> None:
    lines = run().stdout.splitlines()
    apart = lines.index("Archives and lists of data sets:")
    for entry in known_sets():
        assert entry.is_resource == (f"    {entry.link}" in lines[apart:])
    n_sets = len(bundled_records.names("medsegbench"))
    expected = f"{n_sets} sets that this program loads: `medmnist-np catalog --name medsegbench`"
    assert expected in run("--organ", "many").stdout


def test_what_is_not_checked_is_marked() -> None:
    out = run("Alzheimer").stdout
    assert "adni ?" in out
    assert "? not checked, or only partly." in out
    assert "?" not in run("synthstrip").stdout


def test_name_states_everything_about_one() -> None:
    assert repr(catalog().entry("adni")) + "\n" == run("--name", "ADNI").stdout
    assert catalog().entry("adni").to_dict() == json.loads(run("--name", "adni", "--json").stdout)


def test_json_has_all_that_was_found() -> None:
    assert catalog(organ="heart").to_dicts() == json.loads(run("--organ", "heart", "--json").stdout)
    assert json.loads(run("nowhere", "--json").stdout) == []


def test_nothing_found_states_what_to_leave_out() -> None:
    result = run("--organ", "liver", "--access", "application")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "without access 'application'" in result.stderr


def test_nothing_found_of_one_word_says_no_more_than_that() -> None:
    result = run("zzzz")
    said = "No entry of the catalog has the word 'zzzz'. No entry has the word 'zzzz'.\n"
    assert result.exit_code == 0
    assert result.stdout == ""
    assert said == result.stderr


def test_each_line_that_loads_stands_alone() -> None:
    lines = run("--name", "medsegbench").stdout.splitlines()
    first = lines.index("    Loads:       medmnist-np fetch medsegbench/kvasir")
    assert " " * 17 + 'mm.Dataset("medsegbench/kvasir", split="train")' == lines[first + 1]
    n_more = len(bundled_records.names("medsegbench")) - 3
    more = lines[first + 6].split(f"and {n_more} more: ")[1].split(", ")
    assert len(more) == n_more
    assert "medsegbench/kvasir" not in more


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--organ", "brian"], "Did you mean 'brain'"),
        (["--access", "opne"], "Did you mean 'open'"),
        (["--name", "adnii"], "Did you mean 'adni'"),
        (["--name", "adni", "brain"], "Leave out the search"),
    ],
)
def test_wrong_usage_is_reported(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr.replace("\n", " ")
