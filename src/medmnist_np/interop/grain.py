"""Pass a data set to Grain as a source with random access."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.data.dataset import Dataset
from medmnist_np.errors import short
from medmnist_np.interop.reader import Reader


class GrainSource:
    """A ``grain.sources.RandomAccessDataSource`` that can also read many samples at once; see :func:`to_grain`.

    Threads may share it. It pickles like its data set.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __len__(self) -> int:
        return len(self._reader.ds)

    def __getitem__(self, index: int) -> dict[str, NDArray[Any]]:
        sample = self.gather([index])
        return {name: values[0] for name, values in sample.items()}

    def gather(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> dict[str, NDArray[Any]]:
        """Read several samples at once, for ``map`` after ``batch``.

        Parameters
        ----------
        indices : (k,) sequence of int
            Positions in the data set.

        Returns
        -------
        dict of ndarray
            ``"image"`` as returned by :meth:`Dataset.gather`, and ``"label"`` ``(k, l)`` int64; new and writable.
        """
        return dict(zip(("image", "label"), self._reader.gather(indices), strict=True))

    def __repr__(self) -> str:
        # Grain compares this text when it restores a checkpoint. It identifies the samples in any folder.
        identity = self._reader.ds._identity()
        return f"GrainSource({', '.join(f'{name}={short(value)}' for name, value in identity.items())})"


def to_grain(ds: Dataset) -> GrainSource:
    """Return a data source for Grain's ``MapDataset`` and ``DataLoader``.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.

    Returns
    -------
    GrainSource
        Its elements are ``{"image": ..., "label": ...}``.

    Notes
    -----
    Grain reads a source item by item, with some Python overhead for each. It is faster to shuffle and batch indices
    first, and then read all images of a batch at once::

        grain.MapDataset.range(len(source)).shuffle(seed=0).batch(128).map(source.gather)

    A checkpoint of ``grain.DataLoader`` has the text of the source. It names the data set, its checksum, the selection
    and everything that changes the images, but not the folder. So a checkpoint can be restored with another root, but
    not for other samples.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_grain
    >>> source = to_grain(mm.Dataset("breastmnist"))
    >>> source[0]["image"].shape, source.gather([0, 1, 2])["image"].shape
    ((28, 28), (3, 28, 28))
    """
    return GrainSource(Reader(ds))
