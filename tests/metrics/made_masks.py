"""Masks made from a seed with whole numbers only, so that they are the same everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


def made_masks(seed: int) -> tuple[Labels, Labels, tuple[float, ...]]:
    """Return a reference and a prediction, labels 0, 1 and 2, and the spacing; in the plane for an even seed."""
    random = np.random.default_rng(seed)
    n_axes = 2 + seed % 2
    shape = tuple(random.integers(18, 30, n_axes).tolist())
    spacing_mm = tuple((random.integers(2, 16, n_axes) / 4).tolist())
    masks = [np.zeros(shape, dtype=np.int64) for _ in range(2)]
    for label in (1, 2):
        centre = random.integers(5, np.array(shape) - 5)
        radius = random.integers(4, 9, n_axes)
        for mask in masks:
            off = random.integers(-2, 3, n_axes)
            mask[inside(shape, centre + off, radius)] = label
    return masks[0], masks[1], spacing_mm


def inside(shape: tuple[int, ...], centre: NDArray[np.int64], radius: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which voxels lie in an ellipsoid, without rounding."""
    product = int(np.prod(radius))
    off = [np.arange(n) - c for n, c in zip(shape, centre.tolist(), strict=True)]
    squares = [(one * (product // r)) ** 2 for one, r in zip(off, radius.tolist(), strict=True)]
    total = sum(np.meshgrid(*squares, indexing="ij"))
    return np.asarray(total <= product**2)
