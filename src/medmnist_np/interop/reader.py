"""What several adapters share: samples by number, and what of a batch is handed over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np.batches import Batch, Batches
from medmnist_np.batches.layout import Channels, Layout
from medmnist_np.data.dataset import Dataset


class Reader:
    """Samples of a data set by number, many in one go. It pickles as the data set does.

    Parameters
    ----------
    ds : Dataset
        Or a selection of one.
    channels, dtype, scale
        As of :meth:`Dataset.batches`.

    Raises
    ------
    ValueError
        If the data set has a transform for single items, or the layout is none.
    """

    def __init__(
        self, ds: Dataset, channels: Channels | None = None, dtype: DTypeLike | None = None, scale: float | None = None
    ) -> None:
        # A copy, which costs nothing, as the caller may assign other arrays or a transform later.
        self.ds = without_transform(ds)._copy()
        gathered = ds.gather([]).ndim > 1 + ds.record.ndim
        self.layout = Layout(channel_axis_stored=gathered, channels=channels, dtype=dtype, scale=scale)

    def gather(self, indices: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return ``(images (k, ...), labels (k, l) int64)``, or masks ``(k, h, w)``, as fresh, writable arrays."""
        chosen = np.asarray(indices)
        return self.layout.arrange(self.ds.gather(chosen)), self.ds.gather_labels(chosen)


def without_transform(ds: Dataset) -> Dataset:
    """Return the data set, or raise :class:`ValueError` if it has a transform, which its arrays would not show."""
    if not isinstance(ds, Dataset):
        raise TypeError(
            f"A Dataset is needed, not a {type(ds).__name__}. Slices and patches of volumes have batches(...), and "
            "PyTorch's DataLoader takes them as they are."
        )
    if ds.transform is not None or ds.target_transform is not None:
        raise ValueError(
            "This data set has a transform for single items, and what is handed over are whole arrays: make the data "
            "set without it, and transform on the other side."
        )
    return ds


def parts_of(batch: Batch, batches: Batches) -> tuple[NDArray[Any], ...]:
    """Return ``(images, labels)``; where samples may only fill up, also their weights ``(b,)`` float32, which are 0."""
    if "pad" in (batches.plan.last, batches.plan.uneven):
        return batch.images, batch.labels, batch.mask.astype(np.float32)
    return batch.images, batch.labels


def require_batches(batches: Batches) -> Batches:
    """Return the batches, or raise :class:`ValueError` if an epoch has none, which some frameworks do not survive."""
    if not len(batches):
        plan = batches.plan
        raise ValueError(f"{plan.n_samples} samples make no batch of {plan.batch_size} with last={plan.last!r}.")
    return batches
