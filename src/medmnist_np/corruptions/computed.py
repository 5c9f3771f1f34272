"""Corrupted images that are computed when they are read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from medmnist_np._sequences import Joined, Rows
from medmnist_np.cache import settings, store
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.corruptions import corrupt, image_seeds
from medmnist_np.errors import short
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.registry.corruption_facts import Parameters, checked_severity, corruption_parameters

SPLIT = "test"
"""The split whose corrupted images may be stored, as in the publication."""

# Increase it when the same arguments give different images. Older stored images are then ignored.
_VERSION = 1

# Memory for images in addition to the returned ones.
_BLOCK_BYTES = 4 << 20


class Corruption(NamedTuple):
    """The corruption of the images of a data set; ``str()`` describes it.

    Attributes
    ----------
    name : str
        Name of the corruption, for example ``"motion_blur"``.
    severity : int
        1 to 5.
    seed : int or None
        Random seed of images that were computed here; None for images from files.

    Examples
    --------
    >>> str(Corruption("motion_blur", 3, 0)), str(Corruption("motion_blur", 3, None))
    ('motion_blur 3, made here with seed 0', 'motion_blur 3, as published')
    """

    name: str
    severity: int
    seed: int | None

    @classmethod
    def made_here(cls, name: str, severity: int, seed: int) -> Self:
        """Check severity and seed, and return the corruption of images to compute here.

        Raises
        ------
        ValueError
            If the severity or seed is invalid, or the seed is None (which means images from files).
        """
        return cls(name, checked_severity(severity), checked_seed(seed))

    def __str__(self) -> str:
        origin = "as published" if self.seed is None else f"made here with seed {self.seed}"
        return f"{self.name} {self.severity}, {origin}"


class ImportedCorruption(Corruption):
    """The corruption of images from files that a user imported."""

    def __str__(self) -> str:
        return f"{self.name} {self.severity}, imported from your own files"


class Corrupted:
    """Corrupt rows of images each time they are read.

    The result for an image depends only on the seed, the corruption, the severity and its index in ``images``. Threads
    and processes can read them in any order.

    Parameters
    ----------
    images : Rows
        ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)`` uint8, 0-255: all images of a split.
    name : str
        One of :data:`~medmnist_np.corruptions.CORRUPTIONS`.
    parameters : tuple of float
        Parameters of the corruption.
    severity, seed : int
        Part of the random seed of each image.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Corrupted(np.full((9, 28, 28), 100, np.uint8), "brightness_up", (1.5,), severity=3, seed=0)
    >>> rows.shape, int(rows[4].max())
    ((9, 28, 28), 150)
    """

    def __init__(self, images: Rows, name: str, parameters: Parameters, *, severity: int, seed: int) -> None:
        self.images, self.name, self.parameters, self.severity, self.seed = images, name, parameters, severity, seed
        self.shape = images.shape
        self.dtype = images.dtype
        self._made(np.empty(0, np.intp))  # raises now instead of when images are read

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice) -> NDArray[Any]:
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self))))
        image: NDArray[Any] = self._made(np.array([index]))[0]
        return image

    def take(self, indices: Any, axis: int = 0, out: Any = None, mode: Any = "raise") -> NDArray[Any]:
        """Return the images with these indices, ``(k, ...)``, in a new array or in ``out``."""
        rows = np.asarray(indices, dtype=np.intp)
        taken: NDArray[Any] = np.empty((len(rows), *self.shape[1:]), self.dtype) if out is None else out
        step = max(1, _BLOCK_BYTES // max(1, math.prod(self.shape[1:])))
        for start in range(0, len(rows), step):
            taken[start : start + step] = self._made(rows[start : start + step])
        return taken

    def _made(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        seeds = image_seeds(self.seed, self.name, self.severity, rows.tolist())
        return corrupt(np.asarray(self.images.take(rows, axis=0)), self.name, self.parameters, seeds)


def corruption_key(record: DatasetInfo, size: int, name: str, severity: int, seed: int) -> str:
    """Return the folder of stored corrupted images below ``arrays`` in a cache."""
    return f"{_key_prefix(record, size)}-{name}_{severity}-seed{seed}-v{_VERSION}"


def stored_folders(record: Record, size: int, caches: Iterable[Path]) -> list[Path]:
    """Return the folders of all stored corrupted images of a data set, including damaged ones."""
    pattern = f"{_key_prefix(record, size)}-*"
    return [folder for cache in caches for folder in sorted((cache / store.ARRAYS).glob(pattern))]


def _key_prefix(record: Record, size: int) -> str:
    return f"corrupted/{record.storage_key(size).rpartition('/')[2]}"


def find_stored(
    folder: ArrayFolder, record: DatasetInfo, size: int, split: str, name: str, severity: int, seed: int
) -> np.memmap[Any, np.dtype[np.uint8]] | None:
    """Return stored corrupted images from the cache of a data set or another searched cache; None if none are stored.

    Raises
    ------
    ValueError
        See :func:`corrupted`.
    """
    corruption_parameters(record, name, severity)  # raises if the corruption or severity is invalid
    if split != SPLIT:
        return None
    caches = dict.fromkeys((folder.path.parents[2], *settings.current().searched))
    found = store.find(corruption_key(record, size, name, severity, seed), caches)
    return None if found is None else found.open(record.member_name(SPLIT, "images"))


def corrupted(images: Rows, record: DatasetInfo, name: str, severity: int, seed: int) -> Rows:
    """Corrupt the images of a data set when they are read, with the strengths of MedMNIST-C.

    Parameters
    ----------
    images : Rows
        All images of a split, or of several joined splits. Each split has its own indices.
    record : DatasetInfo
        The data set.
    name : str
        A corruption of the data set in MedMNIST-C, or one with strengths for every data set.
    severity : int
        1 (weakest) to 5 (strongest).
    seed : int
        Random seed, at least 0.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the data set or this corruption for it (the message lists the available ones), or
        the severity or seed is invalid.
    """
    parameters = corruption_parameters(record, name, severity)
    seed = checked_seed(seed)
    parts = images.parts if isinstance(images, Joined) else (images,)
    made = [Corrupted(part, name, parameters, severity=int(severity), seed=seed) for part in parts]
    return made[0] if len(made) == 1 else Joined(made)


def checked_seed(seed: object) -> int:
    """Return a seed as an int, or raise ValueError if it is not an integer of at least 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"Invalid seed: {short(seed)}. It must be an integer of at least 0.")
    return int(seed)
