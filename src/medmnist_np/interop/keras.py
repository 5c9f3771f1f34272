"""Keras 3: a ``PyDataset`` of batches, for each of its backends."""

from __future__ import annotations

from typing import Any

from medmnist_np.dataset import Dataset
from medmnist_np.interop.needs import framework
from medmnist_np.interop.reading import parts_of


def to_keras(ds: Dataset, batch_size: int, *, workers: int = 1, max_queue_size: int = 10, **options: Any) -> Any:
    """Make a ``PyDataset`` for ``fit``, ``evaluate`` and ``predict``.

    Parameters
    ----------
    ds : Dataset
        Or a selection of one.
    batch_size : int
        Samples of a batch.
    workers, max_queue_size : int
        Of ``PyDataset``: more than one worker makes batches ahead, in threads.
    **options
        Of :meth:`Dataset.batches`. ``channels="last"`` is what Keras' layers take by default.

    Returns
    -------
    keras.utils.PyDataset
        Its batches are ``(images, labels)``; where ``last`` or ``uneven`` is ``"pad"``, ``(images, labels, weights)``
        with ``(b,)`` float32 weights, 0 for samples that only fill up. ``on_epoch_end`` goes on to the next epoch.

    Raises
    ------
    ModuleNotFoundError
        If Keras is not installed.
    ValueError, TypeError
        As of :meth:`Dataset.batches`.

    Notes
    -----
    ``fit`` shuffles the order of the batches once more, by Python's global generator: ``fit(..., shuffle=False)``
    leaves them as they are. It also calls ``on_epoch_end`` once before it begins, so that its first epoch is
    ``epoch + 1``. ``last="pad"`` spares the JAX backend to compile twice; Keras then counts the samples right in
    ``weighted_metrics``, and divides the loss of a batch by the number of all its rows. ``prefetch`` has no effect.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_keras
    >>> train = to_keras(mm.Dataset("breastmnist"), 128, shuffle=True, channels="last")  # doctest: +SKIP
    >>> model.fit(train, epochs=3, shuffle=False)  # doctest: +SKIP
    """
    keras = framework("keras", "Keras")
    batches = ds.batches(batch_size, **options)

    class KerasBatches(keras.utils.PyDataset):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(workers=workers, max_queue_size=max_queue_size)
            self._epoch = batches.epoch

        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            return parts_of(batches.batch(self._epoch, number), batches)

        def on_epoch_end(self) -> None:
            self._epoch += 1

    return KerasBatches()
