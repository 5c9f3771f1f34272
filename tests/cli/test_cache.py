"""``verify``, ``cache`` and ``clean``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result

from medmnist_np._progress import silent
from medmnist_np.builder import build
from medmnist_np.cache.manifest import FILE_NAME
from medmnist_np.cli import main
from medmnist_np.corruptions.stored import make_corrupted
from medmnist_np.data.arrays import fetch, load
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import fake_datasets, fakes, make_arrays
from tests.data.test_verification import store_otherwise

FEW = {"train": 20, "val": 4, "test": 6}


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=typed, catch_exceptions=False)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """A cache with two sets, a kept archive and an unfinished download."""
    with fake_datasets(tmp_path, "breastmnist", "pathmnist", n_samples=FEW):
        fetch("breastmnist", keep_archive=True)
        fetch("pathmnist")
        (tmp_path / "cache" / "downloads" / "pathmnist.npz.part").write_bytes(b"half")
        yield tmp_path / "cache"


def held(cache: Path) -> list[str]:
    arrays = [path.name.partition("-")[0] for path in (cache / "arrays" / "medmnist").iterdir()]
    return sorted([*arrays, *(path.name for path in (cache / "downloads").iterdir())])


EVERYTHING = ["breastmnist.npz", "breastmnist_28", "pathmnist.npz.part", "pathmnist_28"]


def damage(name: str) -> Path:
    file = fetch(name) / "val_images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    return file


# verify


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["pathmnist", "breastmnist"]),
        (["--size", "28"], ["pathmnist", "breastmnist"]),
        (["BreastMNIST"], ["breastmnist"]),
        (["breastmnist_28", "pathmnist"], ["breastmnist", "pathmnist"]),
    ],
)
def test_verify_looks_at_all_or_at_what_is_named(cache: Path, arguments: list[str], expected: list[str]) -> None:
    result = run("verify", *arguments)
    assert result.exit_code == 0
    assert [f"{name} 28: ok" for name in expected] == [line.partition(",")[0] for line in result.stdout.splitlines()]


def test_verify_looks_at_corrupted_images_that_were_made_here(cache: Path) -> None:
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


def test_verify_may_be_read_by_a_program(cache: Path) -> None:
    damage("breastmnist")
    result = run("verify", "--json")
    found = {entry["name"]: (entry["ok"], len(entry["damage"])) for entry in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert found == {"breastmnist": (False, 1), "pathmnist": (True, 0)}


def test_what_verify_advises_helps(cache: Path) -> None:
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
    assert "test: 1 labels are not in 0 to 1, the first at index 2" in wrong.stdout


def test_verify_of_nothing_says_so(sandbox: Path) -> None:
    assert (result := run("verify", "--json")).exit_code == 0
    assert result.stdout == "[]\n"
    assert f"No data sets in {sandbox / 'cache'}. " in run("verify").stdout


def test_verify_of_nothing_of_a_size_says_so(cache: Path) -> None:
    result = run("verify", "--size", "64")
    assert result.exit_code == 0
    assert f"No data sets of size 64 in {cache}. " in result.stdout
    assert (result := run("verify", "--size", "23")).exit_code == 2
    assert "has size 23" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["octmnist"], 1), (["octmnst"], 2), (["octmnist", "--size", "23"], 2)]
)
def test_verify_of_what_is_not_here_fails(cache: Path, arguments: list[str], code: int) -> None:
    assert code == run("verify", *arguments).exit_code


# cache


def test_cache_says_where_it_is_and_how_much_is_in_it(cache: Path) -> None:
    lines = run("cache").stdout.splitlines()
    assert str(cache) == lines[0]
    assert lines[1].split() == ["kind", "name", "size", "path"]
    assert lines[2].endswith("downloads/breastmnist.npz")
    assert [line.split()[0] for line in lines[2:7]] == ["archive", "arrays", "arrays", "unfinished", "total"]
    assert "free. Set MEDMNIST_NP_CACHE to use another folder." in lines[-1]


def test_cache_may_be_read_by_a_program(cache: Path) -> None:
    found = json.loads(run("cache", "--json").stdout)
    assert str(cache) == found["cache"]
    assert len(found["items"]) == 4
    for item in found["items"]:
        path = Path(item["path"])
        files = list(path.iterdir()) if path.is_dir() else [path]
        assert sum(file.stat().st_size for file in files) == item["bytes"]


def test_an_empty_cache_is_not_made_by_asking(sandbox: Path) -> None:
    result = run("cache")
    assert result.exit_code == 0
    assert "The cache is empty." in result.stdout
    assert not (sandbox / "cache").exists()


def test_the_cache_of_a_folder_may_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert str(tmp_path / "mine") == run("cache", "--root", str(tmp_path / "mine")).stdout.splitlines()[0]


# clean


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ([], []),
        (["--all"], []),
        (["--archives"], ["breastmnist_28", "pathmnist_28"]),
        (["breastmnist"], ["pathmnist.npz.part", "pathmnist_28"]),
        (["PathMNIST_28"], ["breastmnist.npz", "breastmnist_28"]),
        (["pathmnist", "--archives"], ["breastmnist.npz", "breastmnist_28", "pathmnist_28"]),
        (["octmnist"], EVERYTHING),
    ],
)
def test_clean_removes_what_is_asked_for(cache: Path, arguments: list[str], left: list[str]) -> None:
    assert held(cache) == EVERYTHING
    assert run("clean", *arguments, "--yes").exit_code == 0
    assert left == held(cache)


def test_clean_of_a_set_removes_what_a_killed_process_was_downloading(cache: Path) -> None:
    left = cache / "downloads" / ".pathmnist.npz.passing.another-machine~1~0123abcd.staging"
    left.mkdir()
    run("clean", "breastmnist", "--yes")
    assert left.is_dir()
    run("clean", "pathmnist", "--yes")
    assert not left.exists()


@pytest.mark.parametrize(("typed", "code", "left"), [("n\n", 1, EVERYTHING), ("", 1, EVERYTHING), ("y\n", 0, [])])
def test_clean_lists_and_asks_first(cache: Path, typed: str, code: int, left: list[str]) -> None:
    result = run("clean", typed=typed)
    assert code == result.exit_code
    assert left == held(cache)
    assert all(kind in result.stdout for kind in ("arrays", "archive", "unfinished", "Remove these"))


def test_clean_without_an_input_removes_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.confirm", lambda _: pytest.fail("Nobody can answer."))
    monkeypatch.setattr("medmnist_np.cli.clean.sys", SimpleNamespace(stdin=None))  # as `<&-` leaves it
    result = run("clean")
    said = "Error: Nothing was removed, since nobody can confirm it. Use --yes.\n"
    assert result.exit_code == 1
    assert said == result.stderr
    assert held(cache) == EVERYTHING


def test_clean_never_touches_what_the_official_package_keeps(cache: Path, sandbox: Path) -> None:
    official = sandbox / "home" / ".medmnist"
    official.mkdir()
    (official / "breastmnist.npz").write_bytes(b"x")
    run("clean", "--yes")
    assert [official / "breastmnist.npz"] == list(official.iterdir())


def test_clean_of_nothing_says_so(sandbox: Path) -> None:
    result = run("clean")
    assert result.exit_code == 0
    assert f"Nothing to remove in {sandbox / 'cache'}.\n" == result.stdout


@pytest.mark.parametrize("arguments", [["--all", "pathmnist"], ["--all", "--archives"], ["pathmnst"]])
def test_wrong_usage_of_clean_removes_nothing(cache: Path, arguments: list[str]) -> None:
    result = run("clean", *arguments, "--yes")
    assert result.exit_code == 2
    assert held(cache) == EVERYTHING


def test_clean_refuses_an_unknown_name_where_there_is_nothing_too() -> None:
    assert run("clean", "pathmnst", "--yes").exit_code == 2


# What cannot be fetched again


@pytest.fixture
def own(sandbox: Path) -> Path:
    """A cache with a set of one's own; another one was only begun."""
    images = np.random.default_rng(0).integers(256, size=(20, 28, 28), dtype=np.uint8)
    build(name="moles", images=images, labels=[0, 1] * 10)
    (sandbox / "cache" / "built" / "begun" / "unfinished").mkdir(parents=True)
    (sandbox / "cache" / "built" / "begun" / "unfinished" / "0.npz").write_bytes(b"half")
    return sandbox / "cache"


def listed() -> dict[tuple[str, str], int]:
    return {(item["kind"], item["name"]): item["bytes"] for item in json.loads(run("cache", "--json").stdout)["items"]}


KEPT = [("built", "moles"), ("ids", "moles"), ("record", "moles")]


def test_cache_counts_what_was_built(own: Path) -> None:
    files = list((own / "built" / "moles").iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) == listed()["built", "moles"]
    assert {*KEPT, ("unfinished", "built/begun")} < set(listed())
    (line,) = [line for line in run("cache").stdout.splitlines() if line.startswith("built ")]
    assert ["built", "moles", str(Path("built/moles"))] == [line.split()[number] for number in (0, 1, -1)]


def test_clean_keeps_what_cannot_be_fetched_again_and_says_so(own: Path) -> None:
    for _ in range(2):
        result = run("clean", "--yes")
        assert result.exit_code == 0
        assert list(listed()) == KEPT
        assert (
            "Kept, since it cannot be downloaded again: what was built, registered or imported for moles "
            in result.stdout
        )
    assert len(load("moles", "train").images) == 14
    assert "Kept" in run("clean", "moles", "--yes").stdout
    assert list(listed()) == KEPT


def test_clean_gives_a_name_up_after_asking(own: Path) -> None:
    assert run("clean", "moles", "--built", typed="n\n").exit_code == 1
    assert set(KEPT) < set(listed())
    result = run("clean", "Moles", "--built", typed="y\n")
    assert result.exit_code == 0
    assert list(listed()) == [("unfinished", "built/begun")]
    assert run("info", "moles").exit_code == 2
    build(name="moles", images=np.zeros((12, 28, 28), np.uint8), labels=[0, 1] * 6)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_set_whose_record_is_of_no_use_can_be_removed(own: Path, damaged: bool) -> None:
    record = own / "records" / "moles.toml"
    record.write_text("x") if damaged else record.unlink()
    assert run("clean", "moles", "--built", "--yes").exit_code == 0
    assert list(listed()) == [("unfinished", "built/begun")]


def test_a_build_that_was_begun_can_be_removed_by_its_name(own: Path) -> None:
    assert run("clean", "begun", "--yes").exit_code == 0
    assert ("unfinished", "built/begun") not in listed()
    assert set(KEPT) < set(listed())


def test_one_size_of_a_set_of_ones_own_is_its_arrays(own: Path) -> None:
    assert run("clean", "moles_28", "--built", "--yes").exit_code == 0
    assert {*KEPT, ("unfinished", "built/begun")} == set(listed())


@pytest.mark.parametrize("arguments", [["--built"], ["--all", "--built"], ["moles", "--built", "--archives"], ["mole"]])
def test_what_was_built_is_removed_by_name_alone(own: Path, arguments: list[str]) -> None:
    before = listed()
    assert run("clean", *arguments, "--yes").exit_code == 2
    assert before == listed()


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
