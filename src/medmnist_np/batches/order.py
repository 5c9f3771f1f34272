"""The order of samples, a pure function of (seed, epoch, shard), without any images."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

Last = Literal["keep", "drop", "pad"]
Uneven = Literal["keep", "pad", "drop"]
Shuffle = Literal[False, True, "blocks"]

# Samples of one block are read together, and blocks of one window are mixed.
BLOCK_BYTES = 1 << 20
BLOCKS_PER_WINDOW = 1024


class EpochOrder(NamedTuple):
    """The samples of one shard in one epoch.

    Attributes
    ----------
    indices : (m,) intp
        Indices of the samples, in their order.
    n_real : int
        Samples from this place on are repeated ones that only pad.
    """

    indices: NDArray[np.intp]
    n_real: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """How samples are shuffled, split into shards and cut into batches. Checks its arguments.

    Attributes
    ----------
    n_samples : int
        Number of samples in the data set.
    batch_size : int
        Number of samples in a batch.
    shuffle : bool or "blocks"
        With ``True`` every order is equally likely; ``"blocks"`` mixes runs of neighbours, see :func:`block_order`.
    seed : int
        Random seed, 0 to 2**32 - 1.
    last : {"keep", "drop", "pad"}
        What to do with a last batch that is not full.
    shard : (int, int)
        Which part, counted from 0, of how many.
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
            raise ValueError(f"shuffle is {self.shuffle!r}; it is False, True or 'blocks'.")
        _check_choice("last", self.last, get_args(Last))
        _check_choice("uneven", self.uneven, get_args(Uneven))
        if not isinstance(self.shard, (tuple, list)) or len(self.shard) != 2:
            raise ValueError(f"shard is {self.shard!r}; it is a pair (which, of how many), as (0, 4).")
        which, of = (whole("shard", number, least=0) for number in self.shard)
        if not which < of:
            raise ValueError(f"There is no shard {which} of {of}: they are (0, {of}) to ({max(of - 1, 0)}, {of}).")
        object.__setattr__(self, "shard", (which, of))
        if self.weights is not None:
            object.__setattr__(self, "weights", _checked_weights(self.weights, self.n_samples))
            if self.shuffle is not True:
                raise ValueError(
                    f"weights draw samples at random, and shuffle is {self.shuffle!r}: say shuffle=True with them."
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
        """Return the samples of this shard in one epoch, with the repeated ones that pad."""
        which, of = self.shard
        everything = self._everything(epoch)
        start, stop = self.n_samples * which // of, self.n_samples * (which + 1) // of
        indices = everything[start:stop][: self.n_in_shard]
        length = self.n_in_shard
        if self.last == "pad":
            length = self.n_batches * self.batch_size
        elif self.last == "drop":
            length = self.n_batches * self.batch_size
            indices = indices[:length]
        missing = length - len(indices)
        if not missing:
            return EpochOrder(indices, len(indices))
        # Samples that are there, so that scores[indices] = ... stays right even where the mask is forgotten.
        repeated = np.resize(indices if len(indices) else everything[:1], missing)
        return EpochOrder(np.concatenate([indices, repeated]), len(indices))

    def window_length(self) -> int:
        """Return how many successive samples of an epoch ``shuffle="blocks"`` mixes with each other."""
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
    """Shuffle so that a file larger than memory is read in runs of neighbours.

    Samples are cut into blocks of neighbours, the blocks put in random order, and the samples of successive blocks
    shuffled among each other, in windows of equal length: that of ``blocks_per_window`` blocks, or up to twice as many
    where they do not come out even.

    Returns
    -------
    (n_samples,) intp
        Each number once.

    Notes
    -----
    In a file that is sorted by class, the worst case, the share of a class in a batch of b samples varies as in a full
    shuffle, times at most ``1 + b / blocks_per_window`` (variance): samples of a window come from at least so many
    places of the file, each chosen at random. A file shorter than two windows is shuffled as a whole.
    """
    starts = rng.permutation(np.arange(0, n_samples, block_length))
    order = (starts[:, np.newaxis] + np.arange(block_length)).reshape(-1)
    order = order[order < n_samples]
    window = _window_length(n_samples, block_length, blocks_per_window)
    for start in range(0, n_samples, window):
        rng.shuffle(order[start : start + window])
    return order


def _window_length(n_samples: int, block_length: int, blocks_per_window: int) -> int:
    # No short window at the end: it would hold few blocks, perhaps of one class.
    n_windows = max(1, n_samples // (block_length * blocks_per_window))
    return max(1, -(-n_samples // n_windows))


def block_length(image_bytes: int) -> int:
    """Return how many images a block of about a megabyte holds."""
    return max(1, BLOCK_BYTES // max(image_bytes, 1))


def checked_seed(seed: int) -> int:
    """Return a seed, or raise :class:`ValueError` if it is out of range."""
    return whole("seed", seed, least=0, most=2**32 - 1)


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return a whole number in a range, or raise :class:`ValueError`."""
    wanted = f"a whole number of {least} or more" if most is None else f"a whole number from {least} to {most}"
    if isinstance(value, (bool, np.bool_, np.ndarray)) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} is {value!r}; it is {wanted}.")
    number = operator.index(value)
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} is {number}; it is {wanted}.")
    return number


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it is one of {', '.join(map(repr, choices))}.")


def _checked_weights(weights: object, n_samples: int) -> NDArray[np.float64]:
    # A copy, as what the caller does with them afterwards must not change the order.
    values = np.array(weights, dtype=np.float64)
    if values.shape != (n_samples,):
        raise ValueError(f"weights has shape {values.shape}; one for each of the {n_samples} samples is needed.")
    if not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise ValueError("weights are finite, not negative, and not all zero.")
    # The sum of large ones would overflow.
    scaled: NDArray[np.float64] = values / values.max()
    return scaled
