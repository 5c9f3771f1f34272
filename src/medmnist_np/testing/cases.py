"""Made-up cases of sets of volumes that differ in size: ellipsoids in noise, and masks that say where they are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np import registry
from medmnist_np.registry import VolumeInfo

_N_SAMPLES = {"train": 10, "val": 4, "test": 4}

# Levels of the voxels of a label above those of the one before it, and the standard deviation of the noise.
_CONTRAST = 60
_NOISE = 15


@dataclass(frozen=True, slots=True, eq=False)
class FakeCase:
    """One made-up case.

    Attributes
    ----------
    name : str
        As the files are called.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    image : (x, y, z) or (x, y, z, c) array
        Noise around one level for each label.
    mask : (x, y, z) uint8 or None
        An ellipsoid for each label; None in the test split, and in ``"val"`` where the real set keeps it back.
    affine : (4, 4) float64
        From the index of a voxel to mm.
    """

    name: str
    split: str
    image: NDArray[Any] = field(repr=False)
    mask: NDArray[np.uint8] | None = field(repr=False)
    affine: NDArray[np.float64] = field(repr=False)


def make_cases(
    name: str | VolumeInfo,
    *,
    n_samples: Mapping[str, int] | None = None,
    shape: tuple[int, int, int] = (24, 28, 20),
    dtype: DTypeLike = np.int16,
    seed: int = 0,
) -> Iterator[FakeCase]:
    """Make up cases, one after another.

    Parameters
    ----------
    name : str or VolumeInfo
        A set of volumes of the registry: ``"msd/hippocampus"``. Labels, channels and names are as in it.
    n_samples : Mapping of str to int, optional
        Cases of each split; None means train 10, val 4, test 4, for those splits that the set has.
    shape : (int, int, int)
        About so many voxels: each case has up to a fifth more or fewer along each axis.
    dtype : dtype
        Of the images.
    seed : int
        Other seeds give other cases.

    Yields
    ------
    FakeCase
        Their voxels are 0.7 to 1.3 mm wide and 1 to 3 mm thick, and x runs from right to left in every other one.

    Raises
    ------
    UnknownDatasetError
        If there is no such set.

    Examples
    --------
    >>> from medmnist_np.testing import make_cases
    >>> case = next(make_cases("msd/hippocampus"))
    >>> case.name, case.image.dtype, sorted(set(case.mask.flat))
    ('hippocampus_001', dtype('int16'), [np.uint8(0), np.uint8(1), np.uint8(2)])
    """
    record = volume_record(name)
    counts = {split: _N_SAMPLES[split] for split in record.splits} if n_samples is None else n_samples
    masked = record.layout_facts.get("masked", ("train", "val"))
    number = 0
    for split, n in counts.items():
        for _ in range(n):
            number += 1
            random = np.random.default_rng([seed, zlib.crc32(record.name.encode()), number])
            voxels = tuple(np.round(np.array(shape) * random.uniform(0.8, 1.2, 3)).astype(int).tolist())
            mask = _ellipsoids(voxels, record.label_values, random)
            yield FakeCase(
                _case_name(record, number),
                split,
                _image(mask, record, np.dtype(dtype), random),
                mask if split in masked else None,
                _affine(number, random),
            )


def volume_record(name: str | VolumeInfo) -> VolumeInfo:
    """Return the record of a set of volumes, or raise :class:`ValueError` if the set is of another kind."""
    record = registry.info(name)
    if not isinstance(record, VolumeInfo):
        raise ValueError(  # noqa: TRY004 -- the name is of the right type, and of another set
            f"{record.qualified_name} is no set of volumes that differ in size: make_archive makes those up."
        )
    return record


def _ellipsoids(shape: tuple[int, ...], values: tuple[int, ...], random: np.random.Generator) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8, order="F")
    place = np.moveaxis(np.indices(shape), 0, -1) / shape
    for value in values[1:]:
        centre, radii = random.uniform(0.3, 0.7, 3), random.uniform(0.1, 0.2, 3)
        mask[np.square((place - centre) / radii).sum(axis=-1) < 1] = value
        # Another may have covered it; each value that a set has is in every mask.
        mask[tuple((centre * shape).astype(int).tolist())] = value
    return mask


def _image(
    mask: NDArray[np.uint8], record: VolumeInfo, dtype: np.dtype[Any], random: np.random.Generator
) -> NDArray[Any]:
    levels = np.zeros(256)
    for number, value in enumerate(record.label_values):
        levels[value] = (number % 3 + 1) * _CONTRAST
    channels = [levels[mask] * random.uniform(0.7, 1.1) for _ in record.modalities]
    image = channels[0] if len(channels) == 1 else np.stack(channels, axis=-1)
    image = (image + _NOISE * random.standard_normal(image.shape)).clip(0, 255)
    return image.astype(dtype) if dtype.kind == "f" else image.round().astype(dtype)


def _affine(number: int, random: np.random.Generator) -> NDArray[np.float64]:
    spacing = np.array([random.uniform(0.7, 1.3), 0, random.uniform(1, 3)]).round(2)
    spacing[1] = spacing[0]
    affine = np.diag([-spacing[0] if number % 2 else spacing[0], *spacing[1:], 1.0])
    affine[:3, 3] = random.uniform(-100, 100, 3).round(1)
    return affine


def _case_name(record: VolumeInfo, number: int) -> str:
    facts = record.layout_facts
    if record.layout == "brats":
        return f"{facts['prefix']}{facts['separator']}{number:05}"
    return f"{facts['prefix']}_{number:0{4 if record.layout == 'amos' else 3}}"
