"""``list``, ``info``, ``cite`` and the official ``available``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from medmnist_np import registry
from medmnist_np.cli import main
from medmnist_np.data.arrays import fetch
from medmnist_np.registry import bundled_records
from medmnist_np.testing import fake_datasets

NAMES = [record.name for record in registry.datasets()]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_list_has_a_row_for_each_set() -> None:
    result = run("list")
    rows = result.stdout.splitlines()
    assert result.exit_code == 0
    assert rows[0].split() == ["name", "task", "classes", "train", "val", "test", "sizes"]
    assert [row.split()[0] for row in rows[1:19]] == NAMES
    assert "89,996" in rows[1]
    assert rows[1].endswith("28 64 128 224")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--task", "multi-label"], ["chestmnist"]),
        (["--task", "ordinal-regression"], ["retinamnist"]),
        (["--ndim", "3"], NAMES[12:]),
        (["--size", "224"], NAMES[:12]),
        (["--ndim", "2", "--task", "binary-class"], ["pneumoniamnist", "breastmnist"]),
    ],
)
def test_list_filters_data_sets(options: list[str], expected: list[str]) -> None:
    result = run("list", *options, "--json")
    assert expected == [entry["name"] for entry in json.loads(result.stdout)]
    assert len(expected) == sum(line.split(" ")[0] in NAMES for line in run("list", *options).stdout.splitlines())


def test_list_shows_what_is_downloaded(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 3, "val": 2, "test": 2}):
        fetch("breastmnist")
        row = next(line for line in run("list").stdout.splitlines() if line.startswith("breastmnist"))
        here = {entry["name"]: entry["here"] for entry in json.loads(run("list", "--json").stdout)}
    assert row.split()[-1] == "28*"
    assert here["breastmnist"] == [28]
    assert here["pathmnist"] == []


def test_list_accepts_records_without_all_three_splits(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"test": 2}):
        assert run("list").exit_code == 0


@pytest.mark.parametrize(
    "options", [["--task", "multiclass"], ["--ndim", "4"], ["--size", "large"], ["--size", "23"], ["pathmnist"]]
)
def test_list_refuses_unknown_filters(options: list[str]) -> None:
    result = run("list", *options)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_list_names_the_nearest_task() -> None:
    assert "Did you mean 'multi-class'" in run("list", "--task", "multiclass").stderr


def test_list_quotes_the_tasks_and_names_the_sizes() -> None:
    assert "multi-class, multi-label, 'multi-label, binary-class', ord" in run("list", "--task", "foo").stderr
    assert "No data set has size 23. Sizes: 28, 64, 128, 224." in run("list", "--size", "23").stderr


def test_list_writes_nothing_and_opens_no_socket(audit) -> None:
    with audit() as seen:
        run("list")
    assert seen.writes == []
    assert seen.network == []


@pytest.mark.parametrize(
    "arguments", [["pathmnist"], ["PathMNIST"], ["pathmnist_64"], ["--flag=pathmnist"], ["--flag", "pathmnist"]]
)
def test_info_shows_all_facts_of_a_data_set(arguments: list[str]) -> None:
    result = run("info", *arguments)
    assert result.exit_code == 0
    assert f"{registry.info('pathmnist')!r}\n" == result.stdout


def test_info_refuses_two_names() -> None:
    result = run("info", "pathmnist", "--flag=breastmnist")
    assert result.exit_code == 2
    assert "Use either NAME or --flag" in result.stderr


def test_info_states_once_what_a_class_that_is_a_number_is_called() -> None:
    assert "Classes:     0; 1; 2; 3; 4\n" in run("info", "retinamnist").stdout


@pytest.mark.parametrize("name", NAMES)
def test_info_prints_json(name: str) -> None:
    record, found = registry.info(name), json.loads(run("info", name, "--json").stdout)
    assert name == found["name"]
    assert list(record.class_names) == found["class_names"]
    assert record.license == found["license"]
    assert dict(record.n_samples) == found["n_samples"]
    assert {str(size): archive.digest for size, archive in record.archives.items()} == {
        size: archive["digest"] for size, archive in found["archives"].items()
    }
    assert [str(size) for size in record.enlarged_sizes] == [s for s, a in found["archives"].items() if a["enlarged"]]


@pytest.mark.parametrize("command", ["info", "cite"])
def test_a_misspelt_name_suggests_the_nearest(command: str) -> None:
    result = run(command, "pathmnst")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Unknown data set 'pathmnst'. Did you mean 'pathmnist'" in result.stderr


@pytest.mark.parametrize("command", ["info", "cite"])
def test_info_and_cite_need_a_name(command: str) -> None:
    assert run(command).exit_code == 2


def test_info_without_a_name_refers_to_list() -> None:
    assert "`medmnist-np list` lists them" in run("info").stderr


def test_cite_prints_bibtex_alone() -> None:
    result = run("cite", "PathMNIST")
    assert result.exit_code == 0
    assert f"{registry.cite('pathmnist')}\n" == result.stdout
    assert result.stderr == ""


def test_available_prints_like_the_official_command() -> None:
    lines = run("available").stdout.splitlines()
    assert lines[0] == "\tpathmnist       | PathMNIST       | Size: 28 (default), 64, 128, 224."
    assert len(lines) == len(bundled_records.names("medmnist"))


@pytest.mark.parametrize("command", ["info", "cite"])
def test_an_unknown_size_in_the_name_is_refused(command: str) -> None:
    result = run(command, "pathmnist_99")
    assert result.exit_code == 2
    assert "does not come in size 99" in result.stderr
    assert run(command, "pathmnist_64").exit_code == 0


def test_list_with_a_name_refers_to_info() -> None:
    result = run("list", "pathmnist")
    assert result.exit_code == 2
    assert "Use `medmnist-np info pathmnist` for one data set" in result.stderr


def test_list_reports_that_nothing_was_found() -> None:
    assert run("list", "--task", "multi-class", "--ndim", "3", "--size", "224").stdout.rstrip() == "No data sets found."
    assert "Make one with `medmnist-np build`" in run("list", "--collection", "local").stdout
    assert run("list", "--collection", "local", "--json").stdout == "[]\n"


def test_info_prints_croissant() -> None:
    result = run("info", "breastmnist", "--croissant")
    assert json.loads(result.stdout)["conformsTo"] == "http://mlcommons.org/croissant/1.0"


def test_info_prints_one_format_at_a_time() -> None:
    result = run("info", "breastmnist", "--croissant", "--json")
    assert result.exit_code == 2
    assert "--croissant and --json are two formats" in result.stderr
