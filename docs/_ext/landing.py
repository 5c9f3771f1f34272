"""The picture on the first page: made-up images of four kinds of data sets."""

from __future__ import annotations

import tempfile

import numpy as np

import medmnist_np as mm
from docs._ext.written import Pages
from medmnist_np.images import montage
from medmnist_np.images.encoders import RGB, encode
from medmnist_np.testing import fake_datasets

# Gray and binary, RGB and multi-class, several findings per image, volumes.
NAMES = ("breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d")
COLUMNS = 18


def write(pages: Pages) -> None:
    """Write ``landing.png``."""
    pages.write("landing.png", picture())


def picture() -> bytes:
    """Return a PNG file with one data set per row. README shows it too (``make picture``)."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, fake_datasets(folder, *NAMES, n_samples={"test": COLUMNS}):
        for name in NAMES:
            images = mm.Dataset(name, "test", as_rgb=True).gather(np.arange(COLUMNS))
            rows.append(images[:, images.shape[1] // 2] if images.ndim == 5 else images)
        pixels = montage(np.concatenate(rows), columns=COLUMNS)
    return encode(pixels, "png", RGB)
