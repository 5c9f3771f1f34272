"""Cases put into a cache as decoding leaves them: flat arrays, shapes, spacings, affines and names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medmnist_np.cache import store
from medmnist_np.cache.manifest import Manifest, StoredArray, stored_array
from medmnist_np.registry import VolumeInfo
from medmnist_np.testing import FakeCase


def arrays_of(cases: Sequence[FakeCase], split: str) -> dict[str, np.ndarray]:
    """Return the members of a split; without masks if no case has one."""
    names = [case.name.encode() for case in cases]
    affines = np.array([case.affine for case in cases])
    arrays = {
        "images": np.concatenate([case.image.ravel(order="F") for case in cases]),
        "shapes": np.array([case.image.shape for case in cases], dtype=np.int64),
        "spacings": np.linalg.norm(affines[:, :3, :3], axis=1),
        "affines": affines,
        "cases": np.array(names).view(np.uint8).reshape(len(names), -1),
    }
    if cases[0].mask is not None:
        arrays["masks"] = np.concatenate([case.mask.ravel(order="F") for case in cases])
    return {f"{split}_{role}": array for role, array in arrays.items()}


def publish(record: VolumeInfo, cases: Sequence[FakeCase], **instead: Any) -> list[FakeCase]:
    """Publish cases in the cache of the sandbox, with some members in place of their own; return the cases."""
    arrays: dict[str, np.ndarray] = {}
    for split in dict.fromkeys(case.split for case in cases):
        arrays |= arrays_of([case for case in cases if case.split == split], split)
    cache, key = Path(os.environ["MEDMNIST_NP_CACHE"]), record.storage_key()
    with store.staging(cache, key) as folder:
        stored: dict[str, StoredArray] = {}
        for name, array in (arrays | instead).items():
            file = folder / f"{name}.npy"
            np.save(file, array)
            stored[name] = stored_array(file, array.shape, array.dtype.str, file.stat().st_size - array.nbytes)
        digest = record.archive_file.digest if record.archive_file else "md5:" + 32 * "0"
        store.publish(folder, cache, key, Manifest(f"{record.name}.tar", digest, "digest", "0", stored))
    return list(cases)
