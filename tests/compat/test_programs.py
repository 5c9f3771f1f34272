"""Programs written for `medmnist` do with our package what they do with the official one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compat.record import brief, recorded
from tests.compat.running import (
    DIFFERENCES,
    FOLDER,
    PROGRAMS,
    WITH_REAL_DATA,
    missing,
    official_is_installed,
    parameters,
)

# The first test waits for all programs.
pytestmark = pytest.mark.timeout(900)

needs_official = pytest.mark.skipif(
    not official_is_installed(), reason="needs the official package: pip install --no-deps medmnist==3.0.2"
)


def of(results: dict[str, dict[str, Any]], run: str, program: str) -> dict[str, Any]:
    if reason := missing(program):
        pytest.skip(reason)
    result = results.get(run, {}).get(program, {"error": "the process ended before it ran this program"})
    assert result["error"] is None
    return result


# Without the official package: what it did is recorded


@pytest.mark.parametrize("run", ["installed", "changed"])
@pytest.mark.parametrize("program", parameters(PROGRAMS))
def test_a_program_does_what_is_recorded(program: str, run: str, results: dict[str, dict[str, Any]]) -> None:
    result = of(results, run, program)
    assert brief(result, PROGRAMS[program].read_text(encoding="utf-8")) == recorded()[program]


@pytest.mark.parametrize("program", parameters(PROGRAMS))
def test_a_program_reaches_for_no_other_machine(program: str, results: dict[str, dict[str, Any]]) -> None:
    assert of(results, "installed", program)["breaches"] == []


def test_every_program_is_recorded() -> None:
    assert list(recorded()) == list(PROGRAMS)


# Beside the official package


@needs_official
@pytest.mark.framework
@pytest.mark.parametrize("part", ["printed", "variables", "files", "warnings"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_does_the_same_with_the_official_package(
    program: str, part: str, results: dict[str, dict[str, Any]]
) -> None:
    assert of(results, "installed", program)[part] == of(results, "official", program)[part]


@needs_official
@pytest.mark.framework
@pytest.mark.parametrize("part", ["printed", "variables", "files", "warnings"])
@pytest.mark.parametrize("program", WITH_REAL_DATA)
def test_a_program_does_the_same_with_published_archives(
    program: str, part: str, results: dict[str, dict[str, Any]], real_archives: Path
) -> None:
    assert of(results, "installed, real", program)[part] == of(results, "official, real", program)[part]


@needs_official
@pytest.mark.framework
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_record_is_what_the_official_package_does(program: str, results: dict[str, dict[str, Any]]) -> None:
    result = of(results, "official", program)
    assert recorded()[program] == brief(result, PROGRAMS[program].read_text(encoding="utf-8"))


# What the page on migration lists as different: each sentence is that of a program


def expected(program: str, where: str) -> str:
    """Return what a program prints, which its last lines state."""
    start = f"# {where} it prints: "
    lines = DIFFERENCES[program].read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix(start) + "\n" for line in lines if line.startswith(start))


@pytest.mark.parametrize("program", parameters(DIFFERENCES))
def test_a_difference_is_as_described(program: str, results: dict[str, dict[str, Any]]) -> None:
    assert of(results, "installed", program)["printed"] == expected(program, "Here")


@needs_official
@pytest.mark.framework
@pytest.mark.parametrize("program", DIFFERENCES)
def test_the_official_package_differs_as_described(program: str, results: dict[str, dict[str, Any]]) -> None:
    assert of(results, "official", program)["printed"] == expected(program, "There")


def test_each_difference_that_is_listed_has_a_program() -> None:
    page = (FOLDER.parents[1] / "docs" / "migration.md").read_text(encoding="utf-8")
    section = page.partition("\n## Differences\n")[2].partition("\n## ")[0]
    listed = [" ".join(item.split()) for item in section.split("\n- ")[1:]]
    described = [ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in DIFFERENCES.values()]
    assert sorted(listed) == sorted(" ".join(str(text).split()) for text in described)


# As a command


def test_the_package_runs_a_program_and_its_arguments(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys, medmnist\nprint(medmnist.HOMEPAGE, sys.argv[1:], __name__)\n", encoding="utf-8")
    command = [sys.executable, "-m", "medmnist_np.compat", str(program), "--epochs", "3"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)  # noqa: S603
    assert ended.stderr == ""
    assert ended.stdout == "https://github.com/MedMNIST/MedMNIST/ ['--epochs', '3'] __main__\n"
