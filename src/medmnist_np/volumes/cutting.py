"""Where to cut volumes: every slice along an axis, or patches at random. Shapes in, places out; nothing is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medmnist_np.batches.order import checked_seed, whole
from medmnist_np.volumes.windows import Places

FindLabelled: TypeAlias = Callable[[int, np.random.Generator], tuple[int, int, int] | None]


@dataclass(frozen=True, slots=True)
class Slices:
    """Every slice of every volume along one axis, in order. Checks itself.

    Attributes
    ----------
    axis : int
        0, 1 or 2.
    shape : (int, int) or None
        What slices are cut or padded to, centred; None leaves them as they are.
    """

    axis: int
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", whole("axis", self.axis, least=0, most=2))
        if self.shape is not None:
            object.__setattr__(self, "shape", checked_shape(self.shape, 2))

    def places(self, shapes: NDArray[np.int64]) -> Places:
        """Return where they lie.

        Parameters
        ----------
        shapes : (n, 3) int64
            Of the volumes.
        """
        counts = shapes[:, self.axis]
        cases = np.repeat(np.arange(len(shapes)), counts)
        extents = shapes[cases]
        corners = np.zeros_like(extents)
        if self.shape is not None:
            others = [axis for axis in range(3) if axis != self.axis]
            corners[:, others] = (extents[:, others] - self.shape) // 2
            extents[:, others] = self.shape
        extents[:, self.axis] = 1
        corners[:, self.axis] = np.arange(len(cases)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Places(cases, corners.astype(np.intp), extents.astype(np.intp))

    def facts(self) -> dict[str, Any]:
        """Return what tells these windows from others, as JSON can hold it."""
        return {"slices": self.axis, "shape": None if self.shape is None else list(self.shape)}

    def __str__(self) -> str:
        to = "" if self.shape is None else f" of {self.shape[0]} x {self.shape[1]}"
        return f"slices{to} along axis {self.axis}"


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Patches at random, as many of each volume; made by :func:`draw_patches`.

    Attributes
    ----------
    shape : (int, int, int)
        Voxels.
    per_volume : int
        How many of each; those of the first volume come first.
    seed : int
        What they were drawn with.
    foreground : float or None
        The probability with which one is centred on a labelled voxel.
    corners : (m, 3) int32
        Their first voxels.
    """

    shape: tuple[int, int, int]
    per_volume: int
    seed: int
    foreground: float | None
    corners: NDArray[np.int32]

    # Of slices: the axis that rows do not have.
    axis = None

    def places(self, shapes: NDArray[np.int64]) -> Places:
        """Return where they lie; ``shapes`` are those that they were drawn for."""
        cases = np.repeat(np.arange(len(shapes)), self.per_volume)
        extents = np.broadcast_to(np.array(self.shape, dtype=np.intp), self.corners.shape)
        return Places(cases, self.corners.astype(np.intp), extents)

    def facts(self) -> dict[str, Any]:
        """Return what tells these windows from others, as JSON can hold it."""
        return {
            "patches": list(self.shape),
            "per_volume": self.per_volume,
            "seed": self.seed,
            "foreground": self.foreground,
        }

    def __str__(self) -> str:
        return f"patches of {' x '.join(map(str, self.shape))}"


def draw_patches(
    shapes: NDArray[np.int64],
    shape: tuple[int, int, int],
    per_volume: int,
    seed: int,
    foreground: float | None = None,
    find: FindLabelled | None = None,
) -> Patches:
    """Choose where patches lie; where the k-th lies depends on the seed, k and its volume alone.

    Parameters
    ----------
    shapes : (n, 3) int64
        Of the volumes.
    shape : (int, int, int)
        Of a patch, in voxels. Along an axis where a volume is shorter, it lies in the middle of the patch.
    per_volume, seed
        As of :class:`Patches`.
    foreground : float, optional
        From 0 to 1: the probability with which a patch is centred on what ``find`` gives, as far as it then stays
        inside the volume. All others are equally likely to lie anywhere inside.
    find : callable, optional
        ``find(case, rng)`` gives a labelled voxel of a volume; None if it has none.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    shape = checked_shape(shape, 3)
    per_volume, seed = whole("per_volume", per_volume, least=1), checked_seed(seed)
    number = isinstance(foreground, (int, float, np.number)) and not isinstance(foreground, bool)
    if foreground is not None and not (number and 0 <= foreground <= 1):
        raise ValueError(f"foreground is {foreground!r}; it is a share from 0 to 1, or None.")
    extent = np.array(shape)
    corners = np.empty((len(shapes) * per_volume, 3), np.int32)
    for k in range(len(corners)):
        rng = np.random.default_rng([seed, k])
        case = k // per_volume
        room = shapes[case] - extent
        lowest, highest = np.minimum(room // 2, 0), np.where(room < 0, room // 2, room)
        centre = find(case, rng) if find is not None and foreground and rng.random() < foreground else None
        wanted = rng.integers(lowest, highest + 1) if centre is None else np.array(centre) - extent // 2
        corners[k] = np.clip(wanted, lowest, highest)
    return Patches(shape, per_volume, seed, None if foreground is None else float(foreground), corners)


def checked_shape(shape: Any, n_axes: int) -> Any:
    """Return ``n_axes`` lengths as a tuple of ints, or raise :class:`ValueError`."""
    if not isinstance(shape, (tuple, list)) or len(shape) != n_axes:
        raise ValueError(f"shape is {shape!r}; it is {n_axes} lengths in voxels, as {(96,) * n_axes}.")
    return tuple(whole("shape", length, least=1) for length in shape)
