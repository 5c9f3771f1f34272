"""PyTorch: a map-style dataset that reads a batch at once, and an iterable-style dataset of batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from medmnist_np._optional import TorchDataset, require
from medmnist_np.batches.layout import Channels
from medmnist_np.batches.order import whole
from medmnist_np.data.dataset import Dataset
from medmnist_np.interop.reader import Reader, checked_dataset, parts_of


class TorchBatch(Sequence[tuple[Any, ...]]):
    """Samples that were read together: a sequence of samples, and ``parts``, the tensors of all samples."""

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, index: Any) -> Any:
        return tuple(part[index] for part in self.parts)


class TorchSamples(TorchDataset):
    """A map-style dataset; see :func:`to_torch`. Its pickles are small, so that spawned workers start quickly.

    Other attributes, such as ``labels``, ``info`` and ``montage``, are those of the data set.

    Attributes
    ----------
    ds : Dataset
        The data set, as it was when :func:`to_torch` was called.
    """

    def __init__(self, ds: Dataset, reader: Reader | None) -> None:
        self.__dict__.update(ds=ds, _reader=reader)

    def __len__(self) -> int:
        return len(self.ds)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        if self._reader is None:
            torch = require("torch")
            return tuple(map(torch.utils.data.default_convert, self.ds[int(index)]))
        if not -len(self) <= index < len(self):
            raise IndexError(f"Index {index} is out of range for a data set of {len(self)} samples.")
        sample: tuple[Any, ...] = self.__getitems__([index % len(self)])[0]
        return sample

    def __getitems__(self, indices: Sequence[int]) -> Sequence[tuple[Any, ...]]:
        """Read a batch at once. A :class:`~torch.utils.data.DataLoader` calls this method if it exists."""
        if self._reader is None:
            return [self[index] for index in indices]
        torch = require("torch")
        return TorchBatch(tuple(map(torch.from_numpy, self._reader.gather(indices))))

    @staticmethod
    def collate(samples: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return a batch that was read at once, without stacking its samples again; for ``collate_fn``."""
        if isinstance(samples, TorchBatch):
            return samples.parts
        torch = require("torch")
        return tuple(torch.utils.data.default_collate(list(samples)))  # a ConcatDataset asks for single samples

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "ds":  # they do not exist yet during unpickling
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.ds, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self.ds) or hasattr(type(self.ds), name):
            raise AttributeError(f"{name} cannot be set here. Set it on the data set, and then call to_torch again.")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"TorchSamples of {self.ds!r}"


def to_torch(
    ds: Dataset, *, channels: Channels | None = None, dtype: DTypeLike | None = None, scale: float | None = None
) -> TorchSamples:
    """Return a map-style dataset of ``(image, label)`` for a ``DataLoader`` and its samplers.

    Pass its ``collate`` to the loader. The loader then uses whole batches, without stacking single samples again::

        data = to_torch(ds, channels="first")
        loader = DataLoader(data, batch_size=128, shuffle=True, collate_fn=data.collate)

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it. If it has a ``transform`` or ``target_transform``, samples are read one by
        one and transformed.
    channels : {"first", "last"}, optional
        Position of the channel axis. Layers of PyTorch need ``"first"``. None keeps the stored shape.
    dtype : dtype, optional
        A NumPy dtype. None means uint8, or float32 if there is a ``scale``.
    scale : float, optional
        Factor for each value, for example ``1 / 255``.

    Returns
    -------
    TorchSamples
        A ``torch.utils.data.Dataset``. A sample is ``(image, label)``: the image as a tensor in this layout, and
        the label as int64 ``(l,)``. Both have their own memory. With a transform, a sample is the result of ``ds[i]``,
        with arrays as tensors. Other attributes, such as ``labels``, ``info`` and ``montage``, are those of ``ds``.

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed.
    ValueError
        If the layout is invalid, or given for a data set with a transform.

    Notes
    -----
    Workers seldom help, because sending a batch to another process takes longer than reading it. They may help if a
    transform is slow.

    A data set is itself a ``torch.utils.data.Dataset`` once PyTorch is imported. Use this function to get tensors in a
    certain layout, and to read whole batches.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_torch
    >>> data = to_torch(mm.Dataset("breastmnist"), channels="first")  # doctest: +SKIP
    >>> data[0][0].shape  # doctest: +SKIP
    torch.Size([1, 28, 28])
    """
    require("torch")
    ds = checked_dataset(ds)
    if ds.transform is None and ds.target_transform is None:
        reader = Reader(ds, channels, dtype, scale)
        _require_tensors(reader.layout.dtype)
        return TorchSamples(reader.ds, reader)
    if (channels, dtype, scale) != (None, None, None):
        raise ValueError(
            "channels, dtype and scale cannot be used with a data set that has a transform. Leave them out, and let "
            "the transform return tensors for the model."
        )
    return TorchSamples(ds._copy(), None)


def to_torch_iterable(ds: Dataset, batch_size: int, **options: Any) -> Any:
    """Return an iterable-style dataset of batches, in the order of ``ds.batches(batch_size, **options)``.

    Pass it to a loader that does not batch again::

        loader = DataLoader(to_torch_iterable(ds, 128, shuffle=True, scale=1 / 255), batch_size=None)

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    batch_size : int
        Number of samples in a batch.
    **options
        See :meth:`Dataset.batches`. For several ranks, ``shard=(rank, world_size)``. With workers, a ``transform``
        must be picklable.

    Returns
    -------
    torch.utils.data.IterableDataset
        Its elements are ``(images, labels)``; if ``last`` or ``uneven`` is ``"pad"``, ``(images, labels, weights)``
        with ``(b,)`` float32 weights, 0 for samples that only pad. All tensors have their own memory. ``len()`` is the
        number of batches. With any number of workers, a loader returns the same batches in the same order: each of
        ``w`` workers makes every ``w``-th batch.

        Each iteration is the next epoch, or the one given to ``set_epoch(epoch)`` before. If a loader starts new
        workers for each iteration, these do not know the epoch: call ``set_epoch`` before each, as with a
        ``DistributedSampler``, or use ``persistent_workers=True``.

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed.
    ValueError, TypeError
        See :meth:`Dataset.batches`.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_torch_iterable
    >>> data = to_torch_iterable(mm.Dataset("breastmnist"), 128, channels="first", scale=1 / 255)  # doctest: +SKIP
    >>> [tuple(images.shape) for images, labels in data]  # doctest: +SKIP
    [(128, 1, 28, 28), (128, 1, 28, 28), (128, 1, 28, 28), (128, 1, 28, 28), (34, 1, 28, 28)]
    """
    torch = require("torch")
    batches = ds.batches(batch_size, **options)
    _require_tensors(batches.layout.dtype)
    # Copies, because workers get these later, and the caller may have changed the arguments or the data set by then.
    ds = ds._copy()
    options["shard"] = batches.plan.shard
    if not isinstance(options.get("weights"), str):
        options["weights"] = batches.plan.weights

    class TorchBatches(torch.utils.data.IterableDataset):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._epoch = batches.epoch
            # The epoch that was set last, and the number of times an epoch was set. This memory is shared with workers,
            # because persistent workers already have their own copy of this object.
            self._set = torch.tensor([batches.epoch, 0]).share_memory_()
            self._n_set = 0

        def __len__(self) -> int:
            return len(batches)

        def __iter__(self) -> Iterator[tuple[Any, ...]]:
            epoch = self._next_epoch()
            self._epoch = epoch + 1
            worker = torch.utils.data.get_worker_info()
            if worker is None:
                made = (batch for _, batch in batches._made(epoch, 0))
            else:
                numbers = range(worker.id, len(batches), worker.num_workers)
                made = (batches.batch(epoch, number) for number in numbers)
            return (tuple(map(torch.from_numpy, parts_of(batch, batches))) for batch in made)

        def set_epoch(self, epoch: int) -> None:
            """Make the next iteration this epoch, also in workers that are already running."""
            self._set[0] = whole("epoch", epoch, least=0)
            self._set[1] += 1

        def _next_epoch(self) -> int:
            epoch, n_set = self._set.tolist()
            if n_set != self._n_set:
                self._epoch, self._n_set = epoch, n_set
            return self._epoch

        def __reduce__(self) -> tuple[Any, ...]:
            # The class is created when PyTorch is loaded, so a pickle cannot refer to it by name.
            epoch = self._next_epoch()
            return _restored, (ds, batch_size, options, epoch, self._set, self._n_set)

    return TorchBatches()


def _restored(ds: Dataset, batch_size: int, options: dict[str, Any], epoch: int, shared: Any, n_set: int) -> Any:
    batches = to_torch_iterable(ds, batch_size, **{**options, "epoch": epoch})
    batches._set, batches._n_set = shared, n_set
    return batches


def _require_tensors(dtype: DTypeLike | None) -> None:
    """Raise ValueError if PyTorch does not have a dtype. PyTorch would raise only at the first batch."""
    torch = require("torch")
    try:
        torch.from_numpy(np.empty(0, dtype or np.uint8))
    except (TypeError, ValueError) as error:
        raise ValueError(f"PyTorch has no tensors of dtype {np.dtype(dtype)}: {error}") from error
