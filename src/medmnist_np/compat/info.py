"""Version, default folder and facts, under their names in ``medmnist.info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medmnist_np.registry import official_info

__all__ = ["DEFAULT_ROOT", "HOMEPAGE", "INFO", "get_default_root"]

__version__ = "3.0.2"
"""The version of the official package that is mirrored."""

HOMEPAGE = "https://github.com/MedMNIST/MedMNIST/"


def get_default_root() -> str:
    """Return the folder of the official package, ``~/.medmnist``. It is made when something is written there."""
    return str(Path("~/.medmnist").expanduser())


DEFAULT_ROOT = get_default_root()

INFO: dict[str, dict[str, Any]] = official_info()
"""A plain dict equal to the official one, by flag."""
