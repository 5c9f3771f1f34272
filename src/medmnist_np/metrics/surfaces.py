"""Distances between the surfaces of two masks: Hausdorff distance, average distance and surface Dice, in mm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np.errors import check_choice, short
from medmnist_np.metrics.masks import (
    BothEmpty,
    Case,
    Labels,
    Mask,
    MaskPair,
    OneEmpty,
    Values,
    case_of,
    check_empty,
    structures,
)
from medmnist_np.metrics.predictions import as_array

Direction = Literal["both", "from_reference", "from_prediction"]

# Relative margin above the tolerance for rounding: 3 x 0.1 mm is 0.30000000000000004 mm, and spacings of NIfTI files
# are float32, in which 0.1 mm is 0.10000000149 mm.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class SurfaceDistances:
    """The distance from each voxel of one surface to the nearest voxel of the other surface.

    Attributes
    ----------
    from_reference : (n,) float
        Distance in mm of each voxel of the reference's surface, in any order. Infinite if the prediction is empty.
    from_prediction : (m,) float
        Distance in mm of each voxel of the prediction's surface, in any order. Infinite if the reference is empty.
    diagonal_mm : float
        Diagonal of the whole grid, in mm.

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
        """Number of empty masks: 0, 1 or 2."""
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
        """Return the share of all surface voxels within this distance; NaN if both masks are empty."""
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
    """Return the distances between the surfaces of each label. All surface metrics are computed from them.

    The surface consists of the voxels of a mask with a neighbour outside it (of 4 in 2D, of 6 in 3D). Beyond the edge
    of the image is outside. Distances are exact, between voxel centres.

    Parameters
    ----------
    reference, prediction, labels
        See :func:`dice`.
    spacing_mm : float or (d,) array_like
        Distance between neighbouring voxels in mm: one number, or one per axis in the order of the axes. With 1,
        distances are in pixels.

    Returns
    -------
    tuple of SurfaceDistances
        One per label.

    Raises
    ------
    ValueError
        See :func:`dice`; also if the spacing is not positive or does not match the axes.

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
    # Voxels of both surfaces have distance 0 and need no search: in good masks these are most voxels.
    apart = _points(surface & ~other, spacing_mm)
    if not other.any():
        distances[:] = math.inf
    elif len(apart):
        # Balancing takes longer than it saves in a single query.
        tree = cKDTree(_points(other, spacing_mm), balanced_tree=False, compact_nodes=False)
        distances[: len(apart)] = tree.query(apart)[0]
    return distances


def _points(surface: Mask, spacing_mm: Values) -> Values:
    """Return the positions of the voxels of a surface, ``(n, d)``, in mm."""
    return np.stack(np.unravel_index(np.flatnonzero(surface), surface.shape), axis=1) * spacing_mm


def hausdorff(
    reference: object,
    prediction: object,
    *,
    spacing_mm: ArrayLike,
    labels: Labels | None = None,
    percentile: float = 100,
    both_empty: BothEmpty = "nan",
    one_empty: OneEmpty = "infinite",
) -> Values:
    """Return the Hausdorff distance of each label, or a percentile of the distances.

    Parameters
    ----------
    reference, prediction, labels
        See :func:`dice`.
    spacing_mm
        See :func:`surface_distances`.
    percentile : float
        Above 0, up to 100. 100 gives the Hausdorff distance itself (``"hausdorff"`` in tables), 95 ignores the farthest
        5 % of voxels (``"hausdorff_95"``).
    both_empty : {"nan", "perfect"}
        Result if neither mask contains the label: NaN or 0.
    one_empty : {"infinite", "diagonal", "nan"}
        Result if only one mask contains the label: infinite, the diagonal of the image (as in BraTS), or NaN, which
        rewards a model that skips difficult cases.

    Returns
    -------
    (k,) float
        In mm, one for each label.

    Raises
    ------
    ValueError
        See :func:`surface_distances`; also if the percentile or an option is invalid.

    Notes
    -----
    Huttenlocher et al. 1993 (doi:10.1109/34.232073). The result is the larger percentile of
    the two directions, as in MONAI and *Metrics reloaded* (doi:10.1038/s41592-023-02151-z). MedPy pools both
    directions, which usually gives a smaller value.

    Examples
    --------
    >>> from medmnist_np.metrics import hausdorff
    >>> hausdorff([[0, 1, 1, 0]], [[1, 1, 1, 1]], spacing_mm=(3, 0.5)).tolist()
    [0.5]
    """
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile is {percentile}. It must be above 0 and at most 100.")
    check_empty(both_empty, one_empty)
    found = surface_distances(reference, prediction, spacing_mm=spacing_mm, labels=labels)
    return np.array([stated(one.hausdorff(percentile), one.diagonal_mm, both_empty, one_empty) for one in found])


def average_surface_distance(
    reference: object,
    prediction: object,
    *,
    spacing_mm: ArrayLike,
    labels: Labels | None = None,
    direction: Direction = "both",
    both_empty: BothEmpty = "nan",
    one_empty: OneEmpty = "infinite",
) -> Values:
    """Return the average distance between the surfaces of each label.

    Parameters
    ----------
    reference, prediction, spacing_mm, labels, both_empty, one_empty
        See :func:`hausdorff`.
    direction : {"both", "from_reference", "from_prediction"}
        Average over the voxels of both surfaces (the symmetric distance, ASSD), or of one only.

    Returns
    -------
    (k,) float
        In mm, one for each label.

    Raises
    ------
    ValueError
        See :func:`hausdorff`; also if the direction is invalid.

    Notes
    -----
    Heimann et al. 2009 (doi:10.1109/TMI.2009.2013851): one average over the voxels of both surfaces, as in MONAI and
    MedPy, which is not the mean of the two directions.

    Examples
    --------
    >>> from medmnist_np.metrics import average_surface_distance
    >>> average_surface_distance([[0, 1, 1, 0]], [[1, 1, 1, 1]], spacing_mm=0.6).round(3).tolist()
    [0.2]
    """
    check_choice("direction", direction, get_args(Direction))
    check_empty(both_empty, one_empty)
    found = surface_distances(reference, prediction, spacing_mm=spacing_mm, labels=labels)
    return np.array([stated(one.average(direction), one.diagonal_mm, both_empty, one_empty) for one in found])


def surface_dice(
    reference: object,
    prediction: object,
    *,
    spacing_mm: ArrayLike,
    tolerance_mm: ArrayLike,
    labels: Labels | None = None,
    both_empty: BothEmpty = "nan",
) -> Values:
    """Return the normalised surface Dice of each label: the share of both surfaces that is near the other.

    Parameters
    ----------
    reference, prediction, labels, both_empty
        See :func:`dice`.
    spacing_mm
        See :func:`surface_distances`.
    tolerance_mm : float or (k,) array_like
        Largest distance in mm that counts as near, for all labels or for each. Use the typical difference between two
        experts.

    Returns
    -------
    (k,) float
        From 0 to 1, one for each label.

    Raises
    ------
    ValueError
        See :func:`surface_distances`; also if a tolerance is negative or their number differs from that of the labels.

    Notes
    -----
    Nikolov et al. 2021 (doi:10.2196/26151). Each surface voxel counts once, as in MONAI; DeepMind's code weights
    surface elements by their area. Distances that exceed the tolerance only by rounding are within it.

    Examples
    --------
    >>> from medmnist_np.metrics import surface_dice
    >>> surface_dice([[0, 1, 1, 0, 0]], [[1, 1, 1, 1, 1]], spacing_mm=0.1, tolerance_mm=0.1).round(3).tolist()
    [0.857]
    """
    check_empty(both_empty)
    tolerances = check_tolerances(tolerance_mm, len(structures(labels)))
    found = surface_distances(reference, prediction, spacing_mm=spacing_mm, labels=labels)
    shares = [one.share_within(limit) for one, limit in zip(found, tolerances, strict=True)]
    return np.array([stated_share(share, both_empty) for share in shares])


def stated(distance: float, diagonal_mm: float, both_empty: BothEmpty, one_empty: OneEmpty) -> float:
    """Return a distance; NaN (both masks are empty) and infinite (one is) are replaced as chosen."""
    if math.isnan(distance):
        return 0.0 if both_empty == "perfect" else math.nan
    if math.isinf(distance):
        return {"infinite": math.inf, "diagonal": diagonal_mm, "nan": math.nan}[one_empty]
    return distance


def stated_share(share: float, both_empty: BothEmpty) -> float:
    """Return a share; NaN (both masks are empty) is replaced as chosen."""
    return 1.0 if math.isnan(share) and both_empty == "perfect" else share


def check_tolerances(tolerance_mm: ArrayLike, n_labels: int) -> tuple[float, ...]:
    """Return one tolerance for each label, in mm."""
    tolerances = np.asarray(as_array(tolerance_mm, "tolerance_mm"), dtype=np.float64)
    if tolerances.shape not in ((), (n_labels,)) or not (np.isfinite(tolerances) & (tolerances >= 0)).all():
        raise ValueError(
            f"tolerance_mm is {short(tolerance_mm)}. It must be one number from 0 on, or {n_labels}, one per label."
        )
    return tuple(np.broadcast_to(tolerances, n_labels).tolist())
