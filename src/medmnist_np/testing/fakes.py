"""Small archives with synthetic images, and a context in which they replace real data sets."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.cache.settings import unconfigured
from medmnist_np.registry import DatasetInfo, Record, datasets, info, registered, resolve_dataset
from medmnist_np.testing.fake_volumes import make_volume_archive
from medmnist_np.testing.server import serve

_N_SAMPLES = {"train": 200, "val": 40, "test": 60}

# Standard deviation of the strength of a pattern between images; presence and absence differ by 1.
# The best possible AUC is then about 0.99 with two classes and 0.94 with independent findings.
_VARIATION = 0.45
_CONTRAST = 50  # gray levels of a pattern of strength 1
_NOISE = 20  # gray levels, standard deviation, in each pixel
_FINDING_SHARE = 0.3  # of the images of a multi-label set show a given finding
_IMAGES_AT_ONCE = 256  # bounds the memory for sets of any length


def make_arrays(record: DatasetInfo, size: int | None = None, *, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Generate the arrays of a synthetic archive.

    Each class has its own pattern: stripes that fade out around a point. An image shows the pattern of its class, or
    the patterns of all its findings, with varying strength and noise. The strengths overlap, so no classifier is
    perfect.

    Parameters
    ----------
    record : DatasetInfo
        The set to imitate, with its number of samples; use :func:`fake_record` for a small one.
    size : int, optional
        One of its sizes. ``None`` means 28 if available, else the smallest. Labels do not depend on it.
    seed : int
        Random seed for patterns, labels and noise.

    Returns
    -------
    dict of str to ndarray
        Arrays by member name, in the order of the official archives: images ``(n, h, w)``, ``(n, h, w, 3)`` or
        ``(n, d, h, w)`` uint8, 0-255, and labels ``(n, l)`` uint8. Classes are equally frequent, and every class
        occurs in each split with at least as many samples as classes. Findings of a multi-label set are independent,
        each in 30 % of the images. A segmentation set has masks ``(n, h, w)`` uint8 with one ellipse per foreground
        class in every image, brighter or darker than the rest. With ``record.binarise_masks``, the foreground of a
        mask can have any value except 0.

    Raises
    ------
    UnknownSizeError
        If the record has no such size.

    Examples
    --------
    >>> from medmnist_np.testing import fake_record, make_arrays
    >>> arrays = make_arrays(fake_record("chestmnist"))
    >>> arrays["test_images"].shape, arrays["test_labels"].shape
    ((60, 28, 28), (60, 14))
    """
    record, size = resolve_dataset(record, size)
    # Sets of the same shape must differ, or their archives would have the same checksum.
    key = [seed, zlib.crc32(record.name.encode())]
    patterns = _patterns(record, size, np.random.default_rng([*key, 0]))
    images, labels = {}, {}
    if record.target == "masks":
        return _images_and_masks(record, size, key)
    for number, (split, n) in enumerate(record.n_samples.items()):
        table = _labels(record, n, np.random.default_rng([*key, 1, number]))
        presence = table if record.multi_label else table == np.arange(record.n_classes)
        pixels = _pixels(presence, patterns, np.random.default_rng([*key, 2, number]))
        labels[record.member_name(split, "labels")] = table
        images[record.member_name(split, "images")] = pixels.reshape(n, *record.image_shape(size))
    return images | labels


def fake_record(
    name: str | DatasetInfo, *, n_samples: Mapping[str, int] | None = None, size: int | None = None
) -> DatasetInfo:
    """Return a copy of a record with few samples and a single size.

    The archive does not exist until :func:`make_archive` writes it: until then, the checksum is all zeros and the URL
    is invalid.

    Parameters
    ----------
    name : str or DatasetInfo
        A data set of the registry.
    n_samples : Mapping of str to int, optional
        Samples per split; the record has exactly these splits. ``None`` means 200 for train, 40 for val and 60 for
        test, for the splits that the set has.
    size : int, optional
        The single size. ``None`` means the size in the name, else 28.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        If there is no such set, or it does not come in that size.

    Examples
    --------
    >>> from medmnist_np.testing import fake_record
    >>> record = fake_record("pathmnist_64", n_samples={"train": 20, "test": 10})
    >>> record.splits, record.sizes
    (('train', 'test'), (64,))
    """
    record, size = resolve_dataset(name, size)
    if n_samples is None:
        n_samples = {split: _N_SAMPLES.get(split, _N_SAMPLES["test"]) for split in record.splits}
    archive = record.archive(size)
    unwritten = replace(
        archive,
        url=f"https://fake.invalid/{archive.file_name}",
        digest=f"md5:{0:032}",
        bytes=None,
        sha256=None,
        superseded=(),
        also=(),
    )
    enlarged = tuple(other for other in record.enlarged_sizes if other == size)
    return replace(record, n_samples=n_samples, archives={size: unwritten}, enlarged_sizes=enlarged)


def make_archive(
    folder: str | os.PathLike[str],
    name: str | DatasetInfo,
    *,
    size: int | None = None,
    n_samples: Mapping[str, int] | None = None,
    seed: int = 0,
    base_url: str | None = None,
) -> DatasetInfo:
    """Write a synthetic archive and return the record that describes it.

    Parameters
    ----------
    folder : path
        An existing folder. The archive is written to ``folder/<file_name>``; an existing file is replaced.
    name : str or DatasetInfo
        A name means ``fake_record(name, n_samples=n_samples, size=size)``. A record is used as it is, with all its
        samples, unless ``n_samples`` is given.
    size, n_samples
        See :func:`fake_record`.
    seed : int
        See :func:`make_arrays`.
    base_url : str, optional
        URL at which the folder will be served. ``None`` gives the record a ``file://`` URL.

    Returns
    -------
    DatasetInfo
        With the actual MD5 checksum, size in bytes and URL of the archive of that size.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        If there is no such set, or it does not come in that size.

    Examples
    --------
    >>> import tempfile
    >>> from medmnist_np.testing import make_archive
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = make_archive(folder, "breastmnist", base_url="http://localhost:8000")
    >>> record.archive(28).url
    'http://localhost:8000/breastmnist.npz'
    """
    record, size = resolve_dataset(name, size)
    if not isinstance(name, DatasetInfo) or n_samples is not None:
        record = fake_record(record, n_samples=n_samples, size=size)
    archive = record.archive(size)
    path = Path(folder).resolve() / archive.file_name
    _write_npz(path, make_arrays(record, size, seed=seed))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    written = replace(
        archive,
        url=path.as_uri() if base_url is None else f"{base_url.rstrip('/')}/{archive.file_name}",
        digest=f"md5:{digest}",
        bytes=path.stat().st_size,
        sha256=None,
        superseded=(),
    )
    return replace(record, archives={**record.archives, size: written})


@contextmanager
def fake_datasets(
    folder: str | os.PathLike[str],
    *names: str,
    n_samples: Mapping[str, int] | None = None,
    n_volumes: Mapping[str, int] | None = None,
    size: int | None = None,
    seed: int = 0,
) -> Iterator[tuple[Record, ...]]:
    """Replace data sets by small fakes for a ``with`` block, so tests run the real loading code.

    In the block, ``mm.load("pathmnist")`` downloads, verifies, unpacks and maps a fake archive from a local server.
    Nothing is written outside ``folder``, no other machine is contacted, and settings made with
    :func:`~medmnist_np.configure` are suspended. The block changes the registry and environment variables of the whole
    process: do not use it in two threads at once.

    Parameters
    ----------
    folder : path
        Created if it does not exist. Archives go to ``folder/archives``; the cache is ``folder/cache``.
    *names : str
        Data sets to replace, such as ``"pathmnist"``, ``"pathmnist_64"`` or ``"msd/hippocampus"``.
    n_samples, size
        See :func:`fake_record`. Not used for sets of volumes that differ in size.
    n_volumes : Mapping of str to int, optional
        Cases per split of sets of volumes that differ in size: ``n_samples`` of :func:`make_cases`.
    seed : int
        See :func:`make_arrays`.

    Yields
    ------
    tuple of DatasetInfo or VolumeInfo
        The records of the fakes, in the order of the names.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        If there is no such set, or it does not come in that size.

    Examples
    --------
    >>> import tempfile
    >>> import medmnist_np as mm
    >>> from medmnist_np.testing import fake_datasets
    >>> with tempfile.TemporaryDirectory() as folder, fake_datasets(folder, "breastmnist", n_samples={"val": 8}):
    ...     mm.load("breastmnist", split="val").labels.shape
    (8, 1)
    """
    home = Path(folder).resolve()
    archives = home / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    with serve(archives) as base_url:
        records = tuple(
            make_archive(archives, name, size=size, n_samples=n_samples, seed=seed, base_url=base_url)
            if info(name).same_shape
            else make_volume_archive(archives, name, n_samples=n_volumes, seed=seed, base_url=base_url)
            for name in names
        )
        environment = {
            "MEDMNIST_NP_CACHE": str(home / "cache"),
            "MEDMNIST_NP_MIRRORS": base_url,
            "MEDMNIST_NP_OFFLINE": None,
            "MEDMNIST_NP_SHARED": None,
            "no_proxy": "127.0.0.1",  # a proxy cannot reach the local server
        }
        # Data sets without a fake are unavailable too, so a typo in a test does not contact a real server.
        names_of_fakes = {record.qualified_name for record in records}
        collections = {None, *(record.collection.name for record in records)} - {"medmnist", "local"}
        neighbours = [record for collection in collections for record in datasets(collection=collection)]
        parts = [info(f"{whole.collection.name}/{part}") for whole in neighbours for part in whole.parts]
        others = [
            record.moved_to(base_url) for record in (*neighbours, *parts) if record.qualified_name not in names_of_fakes
        ]
        with registered(*others, *records), _environment(environment), unconfigured():
            yield records


@contextmanager
def _environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables for a block; ``None`` unsets one."""
    before = {name: os.environ.get(name) for name in variables}
    _set_environment(variables)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _images_and_masks(record: DatasetInfo, size: int, key: list[int]) -> dict[str, NDArray[np.uint8]]:
    """Generate images with one ellipse per foreground class, and the masks of these ellipses."""
    axis = (np.arange(size) + 0.5) / size
    place = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    arrays: dict[str, NDArray[np.uint8]] = {}
    for number, (split, n) in enumerate(record.n_samples.items()):
        random = np.random.default_rng([*key, 3, number])
        masks = np.zeros((n, size, size), np.uint8)
        for mask in masks:
            for value in range(1, record.n_classes):
                center, radii = random.uniform(0.2, 0.8, 2), random.uniform(0.08, 0.25, 2)
                mask[np.square((place - center) / radii).sum(axis=-1) < 1] = value
        levels = np.linspace(90, 210, record.n_classes)[masks]
        pixels = np.repeat(levels[..., None], 3, axis=-1) if record.n_channels == 3 else levels
        images = (pixels + _NOISE * random.standard_normal(pixels.shape)).clip(0, 255).astype(np.uint8)
        if record.binarise_masks:
            masks *= random.integers(1, 256, (n, 1, 1), np.uint8)
        arrays |= {record.member_name(split, "images"): images, record.member_name(split, "masks"): masks}
    return arrays


def _patterns(record: DatasetInfo, size: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return one pattern per class, ``(classes, values of an image)``: stripes under a Gaussian, at most 1."""
    axis = (np.arange(size) + 0.5) / size
    place = np.stack(np.meshgrid(*[axis] * record.ndim, indexing="ij"), axis=-1)
    patterns = []
    for _ in record.class_names:
        from_center = place - random.uniform(0.3, 0.7, record.ndim)
        direction = random.standard_normal(record.ndim)
        direction *= random.uniform(2, 4) / np.linalg.norm(direction)
        stripes = np.cos(2 * np.pi * (from_center @ direction + random.uniform()))
        pattern = stripes * np.exp(-np.square(from_center).sum(axis=-1) / (2 * 0.2**2))
        if record.n_channels == 3:
            pattern = pattern[..., None] * random.uniform(-1, 1, 3)
        patterns.append(pattern.ravel() / np.abs(pattern).max())
    return np.array(patterns, dtype=np.float32)


def _labels(record: DatasetInfo, n: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return ``(n, l)`` labels with exact frequencies in random order."""
    number = np.arange(n)
    column = number < np.ceil(_FINDING_SHARE * n) if record.multi_label else number % record.n_classes
    table = np.repeat(column.astype(np.uint8)[:, None], record.label_width, axis=1)
    return random.permuted(table, axis=0)


def _pixels(presence: NDArray[Any], patterns: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return ``(n, values of an image)``: noise plus the patterns present, ``(n, classes)``, in varying strength."""
    pixels = np.empty((len(presence), patterns.shape[1]), dtype=np.uint8)
    for start in range(0, len(presence), _IMAGES_AT_ONCE):
        block = presence[start : start + _IMAGES_AT_ONCE].astype(np.float32)
        strengths = block + _VARIATION * random.standard_normal(block.shape, dtype=np.float32)
        values = 128 + _CONTRAST * (strengths @ patterns)
        values += _NOISE * random.standard_normal(values.shape, dtype=np.float32)
        pixels[start : start + len(block)] = values.clip(0, 255)
    return pixels


def _write_npz(path: Path, arrays: Mapping[str, NDArray[np.uint8]]) -> None:
    """Write a compressed .npz whose bytes depend only on the arrays, not on the time or the system."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980-01-01
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            with archive.open(member, "w") as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
