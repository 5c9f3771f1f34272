"""Check the two masks of a case, crop them to their content and select structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.errors import check_choice, short
from medmnist_np.metrics.predictions import as_array

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]

Labels: TypeAlias = Sequence[int | Sequence[int]] | Mapping[str, int | Sequence[int]]
BothEmpty = Literal["nan", "perfect"]
OneEmpty = Literal["infinite", "diagonal", "nan"]


class MaskPair(NamedTuple):
    """One structure as two boolean masks."""

    reference: Mask
    prediction: Mask

    def cropped(self) -> MaskPair:
        """Return both masks, cropped to their common bounding box."""
        box = _box(self.reference, self.prediction)
        return MaskPair(self.reference[box], self.prediction[box])


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """Two masks on one grid.

    Attributes
    ----------
    reference, prediction : integer or bool array of 2 or 3 axes
        Cropped to the bounding box of the foreground.
    spacing_mm : (d,) float
        Distance between neighbouring voxels along each axis, in mm.
    diagonal_mm : float
        Diagonal of the whole grid before cropping, in mm. No two voxels are that far apart.
    """

    reference: NDArray[Any]
    prediction: NDArray[Any]
    spacing_mm: Values
    diagonal_mm: float

    def pair(self, values: Sequence[int]) -> MaskPair:
        """Return the structure with these values. An empty sequence means all values but 0."""
        return pair_of(self.reference, self.prediction, values)


def structures(labels: Labels | None) -> dict[str, tuple[int, ...]]:
    """Return the values of each structure by its name.

    Examples
    --------
    >>> structures({"whole tumour": (1, 2, 4), "enhancing tumour": 4})
    {'whole tumour': (1, 2, 4), 'enhancing tumour': (4,)}
    >>> structures([1, 2]), structures(None)
    ({'1': (1,), '2': (2,)}, {'foreground': ()})
    """
    if labels is None:
        return {"foreground": ()}
    if not hasattr(labels, "__iter__"):
        raise TypeError(f"labels is {short(labels)}. It must be a list or a mapping, such as [1, 2].")
    if isinstance(labels, Mapping):
        named = {str(name): _values(one) for name, one in labels.items()}
        if len(named) < len(labels):
            raise ValueError(f"labels has two labels with the same name: {short(list(labels))}.")
    else:
        groups = [_values(one) for one in labels]
        named = {"+".join(map(str, group)): group for group in groups}
        if len(named) < len(groups):
            raise ValueError(f"labels contains a label twice: {short(list(labels))}.")
    if not named or not all(named.values()):
        raise ValueError(
            f"labels is {short(labels)}. It needs at least one label, and each label at least one value: [1, 2]."
        )
    return named


def case_of(
    reference: object, prediction: object, wanted: Mapping[str, Sequence[int]], spacing_mm: ArrayLike = 1.0
) -> Case:
    """Check two masks and crop them to the bounding box of the foreground.

    Parameters
    ----------
    reference, prediction : (h, w) or (x, y, z) array_like of integers or bool
        Whole numbers of a float dtype are accepted.
    wanted : Mapping of str to values
        See :func:`structures`. If 0 is among the values, nothing is cropped.
    spacing_mm : float or (d,) array_like
        Voxel spacing in mm, one for all axes or one per axis.

    Raises
    ------
    ValueError
        If a mask has other values, the shapes differ, or the spacing does not match the axes.
    """
    masks = on_one_grid(reference, prediction)
    spacing = _spacing(spacing_mm, masks[0].ndim)
    diagonal_mm = float(np.linalg.norm(spacing * masks[0].shape))
    if masks[0].flags.fnc:
        # In NIfTI volumes x varies fastest. Transposing gives the voxels in memory order.
        masks, spacing = (masks[0].T, masks[1].T), spacing[::-1]
    return Case(*without_background(masks, wanted), spacing, diagonal_mm)


def on_one_grid(reference: object, prediction: object) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return two masks as arrays of the same shape.

    Raises
    ------
    ValueError
        If a mask does not contain whole numbers only, or the shapes differ.
    """
    masks = _checked(reference, "reference"), _checked(prediction, "prediction")
    if masks[0].shape != masks[1].shape:
        raise ValueError(
            f"The reference has shape {masks[0].shape} and the prediction {masks[1].shape}. Both masks must be on the "
            "same grid: resample the prediction with nearest neighbours, or reorder its axes."
        )
    return masks


def without_background(
    masks: tuple[NDArray[Any], NDArray[Any]], wanted: Mapping[str, Sequence[int]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Crop two masks to the bounding box of the foreground, unless the background is wanted."""
    if any(0 in values for values in wanted.values()):
        return masks
    box = _box(*masks)
    return masks[0][box], masks[1][box]


def pair_of(reference: NDArray[Any], prediction: NDArray[Any], values: Sequence[int]) -> MaskPair:
    """Return the structure with these values. An empty sequence means all values but 0."""
    return MaskPair(_holds(reference, values), _holds(prediction, values))


def check_empty(both_empty: str, one_empty: str = "infinite") -> None:
    """Raise :class:`ValueError` for unknown options about empty masks."""
    check_choice("value of both_empty:", both_empty, get_args(BothEmpty))
    check_choice("value of one_empty:", one_empty, get_args(OneEmpty))


def _values(label: int | Sequence[int]) -> tuple[int, ...]:
    values = np.atleast_1d(np.asarray(label))
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iub"):
        raise TypeError(
            f"A label is {short(label)}. It must be an integer, or several for one structure. Names are keys: "
            '{"liver": 1}.'
        )
    return tuple(map(int, values))


def _checked(mask: object, name: str) -> NDArray[Any]:
    array = as_array(mask, f"The mask {name}")
    if array.ndim not in (2, 3) or not array.size:
        raise ValueError(f"The {name} has shape {array.shape}. A mask must be (h, w) or (x, y, z), one case at a time.")
    if array.dtype.kind not in "iubf":
        raise ValueError(f"The {name} has dtype {array.dtype}. A mask must hold integers or bool.")
    if array.dtype.kind == "f":
        strange = array[~(array == np.floor(array)) | np.isinf(array)]
        if strange.size:
            raise ValueError(
                f"The {name} must hold whole numbers, but {strange.size} of {array.size} values are fractions, such as "
                f"{strange[0]}. Convert scores or probabilities to labels first: scores > 0.5, or their argmax."
            )
    return array


def _spacing(spacing_mm: ArrayLike, n_axes: int) -> Values:
    spacing = np.asarray(as_array(spacing_mm, "spacing_mm"), dtype=np.float64)
    if spacing.shape not in ((), (n_axes,)) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(
            f"spacing_mm is {short(spacing_mm)}. It must be a positive number, or one for each of {n_axes} axes."
        )
    return np.array(np.broadcast_to(spacing, n_axes))


def _holds(mask: NDArray[Any], values: Sequence[int]) -> Mask:
    if not values:
        return mask.astype(bool, copy=False)
    found: Mask = np.equal(mask, values[0])
    for value in values[1:]:
        found |= np.equal(mask, value)
    return found


def _box(*masks: NDArray[Any]) -> tuple[slice, ...]:
    """Return the bounding box of all nonzero voxels. It is empty if the mask is."""
    box: list[slice] = []
    for n_others in reversed(range(masks[0].ndim)):
        others = tuple(range(1, n_others + 1))
        filled = np.flatnonzero(np.logical_or.reduce([mask.any(axis=others) for mask in masks]))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1) if filled.size else slice(0, 0))
        # Find the remaining axes in the projection along this one, which has one axis less.
        masks = tuple(np.any(mask[box[-1]], axis=0) for mask in masks)
    return tuple(box)
