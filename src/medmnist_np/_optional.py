"""Import an optional dependency, or explain how to install it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def framework(module: str, name: str) -> Any:
    """Import a framework, or say what to install.

    Parameters
    ----------
    module : str
        What to import, as ``"torch"``.
    name : str
        What people call it, as ``"PyTorch"``.

    Returns
    -------
    module

    Raises
    ------
    ModuleNotFoundError
        If it is not installed. One that is installed but broken fails with its own error.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"This needs {name}, which is not installed: pip install 'medmnist-np[interop]', or {name} alone.",
            name=error.name,
        ) from None
