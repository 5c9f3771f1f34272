"""Synthetic volume sets: ellipsoids in noise with their masks, as folders and archives of NIfTI files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np import registry
from medmnist_np._optional import require
from medmnist_np.registry import Archive, VolumeInfo

_N_SAMPLES = {"train": 10, "val": 4, "test": 4}

# Difference of intensity between one label and the next, and the standard deviation of the noise.
_CONTRAST = 60
_NOISE = 15


@dataclass(frozen=True, slots=True, eq=False)
class FakeCase:
    """One synthetic case.

    Attributes
    ----------
    name : str
        Name of the case, as in its file names.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    image : (x, y, z) or (x, y, z, c) array
        Noise around one level per label.
    mask : (x, y, z) uint8 or None
        One ellipsoid per label. None in the test split, and in ``"val"`` if the real set withholds its masks.
    affine : (4, 4) float64
        Maps voxel indices to mm.
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
    """Generate synthetic cases, one at a time.

    Parameters
    ----------
    name : str or VolumeInfo
        A volume set of the registry, such as ``"msd/hippocampus"``. Labels, channels and names follow it.
    n_samples : Mapping of str to int, optional
        Cases per split. None means 10 for train, 4 for val and 4 for test, for the splits that the set has.
    shape : (int, int, int)
        Approximate shape: each axis of a case varies by up to a fifth.
    dtype : dtype
        Dtype of the images.
    seed : int
        Random seed.

    Yields
    ------
    FakeCase
        Voxels are 0.7 to 1.3 mm wide and 1 to 3 mm thick. In every other case, x runs from right to left.

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
    record = registry.volume_info(name)
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


def _ellipsoids(shape: tuple[int, ...], values: tuple[int, ...], random: np.random.Generator) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8, order="F")
    place = np.moveaxis(np.indices(shape), 0, -1) / shape
    for value in values[1:]:
        centre, radii = random.uniform(0.3, 0.7, 3), random.uniform(0.1, 0.2, 3)
        mask[np.square((place - centre) / radii).sum(axis=-1) < 1] = value
        # A later ellipsoid may have covered this one; every mask must contain every label.
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


_SUFFIXES = {"train": "Tr", "val": "Va", "test": "Ts"}
_KEYS = {"train": "training", "val": "validation", "test": "test"}

# macOS writes such a file next to each real one.
_COMPANION = b"\0\5\x16\7\0\2\0\0Mac OS X        "


def make_volumes(
    folder: str | os.PathLike[str],
    name: str | VolumeInfo,
    *,
    n_samples: Mapping[str, int] | None = None,
    shape: tuple[int, int, int] = (24, 28, 20),
    dtype: DTypeLike = np.int16,
    companions: bool = False,
    seed: int = 0,
) -> Path:
    """Write synthetic cases as a folder of NIfTI files, laid out like the unpacked archive of the set.

    Needs NiBabel (extra ``nifti``).

    Parameters
    ----------
    folder : path
        Parent of the new folder.
    name, n_samples, shape, dtype, seed
        See :func:`make_cases`.
    companions : bool
        Write a ``._`` file next to each file, as macOS does.

    Returns
    -------
    Path
        The folder of the set, including ``dataset.json`` if the set has one.

    Examples
    --------
    >>> import tempfile
    >>> from medmnist_np.testing import make_volumes
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = make_volumes(folder, "msd/hippocampus")
    ...     root.name, sorted(path.name for path in root.iterdir())
    ('Task04_Hippocampus', ['dataset.json', 'imagesTr', 'imagesTs', 'labelsTr'])
    """
    record = registry.volume_info(name)
    cases = make_cases(record, n_samples=n_samples, shape=shape, dtype=dtype, seed=seed)
    target = Path(folder)
    for file, content in _files(record, cases, companions=companions):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_bytes(content)
    return target / _roots(record)["train"]


def make_volume_archive(
    folder: str | os.PathLike[str],
    name: str | VolumeInfo,
    *,
    n_samples: Mapping[str, int] | None = None,
    shape: tuple[int, int, int] = (24, 28, 20),
    dtype: DTypeLike = np.int16,
    companions: bool = True,
    seed: int = 0,
    base_url: str | None = None,
) -> VolumeInfo:
    """Write synthetic cases as a tar or zip archive, like that of the real set, and return its record.

    Needs NiBabel (extra ``nifti``).

    Parameters
    ----------
    folder : path
        An existing folder. The archive is written to ``folder/<file_name>``; an existing file is replaced.
    name, n_samples, shape, dtype, seed
        See :func:`make_cases`.
    companions : bool
        Write a ``._`` file next to each file, as macOS does; the archives of the Decathlon have them.
    base_url : str, optional
        URL at which the folder will be served. None gives the record a ``file://`` URL.

    Returns
    -------
    VolumeInfo
        With the actual MD5 checksum, size in bytes, URL and number of cases.

    Raises
    ------
    ValueError
        If the set has no archive; users of it import a folder.

    Examples
    --------
    >>> import tempfile
    >>> from medmnist_np.testing import make_volume_archive
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = make_volume_archive(folder, "msd/hippocampus", base_url="http://localhost:8000")
    >>> record.archive_file.url, dict(record.n_samples)
    ('http://localhost:8000/Task04_Hippocampus.tar', {'train': 10, 'test': 4})
    """
    record = registry.volume_info(name)
    archive = record.archive_file
    if archive is None:
        raise ValueError(f"{record.qualified_name} has no archive: make_volumes writes the folder that users import.")
    cases = list(make_cases(record, n_samples=n_samples, shape=shape, dtype=dtype, seed=seed))
    path = Path(folder).resolve() / archive.file_name
    write = _write_tar if archive.kind == "tar" else _write_zip
    write(path, _files(record, iter(cases), companions=companions))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    written = Archive(
        archive.file_name,
        path.as_uri() if base_url is None else f"{base_url.rstrip('/')}/{archive.file_name}",
        f"md5:{digest}",
        kind=archive.kind,
        bytes=path.stat().st_size,
    )
    counts = dict.fromkeys(record.splits, 0)
    for case in cases:
        counts[case.split] += 1
    return replace(record, archive_file=written, other_addresses=(), n_samples=counts)


def _roots(record: VolumeInfo) -> Mapping[str, str]:
    """Return the folder of each split."""
    folder = record.layout_facts.get("folder")
    return dict.fromkeys(_SUFFIXES, folder) if folder else record.layout_facts["folders"]


def _files(record: VolumeInfo, cases: Iterator[FakeCase], *, companions: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every file of a set."""
    listed: dict[str, list[FakeCase]] = {split: [] for split in record.splits}
    for case in cases:
        listed[case.split].append(replace(case, image=np.empty(0)))
        for file, voxels in _arrays(record, case):
            folder, _, bare = file.rpartition("/")
            if companions:
                yield f"{folder}/._{bare}", _COMPANION
            yield file, gzip.compress(_nifti(voxels, case.affine), compresslevel=1, mtime=0)
    if record.layout != "brats":
        yield f"{_roots(record)['train']}/dataset.json", json.dumps(_table(record, listed), indent=1).encode()


def _arrays(record: VolumeInfo, case: FakeCase) -> Iterator[tuple[str, NDArray[Any]]]:
    root, facts = _roots(record)[case.split], record.layout_facts
    if record.layout == "brats":
        stem = f"{root}/{case.name}/{case.name}{facts['separator']}"
        yield from ((f"{stem}{kind}.nii.gz", case.image[..., k]) for k, kind in enumerate(facts["files"]))
        if case.mask is not None:
            yield f"{stem}{facts['mask']}.nii.gz", case.mask
        return
    suffix = _SUFFIXES[case.split]
    yield f"{root}/images{suffix}/{case.name}.nii.gz", case.image
    if case.mask is not None:
        yield f"{root}/labels{suffix}/{case.name}.nii.gz", case.mask


def _nifti(voxels: NDArray[Any], affine: NDArray[np.float64]) -> bytes:
    nibabel = require("nibabel")
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    content: bytes = image.to_bytes()
    return content


def _table(record: VolumeInfo, cases: Mapping[str, list[FakeCase]]) -> dict[str, Any]:
    """Return ``dataset.json`` with the keys of the Decathlon, one of them misspelt as there."""
    entries: dict[str, list[Any]] = {}
    for split, of_split in cases.items():
        suffix = _SUFFIXES[split]
        paths = [(f"./images{suffix}/{case.name}.nii.gz", f"./labels{suffix}/{case.name}.nii.gz") for case in of_split]
        masked = any(case.mask is not None for case in of_split)
        entries[_KEYS[split]] = [{"image": i, "label": m} if masked else i for i, m in paths]
    return {
        "name": record.python_class,
        "description": "Made up; numbers got from it mean nothing.",
        "reference": "",
        "licence": record.license,
        "relase": "1.0",
        "tensorImageSize": "4D" if len(record.modalities) > 1 else "3D",
        "modality": {str(number): name for number, name in enumerate(record.modalities)},
        "labels": {str(value): name for value, name in zip(record.label_values, record.class_names, strict=True)},
        "numTraining": len(cases["train"]),
        "numTest": len(cases.get("test", ())),
        **entries,
    }


def _write_tar(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files:
            member = tarfile.TarInfo(name)  # dated 1970, so that the same cases give the same bytes
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _write_zip(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files:
            bare = Path(name).name
            archive.writestr(zipfile.ZipInfo(f"__MACOSX/{name}" if bare.startswith("._") else name), content)
