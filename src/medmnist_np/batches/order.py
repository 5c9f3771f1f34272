"""Determine the order of samples, a pure function of random seed, epoch and shard."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import check_choice, short

Last = Literal["keep", "drop", "pad"]
Uneven = Literal["keep", "pad", "drop"]
Shuffle = Literal[False, True, "blocks"]

# The samples of a block are read together, and the samples of a window are shuffled.
BLOCK_BYTES = 1 << 20
BLOCKS_PER_WINDOW = 1024


class EpochOrder(NamedTuple):
    """The samples of one shard in one epoch.

    Attributes
    ----------
    indices : (m,) intp
        Indices of the samples, in their order.
    n_real : int
        Samples from this position on are repeated ones that only pad.
    """

    indices: NDArray[np.intp]
    n_real: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """How samples are shuffled, split into shards and cut into batches. The arguments are checked.

    Attributes
    ----------
    n_samples : int
        Number of samples in the data set.
    batch_size : int
        Number of samples in a batch.
    shuffle : bool or "blocks"
        With True, every order is equally likely. ``"blocks"`` shuffles blocks of neighbours; see :func:`block_order`.
    seed : int
        Random seed, 0 to 2**32 - 1.
    last : {"keep", "drop", "pad"}
        What to do with an incomplete last batch.
    shard : (int, int)
        The number of the shard, from 0, and the number of shards.
    uneven : {"keep", "pad", "drop"}
        What to do if shards differ in length.
    weights : (n_samples,) float64 or None
        Relative probabilities for drawing samples with replacement.
    block_length : int
        Number of samples in a block, for ``shuffle="blocks"``.
    """

    n_samples: int
    batch_size: int
    shuffle: Shuffle = False
    seed: int = 0
    last: Last = "keep"
    shard: tuple[int, int] = (0, 1)
    uneven: Uneven = "keep"
    weights: NDArray[np.float64] | None = None
    block_length: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch_size", whole("batch_size", self.batch_size, least=1))
        object.__setattr__(self, "seed", checked_seed(self.seed))
        shuffle: object = self.shuffle
        if isinstance(shuffle, np.bool_):
            object.__setattr__(self, "shuffle", bool(shuffle))
        elif not isinstance(shuffle, bool) and shuffle != "blocks":
            raise ValueError(f"shuffle must be False, True or 'blocks', not {short(self.shuffle)}.")
        check_choice("value of last:", self.last, get_args(Last))
        check_choice("value of uneven:", self.uneven, get_args(Uneven))
        if not isinstance(self.shard, (tuple, list)) or len(self.shard) != 2:
            raise ValueError(
                f"shard must be a pair (number, number of shards), such as (0, 4), not {short(self.shard)}."
            )
        which, of = (whole("shard", number, least=0) for number in self.shard)
        if of == 0:
            raise ValueError("The number of shards must be at least 1, as in shard=(0, 1).")
        if which >= of:
            raise ValueError(f"shard must be from (0, {of}) to ({of - 1}, {of}), not {(which, of)}.")
        object.__setattr__(self, "shard", (which, of))
        if self.weights is not None:
            object.__setattr__(self, "weights", _checked_weights(self.weights, self.n_samples))
            if self.shuffle is not True:
                raise ValueError(
                    f"weights need shuffle=True, not {short(self.shuffle)}, because they draw samples at random."
                )

    @property
    def n_in_shard(self) -> int:
        """Number of samples of this shard in one epoch, before ``last`` pads or drops any."""
        which, of = self.shard
        if self.uneven == "pad":
            return -(-self.n_samples // of)
        if self.uneven == "drop":
            return self.n_samples // of
        return self.n_samples * (which + 1) // of - self.n_samples * which // of

    @property
    def n_batches(self) -> int:
        """Number of batches of this shard in one epoch."""
        whole, rest = divmod(self.n_in_shard, self.batch_size)
        return whole if self.last == "drop" or not rest else whole + 1

    def order(self, epoch: int) -> EpochOrder:
        """Return the samples of this shard in one epoch, including repeated samples that pad."""
        which, of = self.shard
        everything = self._everything(epoch)
        start, stop = self.n_samples * which // of, self.n_samples * (which + 1) // of
        indices = everything[start:stop][: self.n_in_shard]
        length = self.n_in_shard if self.last == "keep" else self.n_batches * self.batch_size
        indices = indices[:length]
        missing = length - len(indices)
        if not missing:
            return EpochOrder(indices, len(indices))
        # Padding repeats samples of the shard, so that scores[indices] = ... is right even without the mask.
        repeated = np.resize(indices if len(indices) else everything[:1], missing)
        return EpochOrder(np.concatenate([indices, repeated]), len(indices))

    def window_length(self) -> int:
        """Return how many successive samples of an epoch are mixed by ``shuffle="blocks"``."""
        return _window_length(self.n_samples, self.block_length, BLOCKS_PER_WINDOW)

    def _everything(self, epoch: int) -> NDArray[np.intp]:
        if self.shuffle is False:
            return np.arange(self.n_samples)
        rng = np.random.default_rng([self.seed, epoch])
        if self.shuffle == "blocks":
            return block_order(self.n_samples, self.block_length, BLOCKS_PER_WINDOW, rng)
        if self.weights is not None:
            return rng.choice(self.n_samples, size=self.n_samples, p=self.weights / self.weights.sum())
        return rng.permutation(self.n_samples)


def block_order(
    n_samples: int, block_length: int, blocks_per_window: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Shuffle samples so that a file larger than memory is read in blocks of neighbours.

    Samples are divided into blocks of neighbours, and the order of blocks is random. Then the samples of each window
    of successive blocks are shuffled. All windows have the same length: ``blocks_per_window`` blocks, or up to twice as
    many if the number of blocks is not a multiple of it.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    block_length : int
        Number of samples in a block.
    blocks_per_window : int
        Smallest number of blocks in a window.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    (n_samples,) intp
        Each index once.

    Notes
    -----
    The worst case is a file that is sorted by class. There, the share of a class in a batch of b samples has at most
    ``1 + b / blocks_per_window`` times the variance of a full shuffle, since the samples of a window come from at least
    ``blocks_per_window`` random places in the file. A file shorter than two windows is shuffled as a whole.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.batches import block_order
    >>> order = block_order(100, block_length=5, blocks_per_window=4, rng=np.random.default_rng(0))
    >>> sorted(order.tolist()) == list(range(100))
    True
    """
    starts = rng.permutation(np.arange(0, n_samples, block_length))
    order = (starts[:, np.newaxis] + np.arange(block_length)).reshape(-1)
    order = order[order < n_samples]
    window = _window_length(n_samples, block_length, blocks_per_window)
    for start in range(0, n_samples, window):
        rng.shuffle(order[start : start + window])
    return order


def _window_length(n_samples: int, block_length: int, blocks_per_window: int) -> int:
    # A short window at the end would have few blocks, perhaps all of one class.
    n_windows = max(1, n_samples // (block_length * blocks_per_window))
    return max(1, -(-n_samples // n_windows))


def block_length(image_bytes: int) -> int:
    """Return the number of images in a block of about 1 MB."""
    return max(1, BLOCK_BYTES // max(image_bytes, 1))


def checked_seed(seed: int) -> int:
    """Return a random seed, or raise :class:`ValueError` if it is out of range."""
    return whole("seed", seed, least=0, most=2**32 - 1)


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return an integer in a range, or raise :class:`ValueError`."""
    if hasattr(value, "__index__") and not isinstance(value, (bool, np.bool_, np.ndarray)):
        number = operator.index(value)
        if least <= number and (most is None or number <= most):
            return number
    limits = f"of {least} or more" if most is None else f"from {least} to {most}"
    raise ValueError(f"{name} must be an integer {limits}, not {short(value)}.")


def _checked_weights(weights: object, n_samples: int) -> NDArray[np.float64]:
    # A copy, so that later changes by the caller do not change the order.
    values = np.array(weights, dtype=np.float64)
    if values.shape != (n_samples,):
        raise ValueError(f"weights has shape {values.shape}. Give one weight for each of the {n_samples} samples.")
    if not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise ValueError("weights must be finite, not negative, and not all zero.")
    # The sum of large weights would overflow.
    scaled: NDArray[np.float64] = values / values.max()
    return scaled
