"""Archives laid out as those of MedMNIST-C are said to be: a zip of one .npz for each corruption."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.corruption_facts import corrupted_set

Arrays = Mapping[str, NDArray[Any]]


def published_arrays(record: DatasetInfo, labels: NDArray[Any]) -> dict[str, dict[str, NDArray[Any]]]:
    """Make up the arrays of each corruption; no two images are the same."""
    random = np.random.default_rng(0)
    shape = (5 * len(labels), *record.image_shape(224))
    return {
        name: {"test_images": random.integers(0, 256, shape, dtype=np.uint8), "test_labels": np.tile(labels, (5, 1))}
        for name in corrupted_set(record.name).corruptions
    }


def npz(arrays: Arrays, *, deflated: bool = False) -> bytes:
    """Return an .npz, as NumPy writes it."""
    stream = io.BytesIO()
    (np.savez_compressed if deflated else np.savez)(stream, **arrays)
    return stream.getvalue()


def zipped(path: Path, files: Iterable[tuple[str, bytes]], *, deflated: bool = False) -> str:
    """Write a zip of files, and return its MD5 as the registry has it."""
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return f"md5:{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"


def publish(path: Path, name: str, arrays: Mapping[str, Arrays], *, deflated: bool = False) -> str:
    """Write the archive of a data set, and return its MD5 as the registry has it."""
    return zipped(path, ((f"{name}/{one}.npz", npz(each)) for one, each in arrays.items()), deflated=deflated)
