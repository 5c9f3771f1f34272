"""Reference pages, written from the ``__all__`` of each public module. Each name is described once."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from itertools import pairwise
from types import FunctionType
from typing import Any, get_args

import medmnist_np
from docs._ext.written import Pages
from medmnist_np.compat import MedMNIST

# Packages whose ``__all__`` is for this project only.
INSIDE = ("medmnist_np.cache", "medmnist_np.cli")

# Modules that are public although they are not packages.
PUBLIC_MODULES = ("medmnist_np.compat.evaluator", "medmnist_np.compat.utils", "medmnist_np.errors")

# The package whose modules have public paths too.
ADAPTERS = "medmnist_np.interop"

# Modules with too many names for one page: the title of each further page, and the files whose names are on it.
_PARTS = {
    "medmnist_np": {
        "Build and audit": ("audits._audit", "builder.pipeline", "builder.surveys", "data.registration"),
        "Dataset and VolumeDataset": ("data.dataset", "volumes.volume_dataset"),
        "Official classes": ("compat.dataset",),
    },
    "medmnist_np.metrics": {
        "Metrics of decisions": ("confusion", "decisions", "metric"),
        "Curves and calibration": ("calibration", "ranking"),
        "Confidence intervals and tests": ("delong", "estimates", "intervals", "paired_tests"),
        "Masks": ("overlap", "segmentation", "surfaces"),
    },
}

# A page with this many names groups them by file.
_MANY = 20

_TABLE = """\
# Python modules

Each name is described on one page. Only the names on these pages are public. Anything else may change without notice.

| module | contents |
| --- | --- |
{rows}

```{{toctree}}
:hidden:

{modules}
```
"""

_ROLES = {"exception": "exc", "class": "class", "function": "func", "data": "data"}
_DIRECTIVES = {"exception": "autoexception", "class": "autoclass", "function": "autofunction"}


@dataclass(frozen=True, slots=True)
class Name:
    """A public name, the module that offers it and the module on whose page it is described."""

    module: str
    name: str
    home: str

    @property
    def value(self) -> Any:
        """The object of that name."""
        return getattr(import_module(self.module), self.name)

    @property
    def role(self) -> str:
        """Its kind, as Sphinx calls it."""
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if inspect.isroutine(self.value) else "data"

    @property
    def link(self) -> str:
        """A link to its description."""
        return f":{_ROLES[self.role]}:`~{self.home}.{self.name}`"

    @property
    def file(self) -> str:
        """The module that defines it."""
        if self.role != "data":
            return str(self.value.__module__)
        module = self.module
        while (origin := _imported_from(module, self.name)) is not None:
            module = origin
        return module

    @property
    def text(self) -> str:
        """Its docstring. For data: the string below the assignment, and the values."""
        if self.role != "data":
            return inspect.getdoc(self.value) or ""
        values = get_args(self.value) or self.value
        listed = ", ".join(f"``{value!r}``" for value in values) if len(values) <= _MANY else f"{len(values)} entries"
        return f"{_said_of_data(self.file, self.name)}\n\nEntries: {listed}.".strip()


@cache
def public_modules() -> dict[str, tuple[str, ...]]:
    """Return the public names of the package, of each package in it and of each public module."""
    below = [module.name for module in pkgutil.iter_modules(medmnist_np.__path__, "medmnist_np.") if module.ispkg]
    offered = {}
    for name in ("medmnist_np", *below, *PUBLIC_MODULES):
        if name not in INSIDE:
            module = import_module(name)
            # Star imports of compat bring modules too, as those of the official package do.
            listed = [one for one in getattr(module, "__all__", ()) if not inspect.ismodule(getattr(module, one))]
            if listed:
                offered[name] = tuple(sorted(listed, key=lambda one: (_is_official(getattr(module, one)), one.lower())))
    return offered


@cache
def names_of(module: str) -> tuple[Name, ...]:
    """Return the names of a module, each with the module that describes it."""
    return tuple(Name(module, name, _home(module, name)) for name in public_modules()[module])


def _home(module: str, name: str) -> str:
    """Return the public module with the shortest path that offers a name, such as the top level."""
    value = getattr(import_module(module), name)
    offering = [other for other, names in public_modules().items() if name in names]
    return min((other for other in offering if getattr(import_module(other), name) is value), key=len)


def full_name(target: str) -> str:
    """Return the name under which an object is described, given a shorter name or the path of its file.

    >>> full_name("Dataset.batches")
    'medmnist_np.Dataset.batches'
    >>> full_name("medmnist_np.images.interpolation.resize")
    'medmnist_np.images.resize'
    """
    for start, home in _described().items():
        if target == start or target.startswith(f"{start}."):
            return home + target.removeprefix(start)
    return target


def exists(target: str) -> bool:
    """Whether the package has something of that name, public or not."""
    modules = {name: module for name, module in sys.modules.items() if name.startswith("medmnist_np")}
    module, _, name = target.rpartition(".")
    return target in modules or any(hasattr(one, name) for key, one in modules.items() if not module or key == module)


@cache
def _described() -> dict[str, str]:
    """Map each other name of what is described to its full name, longest first."""
    names = [name for module in public_modules() for name in names_of(module)]
    described = {alias: f"{one.home}.{one.name}" for one in names for alias in (one.name, f"{one.file}.{one.name}")}
    return dict(sorted(described.items(), key=lambda pair: len(pair[0]), reverse=True))


def write(files: Pages) -> None:
    """Write the pages of each public module, and the table of modules."""
    for module in public_modules():
        for name, text in pages(module).items():
            files.write(f"reference/{name}.rst", text)
    files.write("reference/modules.md", _table())


def pages(module: str) -> dict[str, str]:
    """Return the pages of a module in reStructuredText, by their names; the first has a table of all names."""
    parts = {_page_name(module, title): (title, names) for title, names in _parts(module).items()}
    elsewhere = {name for _, names in parts.values() for name in names}
    here = [name for name in names_of(module) if name not in elsewhere]
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", ""]
    for title, members in (_parts(module) | _groups(here)).items():
        lines += _rubric(title, f":doc:`{_page_name(module, title)}`" if title in _parts(module) else title)
        lines += _summary(members)
    lines += _entries(module, here)
    if parts:
        lines += [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in parts), ""]
    written = {module: "\n".join(lines)}
    for page_name, (title, names) in parts.items():
        lines = [f"{module}: {title}", "=" * len(f"{module}: {title}"), "", *_summary(names)]
        written[page_name] = "\n".join(lines + _entries(module, names))
    return written


def _page_name(module: str, title: str) -> str:
    return f"{module}-{title.lower().replace(' ', '-')}"


def _parts(module: str) -> dict[str, list[Name]]:
    """Return the names of a module that have pages of their own, by the title of the page."""
    core = f"{module}." if module in _PARTS else ""
    return {
        title: [name for name in names_of(module) if name.file.removeprefix(core) in files]
        for title, files in _PARTS.get(module, {}).items()
    }


def _groups(names: list[Name]) -> dict[str, list[Name]]:
    """Return the names by the first sentence of their file. A few names, or those of the top level, are one group."""
    if len(names) < _MANY or names[0].module == "medmnist_np":
        return {"": list(names)}
    groups: dict[str, list[Name]] = {}
    for name in sorted(names, key=lambda name: name.file):
        title = _first_sentence(inspect.getdoc(import_module(name.file)) or name.file)
        groups.setdefault(_escaped(title), []).append(name)
    return groups


def _rubric(title: str, text: str) -> list[str]:
    return [f".. rubric:: {text}", ""] if title else []


def _entries(module: str, names: list[Name]) -> list[str]:
    """Return the descriptions. Those of adapters are below the module that has them, as its path is public too."""
    lines: list[str] = []
    for name in sorted(names, key=lambda name: name.file) if module == ADAPTERS else names:
        if module == ADAPTERS and f".. py:module:: {name.file}" not in lines:
            lines += [f".. rubric:: {name.file}", "", f".. py:module:: {name.file}", ""]
        lines += [f".. currentmodule:: {module}", "", *_entry(name)]
    return lines


def _summary(names: list[Name]) -> Iterator[str]:
    """Yield a table of names and their first sentences."""
    yield from (".. list-table::", "   :class: summary", "   :widths: 1 3", "")
    for name in names:
        yield from (f"   * - {name.link}", f"     - {_escaped(_first_sentence(name.text))}")
    yield ""


def _entry(name: Name) -> Iterator[str]:
    """Yield the description of a name, or a link if another page describes it."""
    if name.home != name.module:
        target = f":{_ROLES[name.role]}:`{name.home}.{name.name}`"
        yield from (f".. py:{name.role}:: {name.name}", "", f"   See {target}.", "")
    elif name.role == "data":
        yield from (f".. py:data:: {name.name}", "", textwrap.indent(name.text, "   "), "")
    else:
        yield f".. {_DIRECTIVES[name.role]}:: {name.name}"
        if members := _members(name.value):
            yield f"   :members: {', '.join(members)}"
        yield ""


def _members(value: Any) -> list[str]:
    """Return the public methods and properties of a class and of its bases in this package, in their order."""
    if not inspect.isclass(value) or issubclass(value, BaseException) or _is_official(value):
        return []
    kinds = (FunctionType, property, cached_property, classmethod, staticmethod)
    found: dict[str, None] = {}
    for owner in value.__mro__:
        if owner.__module__.startswith("medmnist_np"):
            found |= {key: None for key, part in vars(owner).items() if isinstance(part, kinds) and key[0] != "_"}
    return list(found)


def _is_official(value: Any) -> bool:
    """Whether it is an official class with the members of its base class."""
    return inspect.isclass(value) and issubclass(value, MedMNIST) and value is not MedMNIST


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def _said_of_data(module: str, name: str) -> str:
    """Return the string below an assignment, or the comment with ``#:`` above it."""
    source = inspect.getsource(import_module(module))
    for node, below in pairwise(ast.parse(source).body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            above = source.splitlines()[node.lineno - 2]
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return " ".join(str(below.value.value).split())
            return above.removeprefix("#:").strip() if above.startswith("#:") else ""
    return ""


def _imported_from(module: str, name: str) -> str | None:
    """Return the module from which another imports a name; None if it defines the name itself."""
    for node in ast.walk(ast.parse(inspect.getsource(import_module(module)))):
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            return node.module
    return None


def _escaped(text: str) -> str:
    """Escape asterisks, which reStructuredText would take for emphasis."""
    return text.replace("*", r"\*")


def _table() -> str:
    """Return the page that lists all modules."""
    about = {module: _first_sentence(inspect.getdoc(import_module(module)) or "") for module in public_modules()}
    rows = [f"| [`{module}`]({module}.rst) | {text.replace('|', chr(92) + '|')} |" for module, text in about.items()]
    return _TABLE.format(rows="\n".join(rows), modules="\n".join(about))
