"""Images to corrupt: textured ones made up, and real ones enlarged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Images = NDArray[np.uint8]


def textured(n: int, *shape: int) -> Images:
    """Return images with soft shapes, fine grain, and black and white parts."""
    rng = np.random.default_rng([n, *shape])
    axes = np.meshgrid(*(np.linspace(0, 9, length) for length in shape), indexing="ij")
    waves = sum(np.sin(axis * rng.uniform(0.5, 2, (n, *[1] * len(shape))) + index) for index, axis in enumerate(axes))
    return (120 + 90 * waves + rng.normal(0, 12, (n, *shape))).clip(0, 255).astype(np.uint8)


def enlarged(archives: Path, name: str, n: int) -> Images:
    """Return real images of the test split, enlarged to 224 pixels."""
    with np.load(archives / f"{name}.npz") as archive:
        small = archive["test_images"][:n]
    return np.stack([Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC) for image in small])


def farthest(expected: NDArray[np.generic], actual: Images) -> int:
    """Return the largest difference of two batches in gray levels."""
    assert actual.dtype == np.uint8
    assert expected.shape == actual.shape
    return int(np.abs(expected.astype(np.int64) - actual).max())
