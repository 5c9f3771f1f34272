"""Made-up archives in which nothing is wrong, until something is planted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

N_SAMPLES = {"train": 30, "val": 10, "test": 14}


def sound(
    shape: tuple[int, ...] = (12, 12), n_samples: Mapping[str, int] = N_SAMPLES, width: int = 1, seed: int = 0
) -> Arrays:
    """Return noise, with labels 0 and 1 in turn: no two images look alike."""
    random = np.random.default_rng(seed)
    arrays: Arrays = {}
    for split, n in n_samples.items():
        arrays[f"{split}_images"] = random.integers(0, 256, (n, *shape), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.repeat(np.arange(n, dtype=np.uint8)[:, None] % 2, width, axis=1)
    return arrays


def save(folder: Path, arrays: Arrays, name: str = "mine.npz") -> Path:
    """Write an archive as people do."""
    path = folder / name
    np.savez_compressed(path, **arrays)
    return path
