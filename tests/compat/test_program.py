"""``python -m medmnist_np.compat``: the official commands, and programs that import ``medmnist``."""

from __future__ import annotations

import inspect
import json
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np.compat
from medmnist_np.compat import __main__ as program, dataset, evaluator, info, utils
from medmnist_np.testing import fake_datasets

N = {"train": 8, "val": 4, "test": 6}


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "medmnist_np.compat", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


# Programs


def test_a_program_finds_its_arguments_and_the_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "helper.py").write_text("answer = 42\n")
    script = tmp_path / "folder" / "train.py"
    script.write_text(
        "import sys, helper, medmnist, medmnist.utils\n"
        "from medmnist.info import INFO\n"
        "print(__name__, sys.argv, helper.answer, medmnist.__version__, len(INFO), medmnist.BreastMNIST.__module__)\n"
    )
    result = run("folder/train.py", "--epochs", "3", folder=tmp_path)
    expected = "__main__ ['folder/train.py', '--epochs', '3'] 42 3.0.2 18 medmnist_np.compat.dataset\n"
    assert result.stdout == expected, result.stderr


def test_a_module_is_run_with_m(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import sys, medmnist\nprint(sys.argv[1:], medmnist.HOMEPAGE)\n")
    result = run("-m", "mine", "a", folder=tmp_path)
    assert result.stdout == "['a'] https://github.com/MedMNIST/MedMNIST/\n", result.stderr


def test_the_exit_code_of_a_program_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text("raise SystemExit(3)\n")
    assert run("fails.py", folder=tmp_path).returncode == 3


def test_processes_that_a_program_spawns_find_the_package_too(tmp_path: Path) -> None:
    (tmp_path / "spawns.py").write_text(
        "import multiprocessing, medmnist\n"
        "def name(_):\n    return medmnist.__name__\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(name, [0]))\n"
    )
    result = run("spawns.py", folder=tmp_path)
    assert result.stdout == "['medmnist_np.compat']\n", result.stderr


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    result = run("tarin.py", folder=tmp_path)
    assert result.returncode == 1
    assert "There is no file 'tarin.py', and no such command" in result.stderr


# The name medmnist


def test_after_install_all_modules_have_the_official_names(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {"medmnist": medmnist_np.compat}
    for module in pkgutil.iter_modules(medmnist_np.compat.__path__):
        if module.name != "__main__":  # a program, which Python runs under this name anyway
            expected[f"medmnist.{module.name}"] = import_module(f"medmnist_np.compat.{module.name}")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in (*expected, "medmnist.__main__"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    medmnist_np.compat.install()
    medmnist_np.compat.install()  # a second call changes nothing
    assert {name: import_module(name) for name in expected} == expected
    assert import_module("medmnist.__main__").COMMANDS.keys() == program.COMMANDS.keys()


def test_install_comes_before_the_official_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "medmnist", inspect)
    with pytest.raises(ImportError, match=r"is imported already. Call install"):
        medmnist_np.compat.install()


def test_importing_makes_no_folder(tmp_path: Path) -> None:
    code = "import medmnist_np.compat as medmnist, os; print(os.path.exists(medmnist.DEFAULT_ROOT))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert result.stdout == "False\n"


@pytest.mark.parametrize("module", [medmnist_np.compat, dataset, evaluator, info, utils], ids=lambda one: one.__name__)
def test_names_are_attributes(module: Any) -> None:
    assert set(module.__all__) <= set(vars(module))
    assert set(module.__all__) <= set(dir(module))


# Commands


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["breastmnist", "out"], {"flag": "breastmnist", "folder": "out"}),
        (["--folder=out", "breastmnist"], {"folder": "out", "flag": "breastmnist"}),
        (
            ["breastmnist", "out", "jpg", "--size", "64"],
            {"flag": "breastmnist", "folder": "out", "postfix": "jpg", "size": 64},
        ),
        (["breastmnist", "out", "--download"], {"flag": "breastmnist", "folder": "out", "download": True}),
        (["breastmnist", "out", "--download=False"], {"flag": "breastmnist", "folder": "out", "download": False}),
        (
            ["breastmnist", "out", "-s", "64", "-p=jpg"],
            {"flag": "breastmnist", "folder": "out", "size": 64, "postfix": "jpg"},
        ),
        (["breastmnist", "a=b"], {"flag": "breastmnist", "folder": "a=b"}),
    ],
)
def test_arguments_are_given_by_place_or_by_name(arguments: list[str], expected: dict[str, Any]) -> None:
    assert program.parsed(program.save, arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info"], "flag is missing"),
        (["info", "breastmnist", "more"], "'more' is one argument too many"),
        (["save", "-f=breastmnist"], "Unknown option -f. Available: --flag, --folder"),
        (["download", "--folder=x"], "Unknown option --folder. Available: --size, --root"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_info_prints_the_official_facts(capsys: pytest.CaptureFixture[str]) -> None:
    program.main(["info", "--flag=breastmnist"])
    assert json.loads(capsys.readouterr().out) == info.INFO["breastmnist"]


def test_an_error_is_shown_without_a_traceback() -> None:
    with pytest.raises(SystemExit, match=r"NotCachedError: .*does not exist"):
        program.main(["save", "breastmnist", "out"])


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    program.main([])
    shown = capsys.readouterr().out
    assert all(f"\n  {name}" in shown for name in program.COMMANDS)


def test_nothing_but_archives_stays_in_the_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "R"
    root.mkdir()
    with fake_datasets(tmp_path, "breastmnist", n_samples=N):
        medmnist_np.compat.BreastMNIST("train", download=True, root=root)
        program.main(["save", "breastmnist", str(tmp_path / "out"), f"--root={root}", "--download"])
        evaluator.Evaluator("breastmnist", "test", root=root)
        assert [path.name for path in root.iterdir()] == ["breastmnist.npz"]
        program.main(["clean", f"--root={root}"])
    assert list(root.iterdir()) == []


# The evaluator


def test_the_evaluator_uses_the_archive_of_its_root(tmp_path: Path) -> None:
    np.savez(tmp_path / "breastmnist.npz", test_labels=np.array([[0], [1], [1]], np.uint8))
    mine = evaluator.Evaluator("breastmnist", "test", root=tmp_path)
    assert mine.labels.tolist() == [[0], [1], [1]]
    assert mine.evaluate(np.array([[0.1], [0.9], [0.8]], dtype=object)) == (1.0, 1.0)


def test_the_evaluator_uses_labels_in_the_cache_if_the_default_root_has_none(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples=N):
        medmnist_np.fetch("breastmnist", labels_only=True)
        assert len(evaluator.Evaluator("breastmnist", "test").labels) == N["test"]


def test_the_auc_of_an_absent_class_is_not_a_number() -> None:
    with pytest.warns(UserWarning, match="its AUC is not defined"):
        assert np.isnan(evaluator.getAUC(np.ones((4, 1)), np.full((4, 1), 0.5), "binary-class"))


def test_save_results_writes_the_table_that_old_releases_wrote(tmp_path: Path) -> None:
    evaluator.save_results(np.array([[0], [1]]), np.array([[0.25, 0.75], [1.0, 0.5]]), tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_bytes() == (
        b"\xef\xbb\xbfid,true_0,score_0,score_1\n0,0,0.25,0.75\n1,1,1.0,0.5\n"
    )
