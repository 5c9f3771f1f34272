"""Documents that cannot lie: what they show is run, and the reference lists what there is."""

from __future__ import annotations

import doctest
import inspect
import io
import pkgutil
import re
import runpy
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

import click
import pytest

import medmnist_np
from medmnist_np.cli import main
from medmnist_np.testing import fake_datasets
from tests.interop.test_examples import NEEDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(medmnist_np.__path__, "medmnist_np.")
    if not module.name.endswith("__main__")
]
SHOWN = ("breastmnist", "retinamnist", "chestmnist", "adrenalmnist3d")
N_SAMPLES = {"train": 546, "val": 78, "test": 156}  # those of BreastMNIST, which the pages state


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of what is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fakes_for(text: str, folder: Path) -> AbstractContextManager[object]:
    """Stand-ins for those sets that a text names."""
    return fake_datasets(folder / "fakes", *(name for name in SHOWN if name in text), n_samples=N_SAMPLES)


def failures(test: doctest.DocTest) -> str:
    """Run a doctest; return what went wrong, or an empty string."""
    report = io.StringIO()
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.write)
    return report.getvalue()


def blocks(text: str, language: str) -> str:
    """Return the code blocks of one language, joined."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("name", ["medmnist_np", *MODULES])
def test_examples_in_docstrings_run(name: str, folder: Path) -> None:
    module = import_module(name)
    with fakes_for(inspect.getsource(module), folder):
        assert "" == "".join(map(failures, doctest.DocTestFinder().find(module)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_of_the_pages_runs(page: Path, folder: Path) -> None:
    text = page.read_text("utf-8")
    names = {"__name__": "page", "tmp_path": folder}
    with fakes_for(text, folder):
        exec(compile(blocks(text, "python"), str(page), "exec"), names)
        session = doctest.DocTestParser().get_doctest(blocks(text, "pycon"), names, page.name, str(page), 0)
        assert "" == failures(session)


@pytest.mark.parametrize(
    ("example", "line"),
    [
        ("numpy_classifier", "AUC 0."),
        ("dataset_without_pytorch", "batch 4: images (34, 1, 28, 28) float32"),
        ("robustness", ""),  # what it writes is read in tests/cli/test_corrupting.py
    ],
)
def test_examples_run(example: str, line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "examples" / f"{example}.py"
    with fakes_for(path.read_text("utf-8"), folder):
        runpy.run_path(str(path), run_name="__main__")
    assert line in capsys.readouterr().out


def test_every_example_is_run() -> None:
    shown = {"numpy_classifier", "dataset_without_pytorch", "robustness", *NEEDS}
    assert shown == {path.stem for path in (ROOT / "examples").glob("*.py")}


@pytest.mark.parametrize(
    "module",
    [
        "medmnist_np",
        "medmnist_np.errors",
        "medmnist_np.evaluation",
        "medmnist_np.export",
        "medmnist_np.images",
        "medmnist_np.interop",
        "medmnist_np.metrics",
        "medmnist_np.testing",
    ],
)
def test_the_reference_lists_what_a_module_offers(module: str) -> None:
    reference = (ROOT / "docs" / "api.md").read_text("utf-8")
    listed: dict[str, list[str]] = {}
    current = ""
    for directive, name in re.findall(r"^\.\. (\w+):: (\S+)$", reference, re.MULTILINE):
        if directive == "currentmodule":
            current = name
        elif directive != "automodule":
            listed.setdefault(current, []).append(name)
    assert sorted(import_module(module).__all__) == sorted(listed[module])


def test_the_page_on_the_command_line_lists_every_command() -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    listed = re.findall(r"^\| `([a-z]+)", (ROOT / "docs" / "command_line.md").read_text("utf-8"), re.MULTILINE)
    assert [name for name, command in commands.items() if command and not command.hidden] == listed
