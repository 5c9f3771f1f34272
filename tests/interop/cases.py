"""Data sets of every kind that an adapter may be given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import medmnist_np as mm

CASES: dict[str, Callable[[], mm.Dataset]] = {
    "gray": lambda: mm.Dataset("breastmnist"),
    "rgb": lambda: mm.Dataset("retinamnist"),
    "gray as rgb": lambda: mm.Dataset("breastmnist", as_rgb=True),
    "volumes": lambda: mm.Dataset("adrenalmnist3d"),
    "volumes as rgb": lambda: mm.Dataset("adrenalmnist3d", as_rgb=True),
    "multi-label": lambda: mm.Dataset("chestmnist"),
    "slice": lambda: mm.Dataset("retinamnist")[5:20],
    "selection": lambda: mm.Dataset("retinamnist")[[9, 3, 30, 3]],
    "joined": lambda: mm.Dataset("breastmnist", "train") + mm.Dataset("breastmnist", "val"),
    "official class": lambda: mm.BreastMNIST("train"),
    "official class, volumes": lambda: mm.AdrenalMNIST3D("train", as_rgb=True),
}


def expected(ds: mm.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The images, with three channels last where as_rgb asks for them, and int64 labels."""
    images = np.array(ds.images)
    if ds.as_rgb and ds.record.n_channels == 1:
        images = np.stack([images] * 3, axis=-1)
    return images, np.array(ds.labels, dtype=np.int64)
