"""Runs all programs, each package in a process of its own, once per test session."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.compat import made

FOLDER = Path(__file__).parent
PROGRAMS = {path.stem: path for path in sorted((FOLDER / "programs").glob("*.py"))}

# Programs that do not do the same with both packages: one for each difference that the page on migration lists.
DIFFERENCES = {path.stem: path for path in sorted((FOLDER / "differences").glob("*.py"))}

_ALL = PROGRAMS | DIFFERENCES

# Programs that are also run on the published archives. The others use sets that are not there.
WITH_REAL_DATA = (
    "automl_loop",
    "command_evaluate",
    "composition",
    "deep_copy",
    "evaluation_loop",
    "evaluation_of_subset",
    "federated_iid",
    "federated_torch",
    "image_folders",
    "iterate",
    "lightning_module",
    "loader_workers",
    "mean_and_std",
    "montage_volumes",
    "npz_after_download",
    "npz_in_default_root",
    "parse_and_evaluate",
    "positional_arguments",
    "pretrained_input",
    "save_volumes",
    "sklearn_flat_images",
    "skorch_classifier",
    "spawned_workers",
    "subclass_with_own_init",
    "subclass_without_super",
    "torch_subclass",
    "volume_slices",
)

# Installed for every run of the tests.
ALWAYS = {"matplotlib", "medmnist", "numpy", "pandas", "PIL", "sklearn", "tqdm"}

LIMIT = 500  # seconds


def needs(path: Path) -> set[str]:
    """Return the packages of a program that may not be installed."""
    names = set()
    source = path.read_text(encoding="utf-8")
    if "import torch" in source:  # perhaps for another process
        names.add("torch")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    # The tests have their own torchvision, which needs PyTorch.
    names = {"torch" if name == "torchvision" else name for name in names}
    return names - ALWAYS - sys.stdlib_module_names


def parameters(programs: dict[str, Path]) -> list[Any]:
    """Return programs as parameters of a test, those that need a framework marked so."""
    return [pytest.param(name, marks=[pytest.mark.framework] if needs(path) else []) for name, path in programs.items()]


def missing(name: str) -> str | None:
    """Return the reason why a program cannot be run here."""
    absent = sorted(package for package in needs(_ALL[name]) if find_spec(package) is None)
    return f"needs {', '.join(absent)}" if absent else None


def official_is_installed() -> bool:
    return find_spec("medmnist") is not None


def all_results(shared: Path, real_archives: Path | None) -> dict[str, dict[str, Any]]:
    """Return the results of every program by run, such as ``"official"`` or ``"installed, real"``.

    Tests in several processes share the folder: the first one runs the programs.
    """
    with FileLock(shared.with_suffix(".lock")):
        if not shared.exists():
            _run_all(shared, real_archives)
    return {
        path.parent.name: {line["program"]: line for line in map(json.loads, path.read_text("utf-8").splitlines())}
        for path in shared.glob("*/results.jsonl")
    }


def _run_all(shared: Path, real_archives: Path | None) -> None:
    archives = shared / "archives"
    archives.mkdir(parents=True)
    made.write(archives)
    packages = ["installed", "changed", *(["official"] if official_is_installed() else [])]
    possible = [name for name in _ALL if missing(name) is None]
    runs = [(package, package, archives, possible) for package in packages]
    if real_archives is not None and official_is_installed():
        runs += [(f"{package}, real", package, real_archives, WITH_REAL_DATA) for package in ("official", "installed")]
    started = [_start(shared / name, package, data, names) for name, package, data, names in runs]
    for process in started:
        process.wait(LIMIT)


def _start(folder: Path, package: str, archives: Path, names: Any) -> subprocess.Popen[bytes]:
    folder.mkdir()
    programs = [str(_ALL[name]) for name in names]
    command = [sys.executable, "-m", "tests.compat.worker", package, str(archives), str(folder), *programs]
    # Linear algebra on all cores in every process would be slower.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with (folder / "stderr.txt").open("wb") as stderr:
        return subprocess.Popen(command, cwd=FOLDER.parents[1], env=environment, stdout=stderr, stderr=stderr)  # noqa: S603
