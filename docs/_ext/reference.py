"""One page for each public module, made of its ``__all__``; each name is described once, where it is at home."""

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

# Public packages whose ``__all__`` is not for users.
INSIDE = ("medmnist_np.cache", "medmnist_np.cli")

# Modules that are public beside the packages.
PUBLIC_MODULES = ("medmnist_np.compat", "medmnist_np.errors")

# From so many names on a page groups them by the file that they are in.
_MANY = 20

_TABLE = """\
# Modules

Each name is described on one page. What is not on these pages is not public: it may change without notice.

| module | |
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
    """A public name: where it is found, and the module on whose page it is described."""

    module: str
    name: str
    home: str

    @property
    def value(self) -> Any:
        """What the name stands for."""
        return getattr(import_module(self.module), self.name)

    @property
    def role(self) -> str:
        """Its kind, in the words of Sphinx."""
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if inspect.isroutine(self.value) else "data"

    @property
    def link(self) -> str:
        """A reference to its description."""
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
        """What its docstring says; of data, that below the assignment, and which values there are."""
        if self.role != "data":
            return inspect.getdoc(self.value) or ""
        values = get_args(self.value) or self.value
        listed = ", ".join(f"``{value!r}``" for value in values) if len(values) <= _MANY else f"{len(values)} entries"
        return f"{_said_of_data(self.file, self.name)}\n\nIn it: {listed}.".strip()


@cache
def public_modules() -> dict[str, tuple[str, ...]]:
    """Return the names that the package, each package below it and each public module offers."""
    below = [module.name for module in pkgutil.iter_modules(medmnist_np.__path__, "medmnist_np.") if module.ispkg]
    offered = {}
    for name in ("medmnist_np", *below, *PUBLIC_MODULES):
        if name not in INSIDE:
            module = import_module(name)
            if listed := getattr(module, "__all__", ()):
                offered[name] = tuple(sorted(listed, key=lambda one: (_is_official(getattr(module, one)), one.lower())))
    return offered


@cache
def names_of(module: str) -> tuple[Name, ...]:
    """Return the names of a module, each with its home."""
    return tuple(Name(module, name, _home(module, name)) for name in public_modules()[module])


def _home(module: str, name: str) -> str:
    """Return the public module with the shortest path that offers a name: the top level where it is offered there."""
    value = getattr(import_module(module), name)
    offering = [other for other, names in public_modules().items() if name in names]
    return min((other for other in offering if getattr(import_module(other), name) is value), key=len)


def full_name(target: str) -> str:
    """Return where a name is described that a docstring calls by a shorter one, or by the file that it is in.

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
    """Whether there is something of that name in the package, if not for users."""
    modules = {name: module for name, module in sys.modules.items() if name.startswith("medmnist_np")}
    module, _, name = target.rpartition(".")
    return target in modules or any(hasattr(one, name) for key, one in modules.items() if not module or key == module)


@cache
def _described() -> dict[str, str]:
    """Return the full name of all that is described by each other name that it goes by, the longest first."""
    names = [name for module in public_modules() for name in names_of(module)]
    described = {alias: f"{one.home}.{one.name}" for one in names for alias in (one.name, f"{one.file}.{one.name}")}
    return dict(sorted(described.items(), key=lambda pair: len(pair[0]), reverse=True))


def write(pages: Pages) -> None:
    """Write ``reference/<module>.rst`` for each public module, and the table of them."""
    for module in public_modules():
        pages.write(f"reference/{module}.rst", page(module))
    pages.write("reference/modules.md", _table())


def page(module: str) -> str:
    """Return the page of a module in reStructuredText."""
    names = names_of(module)
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", "", f".. currentmodule:: {module}", ""]
    for file, members in _groups(names).items():
        if file:
            lines += [f".. rubric:: {_escaped(_first_sentence(inspect.getdoc(import_module(file)) or file))}", ""]
        lines += _summary(members)
    for name in names:
        lines += _entry(name)
    return "\n".join(lines)


def _groups(names: tuple[Name, ...]) -> dict[str, list[Name]]:
    """Return the names by the file that they are in; few, or those of all rooms on the face, as one group."""
    if len(names) < _MANY or names[0].module == "medmnist_np":
        return {"": list(names)}
    groups: dict[str, list[Name]] = {}
    for name in sorted(names, key=lambda name: name.file):
        groups.setdefault(name.file, []).append(name)
    return groups


def _summary(names: list[Name]) -> Iterator[str]:
    """Yield a table of names and their first sentences."""
    yield from (".. list-table::", "   :class: summary", "   :widths: 1 3", "")
    for name in names:
        yield from (f"   * - {name.link}", f"     - {_escaped(_first_sentence(name.text))}")
    yield ""


def _entry(name: Name) -> Iterator[str]:
    """Yield the description of a name, or of one that is at home elsewhere where to find it."""
    if name.home != name.module:
        target = f":{_ROLES[name.role]}:`{name.home}.{name.name}`"
        yield from (f".. py:{name.role}:: {name.name}", "", f"   The same as {target}.", "")
    elif name.role == "data":
        yield from (f".. py:data:: {name.name}", "", textwrap.indent(name.text, "   "), "")
    else:
        yield f".. {_DIRECTIVES[name.role]}:: {name.name}"
        if members := _members(name.value):
            yield f"   :members: {', '.join(members)}"
        yield ""


def _members(value: Any) -> list[str]:
    """Return public methods and properties of a class, those of its bases in this package too, in their order."""
    if not inspect.isclass(value) or issubclass(value, BaseException) or _is_official(value):
        return []
    kinds = (FunctionType, property, cached_property, classmethod, staticmethod)
    found: dict[str, None] = {}
    for owner in value.__mro__:
        if owner.__module__.startswith("medmnist_np"):
            found |= {key: None for key, part in vars(owner).items() if isinstance(part, kinds) and key[0] != "_"}
    return list(found)


def _is_official(value: Any) -> bool:
    """Whether it is one of the 18 classes; they come last, and have what MedMNIST has."""
    return (
        inspect.isclass(value)
        and issubclass(value, MedMNIST)
        and value.__name__ not in {"MedMNIST", "MedMNIST2D", "MedMNIST3D"}
    )


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def _said_of_data(module: str, name: str) -> str:
    """Return what stands below an assignment as a string, or above it as a comment that begins with ``#:``."""
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
    """Return the module that another has a name from; None if it is its own."""
    for node in ast.walk(ast.parse(inspect.getsource(import_module(module)))):
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            return node.module
    return None


def _escaped(text: str) -> str:
    """Keep what a docstring says from being taken for a name that is looked up."""
    return text.replace("*", r"\*")


def _table() -> str:
    """Return the page that lists all modules."""
    about = {module: _first_sentence(inspect.getdoc(import_module(module)) or "") for module in public_modules()}
    rows = [f"| [`{module}`]({module}.rst) | {text.replace('|', chr(92) + '|')} |" for module, text in about.items()]
    return _TABLE.format(rows="\n".join(rows), modules="\n".join(about))
