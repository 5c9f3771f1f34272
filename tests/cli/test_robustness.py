"""``robustness``."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.cli.corrupt import robustness
from medmnist_np.corruptions import measure_robustness
from medmnist_np.evaluation import Evaluator
from medmnist_np.testing import fake_datasets

EXAMPLE = Path(__file__).parents[2] / "examples" / "robustness.py"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(robustness, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with a small BreastMNIST at hand."""
    monkeypatch.chdir(tmp_path)
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 40, "test": 50}):
        yield tmp_path


@pytest.fixture
def files(home: Path) -> list[Path]:
    """Results of two models on images as they are, and on one corruption."""
    evaluator = Evaluator("breastmnist", "test")
    names = [
        f"{model}{rest}" for model in "ab" for rest in ("", *(f"+pixelate_{severity}" for severity in range(1, 6)))
    ]
    for number, name in enumerate(names):
        evaluator.evaluate(evaluator.get_dummy_prediction(seed=number), home / "results", name)
    return sorted((home / "results").glob("*.csv"))


def test_robustness_prints_a_table_for_each_model(files: list[Path]) -> None:
    result = run(*files)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for one in measure_robustness(files, progress=silent):
        start = lines.index(f"{one.model}: breastmnist test, 28 px, balanced errors")
        assert lines[start + 1].split() == ["corruption", "1", "2", "3", "4", "5", "mean"]
        assert f"{one.clean.estimate:.3f} ({one.clean.low:.3f} to {one.clean.high:.3f})" in _joined(lines[start + 2])
        (pixelate,) = one.corruptions
        expected = [f"{pixelate.errors[severity].estimate:.3f}" for severity in range(1, 6)]
        assert ["pixelate", *expected, f"{pixelate.mean.estimate:.3f}"] == lines[start + 3].split()[:7]


def _joined(line: str) -> str:
    return " ".join(line.split())


def test_robustness_states_that_a_synthetic_set_has_no_reference(files: list[Path]) -> None:
    assert "so the results have no BE and rBE." in _joined(run(*files).stdout)


def test_robustness_prints_json(files: list[Path]) -> None:
    expected = [one.to_dict() for one in measure_robustness(files, progress=silent)]
    assert expected == json.loads(run(*files, "--json").stdout)


def test_robustness_accepts_a_threshold(files: list[Path]) -> None:
    found = json.loads(run(*files, "--json", "--threshold", "2").stdout)
    assert {0.5} == {one["clean"]["estimate"] for one in found}  # all are decided for class 0


def test_robustness_writes_a_page(files: list[Path], home: Path) -> None:
    result = run(*files, "-o", home / "page.html")
    assert str(home / "page.html") == result.stdout.splitlines()[-1]
    assert "<h2>b: breastmnist test, 28 px</h2>" in (home / "page.html").read_text("utf-8")


def test_robustness_refuses_to_replace_another_file(files: list[Path]) -> None:
    result = run(files[0], "-o", files[0])
    assert result.exit_code == 2
    assert "must end in .html" in result.stderr


def test_robustness_refuses_a_repeated_file(files: list[Path]) -> None:
    with pytest.raises(mm.errors.ScoresError, match=r"are both results of the run 'a\+pixelate_1'"):
        run(files[0], files[0])


def test_robustness_needs_a_file() -> None:
    assert run().exit_code == 2


def test_the_example_writes_what_robustness_reads(home: Path) -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= 20
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    files = sorted((home / "results").glob("*.csv"))
    n_corruptions = len(mm.registry.corrupted_set("breastmnist").corruptions)
    assert 1 + 5 * n_corruptions == len(files)
    (found,) = json.loads(run(*files, "--json").stdout)
    assert n_corruptions == len(found["corruptions"])
    assert 0 < found["clean"]["estimate"] < found["mean"]["estimate"] < 1
    assert found["be"] is None
    assert found["rbe"] is None
