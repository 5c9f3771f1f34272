"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def attach(
    package: str, names: Mapping[str, Sequence[str]], packages: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for the ``__init__`` of a package.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    names : Mapping of str to sequence of str
        The public names by the module of the package that defines them.
    packages : sequence of str
        Packages below this one that are reachable as attributes.

    Returns
    -------
    tuple of callable
        ``__getattr__``, which imports a name and keeps it, and ``__dir__``.
    """
    homes = {name: module for module, members in names.items() for name in members}

    def get(name: str) -> Any:
        if name in packages:
            return import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        namespace = vars(sys.modules[package])
        return sorted(
            {*homes, *packages, *namespace.get("__all__", ()), *(name for name in namespace if name.startswith("__"))}
        )

    return get, listed
