"""``corrupt``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from medmnist_np._progress import silent
from medmnist_np.cli.corrupt import corrupt
from medmnist_np.corruptions.stored import make_corrupted
from medmnist_np.testing import fake_datasets


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with a small BreastMNIST at hand."""
    monkeypatch.chdir(tmp_path)
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 40, "test": 50}):
        yield tmp_path


def make(*arguments: object) -> Result:
    return CliRunner().invoke(corrupt, list(map(str, arguments)), catch_exceptions=False)


def test_corrupt_makes_what_is_requested_and_states_where(home: Path) -> None:
    result = make("breastmnist", "--kind", "pixelate", "--kind", "speckle_noise", "--severity", 3, "--workers", 1)
    assert result.exit_code == 0
    expected = make_corrupted("breastmnist", ["pixelate", "speckle_noise"], [3], progress=silent)
    assert [f"{one.corruption} 3  {one.sha256[:16]}  {one.folder}" for one in expected] == result.stdout.splitlines()


def test_corrupt_makes_the_same_in_two_processes(home: Path, tmp_path: Path) -> None:
    arguments = ("breastmnist", "--all", "--severity", 1, "--json")
    for n in (1, 2):
        (tmp_path / f"root {n}").mkdir()
    found = [make(*arguments, "--workers", n, "--root", tmp_path / f"root {n}").stdout for n in (1, 2)]
    assert len(json.loads(found[0])) == 7
    assert [one["sha256"] for one in json.loads(found[0])] == [one["sha256"] for one in json.loads(found[1])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["breastmnist"], "Use either --kind KIND or --all. breastmnist has: pixelate, jpeg_compression,"),
        (["breastmnist", "--all", "--kind", "pixelate"], "Use either --kind KIND or --all."),
        (["breastmnist", "--kind", "bubble"], "does not have 'bubble' for breastmnist."),
        (["breastmnist", "--all", "--severity", "0"], "0 is not in the range 1<=x<=5"),
        (["breastmnist", "--all", "--severity", "6"], "6 is not in the range 1<=x<=5"),
        (["organmnist3d", "--all"], "MedMNIST-C has no corruptions for organmnist3d."),
    ],
)
def test_corrupt_states_what_is_wrong_with_a_call(home: Path, arguments: list[str], message: str) -> None:
    result = make(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
