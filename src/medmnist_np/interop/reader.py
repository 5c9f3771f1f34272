"""Read samples by number, and select the parts of a batch, for all adapters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np.batches import Batch, Batches
from medmnist_np.batches.layout import Channels, Layout
from medmnist_np.data.dataset import Dataset


class Reader:
    """Read many samples of a data set by number. It pickles like the data set.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    channels, dtype, scale
        See :meth:`Dataset.batches`.

    Raises
    ------
    ValueError
        If the data set has a transform for single samples, or the layout is invalid.
    """

    def __init__(
        self, ds: Dataset, channels: Channels | None = None, dtype: DTypeLike | None = None, scale: float | None = None
    ) -> None:
        # A cheap copy, since the caller may later assign other arrays or a transform.
        self.ds = without_transform(ds)._copy()
        gathered = ds.gather([]).ndim > 1 + ds.record.ndim
        self.layout = Layout(channel_axis_stored=gathered, channels=channels, dtype=dtype, scale=scale)

    def gather(self, indices: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return ``(images (k, ...), labels (k, l) int64)``, or masks ``(k, h, w)``, as new, writable arrays."""
        chosen = np.asarray(indices)
        return self.layout.arrange(self.ds.gather(chosen)), self.ds.gather_labels(chosen)


def checked_dataset(ds: Dataset) -> Dataset:
    """Return the data set, or raise :class:`TypeError` if it is something else."""
    if not isinstance(ds, Dataset):
        raise TypeError(
            f"ds must be a Dataset, not a {type(ds).__name__}. For slices and patches of volumes, use their batches() "
            "or PyTorch's DataLoader."
        )
    return ds


def without_transform(ds: Dataset) -> Dataset:
    """Return the data set, or raise :class:`ValueError` if it has a transform, which is not applied to its arrays."""
    checked_dataset(ds)
    if ds.transform is not None or ds.target_transform is not None:
        raise ValueError(
            "The transform of this data set is for single samples, but here whole arrays are passed on. Create the "
            "data set without a transform, and transform in the other framework."
        )
    return ds


def parts_of(batch: Batch, batches: Batches) -> tuple[NDArray[Any], ...]:
    """Return ``(images, labels)``; with padding also weights ``(b,)`` float32, 0 for samples that only pad."""
    if "pad" in (batches.plan.last, batches.plan.uneven):
        return batch.images, batch.labels, batch.mask.astype(np.float32)
    return batch.images, batch.labels


def require_batches(batches: Batches) -> Batches:
    """Return the batches, or raise :class:`ValueError` if an epoch has none, which some frameworks do not explain."""
    if not len(batches):
        plan = batches.plan
        raise ValueError(
            f"{plan.n_samples} samples are too few for a batch of {plan.batch_size} with last={plan.last!r}. Use a "
            "smaller batch_size, or last='keep'."
        )
    return batches
