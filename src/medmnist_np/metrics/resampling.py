"""Drawing samples with replacement, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._groups import by_first_appearance
from medmnist_np.metrics.predictions import Counts, Predictions

# Values in a block: what is made of one block stays in the processor's cache, and a few MB are all that is ever held.
BLOCK = 1 << 17


def strata(predictions: Predictions) -> NDArray[np.intp]:
    """Return to which stratum each sample belongs, ``(n,)``: its class, or its row of labels in a multi-label task."""
    return by_first_appearance(predictions.labels)


def resamples(
    n_samples: int,
    n_resamples: int,
    seed: int,
    *,
    strata: NDArray[np.intp] | None = None,
    groups: NDArray[Any] | None = None,
    block: int = BLOCK,
) -> Iterator[Counts]:
    """Yield how often each sample is drawn, resample by resample.

    Parameters
    ----------
    n_samples : int
        Number of samples, and of draws in each resample.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of ``numpy.random.default_rng``. A resample does not depend on `block`.
    strata : (n,) intp, optional
        Draw from each stratum as many samples as it has; by default all samples are one stratum.
    groups : (n,) array, optional
        Draw whole groups, as many as there are, each with all its samples; not together with `strata`. Only the order
        in which they first appear matters, not what they are called.
    block : int
        Number of counts to hold at a time; there is at least one resample in a block.

    Yields
    ------
    (b, n) int64
        A block of resamples; each row adds up to ``n``, unless groups are drawn that are not all as large.

    Notes
    -----
    Efron 1979, *Bootstrap methods: another look at the jackknife* (doi:10.1214/aos/1176344552). Of groups: Davison and
    Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8.

    Examples
    --------
    >>> [counts.sum(axis=1).tolist() for counts in resamples(4, 3, seed=0, block=8)]
    [[4, 4], [4]]
    """
    random = np.random.default_rng(seed)
    rows = max(1, block // n_samples)
    if strata is None:
        group_of = None if groups is None else by_first_appearance(groups)
        n_drawn = n_samples if group_of is None else int(group_of.max()) + 1
        for done in range(0, n_resamples, rows):
            b = min(rows, n_resamples - done)
            counts = _count(random.integers(n_drawn, size=(b, n_drawn)))
            yield counts if group_of is None else counts[:, group_of]
        return
    order = np.argsort(strata, kind="stable")
    sizes = np.bincount(strata)
    # In the order of the strata: where the stratum of each draw begins, and how large it is.
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    size = np.repeat(sizes, sizes)
    for done in range(0, n_resamples, rows):
        b = min(rows, n_resamples - done)
        drawn = start + (random.random((b, n_samples)) * size).astype(np.intp)
        counts = np.empty((b, n_samples), dtype=np.intp)
        counts[:, order] = _count(drawn)
        yield counts


def _count(drawn: NDArray[np.int64]) -> Counts:
    """Return how often each number ``0..n-1`` is in each row of ``drawn`` ``(b, n)``."""
    b, n = drawn.shape
    drawn += np.arange(0, b * n, n)[:, None]
    return np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n)
