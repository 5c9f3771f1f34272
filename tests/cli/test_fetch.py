"""``fetch``, ``import`` and the official ``download``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from medmnist_np import _files, registry
from medmnist_np.cli import main
from medmnist_np.data.arrays import load
from medmnist_np.registry import DatasetInfo, Superseded, registered
from medmnist_np.testing import fake_datasets, make_arrays

FEW = {"train": 6, "val": 2, "test": 3}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[tuple[DatasetInfo, ...]]:
    with fake_datasets(tmp_path, "breastmnist", "pathmnist", n_samples=FEW) as records:
        yield records


def is_here(name: str, **where: Path) -> bool:
    images = load(name, download=False, **where).images
    return np.array_equal(make_arrays(registry.info(name))["train_images"], images)


def test_fetch_downloads_the_named_data_sets(fakes, tmp_path: Path) -> None:
    result = run("fetch", "breastmnist", "PathMNIST_28")
    assert result.exit_code == 0
    assert is_here("breastmnist")
    assert is_here("pathmnist")
    assert list((tmp_path / "cache" / "downloads").iterdir()) == []


def test_fetch_prints_the_size_before_it_starts(fakes, tmp_path: Path) -> None:
    lines = run("fetch", "breastmnist").stdout.splitlines()
    archive = fakes[0].archive(28)
    row = ["breastmnist", "28", *_files.readable(archive.bytes).split(), *_files.readable(archive.array_bytes).split()]
    assert lines[0].split() == ["name", "size", "download", "unpacked", "license"]
    assert [*row, "CC", "BY", "4.0"] == lines[1].split()
    most, unpacked = _files.readable(archive.bytes), _files.readable(archive.array_bytes)
    assert f"At most {most} to download, {unpacked} unpacked, into {tmp_path / 'cache'}" == lines[2]
    assert lines[3].startswith("breastmnist 28: ready in ")


def test_a_dry_run_downloads_nothing(fakes, audit) -> None:
    with audit() as seen:
        result = run("fetch", "breastmnist", "--dry-run")
    assert result.exit_code == 0
    assert "unpacked, into" in result.stdout
    assert seen.writes == []
    assert seen.network == []


def test_a_dry_run_prints_json(fakes) -> None:
    (entry,) = json.loads(run("fetch", "breastmnist", "--dry-run", "--json").stdout)
    archive = fakes[0].archive(28)
    assert tuple(entry[key] for key in ("name", "size", "folder", "error")) == ("breastmnist", 28, None, None)
    assert archive.bytes == entry["download_bytes"]
    assert archive.array_bytes == entry["array_bytes"]


@pytest.mark.parametrize(("size", "number"), [("all", 60), ("28", 18), ("64", 18), ("224", 12)])
def test_fetch_all_includes_every_data_set(size: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "free_bytes", lambda _: 10**15)
    result = run("fetch", "--all", "--size", size, "--dry-run", "--json")
    assert result.exit_code == 0
    assert number == len(json.loads(result.stdout))


def test_size_all_includes_every_size() -> None:
    entries = json.loads(run("fetch", "adrenalmnist3d", "--size", "all", "--dry-run", "--json").stdout)
    assert [entry["size"] for entry in entries] == [28, 64]


@pytest.mark.parametrize(
    ("sizes", "expected"), [(["64", "28"], [64, 28]), (["28", "28"], [28]), (["28", "all"], [28, 64])]
)
def test_several_sizes_can_be_named(sizes: list[str], expected: list[int]) -> None:
    options = [word for size in sizes for word in ("--size", size)]
    entries = json.loads(run("fetch", "adrenalmnist3d", *options, "--dry-run", "--json").stdout)
    assert expected == [entry["size"] for entry in entries]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_dry_run_prints_sizes_that_do_not_fit_on_the_disk(options: list[str], fakes, monkeypatch) -> None:
    monkeypatch.setattr(_files, "free_bytes", lambda _: 1000)
    result = run("fetch", "breastmnist", "--dry-run", *options)
    assert result.exit_code == 0
    assert "breastmnist" in result.stdout
    assert "Not enough space: " in result.stderr
    assert "1.0 kB free.\n" in result.stderr


def test_a_disk_that_is_too_small_is_refused_before_anything_starts(fakes, monkeypatch, audit) -> None:
    monkeypatch.setattr(_files, "free_bytes", lambda _: 1000)
    with audit() as seen:
        result = run("fetch", "breastmnist")
    needed = fakes[0].archive(28).array_bytes + fakes[0].archive(28).bytes
    assert result.exit_code == 1
    assert seen.writes == []
    assert seen.network == []
    assert f"({needed} bytes) are needed and 1.0 kB (1000 bytes) are free" in result.stderr


def test_a_data_set_in_the_cache_is_not_downloaded_again(fakes, audit) -> None:
    run("fetch", "breastmnist")
    with audit() as seen:
        result = run("fetch", "breastmnist")
    assert result.exit_code == 0
    assert result.stdout == "1 of 1 are already on this machine.\n"
    assert seen.writes == []
    assert seen.network == []


def test_fetch_prints_json(fakes, tmp_path: Path) -> None:
    result = run("fetch", "breastmnist", "pathmnist", "--json")
    entries = json.loads(result.stdout)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert [entry["error"] for entry in entries] == [None, None]
    assert all((Path(entry["folder"]) / "manifest.json").is_file() for entry in entries)


def test_fetch_quiet_prints_nothing(fakes) -> None:
    result = run("fetch", "breastmnist", "--quiet")
    assert result.exit_code == 0
    assert result.output == ""


def test_fetch_keeps_the_archive_in_another_folder(fakes, tmp_path: Path) -> None:
    run("fetch", "breastmnist", "--root", tmp_path / "mine", "--keep-archive")
    assert (tmp_path / "mine" / "downloads" / "breastmnist.npz").is_file()
    assert is_here("breastmnist", root=tmp_path / "mine")
    assert not (tmp_path / "cache").exists()


def test_a_failed_download_does_not_stop_the_others(fakes, tmp_path: Path) -> None:
    (tmp_path / "archives" / "breastmnist.npz").unlink()
    result = run("fetch", "breastmnist", "pathmnist", "--json")
    errors = [entry["error"] for entry in json.loads(result.stdout)]
    assert result.exit_code == 1
    assert "404" in errors[0]
    assert errors[1] is None
    assert "1 of 2 failed: breastmnist 28. Run the same command again" in result.stderr
    assert is_here("pathmnist")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pathmnst"], "Did you mean 'pathmnist'"),
        ([], "use --all"),
        (["pathmnist", "--all"], "Use either NAME or --all"),
        (["pathmnist", "--size", "23"], "does not come in size 23"),
        (["pathmnist", "--size", "large"], "--size must be a number of pixels, such as 28 or 224, or all, not 'large'"),
        (["pathmnist", "--size", "-1"], "--size must be"),
        (["pathmnist_64", "--size", "28"], "contains size 64"),
        (["adrenalmnist3d", "--size", "224"], "Its sizes are 28, 64"),
        (["--all", "--size", "23"], "No data set has size 23"),
        (["pathmnist", "--sise", "28"], "--size"),
        (["../../etc/passwd"], "Unknown data set"),
    ],
)
def test_wrong_usage_names_the_right_usage(arguments: list[str], message: str, audit) -> None:
    with audit() as seen:
        result = run("fetch", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert seen.writes == []
    assert seen.network == []


# import


def test_import_reads_an_official_archive_and_keeps_it(fakes, tmp_path: Path, audit) -> None:
    file = Path(shutil.copy(tmp_path / "archives" / "breastmnist.npz", tmp_path / "from a friend"))
    before = file.stat()
    with audit() as seen:
        result = run("import", file)
    assert result.exit_code == 0
    assert seen.network == []
    assert f"{file} is breastmnist at size 28: ready, " in result.stdout
    assert before.st_mtime_ns == file.stat().st_mtime_ns
    assert before.st_size == file.stat().st_size
    assert is_here("breastmnist")


def test_import_refuses_an_unknown_file_and_imports_the_others(fakes, tmp_path: Path) -> None:
    np.savez(tmp_path / "pathmnist.npz", x=np.arange(3))
    result = run("import", tmp_path / "pathmnist.npz", tmp_path / "archives" / "breastmnist.npz")
    assert result.exit_code == 1
    assert f"{tmp_path}/pathmnist.npz is not an official archive" in result.stderr
    assert fakes[1].archive(28).digest in result.stderr
    assert "1 of 2 could not be imported" in result.stderr
    assert is_here("breastmnist")


def test_import_names_an_older_release(fakes, tmp_path: Path) -> None:
    now = fakes[0].archive(28)
    renewed = replace(now, digest=f"md5:{'a' * 32}", superseded=(Superseded(now.digest, "2.2.3", {"train": 6}),))
    with registered(replace(fakes[0], archives={28: renewed})):
        result = run("import", tmp_path / "archives" / "breastmnist.npz")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "breastmnist.npz of an older release (as of medmnist 2.2.3; train 6)" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["absent.npz"], ["."]])
def test_import_needs_files(arguments: list[str]) -> None:
    assert run("import", *arguments).exit_code == 2


# The official verb


@pytest.mark.parametrize("arguments", [["--size=28"], ["--size", "28"], ["--size=None"], []])
def test_download_fetches_all_sets_like_the_official_command(tmp_path: Path, arguments: list[str]) -> None:
    names = [record.name for record in registry.datasets()]
    with fake_datasets(tmp_path, *names, n_samples={"train": 1}):
        result = run("download", *arguments)
        here = [name for name in names if len(load(name, download=False).images) == 1]
    assert result.exit_code == 0
    assert names == here


def test_download_accepts_a_folder(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, *[record.name for record in registry.datasets()], n_samples={"train": 1}):
        result = run("download", "--size=28", f"--root={tmp_path / 'mine'}")
    assert result.exit_code == 0
    assert len(list((tmp_path / "mine" / "arrays" / "medmnist").iterdir())) == 18
