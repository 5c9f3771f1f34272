"""Imports point one way: packages are ordered, and the files of a package have no cycles.

The order holds for all imports at module level. Imports inside functions may also point to the packages that DOWNWARDS
names. Imports for type checkers are not counted.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import medmnist_np

SOURCE = Path(medmnist_np.__file__).parent

# A package (or a file beside them) imports only what stands on a line above its own.
ORDER = """
    _version _lazy _text _groups errors
    _html _files _progress _parallel _optional
    _sequences
    registry
    cache
    images
    batches
    metrics
    data
    evaluation
    corruptions
    volumes
    builder
    audits
    export
    reports
    interop
    compat
    testing
    cli
    __init__ __main__
"""

# What functions may import from below: a method that leads to a feature, which is loaded when it is called.
DOWNWARDS = {
    ("registry", "cache"),
    ("registry", "export"),
    ("data", "corruptions"),
    ("data", "export"),
    ("data", "volumes"),
    ("audits", "reports"),
}

# The core works without the features.
CORE = {"registry", "cache", "data", "batches", "metrics", "evaluation", "interop", "compat"}
FEATURES = {"builder", "audits", "corruptions", "volumes", "reports", "export"}

LINES = {package: number for number, line in enumerate(ORDER.splitlines()) for package in line.split()}
FILES = sorted(SOURCE.rglob("*.py"))
MODULES = {".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): file for file in FILES}


def package_of(module: str) -> str:
    return module.partition(".")[0]


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield the modules of the package that a file imports, and whether it does so inside a function."""
    yield from _imports(ast.parse(file.read_text(encoding="utf-8")), inside=False)


def _imports(tree: ast.AST, *, inside: bool) -> Iterator[tuple[str, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}".removeprefix("medmnist_np.")
                yield from _own(inner if inner in MODULES else str(node.module), inside=inside)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _own(alias.name, inside=inside)
        yield from _imports(node, inside=inside or isinstance(node, ast.FunctionDef | ast.Lambda))


def _own(name: str, *, inside: bool) -> Iterator[tuple[str, bool]]:
    module = name.removeprefix("medmnist_np.").replace("medmnist_np", "__init__")
    if module in MODULES:
        yield module, inside


def test_every_package_has_its_line() -> None:
    assert sorted(LINES) == sorted({package_of(module) for module in MODULES})


@pytest.mark.parametrize("module", MODULES)
def test_a_package_imports_only_from_packages_above_it(module: str) -> None:
    own = package_of(module)
    wrong = [
        name
        for name, inside in imports(MODULES[module])
        if (other := package_of(name)) != own
        and LINES[other] >= LINES[own]
        and not (inside and (own, other) in DOWNWARDS)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", sorted({package_of(module) for module in MODULES if "." in module}))
def test_the_files_of_a_package_have_no_cycle(package: str) -> None:
    graph = {
        module: {name for name, _ in imports(file) if package_of(name) == package and name != module}
        for module, file in MODULES.items()
        if package_of(module) == package
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("module", [module for module in MODULES if package_of(module) in CORE])
def test_the_core_imports_no_feature_at_module_level(module: str) -> None:
    assert {package_of(name) for name, inside in imports(MODULES[module]) if not inside} & FEATURES == set()


def test_imports_inside_functions_are_seen() -> None:
    assert ("cache.prepare", True) in set(imports(SOURCE / "data" / "arrays.py"))


# Who renames files by other means than _files.py, and why.
def _renames(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that rename files: functions of os and shutil, and methods of paths.

    ``replace`` with two arguments is that of a text, and with keywords that of a date or an array.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in {"os", "shutil"} and node.attr in {"rename", "renames", "replace", "move"}:
                yield node.lineno
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", "") in {"rename", "replace"}
            and (len(node.args), len(node.keywords)) == (1, 0)
        ):
            yield node.lineno


@pytest.mark.parametrize(
    "call", ["os.replace(a, b)", "call(os.replace, a)", "os.rename(a, b)", "shutil.move(a, b)", "Path(a).replace(b)"]
)
def test_a_rename_is_seen(call: str) -> None:
    assert list(_renames(ast.parse(call))) == [1]


@pytest.mark.parametrize("call", ["text.replace(a, b)", "day.replace(year=1)", "replace(record, name=a)"])
def test_what_is_no_rename_is_passed_over(call: str) -> None:
    assert list(_renames(ast.parse(call))) == []


def test_only_the_module_for_files_renames_files() -> None:
    found = {module for module, file in MODULES.items() if list(_renames(ast.parse(file.read_text("utf-8"))))}
    assert found == {"_files"}


def _texts_with_line_ends_of_the_system(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that open or write a text file and leave its line ends to the system."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(keyword.arg == "newline" for keyword in node.keywords):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        modes = {text for text in texts if isinstance(text, str) and text in {"w", "x", "a", "w+", "x+", "a+"}}
        of_an_archive = any(keyword.arg == "format" for keyword in node.keywords) or "archive" in ast.unparse(node.func)
        if name == "write_text" or (name == "open" and modes and not of_an_archive):
            yield node.lineno


@pytest.mark.parametrize("call", ["file.write_text(a)", "open(file, 'x', encoding='utf-8')", "file.open('a')"])
def test_line_ends_of_the_system_are_seen(call: str) -> None:
    assert list(_texts_with_line_ends_of_the_system(ast.parse(call))) == [1]


def test_text_files_have_the_same_bytes_on_every_system() -> None:
    found = {
        f"{module}:{line}"
        for module, file in MODULES.items()
        for line in _texts_with_line_ends_of_the_system(ast.parse(file.read_text("utf-8")))
    }
    assert found == set()
