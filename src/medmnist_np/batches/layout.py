"""Convert images to the layout of a batch: channel axis, dtype and scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medmnist_np.errors import short

_MOST_CHANNELS = 4

Channels = Literal["first", "last"]
Empty: TypeAlias = Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How stored images become the images of a batch. The arguments are checked.

    Attributes
    ----------
    channel_axis_stored : bool
        Whether stored images are ``(h, w, 3)``, not ``(h, w)`` or ``(d, h, w)``.
    as_rgb : bool
        Whether to repeat gray images to three channels.
    channels : "first", "last" or None
        Position of the channel axis. None keeps the stored shape, with three channels last if ``as_rgb``.
    dtype : dtype or None
        None means the dtype of the stored images, or float32 with a scale.
    scale : float or None
        Factor for each value.
    """

    channel_axis_stored: bool
    as_rgb: bool = False
    channels: Channels | None = None
    dtype: np.dtype[Any] | DTypeLike | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.channels is not None and self.channels not in get_args(Channels):
            raise ValueError(f"channels must be None, 'first' or 'last', not {short(self.channels)}.")
        numbers = (int, float, np.integer, np.floating)
        if self.scale is not None and not (isinstance(self.scale, numbers) and math.isfinite(self.scale)):
            raise ValueError(f"scale must be one finite number, such as 1 / 255, not {short(self.scale)}.")
        try:
            dtype = None if self.dtype is None else np.dtype(self.dtype)
        except TypeError as error:
            raise TypeError(f"dtype must be a dtype of NumPy, such as 'float32', not {short(self.dtype)}.") from error
        if self.scale is not None:
            dtype = dtype or np.dtype(np.float32)
            if dtype.kind != "f":
                raise ValueError(f"With scale, dtype {dtype} would round the values. Use a float dtype.")
        # NumPy would also convert numbers to text, dates and objects.
        if dtype is not None and (dtype.kind in "OSUMm" or not np.can_cast(np.uint8, dtype)):
            raise ValueError(f"dtype {dtype} cannot hold the values 0 to 255.")
        object.__setattr__(self, "dtype", dtype)

    def arrange(self, stored: NDArray[Any], empty: Empty = np.empty) -> NDArray[Any]:
        """Return images in this layout, or ``stored`` itself if nothing changes.

        Parameters
        ----------
        stored : (b, h, w), (b, h, w, 3) or (b, d, h, w) array
            A contiguous array.
        empty : callable
            Allocates the result: ``empty(shape, dtype)``.
        """
        view = self._placed(stored)
        if view is stored and self.dtype is None:
            return stored
        dtype = np.dtype(self.dtype or stored.dtype)
        if self.scale is not None:
            arranged = empty(view.shape, dtype)
            np.multiply(view, np.asarray(self.scale, dtype)[()], out=arranged)
        elif view.dtype == dtype and view.flags.c_contiguous:
            arranged = view
        else:
            _check_fits(view, dtype)
            arranged = empty(view.shape, dtype)
            np.copyto(arranged, view)
        return arranged

    def _placed(self, stored: NDArray[Any]) -> NDArray[Any]:
        has_channels = self.channel_axis_stored
        if has_channels:
            if self.channels is not None and stored.shape[-1] > _MOST_CHANNELS >= stored.shape[1]:
                raise ValueError(
                    f"The stored images have shape (n, {', '.join(map(str, stored.shape[1:]))}), with channels first. "
                    "Assign images of shape (n, h, w) or (n, h, w, 3), or leave out channels."
                )
            return np.moveaxis(stored, -1, 1) if self.channels == "first" else stored
        if not self.as_rgb and self.channels is None:
            return stored
        axis = 1 if self.channels == "first" else stored.ndim
        placed = np.expand_dims(stored, axis)
        if not self.as_rgb:
            return placed
        return np.broadcast_to(placed, tuple(3 if i == axis else n for i, n in enumerate(placed.shape)))


def _check_fits(images: NDArray[Any], dtype: np.dtype[Any]) -> None:
    """Raise for integers that would wrap around in another integer dtype: 40,000 is -25,536 as int16."""
    if dtype.kind not in "iu" or not images.size or np.can_cast(images.dtype, dtype):
        return
    lowest, highest = images.min(), images.max()
    if lowest < np.iinfo(dtype).min or highest > np.iinfo(dtype).max:
        raise ValueError(f"dtype {dtype} cannot hold images with values from {lowest} to {highest}.")
