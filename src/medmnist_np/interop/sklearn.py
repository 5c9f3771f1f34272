"""Return the images and labels of a data set as two arrays in memory, for scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np.data.dataset import Dataset
from medmnist_np.data.warm import memory_bytes
from medmnist_np.interop.reader import Reader

_BLOCK_BYTES = 16_000_000  # of stored images that are converted at a time


def to_sklearn(
    ds: Dataset, *, dtype: DTypeLike | None = None, scale: float | None = None, flatten: bool = True
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Read all samples into memory, in the shapes of scikit-learn. Requires only NumPy.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    dtype : dtype, optional
        Dtype of ``X``. None means uint8, or float32 if there is a ``scale``.
    scale : float, optional
        Factor for each value, for example ``1 / 255``.
    flatten : bool
        Whether to make each image one row of values. False keeps the shape of images.

    Returns
    -------
    X : (n, values) or (n, ...) array
        New and writable, as some estimators require.
    y : (n,) or (n, l) int64 array
        Class numbers; in a multi-label set zeros and ones.

    Raises
    ------
    MemoryError
        If ``X`` would be larger than the memory of this machine. Nothing is read then.
    ValueError
        If ``scale`` is given with an integer dtype.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_sklearn
    >>> X, y = to_sklearn(mm.Dataset("breastmnist"), scale=1 / 255)
    >>> X.shape, X.dtype.name, y.shape
    ((546, 784), 'float32', (546,))
    """
    ds.record.require_labels("to_sklearn")
    reader = Reader(ds, dtype=dtype, scale=scale)
    sample, _ = reader.gather([0] if len(ds) else [])
    n_values = int(np.prod(sample.shape[1:]))
    needed = len(ds) * n_values * sample.dtype.itemsize
    memory = memory_bytes()
    if memory is not None and needed > memory:
        raise MemoryError(
            f"{len(ds):,} images as {sample.dtype} take {needed:,} bytes, but this machine has {memory:,}. Select a "
            "part with ds.take_per_class(1000), leave out dtype and scale (1 byte per value), or pass ds.batches() to "
            "an estimator with partial_fit."
        )
    images = np.empty((len(ds), n_values) if flatten else (len(ds), *sample.shape[1:]), sample.dtype)
    block = max(1, _BLOCK_BYTES // n_values)
    for start in range(0, len(ds), block):
        stop = min(start + block, len(ds))
        pixels, _ = reader.gather(np.arange(start, stop))
        images[start:stop] = pixels.reshape(stop - start, *images.shape[1:])
    labels = ds.labels.astype(np.int64)
    return images, labels if ds.record.multi_label else labels[:, 0]
