"""Resize images and volumes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import check_choice, short

Resampler = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]

RESAMPLERS: tuple[Resampler, ...] = get_args(Resampler)

# The same as `reducing_gap` in Pillow: an approximate reduction first shrinks the image by an integer factor.
_REDUCING_GAP = 3


def resize(
    image: NDArray[np.uint8], size: int, *, resampler: Resampler = "bicubic", approximate: bool = False
) -> NDArray[np.uint8]:
    """Resize an image to a square with Pillow.

    When Pillow reduces an image, its filters average fine detail instead of aliasing it. An image that is not square is
    stretched to a square; crop it first to avoid that.

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8, 0-255
        A gray or RGB image.
    size : int
        Side of the result in pixels, at least 1. It may be larger than the image.
    resampler : str
        Pillow's name of the filter: ``"nearest"``, ``"box"``, ``"bilinear"``, ``"hamming"``, ``"bicubic"`` or
        ``"lanczos"``.
    approximate : bool
        If the image is at least six times as large as ``size``, first reduce it by an integer factor, as Pillow does
        with ``reducing_gap=3``. This is faster. With ``"bicubic"``, pixels differed by at most 5 of 255 levels in
        textures and 9 in pure noise.

    Returns
    -------
    (size, size) or (size, size, 3) uint8, 0-255
        A new array. Unless ``approximate``, the result equals that of ``PIL.Image.resize`` in the installed version of
        Pillow, and each channel of an RGB image is resized like a gray image.

    Raises
    ------
    ValueError
        If the image has another dtype or shape or no pixels, the size is below 1, or the resampler is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import resize
    >>> resize(np.full((40, 60), 7, dtype=np.uint8), 2).tolist()
    [[7, 7], [7, 7]]
    """
    return resize_each(image, [size], resampler=resampler, approximate=approximate)[size]


def resize_each(
    image: NDArray[np.uint8], sizes: Iterable[int], *, resampler: Resampler = "bicubic", approximate: bool = False
) -> dict[int, NDArray[np.uint8]]:
    """Resize an image to squares of several sizes, converting it only once.

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8, 0-255
    sizes : iterable of int
        Sides of the results in pixels.
    resampler, approximate
        See :func:`resize`.

    Returns
    -------
    dict of int to ndarray
        The image at each size, in the order given. Unless ``approximate``, each equals the result of :func:`resize`.

    Raises
    ------
    ValueError
        As for :func:`resize`.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import resize_each
    >>> {size: image.shape for size, image in resize_each(np.zeros((90, 80, 3), np.uint8), [64, 28]).items()}
    {64: (64, 64, 3), 28: (28, 28, 3)}
    """
    from PIL import Image

    pixels, sizes = _checked(image), [checked_size(size) for size in sizes]
    check_choice("resampler", resampler, RESAMPLERS)
    resampling = Image.Resampling[resampler.upper()]
    picture = Image.fromarray(pixels)
    reducible = [size for size in sizes if approximate and max(picture.size) >= 2 * _REDUCING_GAP * size]
    if reducible:
        factors = [max(1, length // (_REDUCING_GAP * max(reducible))) for length in picture.size]
        reduced = picture.reduce((factors[0], factors[1]))
        # If a factor does not divide a length, the last reduced pixel extends beyond the image.
        box = (0.0, 0.0, picture.width / factors[0], picture.height / factors[1])
    resized = {}
    for size in sizes:
        small = (size, size)
        if size in reducible:
            result = reduced.resize(small, resampling, box, reducing_gap=_REDUCING_GAP)
        else:
            result = picture.resize(small, resampling)
        resized[size] = np.array(result)
    return resized


def zoom(volume: NDArray[Any], size: int, *, order: int = 3, mode: str = "constant") -> NDArray[Any]:
    """Resize a volume to a cube by spline interpolation with ``scipy.ndimage.zoom``.

    The first and last voxels of each axis keep their positions. Values between voxels are interpolated, not averaged,
    so a reduction aliases fine detail.

    Parameters
    ----------
    volume : (d, h, w), integers or floats
        A volume, or an image ``(h, w)``.
    size : int
        Side of the result in voxels, at least 1.
    order : int
        Order of the spline, 0 to 5; 3 is cubic.
    mode : str
        How SciPy extends the volume beyond its border. The published AdrenalMNIST3D was prepared with ``"constant"``.
        With that mode, rounding places the last plane beyond the border for some pairs of lengths, such as 64 to 28,
        and fills it with 0. ``"mirror"`` gives the same values without this defect.

    Returns
    -------
    (size, size, size)
        A new array. Integers keep their dtype: values are rounded and clipped to its range. Floats become float64.

    Raises
    ------
    ValueError
        If the volume is empty or has another number of axes, the size is below 1, or the order or mode is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import zoom
    >>> zoom(np.array([[0, 100], [0, 100]], dtype=np.uint8), 3, order=1).tolist()
    [[0, 50, 100], [0, 50, 100], [0, 50, 100]]
    """
    from scipy import ndimage

    voxels = np.asarray(volume)
    if voxels.ndim not in (2, 3) or voxels.size == 0:
        raise ValueError(f"The volume has shape {voxels.shape}, but (d, h, w) with at least one voxel is needed.")
    if voxels.dtype.kind not in "buif":
        raise ValueError(f"The volume has dtype {voxels.dtype}, but integers or floats are needed.")
    size = checked_size(size)
    result_dtype = voxels.dtype if voxels.dtype.kind in "ui" else np.dtype(np.float64)
    if voxels.shape == (size,) * voxels.ndim:
        return voxels.astype(result_dtype)
    factors = [size / length for length in voxels.shape]
    zoomed: NDArray[np.float64] = ndimage.zoom(voxels.astype(np.float64), factors, order=order, mode=mode)
    if result_dtype.kind == "f":
        return zoomed
    limits = np.iinfo(result_dtype)
    return np.clip(np.rint(zoomed), limits.min, limits.max).astype(result_dtype)


def checked_size(size: int) -> int:
    """Return a size as an int, or raise ValueError if it is not an integer of at least 1."""
    if isinstance(size, bool) or not hasattr(size, "__index__") or size.__index__() < 1:
        raise ValueError(f"Invalid size: {short(size)}. It must be an integer of at least 1 pixel.")
    return size.__index__()


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"The image has dtype {pixels.dtype}, but uint8 is needed. Map its values to 0-255 first, for example with "
            "medmnist_np.images.Window(low, high)."
        )
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"The image has shape {pixels.shape}, but (h, w) or (h, w, 3) is needed.")
    return np.ascontiguousarray(pixels)
