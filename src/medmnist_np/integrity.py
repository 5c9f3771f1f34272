"""Prove the arrays of a data set: their digests, and whether their contents make sense."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medmnist_np import registry
from medmnist_np.cache import settings, store
from medmnist_np.cache.digests import digest_of
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.progress import Progress, bars
from medmnist_np.errors import CorruptCacheError, NotCachedError
from medmnist_np.registry import DatasetInfo

# Images looked at in one go: about 16 MB of them.
_BLOCK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What :func:`verify` found.

    Attributes
    ----------
    name, size, folder
        What was looked at.
    checked : str
        What was compared when the arrays were unpacked: ``"digest"`` is the pinned digest of the whole archive,
        ``"crc32"`` only the CRC-32 of each member (see :func:`medmnist_np.fetch` with ``splits``).
    damage : tuple of str
        Files that are missing or changed, labels out of range: empty if all is well.
    blank_images : dict of str to list of int
        By split, indices of images whose values are all the same. A property of the data, not damage.
    """

    name: str
    size: int
    folder: Path
    checked: str
    damage: tuple[str, ...]
    blank_images: dict[str, list[int]]

    @property
    def ok(self) -> bool:
        """Whether there is no damage."""
        return not self.damage


def verify(
    name: str | DatasetInfo,
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    progress: Progress = bars,
) -> VerifyReport:
    """Hash the unpacked arrays of a data set again, and look for blank images and labels out of range.

    Parameters
    ----------
    name, size, root
        As of :func:`medmnist_np.load`.
    progress : Progress
        What to show.

    Returns
    -------
    VerifyReport

    Raises
    ------
    NotCachedError
        If the data is not here.
    """
    record, size = registry.resolve_size(name, size)
    folder, manifest, damage = _folder_of(record, size, root)
    if manifest is None:
        return VerifyReport(record.name, size, folder, "", tuple(damage), {})
    arrays = store.ArrayFolder(folder, manifest)
    sound = set()
    for member, stored in manifest.arrays.items():
        try:
            with (folder / stored.file).open("rb") as stream:
                found = digest_of(stream, "sha256", progress, stored.file)
        except OSError as error:
            damage.append(f"{stored.file} cannot be read: {error.strerror}")
            continue
        if found == f"sha256:{stored.sha256}":
            sound.add(member)
        else:
            damage.append(f"{stored.file} has changed: its SHA-256 should be {stored.sha256} and is {found[7:]}")
    blank: dict[str, list[int]] = {}
    for split in record.splits:
        labels, images = (record.member_name(split, role) for role in ("labels", "images"))
        if labels in sound:
            damage += _label_damage(record, split, arrays.open(labels))
        if images in sound:
            blank[split] = _blank_images(arrays.open(images))
    return VerifyReport(record.name, size, folder, manifest.checked, tuple(damage), blank)


def _folder_of(
    record: DatasetInfo, size: int, root: str | os.PathLike[str] | None
) -> tuple[Path, Manifest | None, list[str]]:
    """Return the first folder of the set that is there, sound or not."""
    places = settings.current(root).searched
    whole = record.storage_key(size)
    for key, cache in itertools.product((whole, store.partial_key(whole)), places):
        folder = cache / store.ARRAYS / key
        try:
            manifest = Manifest.read(folder)
        except CorruptCacheError as error:
            return folder, None, [str(error)]
        if manifest is not None:
            return folder, manifest, []
    raise NotCachedError(
        f"{record.name} at size {size} is not in {' or '.join(map(str, places))}, so there is nothing to verify. "
        f"`medmnist-np fetch {record.name} --size {size}` gets it."
    )


def _label_damage(record: DatasetInfo, split: str, labels: npt.NDArray[Any]) -> list[str]:
    highest = 1 if record.multi_label else record.n_classes - 1
    wrong = np.flatnonzero(((labels < 0) | (labels > highest)).any(axis=1))
    if not len(wrong):
        return []
    return [f"{split}: {len(wrong)} labels are not in 0 to {highest}, the first at index {wrong[0]}"]


def _blank_images(images: npt.NDArray[Any]) -> list[int]:
    n_pixels = max(1, images[0].size) if len(images) else 1
    step = max(1, _BLOCK_BYTES // n_pixels)
    blank: list[int] = []
    for start in range(0, len(images), step):
        block = np.asarray(images[start : start + step]).reshape(-1, n_pixels)
        blank += (start + np.flatnonzero((block == block[:, :1]).all(axis=1))).tolist()
    return blank
