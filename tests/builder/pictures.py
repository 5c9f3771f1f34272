"""Folders and tables of small images, made up for the tests of this folder."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def noise(number: int, shape: tuple[int, ...] = (32, 32)) -> NDArray[np.uint8]:
    """An image that no other number has."""
    return np.random.default_rng(number).integers(256, size=shape, dtype=np.uint8)


def save(path: Path, image: NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def folder_per_class(folder: Path, n: int = 10, classes: Sequence[str] = ("benign", "malignant")) -> Path:
    """``<folder>/<class>/<number>.png``, `n` of each class."""
    for number, name in enumerate(classes):
        for index in range(n):
            save(folder / name / f"{index:03}.png", noise(100 * number + index))
    return folder


def table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path
