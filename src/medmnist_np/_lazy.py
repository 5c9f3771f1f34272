"""Import the public names of a package when they are first used."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module


def attach(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for the ``__init__`` of a package.

    The public names are the names that ``__init__.pyi`` imports from modules of the package. Type checkers read it too.

    Parameters
    ----------
    package, file : str
        ``__name__`` and ``__file__`` of the package.

    Returns
    -------
    tuple
        ``__getattr__``, which imports a name on first use and keeps it, ``__dir__``, and the public names.
    """
    with open(f"{file.removesuffix('.py')}.pyi", encoding="utf-8") as stub:  # noqa: PTH123 -- pathlib takes time to import
        lines = [line for line in ast.parse(stub.read()).body if isinstance(line, ast.ImportFrom)]
    homes = {name.name: "." * line.level + (line.module or "") for line in lines for name in line.names}
    public = sorted(name for name, home in homes.items() if home != "." and not name.startswith("__"))

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == ".":  # from . import name
            return import_module(f"{package}.{name}")
        value: object = getattr(import_module(homes[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*homes, *(name for name in vars(sys.modules[package]) if name.startswith("__"))})

    return get, listed, public
