"""``evaluate``, ``compare`` and ``leaderboard``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.evaluation import Evaluator, read_scores, write_scores
from medmnist_np.testing import fake_datasets


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A good and a bad run on BreastMNIST."""
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"val": 20, "test": 80}):
        evaluator = Evaluator("breastmnist", "test")
        noise = np.random.default_rng(0).normal(0.5, 1, (80, 1))
        for name, share in (("good", 0.3), ("bad", 0.9)):
            scores = (1 - share) * evaluator.labels + share * noise
            evaluator.evaluate(1 / (1 + np.exp(0.5 - scores)), tmp_path / "results", name)
        good, bad = (next((tmp_path / "results").glob(f"*@{name}.csv")) for name in ("good", "bad"))
        yield good, bad


@pytest.fixture
def without_class(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs on a set of whose test images none is of the class c."""
    images = np.random.default_rng(0).integers(256, size=(30, 28, 28), dtype=np.uint8)
    mm.build(name="own", images=images, labels=[*"abc" * 5, *"ab" * 7, "a"], splits=["train"] * 15 + ["test"] * 15)
    evaluator = Evaluator("own", "test")
    for name in ("one", "two"):
        scores = evaluator.get_dummy_prediction(seed=len(name) + ord(name[0]))
        evaluator.evaluate(scores, tmp_path / "own", name, undefined="skip")
    return tuple(next((tmp_path / "own").glob(f"*@{name}.csv")) for name in ("one", "two"))


# evaluate


@pytest.fixture
def logits(files: tuple[Path, Path]) -> Path:
    """A run whose scores are logits."""
    file = files[0].with_name("breastmnist_test_logits.csv")
    write_scores(file, 4 * read_scores(files[0]) - 2)
    return file


NOTE = "Scores are from -"


@pytest.mark.parametrize("command", [["evaluate"], ["leaderboard", "breastmnist"]])
def test_scores_that_are_not_probabilities_are_noted(logits: Path, command: list[str]) -> None:
    result = run(*command, logits)
    assert result.exit_code == 0
    assert NOTE in result.stdout
    assert "UserWarning" not in result.stderr


def test_compare_notes_which_scores_are_not_probabilities(files: tuple[Path, Path], logits: Path) -> None:
    assert f"Note on B: {NOTE}" in run("compare", files[0], logits).stdout


@pytest.fixture
def on_train(tmp_path: Path) -> Iterator[Path]:
    """A run on training images."""
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 40}):
        file = tmp_path / "breastmnist_train_mine.csv"
        write_scores(file, Evaluator("breastmnist", "train").get_dummy_prediction())
        yield file


@pytest.mark.parametrize("command", [["evaluate"], ["evaluate", "--intervals"]])
def test_results_on_train_have_a_note(on_train: Path, command: list[str]) -> None:
    said = " ".join(run(*command, on_train).stdout.split())
    assert "Note: Measured on the training split, so the results do not apply to new images." in said


def test_a_comparison_on_train_has_a_note(on_train: Path) -> None:
    assert "Note: Measured on the training split" in run("compare", on_train, on_train).stdout


def test_the_leaderboard_refuses_scores_of_train(on_train: Path) -> None:
    result = run("leaderboard", "breastmnist", on_train)
    assert result.exit_code == 1
    assert "has scores for breastmnist train, but the published results are for breastmnist test" in result.stderr


def test_notes_on_scores_are_in_the_json(files: tuple[Path, Path], logits: Path) -> None:
    (found,) = json.loads(run("evaluate", logits, "--json").stdout)
    (own,) = (
        entry
        for entry in json.loads(run("leaderboard", "breastmnist", logits, "--json").stdout)["entries"]
        if entry["yours"]
    )
    compared = json.loads(run("compare", files[0], logits, "--json").stdout)

    assert found["notes"][0].startswith(NOTE)
    assert found["notes"] == own["notes"] == compared["second"]["notes"]
    assert compared["first"]["notes"] == []


def test_an_absent_class_is_refused_and_the_message_names_the_option(without_class: tuple[Path, Path]) -> None:
    result = run("evaluate", without_class[0])
    assert result.exit_code == 1
    assert "set --undefined skip (average over the others)" in result.stderr


def test_an_absent_class_can_be_skipped(without_class: tuple[Path, Path]) -> None:
    one, two = without_class
    expected = Evaluator.parse_and_evaluate(one, undefined="skip")
    said = "The AUC of 'c' is not defined on these samples. The AUC is the mean of the other classes."
    result = run("evaluate", one, "--undefined", "skip")
    assert [f"    AUC {expected.AUC:.5f}", f"    ACC {expected.ACC:.5f}", f"    {said}"] == result.stdout.splitlines()[
        2:
    ]
    (found,) = json.loads(run("evaluate", one, "--undefined", "skip", "--json").stdout)
    assert found["undefined"] == "skip"
    assert found["undefined_classes"] == ["c"]
    assert said in " ".join(run("compare", one, two, "--undefined", "skip").stdout.split())
    board = json.loads(run("leaderboard", "own", one, two, "--undefined", "skip", "--json").stdout)
    assert {entry["method"] for entry in board["entries"]} == {"one", "two"}


def test_an_undefined_auc_is_missing_from_the_table(without_class: tuple[Path, Path]) -> None:
    (found,) = json.loads(run("evaluate", without_class[0], "--undefined", "nan", "--json").stdout)
    assert found["AUC"] is None
    assert json.loads(run("compare", *without_class, "--undefined", "nan", "--json").stdout)["auc"]["first"] is None
    board = json.loads(run("leaderboard", "own", *without_class, "--undefined", "nan", "--json").stdout)
    assert [entry["AUC"] for entry in board["entries"]] == [None, None]
    said = "* one: The AUC of 'c' is not defined on these samples. So the mean AUC is not defined either."
    assert said in run("leaderboard", "own", *without_class, "--undefined", "nan").stdout.splitlines()


def test_evaluate_prints_auc_and_acc(files: tuple[Path, Path]) -> None:
    expected = Evaluator.parse_and_evaluate(files[1])
    result = run("evaluate", files[1])
    assert result.exit_code == 0
    assert [
        str(files[1]),
        "    breastmnist test, 80 samples, binary-class",
        f"    AUC {expected.AUC:.5f}",
        f"    ACC {expected.ACC:.5f}",
    ] == result.stdout.splitlines()


def test_evaluate_takes_the_official_option(files: tuple[Path, Path]) -> None:
    assert run("evaluate", *files).stdout == run("evaluate", f"--path={files[0]}", f"--path={files[1]}").stdout


def test_evaluate_skips_the_tables_that_save_writes(files: tuple[Path, Path]) -> None:
    mm.Dataset("breastmnist", "test").save(files[0].parent)
    table = files[0].parent / "breastmnist.csv"
    result = run("evaluate", table, *files)
    assert result.exit_code == 0
    assert " ".join(result.stderr.split()) == f"{table}: skipped, a table of images and labels"
    assert result.stdout.count("AUC 0.") == 2


def test_evaluate_works_with_labels_that_were_downloaded_alone(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (expected,) = json.loads(run("evaluate", files[0], "--json").stdout)
    labels_alone = tmp_path / "labels alone"
    run("fetch", "breastmnist", "--labels-only", "--root", labels_alone)
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    (found,) = json.loads(run("evaluate", files[0], "--json", "--root", labels_alone).stdout)
    assert expected == found
    assert len(found["labels_sha256"]) == 64


def test_evaluate_adds_intervals_on_request(files: tuple[Path, Path]) -> None:
    found = Evaluator.parse_and_evaluate(files[1])
    ends = found.intervals()["auc"]
    line = f"    AUC {found.AUC:.5f}  ({ends.low:.3f} to {ends.high:.3f})"
    assert line in run("evaluate", files[1], "--intervals").stdout.splitlines()


def test_evaluate_prints_json(files: tuple[Path, Path]) -> None:
    found = Evaluator.parse_and_evaluate(files[0])
    expected = [{"file": str(files[0]), **found.to_dict(), "contradictions": []}]
    assert expected == json.loads(run("evaluate", files[0], "--json").stdout)
    (with_intervals,) = json.loads(run("evaluate", files[0], "--json", "--intervals").stdout)
    assert found.AUC == with_intervals["intervals"]["auc"]["estimate"]


def test_evaluate_reports_wrong_values_in_a_file_name(files: tuple[Path, Path]) -> None:
    value = f"{Evaluator.parse_and_evaluate(files[0]).ACC:.3f}"
    wrong = files[0].rename(files[0].with_name("breastmnist_test_[AUC]0.123_resume_sanity.csv"))
    result = run("evaluate", wrong, files[1])
    assert result.exit_code == 1
    assert f"Error: {wrong}: the name has AUC 0.123, but the scores give " in result.stderr
    assert f"    ACC {value}" in result.stdout
    assert str(files[1]) in result.stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("scores.csv", "0,0.5\n", "'scores.csv' is not the name of a result file"),
        ("breastmnist_test.csv", "0,0.5\n", "There are 1 rows of scores and 80 samples in breastmnist test."),
        ("breastmnist_test.csv", "0,a\n", "is not a result file: could not convert string 'a'"),
        ("breastmnist_128_val.csv", "0,0.5\n", "breastmnist does not come in size 128"),
    ],
)
def test_evaluate_continues_after_a_file_that_cannot_be_evaluated(
    files: tuple[Path, Path], tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    result = run("evaluate", tmp_path / name, files[0])
    assert result.exit_code == 1
    assert message in result.stderr
    assert str(files[0]) in result.stdout


def test_evaluate_needs_a_file(tmp_path: Path) -> None:
    assert run("evaluate").exit_code == 2
    assert run("evaluate", tmp_path / "not_here.csv").exit_code == 2


def test_evaluate_changes_no_file(files: tuple[Path, Path]) -> None:
    before = {path: path.read_bytes() for path in files[0].parent.iterdir()}
    run("evaluate", *files, "--intervals")
    assert before == {path: path.read_bytes() for path in files[0].parent.iterdir()}


# compare


def test_compare_states_which_is_better(files: tuple[Path, Path]) -> None:
    result = run("compare", *files)
    assert result.exit_code == 0
    assert [f"A: {files[0]}", f"B: {files[1]}", "breastmnist test, 80 samples"] == result.stdout.splitlines()[:3]
    assert " ".join(result.stdout.split()).count("A is better: the difference of ") == 2


def test_compare_prints_json(files: tuple[Path, Path]) -> None:
    found = json.loads(run("compare", *files, "--json").stdout)
    assert found["auc"]["second"] - found["auc"]["first"] == found["auc"]["difference"] < 0
    assert set(found["mcnemar"]) == {"only_first", "only_second", "p_value"}


def test_compare_refuses_other_samples(files: tuple[Path, Path], tmp_path: Path) -> None:
    evaluator = Evaluator("breastmnist", "val")
    evaluator.evaluate(evaluator.get_dummy_prediction(), tmp_path / "val", "a")
    result = run("compare", files[0], *(tmp_path / "val").glob("*.csv"))
    assert result.exit_code == 1
    assert "All results must be for the same data set and split" in result.stderr


def test_compare_refuses_another_number_of_samples(files: tuple[Path, Path]) -> None:
    files[1].write_text("0,0.5\n")
    assert (result := run("compare", *files)).exit_code == 1
    assert "There are 1 rows" in result.stderr


@pytest.fixture
def methods(files: tuple[Path, Path], tmp_path: Path) -> Path:
    """Two folders, each with the result files of three runs."""
    evaluator = Evaluator("breastmnist", "test")
    for method, noise in (("a", 0.9), ("b", 0.5)):
        for seed in range(3):
            jitter = np.random.default_rng([seed, ord(method)]).normal(0.5, 1, len(evaluator.labels))
            scores = 1 / (1 + np.exp(-(evaluator.labels[:, 0] - 0.5 + noise * jitter)))
            evaluator.evaluate(scores, tmp_path / method, f"seed{seed}")
    return tmp_path


def test_compare_expands_patterns_of_runs(methods: Path) -> None:
    said = " ".join(run("compare", "--a", methods / "a" / "*.csv", "--b", methods / "b" / "*.csv").stdout.split())
    assert said.count("(3 runs;") == 4


def test_compare_accepts_a_pattern_several_times(methods: Path) -> None:
    a, b = (sorted((methods / method).glob("*.csv")) for method in "ab")
    result = run("compare", "--a", a[0], "--a", a[1], "--b", b[0], "--json")
    assert [len(of_method) for of_method in json.loads(result.stdout)["files"]] == [2, 1]


def test_compare_names_a_pattern_without_files(methods: Path) -> None:
    result = run("compare", "--a", methods / "a" / "*.csv", "--b", methods / "c" / "*.csv")
    assert result.exit_code == 2
    assert "--b: no file matches" in result.stderr


def test_compare_refuses_files_beside_patterns(files: tuple[Path, Path]) -> None:
    result = run("compare", *files, "--a", files[0])
    assert result.exit_code == 2
    assert "Give two result files, or the runs of both methods with --a and --b." in result.stderr


# leaderboard


def test_leaderboard_shows_the_published_results_and_their_notes() -> None:
    result = run("leaderboard", "OrganMNIST3D")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split() == ["method", "AUC", "ACC"]
    assert result.stdout.splitlines()[1].split() == ["ResNet-18", "+", "3D", "0.996", "0.907"]
    assert "Published results: doi:10.1038/s41597-022-01721-8" in result.stdout
    assert "v2.2.4" in result.stdout


def test_leaderboard_ranks_files_among_the_published_results(files: tuple[Path, Path]) -> None:
    lines = run("leaderboard", "breastmnist", *files).stdout.splitlines()
    assert lines[1].startswith("*  good ")
    assert lines[9].startswith("*  bad ")
    assert any(line.startswith("* yours, with 95 % confidence intervals.") for line in lines)


def test_runs_of_one_name_are_distinguished_by_their_files(files: tuple[Path, Path]) -> None:
    again = files[1].rename(files[1].with_name(f"{files[1].stem.partition('@')[0]}@good.csv"))
    found = run("leaderboard", "breastmnist", files[0], again).stdout
    assert str(files[0]) in found
    assert str(again) in found


def test_leaderboard_prints_json(files: tuple[Path, Path]) -> None:
    found = json.loads(run("leaderboard", "breastmnist", files[0], "--json").stdout)
    assert [entry["method"] for entry in found["entries"] if entry["yours"]] == ["good"]
    assert len(found["entries"]) == 8


def test_leaderboard_names_a_file_of_other_samples(files: tuple[Path, Path]) -> None:
    result = run("leaderboard", "retinamnist", *files)
    message = f"{files[0]} has scores for breastmnist test, but the published results are for retinamnist test."
    assert result.exit_code == 1
    assert message in result.stderr


def test_leaderboard_of_a_built_set_states_that_no_figures_are_known(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(20, 28, 28), dtype=np.uint8)
    mm.build(name="moles", images=images, labels=[0, 1] * 10)
    result = run("leaderboard", "moles")
    assert result.exit_code == 0
    assert result.stdout == "No published results are known for moles.\n"
    labels = mm.load("moles", "test").labels
    Evaluator("moles", "test").evaluate(0.1 + 0.8 * np.eye(2)[labels[:, 0]], tmp_path, "mine")
    (file,) = tmp_path.glob("*@mine.csv")
    lines = run("leaderboard", "Moles", file).stdout.splitlines()
    assert lines[0].split() == ["method", "AUC", "ACC"]
    assert lines[1].startswith("*  mine ")
    assert lines[3] == "No published results are known for moles."
    assert lines[-1] == "* yours, with 95 % confidence intervals."


def test_leaderboard_refuses_an_unknown_set() -> None:
    assert run("leaderboard", "brestmnist").exit_code == 2


@pytest.mark.parametrize("command", ["compare", "leaderboard"])
def test_a_wrong_figure_in_a_name_is_reported_on_stderr(files: tuple[Path, Path], command: str) -> None:
    good, bad = files
    renamed = bad.rename(bad.with_name("breastmnist_test_[AUC]0.999_[ACC]0.111@bad.csv"))
    result = run(command, *(["breastmnist", renamed] if command == "leaderboard" else [good, renamed]))
    assert result.exit_code == 0
    assert f"Warning: {renamed}: " in result.stderr
    assert str(good) not in result.stderr
