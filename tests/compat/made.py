"""Small archives of all 18 sets under the official names, with the same bytes of images and labels on every machine."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from medmnist_np.registry import DatasetInfo, datasets

N_SAMPLES = {2: {"train": 60, "val": 24, "test": 36}, 3: {"train": 24, "val": 12, "test": 16}}

# Sizes besides 28, for a few sets.
LARGER = {"breastmnist": (64, 224), "retinamnist": (128,), "adrenalmnist3d": (64,)}

# These are not in the folder of the user: a program has to download them.
TO_DOWNLOAD = ("bloodmnist", "vesselmnist3d")


def write(folder: Path) -> None:
    """Write the archives into the folder."""
    for record in datasets(collection="medmnist"):
        for size in (28, *LARGER.get(record.name, ())):
            path = folder / record.archive(size).file_name
            with path.open("wb") as stream:
                np.savez_compressed(stream, **_arrays(record, size))


def records(folder: Path, base_url: str) -> Iterator[DatasetInfo]:
    """Yield records of the archives in a folder that is served at the URL: they make these the published archives."""
    for record in datasets(collection="medmnist"):
        archives = {}
        for size, archive in record.archives.items():
            archives[size] = replace(archive, url=f"{base_url}/{archive.file_name}")
            path = folder / archive.file_name
            if path.exists():
                digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
                archives[size] = replace(
                    archives[size],
                    digest=f"md5:{digest}",
                    bytes=path.stat().st_size,
                    sha256=None,
                    superseded=(),
                    also=(),
                )
        n_samples = (
            counts(record, folder / f"{record.name}.npz")
            if (folder / f"{record.name}.npz").exists()
            else record.n_samples
        )
        yield replace(record, n_samples=n_samples, archives=archives)


def counts(record: DatasetInfo, path: Path) -> dict[str, int]:
    """Return the number of samples per split: that of a real archive, or of one that was made."""
    with np.load(path) as archive:
        return {split: len(archive[f"{split}_labels"]) for split in record.n_samples}


def _arrays(record: DatasetInfo, size: int) -> dict[str, np.ndarray]:
    # The sequence of RandomState never changes, unlike that of a Generator.
    random = np.random.RandomState([size, *record.name.encode()])
    images, labels = {}, {}
    for split, n in N_SAMPLES[record.ndim].items():
        shape = (n, *record.image_shape(28))
        pixels = random.randint(0, 256, shape, np.uint8)
        if size != 28:  # large pixels, which compress well
            coarse = pixels[(slice(None), *[slice(0, size // 16)] * record.ndim)]
            for axis in range(1, record.ndim + 1):
                coarse = coarse.repeat(16, axis)
            pixels = coarse
        width = record.label_width
        table = np.arange(n * width).reshape(width, n).T % (2 if record.multi_label else record.n_classes)
        random.shuffle(table)
        images[f"{split}_images"] = pixels
        labels[f"{split}_labels"] = table.astype(np.uint8)
    return images | labels


def furnish(home: Path, archives: Path) -> None:
    """Copy the archives into ``home/.medmnist``, apart from those to download."""
    folder = home / ".medmnist"
    folder.mkdir(parents=True, exist_ok=True)
    for archive in archives.glob("*.npz"):
        if archive.stem not in TO_DOWNLOAD:
            shutil.copyfile(archive, folder / archive.name)
