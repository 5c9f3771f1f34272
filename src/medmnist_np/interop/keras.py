"""Make batches for Keras 3 as a ``PyDataset``, for all backends."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator
from typing import Any

import numpy as np

from medmnist_np._optional import require
from medmnist_np.batches import Batch
from medmnist_np.data.dataset import Dataset
from medmnist_np.interop.reader import parts_of, require_batches


def to_keras(
    ds: Dataset, batch_size: int, *, workers: int | None = None, max_queue_size: int | None = None, **options: Any
) -> Any:
    """Return a ``PyDataset`` for ``fit``, ``evaluate`` and ``predict``.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    batch_size : int
        Number of samples in a batch.
    workers, max_queue_size : int, optional
        Deprecated and without effect. Use ``prefetch`` to make batches ahead.
    **options
        See :meth:`Dataset.batches`. Keras layers expect ``channels="last"`` by default.

    Returns
    -------
    keras.utils.PyDataset
        Its batches are ``(images, labels)``; if ``last`` or ``uneven`` is ``"pad"``, ``(images, labels, weights)``
        with ``(b,)`` float32 weights, 0 for samples that only pad. ``on_epoch_end`` moves to the next epoch.

    Raises
    ------
    ModuleNotFoundError
        If Keras is not installed.
    ValueError, TypeError
        See :meth:`Dataset.batches`; also if an epoch has no batch, or Keras does not have the ``dtype``.

    Notes
    -----
    Keras uses one worker. With more workers, Keras reuses batches from building the model in the next iteration, and
    pairs scores with the labels of other samples.

    ``fit`` shuffles the order of the batches again, with Python's global random generator. ``fit(..., shuffle=False)``
    keeps their order. ``fit`` also calls ``on_epoch_end`` once before it starts, so its first epoch is ``epoch + 1``.
    Leave out ``steps_per_epoch``: Keras would end the epoch in the middle of a pass, so that some samples come twice
    and others never.

    With ``last="pad"``, the JAX backend compiles only once. Keras then counts samples correctly in
    ``weighted_metrics``, but divides the loss of a batch by the number of all its rows. Batches are made ahead if Keras
    requests them in order.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_keras
    >>> train = to_keras(mm.Dataset("breastmnist"), 128, shuffle=True, channels="last")  # doctest: +SKIP
    >>> model.fit(train, epochs=3, shuffle=False)  # doctest: +SKIP
    """
    keras = require("keras")
    if workers is not None or max_queue_size is not None:
        warnings.warn(
            "workers and max_queue_size of to_keras have no effect, because with several workers Keras pairs scores "
            "with the wrong samples. Leave them out. Use prefetch=2 to make batches in advance.",
            DeprecationWarning,
            stacklevel=2,
        )
    batches = require_batches(ds.batches(batch_size, **options))
    keras.backend.standardize_dtype(
        np.dtype(batches.layout.dtype or np.uint8).name
    )  # raises now if Keras lacks the dtype

    class KerasBatches(keras.utils.PyDataset):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(workers=1)
            self._epoch = batches.epoch
            self._lock = threading.Lock()
            self._next: tuple[int, int] | None = None
            self._made: Generator[tuple[int, Batch]] | None = None

        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            with self._lock:
                return parts_of(self._batch(self._epoch, number), batches)

        def on_epoch_end(self) -> None:
            self._epoch += 1

        def _batch(self, epoch: int, number: int) -> Batch:
            """Return a batch. The second batch in order starts an iteration, which makes the next ones ahead."""
            in_turn = (epoch, number) == self._next and number < len(self)
            made = self._made if in_turn else None
            self._next = self._made = None  # also if making it fails
            if not in_turn:
                batch = batches.batch(epoch, number)
            else:
                made = made or batches._made(epoch, number)
                _, batch = next(made)
            self._next, self._made = (epoch, number + 1), made if number + 1 < len(self) else None
            return batch

    return KerasBatches()
