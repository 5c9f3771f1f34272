"""Corrupted test images that are computed once and stored in the cache; ``ds.corrupt(...)`` reads them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from medmnist_np import _files, registry
from medmnist_np._parallel import MappedFile, spread
from medmnist_np._progress import Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import locks, settings, store
from medmnist_np.cache.manifest import Manifest, StoredArray, stored_array
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.corruptions.computed import SPLIT, Corrupted, checked_seed, corruption_key
from medmnist_np.data.arrays import locate
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.registry.corruption_facts import (
    SEVERITIES,
    Parameters,
    checked_severity,
    corrupted_set,
    corruption_parameters,
)

# Images of one task. Larger tasks need more memory, smaller ones more overhead.
_PIECE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class StoredCorruption:
    """Corrupted images on disk.

    Attributes
    ----------
    corruption : str
        Name of the corruption.
    severity, seed : int
        Severity and random seed of the images.
    folder : Path
        Folder with ``test_images.npy`` and a manifest.
    sha256 : str
        SHA-256 of the .npy file in hex. It does not depend on the number of workers.
    """

    corruption: str
    severity: int
    seed: int
    folder: Path
    sha256: str


class _Order(NamedTuple):
    """The test images with one corruption at one severity, to be computed."""

    corruption: str
    severity: int
    parameters: Parameters
    seed: int
    key: str


class _Piece(NamedTuple):
    """Some images of an order: a task for a process or machine that sees the files."""

    source: MappedFile
    target: Path
    offset: int
    start: int
    stop: int
    order: _Order


def make_corrupted(  # noqa: PLR0913 -- what to make, and how
    name: str | Record,
    corruptions: Sequence[str] | None = None,
    severities: Sequence[int] = SEVERITIES,
    *,
    size: int | None = None,
    seed: int = 0,
    root: str | os.PathLike[str] | None = None,
    download: bool | None = None,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> list[StoredCorruption]:
    """Compute the corrupted test images of a data set and store them in the cache.

    ``Dataset(name, "test").corrupt(corruption, severity, seed=seed)`` then reads the stored images. They are not
    computed again, so an interrupted run resumes at the first missing severity.

    Parameters
    ----------
    name, size, root, download
        See :func:`~medmnist_np.load`.
    corruptions : sequence of str, optional
        Names of corruptions (default: all that MedMNIST-C has for the data set).
    severities : sequence of int
        Severities, 1 to 5 (default: all).
    seed : int
        Random seed, at least 0.
    executor : concurrent.futures.Executor, optional
        Threads, processes, or a cluster whose machines see the same paths (default: this thread).
    progress : Progress
        What to show (default: a progress bar).

    Returns
    -------
    list of StoredCorruption
        One for each corruption and severity, in the given order.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the data set or a corruption for it (the message lists the available ones), or a
        severity or the seed is invalid.
    NoSpaceError
        If the disk is full or does not have enough space. Images of finished severities are kept.
    MedMNISTError
        See :func:`~medmnist_np.load`.

    Notes
    -----
    Each worker needs memory for about 4 MB of images, whatever the size of the data set.

    Examples
    --------
    >>> from medmnist_np.corruptions import make_corrupted
    >>> (stored,) = make_corrupted("breastmnist", ["pixelate"], [3])
    >>> stored.corruption, stored.severity, stored.seed
    ('pixelate', 3, 0)
    """
    record, size = registry.resolve_dataset(name, size)
    orders = _orders(record, size, corruptions, severities, seed)
    places = settings.current(root, make=download is True)
    source = locate(record, size, root=root, download=download, progress=progress)
    member = record.member_name(SPLIT, "images")
    array, mapped = source.manifest.arrays[member], MappedFile.of(source.open(member))
    found = {order.key: store.find(order.key, places.searched) for order in orders}
    missing = [order for order in orders if found[order.key] is None]
    needed = len(missing) * array.bytes
    purpose = f"store corrupted images of {record.name}"
    with _files.errors_named(places.cache, purpose):
        _files.require_space(places.cache, needed, purpose)
        with progress(f"corrupting {record.name}", needed) as bar:
            for order in missing:
                found[order.key] = _made(order, mapped, record, array, places, executor, bar)
    return [_described(order, folder) for order in orders if (folder := found[order.key]) is not None]


def _orders(
    record: DatasetInfo, size: int, corruptions: Sequence[str] | None, severities: Sequence[int], seed: int
) -> list[_Order]:
    """Check the arguments and return the images to compute."""
    if isinstance(corruptions, str):
        corruptions = [corruptions]
    chosen = dict.fromkeys(corrupted_set(record).corruptions if corruptions is None else corruptions)
    strengths = dict.fromkeys(map(checked_severity, severities))
    seed = checked_seed(seed)
    orders = [
        _Order(
            corruption,
            severity,
            corruption_parameters(record, corruption, severity),
            seed,
            corruption_key(record, size, corruption, severity, seed),
        )
        for corruption in chosen
        for severity in strengths
    ]
    if not orders:
        raise ValueError("Nothing to compute. Give at least one corruption and one severity, or omit the arguments.")
    return orders


def _made(
    order: _Order,
    source: MappedFile,
    record: DatasetInfo,
    array: StoredArray,
    places: Settings,
    executor: Executor | None,
    bar: Any,
) -> ArrayFolder:
    """Compute the images of an order and publish them in the cache."""
    target = places.cache / store.ARRAYS / order.key
    watched = [(target.parent, f".{target.name}.*/*")]
    with locks.held(places.lock_file(order.key), watched):
        if (found := store.find(order.key, places.searched)) is not None:
            bar.update(array.bytes)
            return found
        with store.staging(places.cache, order.key) as folder:
            file = folder / array.file
            offset = _write_header(file, array)
            bytes_each = math.prod(array.shape[1:])
            step = max(1, _PIECE_BYTES // max(1, bytes_each))
            pieces = [
                _Piece(source, file, offset, start, min(start + step, array.shape[0]), order)
                for start in range(0, array.shape[0], step)
            ]
            for n_images in spread(_write_piece, pieces, executor):
                bar.update(n_images * bytes_each)
            stored = stored_array(file, array.shape, "|u1", offset)
            manifest = Manifest(
                archive=f"{record.name} {SPLIT}, {order.corruption} {order.severity}, seed {order.seed}",
                digest=f"sha256:{array.sha256}",
                checked="made here",
                version=__version__,
                arrays={record.member_name(SPLIT, "images"): stored},
            )
            return store.publish(folder, places.cache, order.key, manifest)


def _write_header(file: Path, array: StoredArray) -> int:
    """Create an .npy file of its final size with a header only, and return the offset of its values."""
    with file.open("xb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": array.dtype, "fortran_order": False, "shape": array.shape}
        )
        offset = stream.tell()
        stream.truncate(offset + math.prod(array.shape))
    return offset


def _write_piece(piece: _Piece) -> int:
    """Compute some images, write them into the file, and return their number."""
    order = piece.order
    rows = Corrupted(piece.source.open(), order.corruption, order.parameters, severity=order.severity, seed=order.seed)
    made = rows.take(np.arange(piece.start, piece.stop))
    with piece.target.open("r+b") as stream:
        stream.seek(piece.offset + piece.start * made[0].nbytes)
        stream.write(made.data)
    return len(made)


def _described(order: _Order, folder: ArrayFolder) -> StoredCorruption:
    (array,) = folder.manifest.arrays.values()
    return StoredCorruption(order.corruption, order.severity, order.seed, folder.path, array.sha256)
