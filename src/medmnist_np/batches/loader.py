"""Make batches as new arrays, ahead of time and in threads, from any pair of arrays.

Buffers are reused: memory that one thread allocates and another frees is returned to the system, and mapping its pages
again took longer than filling them.
"""

from __future__ import annotations

import math
import threading
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, NoReturn, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np._parallel import made_ahead, read_ahead
from medmnist_np._sequences import Rows
from medmnist_np.batches.layout import Empty, Layout
from medmnist_np.batches.order import EpochOrder, Plan, whole
from medmnist_np.errors import short

# Other libraries take arrays without a copy only if they start at a multiple of this address.
_ALIGNMENT = 64


class Buffers:
    """Allocate arrays whose memory is reused when their last view is gone. Threads may share it.

    Parameters
    ----------
    most : int
        Number of arrays of one size whose memory is kept for reuse. Other memory, and memory that is returned after
        this object is gone, is freed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: dict[int, deque[_Memory]] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return a writable array with arbitrary content, like :func:`numpy.empty`."""
        n_bytes = math.prod(shape) * dtype.itemsize
        free = self._free.setdefault(n_bytes, deque(maxlen=self._most))
        try:
            memory = free.pop()
        except IndexError:
            memory = _Memory(n_bytes)
        return np.asarray(_Loan(memory, free)).view(dtype).reshape(shape)


class _Memory:
    """Bytes at an aligned address."""

    __slots__ = ("interface", "owner")

    def __init__(self, n_bytes: int) -> None:
        self.owner = np.empty(n_bytes + _ALIGNMENT, np.uint8)
        address = self.owner.ctypes.data
        address += -address % _ALIGNMENT
        self.interface = {"version": 3, "data": (address, False), "shape": (n_bytes,), "typestr": "|u1"}


class _Loan:
    """Keeps memory alive for the arrays that use it, and returns it for reuse when the last of them is gone."""

    __slots__ = ("__array_interface__", "_free", "_memory")

    def __init__(self, memory: _Memory, free: deque[_Memory]) -> None:
        self.__array_interface__ = memory.interface
        # A weak reference, so that one array does not keep the memory of all others.
        self._memory, self._free = memory, weakref.ref(free)

    def __del__(self) -> None:
        free = self._free()
        if free is not None:
            free.append(self._memory)


# A smaller batch takes less time to make than to pass from thread to thread (about 0.1 ms).
_WORTH_A_THREAD_BYTES = 2_000_000

_PIECES_OF_A_WINDOW = 16

_STATE_FORMAT = 1


class Batch(NamedTuple):
    """Samples as new, writable arrays.

    Attributes
    ----------
    images : (b, h, w), (b, h, w, 3) or (b, d, h, w) array, or with a channel axis
        In the requested ``channels``, ``dtype`` and ``scale``; by default uint8, 0-255.
    labels : (b, l) int64
        Class numbers, ``l = 1``, or zeros and ones. In a segmentation set, masks ``(b, h, w)`` in their own dtype.
    indices : (b,) intp
        Indices of the samples in the data set.
    mask : (b,) bool
        False for repeated samples that only pad the batch.
    """

    images: NDArray[Any]
    labels: NDArray[Any]
    indices: NDArray[np.intp]
    mask: NDArray[np.bool_]

    @property
    def masks(self) -> NDArray[Any]:
        """The masks of a segmentation set: another name for ``labels``, not to be confused with ``mask``."""
        return self.labels


Transform: TypeAlias = Callable[[Batch, np.random.Generator], Batch]

_Numbered: TypeAlias = tuple[int, Batch]


class Batches:
    """Batches of a data set; each iteration is the next epoch. :meth:`Dataset.batches` creates it.

    ``len()`` is the number of batches in an epoch. Several threads may iterate: each iteration is another epoch.
    Threads with a common iterator share its batches.

    Attributes
    ----------
    plan : Plan
        The order of samples.
    layout : Layout
        The layout of the images.

    ``label_dtype`` is the dtype of labels in a batch; None keeps the dtype of the stored labels, as for masks.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> batches = mm.Dataset("breastmnist").batches(128, shuffle=True, seed=0)
    >>> len(batches), next(iter(batches)).images.shape
    (5, (128, 28, 28))
    """

    def __init__(  # noqa: PLR0913 -- what to read, in which order, in which form, and how
        self,
        images: Rows,
        labels: Rows,
        positions: range | NDArray[np.intp],
        plan: Plan,
        layout: Layout,
        *,
        epoch: int = 0,
        transform: Transform | None = None,
        prefetch: int = 2,
        label_dtype: DTypeLike | None = np.int64,
        identity: Mapping[str, Any] | None = None,
        read_ahead: Callable[[NDArray[np.intp]], object] | None = None,
    ) -> None:
        self.plan = plan
        self.layout = layout
        self._images, self._labels = images, labels
        whole_range = isinstance(positions, range) and positions == range(len(images))
        self._positions = None if whole_range else np.array(positions, dtype=np.intp)
        self._transform = transform
        self._prefetch = whole("prefetch", prefetch, least=0)
        if transform is not None and not callable(transform):
            raise TypeError(
                f"transform must be a function of (batch, rng) that returns a Batch, not {short(transform)}."
            )
        self._label_dtype = np.dtype(label_dtype or labels.dtype)
        self._identity = dict(identity or {})
        self._read_ahead = read_ahead
        if len(images) != len(labels):
            raise ValueError(f"There are {len(images)} images, but {len(labels)} labels.")
        self._lock = threading.Lock()
        self._n_passes = 0
        self._next_pass = (whole("epoch", epoch, least=0), 0)
        self._at = self._next_pass
        self._latest_order: tuple[int, EpochOrder] | None = None
        self._expected: tuple[object, ...] | None = None

    def __len__(self) -> int:
        return self.plan.n_batches

    @property
    def epoch(self) -> int:
        """The epoch of the next batch: the current epoch, or the next one if all its batches were returned."""
        return self._where()[0]

    def __iter__(self) -> Iterator[Batch]:
        with self._lock:
            epoch, start = self._next_pass
            self._next_pass = (epoch + 1, 0)
            self._at = (epoch, start)
            self._n_passes += 1
            return _Pass(self, self._n_passes, epoch, start)

    def batch(self, epoch: int, number: int) -> Batch:
        """Return one batch of one epoch, as in an iteration, without making the batches before it.

        Raises
        ------
        IndexError
            If there is no batch with this number.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"Batch {number} does not exist: an epoch has {len(self)} batches, counted from 0.")
        return self._make(self._order(whole("epoch", epoch, least=0)), epoch, number)

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the latest iteration as a small dict for JSON.

        It counts batches that were returned, not batches made ahead. Save it with the checkpoint of the model, and pass
        it to :meth:`load_state_dict` of batches that were created with the same arguments.
        """
        epoch, batch = self._where()
        return {
            "format": _STATE_FORMAT,
            **self._options(),
            "epoch": epoch,
            "batch": batch,
            "order_crc32": _crc32(self._order(epoch)),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume at a state: the next iteration returns the same batches as an uninterrupted one.

        Raises
        ------
        ValueError
            If the state is from another data set, other arguments, an incompatible version of this package, or a
            version of NumPy that shuffles differently.
        """
        if not isinstance(state, Mapping) or state.get("format") != _STATE_FORMAT:
            found = state.get("format") if isinstance(state, Mapping) else state
            raise ValueError(f"state must be a state of batches in format {_STATE_FORMAT}, not {short(found)}.")
        own = self._options()
        different = [
            f"{name} is {short(own[name])} here, but {short(state.get(name))} in the state"
            for name in own
            if state.get(name) != own[name]
        ]
        if different:
            raise ValueError(f"The state is from other batches: {'; '.join(different)}. Use the same arguments.")
        epoch, batch = (whole(name, state.get(name), least=0) for name in ("epoch", "batch"))
        if batch > len(self):
            raise ValueError(f"The state is at batch {batch}, but an epoch has {len(self)} batches.")
        if _crc32(self._order(epoch)) != state.get("order_crc32"):
            raise ValueError(
                "The order of samples differs from that of the state: the selection or the weights changed, or this "
                f"version of NumPy shuffles differently. Restart the epoch with batches(..., epoch={epoch})."
            )
        with self._lock:
            self._next_pass = self._at = (epoch, batch)
            # Iterations that started earlier do not change the loaded position.
            self._n_passes += 1

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "Batches cannot be pickled, since they hold open files and threads. Pickle the data set (under 2 kB) and "
            "call its batches() in the other process, with shard=(number, number of shards)."
        )

    def __repr__(self) -> str:
        plan = self.plan
        return f"Batches({len(self)} of {plan.batch_size}; {self._identity.get('name', 'arrays')}, epoch {self.epoch})"

    def _order(self, epoch: int) -> EpochOrder:
        latest = self._latest_order
        if latest is None or latest[0] != epoch:
            latest = self._latest_order = (epoch, self.plan.order(epoch))
        return latest[1]

    def _where(self) -> tuple[int, int]:
        with self._lock:
            epoch, batch = self._at
        return (epoch, batch) if batch < len(self) or not batch else (epoch + 1, 0)

    def _options(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "dataset": self._identity,
            "n_samples": plan.n_samples,
            "batch_size": plan.batch_size,
            "shuffle": plan.shuffle,
            "seed": plan.seed,
            "last": plan.last,
            "shard": list(plan.shard),
            "uneven": plan.uneven,
            "weighted": plan.weights is not None,
            "channels": self.layout.channels,
            "dtype": None if self.layout.dtype is None else str(np.dtype(self.layout.dtype)),
            "scale": None if self.layout.scale is None else float(self.layout.scale),
        }

    def _deliver(self, batch: Batch, number_of_pass: int, epoch: int, number: int) -> Batch:
        """Record that a batch is returned, and refuse one if a transform changed the shape since the first."""
        with self._lock:
            if self._transform is not None:
                self._expect_shapes_of(batch, epoch, number)
            if number_of_pass == self._n_passes:
                self._at = (epoch, number + 1)
        return batch

    def _expect_shapes_of(self, batch: Batch, epoch: int, number: int) -> None:
        found = (batch.images.shape[1:], batch.images.dtype, batch.labels.shape[1:], batch.labels.dtype)
        if self._expected is None:
            self._expected = found
        if found != self._expected:
            raise ValueError(
                "The transform returned images {} {} and labels {} {} ".format(*found)
                + f"in batch {number} of epoch {epoch}, but earlier "
                + "images {} {} and labels {} {}. All batches must have the same.".format(*self._expected)
            )

    def _make(self, order: EpochOrder, epoch: int, number: int, empty: Empty = np.empty) -> Batch:
        size = self.plan.batch_size
        indices = order.indices[number * size : (number + 1) * size].copy()
        mask = np.empty(len(indices), np.bool_)
        mask.fill(True)
        if (number + 1) * size > order.n_real:
            mask[max(0, order.n_real - number * size) :] = False
        rows = self._rows(indices)
        stored = empty((len(rows), *self._images.shape[1:]), self._images.dtype)
        # With index checks, NumPy would fill a copy first. These rows are always in range.
        self._images.take(rows, axis=0, out=stored, mode="clip")
        images = self.layout.arrange(stored, empty)
        labels = self._labels.take(rows, axis=0).astype(self._label_dtype, copy=False)
        batch = Batch(images, labels, indices, mask)
        if self._transform is None:
            return batch
        seeds = np.random.SeedSequence([self.plan.seed, epoch], spawn_key=(*self.plan.shard, number))
        return _checked(self._transform(batch, np.random.default_rng(seeds)), len(indices))

    def _made(self, epoch: int, start: int) -> Generator[_Numbered]:
        """Make the batches of a pass in order."""
        order = self._order(epoch)
        numbers = range(start, len(self))
        if self._prefetch and (self._transform is not None or self._bytes_of_batch() >= _WORTH_A_THREAD_BYTES):
            # Each batch has images as stored and as arranged. The user has one batch besides those made ahead.
            empty = Buffers(most=2 * (self._prefetch + 2)).empty
            made = made_ahead(partial(self._make, order, epoch, empty=empty), numbers, self._prefetch)
        else:
            made = ((number, self._make(order, epoch, number)) for number in numbers)
        if self.plan.shuffle == "blocks" and self._read_ahead is not None:
            made = self._with_reading_ahead(made, self._read_ahead, order, start)
        return made

    def _with_reading_ahead(
        self, made: Generator[_Numbered], read: Callable[[NDArray[np.intp]], object], order: EpochOrder, start: int
    ) -> Generator[_Numbered]:
        """Read the blocks of the next window from disk while the batches of this window are used."""
        size, window = self.plan.batch_size, self.plan.window_length()
        # In pieces, so that an abandoned pass stops soon.
        pieces = _PIECES_OF_A_WINDOW

        def read_piece(number: int) -> None:
            first = number // pieces * window
            rows = np.sort(self._rows(order.indices[first : first + window]))
            read(np.array_split(rows, pieces)[number % pieces])

        def last_piece(number: int) -> int:
            return (number * size // window + 2) * pieces - 1

        return read_ahead(made, read_piece, last_piece, start=start, first_piece=start * size // window * pieces)

    def _rows(self, indices: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the rows of samples in the stored arrays."""
        return indices if self._positions is None else self._positions.take(indices)

    def _bytes_of_batch(self) -> int:
        dtype = np.dtype(self.layout.dtype or self._images.dtype)
        return dtype.itemsize * self.plan.batch_size * math.prod(self._images.shape[1:])


class _Pass:
    """An iteration over one epoch; threads may share it."""

    def __init__(self, batches: Batches, number: int, epoch: int, start: int) -> None:
        self._batches, self._number, self._epoch = batches, number, epoch
        self._made = batches._made(epoch, start)
        self._lock = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        with self._lock:
            number, batch = next(self._made)
            return self._batches._deliver(batch, self._number, self._epoch, number)


def _checked(batch: object, n: int) -> Batch:
    """Return the result of a transform, or raise if it is not a batch of ``n`` samples."""
    if not isinstance(batch, Batch):
        raise TypeError(
            f"The transform must return a Batch, such as batch._replace(images=...), not {type(batch).__name__}."
        )
    strange = [name for name, values in zip(batch._fields, batch, strict=True) if not np.ndim(values)]
    if strange or not all(hasattr(values, "dtype") for values in batch):
        kinds = ", ".join(type(values).__name__ for values in batch)
        raise TypeError(f"The transform returned a Batch of {kinds}. Each must be an array with an entry per sample.")
    lengths = {name: len(values) for name, values in zip(batch._fields, batch, strict=True)}
    if set(lengths.values()) != {n}:
        raise ValueError(f"The transform got {n} samples, but returned {lengths}.")
    return batch


def _crc32(order: EpochOrder) -> int:
    return zlib.crc32(np.ascontiguousarray(order.indices, dtype="<i8").tobytes(), order.n_real)
