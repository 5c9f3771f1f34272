"""What users import: the names, and that importing them is free."""

from __future__ import annotations

import ast
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.testing import fake_datasets

SOURCE = Path(mm.__file__).parent


# Runs code in a fresh, isolated interpreter that has NumPy loaded, and tells what the code did.
WATCH = """
import json, os, sys
import numpy
before, variables, changes = set(sys.modules), [], []
read = os._Environ.__getitem__
os._Environ.__getitem__ = lambda self, key: (variables.append(key), read(self, key))[1]
def hook(event, arguments):
    if event in {"os.mkdir", "os.rename", "os.remove", "socket.__new__", "fcntl.flock"}:
        changes.append(event)
    elif event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        changes.append(f"open {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(hook)
exec(sys.argv[1])
loaded = sorted(set(sys.modules) - before)
print(json.dumps({"modules": loaded, "variables": variables, "changes": changes}))
"""


def watched(code: str, *arguments: str) -> dict[str, list[str]]:
    command = [sys.executable, "-I", "-c", WATCH, code, *arguments]
    return json.loads(subprocess.check_output(command, text=True))  # noqa: S603


# Names


def test_all_names_are_sorted_and_unique() -> None:
    assert sorted(set(mm.__all__)) == mm.__all__


@pytest.mark.parametrize("name", mm.__all__)
def test_every_name_resolves(name: str) -> None:
    assert getattr(mm, name) is not None
    assert name in dir(mm)


def test_dir_lists_the_public_names_and_the_packages() -> None:
    packages = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name.isidentifier()}
    packages -= {"__pycache__", "cli"}
    assert {*mm.__all__, *packages, "compat", "errors"} == {name for name in dir(mm) if not name.startswith("__")}


def test_dunder_names_are_listed_too() -> None:
    assert {"__doc__", "__version__"} <= set(dir(mm))


def test_packages_are_reachable_without_importing_them() -> None:
    code = "import medmnist_np as mm; print(mm.evaluation.compare.__name__, mm.metrics.auc.__name__)"
    assert subprocess.check_output([sys.executable, "-I", "-c", code], text=True).split() == ["compare", "auc"]  # noqa: S603


def test_there_are_the_eighteen_classes_and_at_most_25_other_names() -> None:
    classes = {record.python_class for record in registry.datasets()}
    assert classes <= set(mm.__all__)
    assert len(set(mm.__all__) - classes) <= 25


# Star imports of compat bring modules, as those of the official package do.
PACKAGES = [SOURCE, *(file.parent for file in SOURCE.glob("*/__init__.py") if file.parent.name != "compat")]


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_no_name_is_also_that_of_a_module(folder: Path) -> None:
    package = import_module(".".join(["medmnist_np", *folder.relative_to(SOURCE).parts]))
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert modules & set(getattr(package, "__all__", ())) == set()


@pytest.mark.parametrize("stub", sorted(SOURCE.rglob("__init__.pyi")), ids=lambda stub: stub.parent.name)
def test_type_checkers_read_the_names_that_a_package_has(stub: Path) -> None:
    package = import_module(".".join(["medmnist_np", *stub.parent.relative_to(SOURCE).parts]))
    last = ast.parse(stub.read_text(encoding="utf-8")).body[-1]
    assert isinstance(last, ast.Assign)
    assert ast.literal_eval(last.value) == package.__all__


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'medmnist_np' has no attribute 'lod'"):
        mm.lod  # noqa: B018


def test_a_star_import_gives_all_names() -> None:
    names: dict[str, object] = {}
    exec("from medmnist_np import *", names)  # noqa: S102
    assert set(mm.__all__) == set(names) - {"__builtins__"}


def test_every_public_thing_has_a_docstring() -> None:
    assert [name for name in mm.__all__ if name != "INFO" and not getattr(mm, name).__doc__] == []


# Cost


def test_import_loads_nothing_reads_no_variable_and_changes_nothing() -> None:
    seen = watched("import medmnist_np")
    assert seen["modules"] == ["__future__", "medmnist_np", "medmnist_np._lazy", "medmnist_np._version"]
    assert seen["variables"] == []
    assert seen["changes"] == []


# Of the standard library, what costs time or shows that more than opening was done.
HEAVY = {"asyncio", "concurrent", "email", "http", "multiprocessing", "socket", "sqlite3", "ssl", "tomllib", "unittest"}


def test_load_on_a_complete_cache_loads_no_heavy_module_and_changes_nothing(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"test": 5}) as (record,):
        mm.load("breastmnist", "test")
        (tmp_path / "record").write_bytes(pickle.dumps(record))
        code = """
import pickle, medmnist_np
with open(sys.argv[2], "rb") as stream:
    record = pickle.load(stream)
assert medmnist_np.load(record, "test", download=False).images.shape == (5, 28, 28)
"""
        seen = watched(code, str(tmp_path / "record"))
    assert seen["changes"] == []
    packages = {module.partition(".")[0] for module in seen["modules"]}
    assert packages - sys.stdlib_module_names - {"numpy"} == {"medmnist_np"}
    assert packages & HEAVY == set()
    # The modules that hash, unpack, lock and download.
    assert [name for name in seen["modules"] if name.endswith((".digests", ".npz", ".locks", ".prepare"))] == []


def test_the_program_answers_help_without_numpy() -> None:
    code = "import sys, medmnist_np.cli; print('numpy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-I", "-c", code], text=True).strip() == "False"  # noqa: S603


LONG = "x" * 100_000
LARGE = np.zeros((1000, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (lambda: mm.info(LARGE), "an array of uint8 and shape"),
        (lambda: mm.info("x" * 10_000), "x..."),
        (lambda: mm.recipe(LARGE), "an array of uint8 and shape"),
        (lambda: mm.augment("breastmnist", LARGE), ""),
        (lambda: mm.load("breastmnist", LARGE), ""),
        (lambda: mm.load("breastmnist", size=LARGE), ""),
        (lambda: mm.Evaluator("breastmnist", LARGE), ""),
        (lambda: mm.getAUC(LARGE, LARGE, "multi-class"), ""),
        (lambda: mm.compat.Evaluator(LONG, "test"), "x..."),
        (lambda: mm.compat.Evaluator("breastmnist", "test", size=LARGE), "an array of uint8 and shape"),
        (lambda: mm.compat.Evaluator("breastmnist", "test", root=LONG), "xxx does not exist"),
        (lambda: mm.compat.Evaluator.parse_and_evaluate(LONG), "is not the name of a result file"),
        (lambda: mm.BreastMNIST("test", root=LONG), "xxx does not exist"),
        (lambda: mm.compat.utils.save_frames_as_gif([], LONG), "does not end in .gif"),
        (lambda: mm.images.choose(range(9), list(range(9999)), 2), "[0, 1, 2, 3, 4, 5, ...]"),
        (lambda: mm.getAUC([0, 1], [0.1, 0.2], [LARGE] * 100), ""),
    ],
)
def test_messages_do_not_contain_arrays_or_long_values(wrong: Callable[[], Any], shown: str) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError, AssertionError)) as caught:
        wrong()
    assert shown in str(caught.value)
    assert len(str(caught.value)) < 1000
