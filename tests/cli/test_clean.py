"""``clean``."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from medmnist_np.builder import build
from medmnist_np.data.arrays import load
from tests.cli.caches import EVERYTHING, KEPT, held, listed, run


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
