"""Dask: images and labels as arrays that a cluster reads chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._optional import require
from medmnist_np.batches.order import whole
from medmnist_np.data.dataset import Dataset
from medmnist_np.interop.reader import without_transform

_CHUNK_BYTES = 64_000_000


def to_dask(ds: Dataset, *, chunks: int | None = None) -> tuple[Any, Any]:
    """Return two Dask arrays, the images and the labels.

    Each task holds the path of the arrays and the range of its chunk; the worker maps the file and reads the chunk.
    Every worker needs access to the cache, or to a copy in a folder with the same path.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    chunks : int, optional
        Number of samples in a chunk. None means about 64 MB of images.

    Returns
    -------
    images : dask.array.Array
        ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)`` uint8, 0-255; with ``as_rgb`` always three channels.
    labels : dask.array.Array
        ``(n, l)`` int64, or masks ``(n, h, w)`` in their own dtype. The chunks are those of the images.

    Raises
    ------
    ValueError
        If ``chunks`` is not an integer of 1 or more.
    ModuleNotFoundError
        If Dask is not installed.

    Notes
    -----
    A task takes about 2 kB for a whole split or a slice. For any other selection, it takes 8 bytes more for each of its
    samples.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_dask
    >>> images, labels = to_dask(mm.Dataset("breastmnist"), chunks=100)  # doctest: +SKIP
    >>> (images / 255).mean(axis=0).compute()  # doctest: +SKIP
    """
    dask = require("dask")
    array = require("dask.array")
    empty = without_transform(ds).gather([])
    if chunks is None:
        chunks = max(1, _CHUNK_BYTES // max(1, int(np.prod(empty.shape[1:]))))
    chunks = whole("chunks", chunks, least=1)
    parts = [ds[start : start + chunks] for start in range(0, max(len(ds), 1), chunks)]
    images, labels = dask.delayed(_images), dask.delayed(_labels)
    shape, label = empty.shape[1:], ds.gather_labels([])
    return (
        array.concatenate([array.from_delayed(images(part), (len(part), *shape), empty.dtype) for part in parts]),
        array.concatenate(
            [array.from_delayed(labels(part), (len(part), *label.shape[1:]), label.dtype) for part in parts]
        ),
    )


def _images(part: Dataset) -> NDArray[np.uint8]:
    return part.gather(np.arange(len(part)))


def _labels(part: Dataset) -> NDArray[Any]:
    return part.gather_labels(np.arange(len(part)))
