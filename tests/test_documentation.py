"""Code in pages, docstrings and examples runs, and the reference lists all public names."""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import pkgutil
import re
import runpy
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from importlib import import_module
from pathlib import Path

import click
import pytest

import medmnist_np
from docs._ext import commands, data_flow, data_sets, reference
from medmnist_np.cli import main
from medmnist_np.registry import Record
from medmnist_np.testing import fake_datasets
from tests.interop.test_examples import NEEDS

ROOT = Path(__file__).parents[1]
MADE = {"_build", "_ext", "_generated"}  # pages that are made when the site is, and what makes them
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if not MADE & set(page.parts))]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(medmnist_np.__path__, "medmnist_np.")
    if not module.name.endswith("__main__")
]
SHOWN = ("breastmnist", "retinamnist", "chestmnist", "adrenalmnist3d")
SEGMENTED = "medsegbench/kvasir_128"
VOLUMES = "msd/hippocampus"
N_SAMPLES = {"train": 546, "val": 78, "test": 156}  # those of BreastMNIST, which the pages state
N_PAIRS = {"train": 48, "val": 12, "test": 24}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of what is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def fakes_for(text: str, folder: Path) -> Iterator[None]:
    """Stand-ins for those sets that a text names."""
    with ExitStack() as stack:
        shown = [name for name in SHOWN if name in text]
        stack.enter_context(fake_datasets(folder / "fakes", *shown, n_samples=N_SAMPLES))
        if SEGMENTED in text:
            stack.enter_context(fake_datasets(folder / "fakes", SEGMENTED, n_samples=N_PAIRS))
        if VOLUMES in text:
            stack.enter_context(fake_datasets(folder / "fakes", VOLUMES))
        yield


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
        assert "".join(map(failures, doctest.DocTestFinder().find(module))) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_of_the_pages_runs(page: Path, folder: Path) -> None:
    text = page.read_text("utf-8")
    names = {"__name__": "page", "tmp_path": folder}
    with fakes_for(text, folder):
        exec(compile(blocks(text, "python"), str(page), "exec"), names)
        session = doctest.DocTestParser().get_doctest(blocks(text, "pycon"), names, page.name, str(page), 0)
        assert failures(session) == ""


@pytest.mark.parametrize(
    ("example", "line"),
    [
        ("numpy_classifier", "AUC 0."),
        ("federated_averaging", "after 20 rounds, dirichlet"),
        ("dataset_without_pytorch", "batch 4: images (34, 1, 28, 28) float32"),
        ("robustness", ""),  # what it writes is read in tests/cli/test_robustness.py
        ("volumes_patches", "Dice on 2 volumes: "),
    ],
)
def test_examples_run(example: str, line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "examples" / f"{example}.py"
    with fakes_for(path.read_text("utf-8"), folder):
        runpy.run_path(str(path), run_name="__main__")
    assert line in capsys.readouterr().out


def test_every_example_is_run() -> None:
    shown = {
        "numpy_classifier",
        "federated_averaging",
        "dataset_without_pytorch",
        "robustness",
        "volumes_patches",
        *NEEDS,
    }
    assert shown == {path.stem for path in (ROOT / "examples").glob("*.py")}


@pytest.mark.parametrize("module", reference.public_modules())
def test_the_page_of_a_module_describes_all_that_it_offers(module: str) -> None:
    described = re.findall(
        r"^\.\. (?:auto|py:)(?:class|data|exception|function):: (\w+)$",
        "\n".join(reference.pages(module).values()),
        re.MULTILINE,
    )
    offered = import_module(module)
    assert sorted(one for one in offered.__all__ if not inspect.ismodule(getattr(offered, one))) == sorted(described)


def test_the_reference_has_the_public_packages_and_no_private_module() -> None:
    packages = {f"medmnist_np.{module.name}" for module in pkgutil.iter_modules(medmnist_np.__path__) if module.ispkg}
    public = {"medmnist_np", *packages, *reference.PUBLIC_MODULES} - set(reference.INSIDE)
    assert set(reference.public_modules()) == public


@pytest.mark.parametrize("module", reference.public_modules())
def test_pages_of_the_reference_have_a_readable_size(module: str) -> None:
    names = {name.name: name for name in reference.names_of(module)}
    for page, text in reference.pages(module).items():
        described = re.findall(
            r"^\.\. auto(?:class|exception|function):: (\w+)$(?:\n +:members: (.*))?", text, re.MULTILINE
        )
        docstrings = [inspect.getdoc(names[name].value) for name, _ in described]
        docstrings += [
            inspect.getdoc(getattr(names[name].value, member))
            for name, members in described
            for member in members.split(", ")
            if member
        ]
        assert sum(len(docstring or "") for docstring in docstrings) < 32_000, page


def test_the_path_of_each_adapter_is_in_the_reference() -> None:
    folder = Path(medmnist_np.interop.__file__).parent
    adapters = {path.stem for path in folder.glob("*.py") if "\ndef to_" in path.read_text("utf-8")}
    text = reference.pages("medmnist_np.interop")["medmnist_np.interop"]
    assert set(re.findall(r"^\.\. py:module:: medmnist_np\.interop\.(\w+)$", text, re.MULTILINE)) == adapters


def test_pages_and_examples_import_only_public_names() -> None:
    sources = [blocks(page.read_text("utf-8"), language) for page in PAGES for language in ("python", "py")]
    sources += [path.read_text("utf-8") for path in (ROOT / "examples").glob("*.py")]
    found = {
        (node.module, alias.name)
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("medmnist_np")
        for alias in node.names
    }
    described = {(module, name) for module, names in reference.public_modules().items() for name in names}
    adapters = {(name.file, name.name) for name in reference.names_of("medmnist_np.interop")}
    assert found - described - adapters == set()


def test_every_name_in_the_reference_says_what_it_is() -> None:
    names = [name for module in reference.public_modules() for name in reference.names_of(module)]
    assert [name for name in names if not name.text] == []


def test_the_page_of_commands_has_every_option_of_each() -> None:
    for name, command in commands.commands().items():
        text = commands.section(name, command)
        shown = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
        assert [] == [option for param in shown for option in param.opts if option not in text], name


def test_options_in_sentences_are_code_whose_hyphens_no_page_turns_into_dashes() -> None:
    for name, command in commands.commands().items():
        prose = re.sub(r"```.*?```|`[^`]*`", "", commands.section(name, command), flags=re.DOTALL)
        assert "--" not in prose, name


@pytest.mark.parametrize("record", data_sets.records(), ids=lambda record: record.qualified_name)
def test_the_page_of_a_data_set_says_what_is_known(record: Record) -> None:
    text = data_sets.page(record)
    archives = [record.archive(edition) for edition in record.editions if record.can_be_fetched]
    said = [record.license, record.description, *record.notes, *record.class_names]
    said += [archive.digest for archive in archives]
    assert [fact for fact in said if fact.replace("|", r"\|") not in text] == []
    assert "## Use\n" in text
    assert not re.search(r"^#+ .*\n+#", text, re.MULTILINE), "a heading with nothing below it"


def test_the_picture_of_the_data_flow_names_what_there_is() -> None:
    named = {module for box in data_flow.BOXES for module in box.modules}
    assert {module for module in named if f"medmnist_np.{module}" not in MODULES} == set()
    assert [box.title for box in data_flow.BOXES if escape(box.title) not in data_flow.drawing()] == []


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("confidence interval", "statistics"),
        ("train test split", "how_to/splits"),
        ("patient-level split", "how_to/splits"),
        ("data leakage", "audit"),
        ("resume download", "cache"),
        ("class imbalance", "batches"),
        ("GPU", "install"),
        ("memory", "cache"),
        ("Windows", "install"),
        ("own images", "build"),
        ("federated learning", "how_to/federated"),
    ],
)
def test_the_site_search_shows_the_page_about_a_common_question_first(query: str, page: str) -> None:
    # Sphinx's search ranks pages with such a main entry of the index, and glossary terms, above everything else. It
    # sorts these by the title of their page.
    titles = {}
    for path in (ROOT / "docs").rglob("*.md"):
        text = path.read_text("utf-8")
        entries = ", ".join(re.findall(r"^```\{index\} (.*)$", text, re.MULTILINE)).split(", ")
        is_term = path.stem == "glossary" and re.search(rf"^{query}$", text, re.MULTILINE | re.IGNORECASE)
        if is_term or f"! {query}".lower() in map(str.lower, entries):
            titles[text.partition("\n")[0]] = path.relative_to(ROOT / "docs").with_suffix("").as_posix()
    assert titles[min(titles)] == page


def test_the_package_is_cited_as_what_it_is() -> None:
    lines = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    (released,) = (line.removeprefix("date-released: ") for line in lines if line.startswith("date-released: "))
    assert f"version: {medmnist_np.__version__}" in lines
    assert f"## {medmnist_np.__version__} ({released})\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_page_on_installing_lists_every_extra_for_users() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = re.findall(r"^\| `([a-z]+)", (ROOT / "docs" / "install.md").read_text("utf-8"), re.MULTILINE)
    assert set(listed) == project["optional-dependencies"].keys() - {"test", "docs", "dev"}


def test_the_page_on_the_command_line_lists_every_command() -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    listed = re.findall(r"^\| `([a-z]+)", (ROOT / "docs" / "command_line.md").read_text("utf-8"), re.MULTILINE)
    assert [name for name, command in commands.items() if command and not command.hidden] == listed
