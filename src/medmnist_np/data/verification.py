"""Verify the arrays of a data set: checksums, blank images and labels out of range."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medmnist_np import registry
from medmnist_np._progress import Progress, bars
from medmnist_np.cache import settings, store
from medmnist_np.cache.locations import caches_for
from medmnist_np.cache.manifest import Manifest, digest_of
from medmnist_np.errors import CorruptCacheError, NotCachedError
from medmnist_np.registry import Record

# Images are read in blocks of about 16 MB.
_BLOCK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of :func:`verify`.

    Attributes
    ----------
    name, size, folder
        The data set that was verified.
    checked : str
        How the arrays were checked when they were unpacked: ``"digest"`` means the checksum of the whole archive,
        ``"crc32"`` only the CRC-32 of each member (see :func:`medmnist_np.fetch` with ``splits``).
    damage : tuple of str
        Files that are missing or changed, and labels out of range. Empty if nothing is wrong.
    blank_images : dict of str to list of int
        Indices by split of images in which all values are equal. This is a property of the data, not damage. A missing
        split was not searched, because its images are damaged, corrupted, or volumes that differ in size.
    published_corruptions : bool
        Whether these are the corrupted images of the set that MedMNIST-C published.
    made_corruption : str
        The name of corrupted images that were made here, such as ``"pixelate 3, seed 0"``; otherwise empty.
    """

    name: str
    size: int
    folder: Path
    checked: str
    damage: tuple[str, ...]
    blank_images: dict[str, list[int]]
    published_corruptions: bool = False
    made_corruption: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


def verify(
    name: str | Record,
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    progress: Progress = bars,
) -> VerifyReport:
    """Verify the checksums of the unpacked arrays of a data set; find blank images and labels out of range.

    Parameters
    ----------
    name, size, root
        See :func:`medmnist_np.load`.
    progress : Progress
        How to show the progress (default: a progress bar).

    Returns
    -------
    VerifyReport

    Raises
    ------
    NotCachedError
        If the data set is not on this machine.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> folder = mm.fetch("breastmnist")
    >>> mm.data.verify("breastmnist").ok
    True
    """
    record, size = registry.resolve_size(name, size)
    folder, manifest, damage = _folder_of(record, size, root)
    if manifest is None:
        return VerifyReport(record.qualified_name, size, folder, "", tuple(damage), {})
    arrays = store.ArrayFolder(folder, manifest)
    sound, changes = _hashed(arrays, progress)
    damage += changes
    blank: dict[str, list[int]] = {}
    for split in record.splits:
        images, labels = (record.member_name(split, role) for role in record.roles)
        if labels in sound:
            damage += _label_damage(record, split, arrays.open(labels))
        if images in sound and record.same_shape:  # volumes that differ in size are stored as one row of values
            blank[split] = _blank_images(arrays.open(images))
    return VerifyReport(record.qualified_name, size, folder, manifest.checked, tuple(damage), blank)


def verify_published(
    name: str | Record, *, root: str | os.PathLike[str] | None = None, progress: Progress = bars
) -> VerifyReport:
    """Verify the checksums of the published or imported corrupted images of a data set; find labels out of range.

    Parameters
    ----------
    name, root, progress
        See :func:`verify`.

    Raises
    ------
    NotCachedError
        If they are not on this machine.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> mm.data.verify_published("breastmnist").ok  # doctest: +SKIP
    True
    """
    from medmnist_np.corruptions.published import SIZE, own_key, published_key

    record, _ = registry.resolve_size(name, SIZE)
    found = _first_folder([published_key(record), own_key(record)], settings.current(root).searched)
    if found is None:
        raise NotCachedError(
            f"The published corrupted images of {record.name} are not on this machine. "
            f"`medmnist-np corrupt {record.name} --published` downloads them."
        )
    folder, manifest, damage = found
    if manifest is None:
        return VerifyReport(record.name, SIZE, folder, "", tuple(damage), {}, published_corruptions=True)
    arrays = store.ArrayFolder(folder, manifest)
    sound, changes = _hashed(arrays, progress)
    labels = [member for member in sorted(sound) if member.endswith("_labels")]
    wrong = [text for member in labels for text in _label_damage(record, member, arrays.open(member))]
    damage += [*changes, *wrong]
    return VerifyReport(record.name, SIZE, folder, manifest.checked, tuple(damage), {}, published_corruptions=True)


def verify_corrupted(
    name: str | Record,
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    progress: Progress = bars,
) -> list[VerifyReport]:
    """Verify the checksums of the corrupted images of a data set that were made on this machine.

    Parameters
    ----------
    name, size, root, progress
        See :func:`verify`.

    Returns
    -------
    list of VerifyReport
        One report for each corruption, severity and seed; empty if nothing is stored.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> [report.ok for report in mm.data.verify_corrupted("breastmnist")]
    []
    """
    from medmnist_np.corruptions.computed import stored_folders

    record, size = registry.resolve_size(name, size)
    reports = []
    for folder in stored_folders(record, size, settings.current(root).searched):
        try:
            manifest = Manifest.read(folder)
        except CorruptCacheError as error:
            reports.append(VerifyReport(record.name, size, folder, "", (str(error),), {}, made_corruption=folder.name))
            continue
        if manifest is not None:
            _, damage = _hashed(store.ArrayFolder(folder, manifest), progress)
            made = manifest.archive.partition(", ")[2]
            reports.append(
                VerifyReport(record.name, size, folder, manifest.checked, tuple(damage), {}, made_corruption=made)
            )
    return reports


def _hashed(arrays: store.ArrayFolder, progress: Progress) -> tuple[set[str], list[str]]:
    """Return the unchanged members of a folder, and the damage of the others."""
    sound, damage = set(), []
    for member, stored in arrays.manifest.arrays.items():
        try:
            with (arrays.path / stored.file).open("rb") as stream:
                found = digest_of(stream, "sha256", progress, stored.file)
        except OSError as error:
            damage.append(f"{stored.file} cannot be read: {error.strerror}")
            continue
        if found == f"sha256:{stored.sha256}":
            sound.add(member)
        else:
            damage.append(f"{stored.file} has changed: its SHA-256 should be {stored.sha256}, but is {found[7:]}")
    return sound, damage


def _folder_of(
    record: Record, size: int, root: str | os.PathLike[str] | None
) -> tuple[Path, Manifest | None, list[str]]:
    """Return the first existing folder of the set, damaged or not."""
    archive = record.archive(size) if record.can_be_fetched else None
    places = caches_for(archive, settings.current(root))
    keys = record.storage_keys(size)
    if (found := _first_folder([*keys, store.partial_key(keys[0])], places)) is not None:
        return found
    raise NotCachedError(
        f"{record.qualified_name}{f' at size {size}' if size else ''} is not in {' or '.join(map(str, places))}. "
        f"{record.how_to_fetch(size)}"
    )


def _first_folder(keys: Sequence[str], places: Sequence[Path]) -> tuple[Path, Manifest | None, list[str]] | None:
    for key, cache in itertools.product(keys, places):
        folder = cache / store.ARRAYS / key
        try:
            manifest = Manifest.read(folder)
        except CorruptCacheError as error:
            return folder, None, [str(error)]
        if manifest is not None:
            return folder, manifest, []
    return None


def _label_damage(record: Record, split: str, labels: npt.NDArray[Any]) -> list[str]:
    highest = record.highest_label
    step = max(1, _BLOCK_BYTES // max(1, math.prod(labels.shape[1:])))
    n_wrong, first = 0, 0
    for start in range(0, len(labels), step):
        block = np.asarray(labels[start : start + step])
        wrong = np.flatnonzero(((block < 0) | (block > highest)).any(axis=tuple(range(1, block.ndim))))
        if len(wrong) and not n_wrong:
            first = start + int(wrong[0])
        n_wrong += len(wrong)
    if not n_wrong:
        return []
    return [f"{split}: {n_wrong} {record.target} are not in 0 to {highest}; the first is at index {first}"]


def _blank_images(images: npt.NDArray[Any]) -> list[int]:
    n_pixels = max(1, images[0].size) if len(images) else 1
    step = max(1, _BLOCK_BYTES // n_pixels)
    blank: list[int] = []
    for start in range(0, len(images), step):
        block = np.asarray(images[start : start + step]).reshape(-1, n_pixels)
        blank += (start + np.flatnonzero((block == block[:, :1]).all(axis=1))).tolist()
    return blank
