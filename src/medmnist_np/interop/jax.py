"""Make batches for JAX, copied to the device ahead of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from medmnist_np._optional import require
from medmnist_np.batches import Batch, Batches
from medmnist_np.batches.order import whole
from medmnist_np.data.dataset import Dataset


class JaxBatches:
    """Batches of ``jax.Array``; each iteration is the next epoch, and ``len()`` its length. See :func:`to_jax`."""

    def __init__(self, batches: Batches, put: Callable[[Batch], Batch], ahead: int) -> None:
        self._batches = batches
        self._put = put
        self._ahead = ahead

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        on_device: deque[Batch] = deque()
        for batch in self._batches:
            on_device.append(self._put(batch))
            if len(on_device) > self._ahead:
                yield on_device.popleft()
        yield from on_device


def to_jax(ds: Dataset, batch_size: int, *, sharding: Any = None, ahead: int = 1, **options: Any) -> JaxBatches:
    """Return batches on the device, in the order of ``ds.batches(batch_size, **options)``.

    While a step computes on one batch, the next one is copied to the device. Each iteration is the next epoch.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    batch_size : int
        Number of samples in a batch of this process.
    sharding : jax.sharding.Sharding, optional
        How arrays are sharded over devices along the first axis. Each process provides its part of the global batch,
        which has ``batch_size * jax.process_count()`` samples. The sharding must divide every batch: use ``last="pad"``
        or ``"drop"``. None means the default device.
    ahead : int
        Number of batches on the device besides the one in use. 1 is double buffering; 0 copies each batch when it is
        needed.
    **options
        See :meth:`Dataset.batches`. With several processes the defaults are ``shard=(jax.process_index(),
        jax.process_count())``, ``uneven="pad"`` and ``last="pad"``, so that all make the same number of steps.

    Returns
    -------
    JaxBatches
        Its elements are ``Batch(images, labels, indices, mask)`` of ``jax.Array``, a pytree. Labels and indices are
        int32, unless 64-bit types are enabled.

    Raises
    ------
    ModuleNotFoundError
        If JAX is not installed.
    ValueError, TypeError
        See :meth:`Dataset.batches`; also if JAX does not have the ``dtype``, ``ahead`` is negative, or ``sharding``
        does not divide every batch.

    Notes
    -----
    With ``last="pad"`` all batches have the same shape, so a jitted step compiles once; ``batch.mask`` is False for
    samples that only pad. There is no ``state_dict``: to resume in the middle of an epoch, loop over ``ds.batches`` and
    call ``jax.device_put(batch)`` yourself.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_jax
    >>> batches = to_jax(mm.Dataset("breastmnist"), 128, shuffle=True, last="pad")  # doctest: +SKIP
    >>> for batch in batches:  # doctest: +SKIP
    ...     state = step(state, batch.images, batch.labels, batch.mask)
    """
    jax = require("jax")
    ahead = whole("ahead", ahead, least=0)
    if jax.process_count() > 1:
        shard = jax.process_index(), jax.process_count()
        options = {"shard": shard, "uneven": "pad", "last": "pad", **options}

    batches = ds.batches(batch_size, **options)
    jax.device_put(np.empty(0, batches.layout.dtype or np.uint8))  # raises now if JAX does not have the dtype
    if sharding is not None and jax.process_count() == 1:
        _require_divisible(sharding, batches)

    def put(batch: Batch) -> Batch:
        if sharding is None:
            return Batch(*jax.device_put(tuple(batch)))
        return Batch(*(jax.make_array_from_process_local_data(sharding, part) for part in batch))

    return JaxBatches(batches, put, ahead)


def _require_divisible(sharding: Any, batches: Batches) -> None:
    """Raise if the sharding does not divide all batches. JAX would raise only at that batch."""
    plan = batches.plan
    lengths = {"A batch": plan.batch_size} if len(batches) else {}
    if plan.last == "keep" and (rest := plan.n_in_shard % plan.batch_size):
        lengths["The last batch"] = rest
    for which, length in lengths.items():
        try:
            sharding.shard_shape((length,))  # the first axis of labels and mask
        except ValueError as error:
            raise ValueError(
                f"{which} has {length} samples, which this sharding does not divide: {error} Use another batch_size, "
                "and last='pad' (batch.mask is False for repeated samples) or last='drop'."
            ) from error
