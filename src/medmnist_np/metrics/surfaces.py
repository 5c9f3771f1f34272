"""How far the surfaces of two masks are from each other, in mm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np.metrics.masks import Case, Labels, Mask, MaskPair, Values, case_of, structures

Direction = Literal["both", "from_reference", "from_prediction"]

# So far above the tolerance a distance still counts: 3 x 0.1 mm is 0.30000000000000004 mm, and spacings of NIfTI files
# are float32, in which 0.1 mm is 0.10000000149 mm.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class SurfaceDistances:
    """How far each voxel of one surface is from the nearest one of the other.

    Attributes
    ----------
    from_reference : (n,) float
        In mm, in no certain order: for each voxel of the reference's surface. Infinite if there is no prediction.
    from_prediction : (m,) float
        For each voxel of the prediction's surface.
    diagonal_mm : float
        Of the whole grid.

    Examples
    --------
    >>> from medmnist_np.metrics import surface_distances
    >>> (found,) = surface_distances([[1, 1, 0, 0]], [[1, 1, 1, 1]], spacing_mm=0.5)
    >>> sorted(found.from_reference.tolist()), sorted(found.from_prediction.tolist())
    ([0.0, 0.0], [0.0, 0.0, 0.5, 1.0])
    """

    from_reference: Values
    from_prediction: Values
    diagonal_mm: float

    @property
    def n_empty(self) -> int:
        """How many of the two masks are empty."""
        return int(not self.from_reference.size) + int(not self.from_prediction.size)

    def hausdorff(self, percentile: float = 100) -> float:
        """Return the farthest distance, or the larger percentile of the two directions.

        It is NaN if both masks are empty, and infinite if one is.
        """
        if self.n_empty:
            return _without_surface(self.n_empty)
        return max(float(np.percentile(one, percentile)) for one in (self.from_reference, self.from_prediction))

    def average(self, direction: Direction = "both") -> float:
        """Return the mean over all surface voxels, or over those of one mask; NaN or infinite if masks are empty."""
        if self.n_empty:
            return _without_surface(self.n_empty)
        if direction != "both":
            return float(self.from_reference.mean() if direction == "from_reference" else self.from_prediction.mean())
        n_voxels = self.from_reference.size + self.from_prediction.size
        return float(self.from_reference.sum() + self.from_prediction.sum()) / n_voxels

    def share_within(self, tolerance_mm: float) -> float:
        """Return the share of all surface voxels that are no farther than this; NaN if both masks are empty."""
        n_voxels = self.from_reference.size + self.from_prediction.size
        if not n_voxels:
            return math.nan
        limit = tolerance_mm * (1 + _ROUNDING)
        return (
            sum(int(np.count_nonzero(one <= limit)) for one in (self.from_reference, self.from_prediction)) / n_voxels
        )


def surface_distances(
    reference: object, prediction: object, *, spacing_mm: ArrayLike, labels: Labels | None = None
) -> tuple[SurfaceDistances, ...]:
    """Return the distances between the surfaces of each label, from which all metrics of surfaces follow.

    The surface is the voxels of a mask that have a neighbour outside it (4 in the plane, 6 in space); what is
    beyond the edge of the image is outside. Distances are those between centres of voxels, exact, with the spacing.

    Parameters
    ----------
    reference, prediction, labels
        As for :func:`dice`.
    spacing_mm : float or (d,) array_like
        From one voxel to the next along each axis, in the order of the axes. With 1, distances are in pixels.

    Returns
    -------
    tuple of SurfaceDistances
        One for each label.

    Raises
    ------
    ValueError
        As for :func:`dice`, or if the spacing is not positive or does not fit the axes.

    Examples
    --------
    >>> from medmnist_np.metrics import surface_distances
    >>> (found,) = surface_distances([[0, 1, 1, 0]], [[1, 1, 0, 0]], spacing_mm=(3, 0.5))
    >>> found.hausdorff(), found.average(), found.share_within(0.4)
    (0.5, 0.25, 0.5)
    """
    wanted = structures(labels)
    case = case_of(reference, prediction, wanted, spacing_mm)
    return tuple(distances_of(case.pair(values), case) for values in wanted.values())


def distances_of(pair: MaskPair, case: Case) -> SurfaceDistances:
    """Return the distances between the surfaces of one structure of a case."""
    reference, prediction = map(_surface, pair.cropped())
    from_reference = _distances(reference, prediction, case.spacing_mm)
    from_prediction = _distances(prediction, reference, case.spacing_mm)
    return SurfaceDistances(from_reference, from_prediction, case.diagonal_mm)


def _without_surface(n_empty: int) -> float:
    return math.nan if n_empty == 2 else math.inf


def _surface(mask: Mask) -> Mask:
    inner = mask.copy()
    for axis in range(mask.ndim):
        here, there = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        here[1:] &= there[:-1]
        here[:-1] &= there[1:]
        here[:1] = here[-1:] = False
    return mask & ~inner


def _distances(surface: Mask, other: Mask, spacing_mm: Values) -> Values:
    """Return the distance from each voxel of a surface to the nearest of the other, in mm."""
    from scipy.spatial import cKDTree

    distances = np.zeros(np.count_nonzero(surface))
    # What both surfaces share is at distance 0, and need not be looked for: between good masks that is most of them.
    apart = _points(surface & ~other, spacing_mm)
    if not other.any():
        distances[:] = math.inf
    elif len(apart):
        # A tree that is asked once need not be balanced.
        tree = cKDTree(_points(other, spacing_mm), balanced_tree=False, compact_nodes=False)
        distances[: len(apart)] = tree.query(apart)[0]
    return distances


def _points(surface: Mask, spacing_mm: Values) -> Values:
    """Return where the voxels of a surface are, ``(n, d)``, in mm."""
    return np.stack(np.unravel_index(np.flatnonzero(surface), surface.shape), axis=1) * spacing_mm
