"""Make batches for TensorFlow as a ``tf.data.Dataset``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medmnist_np._optional import require
from medmnist_np.data.dataset import Dataset
from medmnist_np.interop.reader import parts_of, require_batches


def to_tensorflow(ds: Dataset, batch_size: int, **options: Any) -> Any:
    """Return a ``tf.data.Dataset`` of batches, in the order of ``ds.batches(batch_size, **options)``.

    Python is called once for each batch, not for each sample, and images are not embedded in the graph.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    batch_size : int
        Number of samples in a batch.
    **options
        See :meth:`Dataset.batches`. TensorFlow layers expect ``channels="last"``.

    Returns
    -------
    tf.data.Dataset
        Its elements are ``(images, labels)``; if ``last`` or ``uneven`` is ``"pad"``, ``(images, labels, weights)``
        with ``(b,)`` float32 weights, 0 for samples that only pad. Its ``element_spec`` has all shapes, with
        the length of a batch if all have the same; its cardinality is the number of batches. Each iteration is the next
        epoch.

    Raises
    ------
    ModuleNotFoundError
        If TensorFlow is not installed.
    ValueError, TypeError
        See :meth:`Dataset.batches`; also if an epoch has no batch.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_tensorflow
    >>> data = to_tensorflow(mm.Dataset("breastmnist"), 128, channels="last", scale=1 / 255)  # doctest: +SKIP
    >>> data.element_spec[0]  # doctest: +SKIP
    TensorSpec(shape=(None, 28, 28, 1), dtype=tf.float32, name=None)
    """
    tf = require("tensorflow")
    batches = require_batches(ds.batches(batch_size, **options))

    # The shapes that a transform returns are known only from a batch.
    first = parts_of(batches.batch(batches.epoch, 0), batches)
    length = None if batches.plan.last == "keep" else batches.plan.batch_size
    signature = tuple(tf.TensorSpec((length, *part.shape[1:]), part.dtype) for part in first)

    def generate() -> Iterator[tuple[Any, ...]]:
        return (parts_of(batch, batches) for batch in batches)

    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(tf.data.AUTOTUNE)
