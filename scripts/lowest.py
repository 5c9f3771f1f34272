"""The oldest releases of the dependencies that pyproject.toml admits, as constraints for pip; and tests with them.

    python scripts/lowest.py test > lowest.txt    the constraints, with those of the extra `test`
    python scripts/lowest.py --test               tests with them, in an environment in a temporary folder

The second needs the Python that the oldest releases were made for: 3.11.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

# "dask[array,distributed]>=2024.8" -> "dask", "2024.8"; what is excluded behind it does not matter here
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[^]]*\])?>=(?P<lowest>[0-9.]+)(,!=[0-9.]+)*")

# What meets a dependency; the rest is arithmetic of our own, or takes long.
TESTS = [
    *("audits", "batches", "builder", "cache", "cli", "corruptions", "data", "evaluation", "export", "images"),
    *("metrics", "registry", "reports", "volumes", "compat"),
]

# True of newer releases alone, and of what the tests compare with or watch, not of what is tested.
LEFT_OUT = {
    "metrics/test_intervals.py::test_bca_agrees_with_scipy": "scipy.stats.bootstrap knows no rng",
    "metrics/test_intervals.py::test_bca_of_areas_agrees_with_scipy": "the same",
    "cli/test_demo.py::test_it_writes_only_into_its_folder": "an old filelock changes the mode of its files",
}


def constraints(project: Mapping[str, Any], extras: Sequence[str]) -> list[str]:
    """Return a line ``name==version`` for each requirement of the table ``[project]`` and the named extras."""
    optional = project["optional-dependencies"]
    if unknown := [extra for extra in extras if extra not in optional]:
        raise SystemExit(f"There is no extra {', '.join(unknown)}. The extras are {', '.join(optional)}.")
    lowest: dict[str, str] = {}
    for requirement in [*project["dependencies"], *(one for extra in extras for one in optional[extra])]:
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None:
            raise SystemExit(f"pyproject.toml: {requirement!r} has no lower bound of the form name>=version.")
        lowest[found["name"].lower()] = found["lowest"]
    return [f"{name}=={version}" for name, version in sorted(lowest.items())]


def test_with(lines: Sequence[str]) -> int:
    """Make an environment with these releases, install the package there, run the tests and return their exit code."""
    with tempfile.TemporaryDirectory(prefix="medmnist-np-lowest-") as folder:
        file = Path(folder, "lowest.txt")
        file.write_text("\n".join(lines), encoding="utf-8")
        python = Path(folder, "venv", "bin", "python")
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        install = [python, "-m", "pip", "install", "--quiet", f"{ROOT}[test]", "--constraint", file]
        subprocess.run(install, check=True)
        # A release may be older than the warnings of what it stands on.
        command = [python, "-m", "pytest", "-n", "auto", "-p", "no:cacheprovider", "-W", "default::DeprecationWarning"]
        command += ["-m", "not framework and not browser", *(f"tests/{test}" for test in TESTS)]
        command += [f"--deselect=tests/{test}" for test in LEFT_OUT]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if sys.argv[1:] == ["--test"]:
        sys.exit(test_with(constraints(table, ["test"])))
    print("\n".join(constraints(table, sys.argv[1:])))
