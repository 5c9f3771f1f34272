"""Images and volumes at another size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import nearest

Resampler = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]

RESAMPLERS: tuple[Resampler, ...] = get_args(Resampler)

# An image that is larger than this many times the size wanted is first reduced by whole factors, when that is allowed.
_REDUCING_GAP = 3


def resize(
    image: NDArray[np.uint8], size: int, *, resampler: Resampler = "bicubic", approximate: bool = False
) -> NDArray[np.uint8]:
    """Resize an image to a square with Pillow.

    The filters of Pillow widen with the reduction, so that fine detail is averaged instead of aliased. An image that
    is not square is squeezed into one: cut it first where that is not wanted.

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8, 0-255
        Gray or RGB.
    size : int
        Side of the result in pixels, at least 1. A larger size than that of the image enlarges it.
    resampler : str
        ``"nearest"``, ``"box"``, ``"bilinear"``, ``"hamming"``, ``"bicubic"`` or ``"lanczos"``, as Pillow calls them.
    approximate : bool
        First reduce an image of at least six times the size by a whole factor, as Pillow does with
        ``reducing_gap=3``. That is faster. With ``"bicubic"`` pixels of textures were at most 5 of 255 levels off,
        those of mere noise up to 9.

    Returns
    -------
    (size, size) or (size, size, 3) uint8, 0-255
        A new array. Unless ``approximate``, the pixels are those of ``PIL.Image.resize`` in the installed release of
        Pillow, and each channel of an RGB image is what the same gray image gives.

    Raises
    ------
    ValueError
        If the image has another dtype or shape or no pixels, the size is below 1, or there is no such resampler.

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
    """Resize an image to squares of several sizes; the image is converted once for all of them.

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8, 0-255
    sizes : iterable of int
        Sides of the results in pixels.
    resampler, approximate
        As in :func:`resize`.

    Returns
    -------
    dict of int to ndarray
        By size, in the order given. Unless ``approximate``, each is what :func:`resize` returns for it.

    Raises
    ------
    ValueError
        As :func:`resize`.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.interpolation import resize_each
    >>> {size: image.shape for size, image in resize_each(np.zeros((90, 80, 3), np.uint8), [64, 28]).items()}
    {64: (64, 64, 3), 28: (28, 28, 3)}
    """
    from PIL import Image

    pixels, sizes = _checked(image), [checked_size(size) for size in sizes]
    how = _resampling(resampler)
    picture = Image.fromarray(pixels)
    reducible = [size for size in sizes if approximate and max(picture.size) >= 2 * _REDUCING_GAP * size]
    if reducible:
        factors = [max(1, length // (_REDUCING_GAP * max(reducible))) for length in picture.size]
        reduced = picture.reduce((factors[0], factors[1]))
        # Where a factor does not divide a length, the last reduced pixel reaches beyond the image.
        box = (0.0, 0.0, picture.width / factors[0], picture.height / factors[1])
    resized = {}
    for size in sizes:
        small = (size, size)
        if size in reducible:
            result = reduced.resize(small, how, box, reducing_gap=_REDUCING_GAP)
        else:
            result = picture.resize(small, how)
        resized[size] = np.array(result)
    return resized


def zoom(volume: NDArray[Any], size: int, *, order: int = 3, mode: str = "constant") -> NDArray[Any]:
    """Bring a volume to a cube by spline interpolation, as ``scipy.ndimage.zoom`` does.

    The first and the last voxels of each axis stay where they are, and values between are read off a spline through
    the voxels. Nothing is averaged: a reduction aliases fine detail.

    Parameters
    ----------
    volume : (d, h, w), integers or floats
        An image ``(h, w)`` will do too.
    size : int
        Side of the result in voxels, at least 1.
    order : int
        Of the spline, 0 to 5; 3 is cubic.
    mode : str
        What is assumed beyond the border. With ``"constant"``, which the published AdrenalMNIST3D was made with,
        rounding puts the last plane beyond the border for some pairs of lengths, 64 to 28 among them, and that plane
        is then 0. ``"mirror"`` gives the same values without that fault.

    Returns
    -------
    (size, size, size)
        A new array. Integers keep their dtype: values are rounded and cut to its range. Floats become float64.

    Raises
    ------
    ValueError
        If the volume is empty or has another number of axes, the size is below 1, or there is no such order or mode.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.interpolation import zoom
    >>> zoom(np.array([[0, 100], [0, 100]], dtype=np.uint8), 3, order=1).tolist()
    [[0, 50, 100], [0, 50, 100], [0, 50, 100]]
    """
    from scipy import ndimage

    voxels = np.asarray(volume)
    if voxels.ndim not in (2, 3) or voxels.size == 0:
        raise ValueError(f"The volume has shape {voxels.shape}; (d, h, w) with at least one voxel is needed.")
    if voxels.dtype.kind not in "buif":
        raise ValueError(f"The volume has dtype {voxels.dtype}; integers or floats are needed.")
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
    """Return a size as an int, or raise ValueError if it is none or below 1."""
    if isinstance(size, bool) or not hasattr(size, "__index__") or size.__index__() < 1:
        raise ValueError(f"The size is {size!r}; a whole number of pixels, at least 1, is needed.")
    return size.__index__()


def checked_resampler(resampler: str) -> None:
    """Raise ValueError that lists the resamplers, if this is none of them."""
    if resampler not in RESAMPLERS:
        raise ValueError(
            f"There is no resampler {resampler!r}.{nearest(str(resampler), RESAMPLERS)} "
            f"The resamplers are: {', '.join(RESAMPLERS)}."
        )


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"The image has dtype {pixels.dtype}; uint8 is needed. Map its values to 0-255 first, for example with "
            "medmnist_np.images.steps.Window(low, high)."
        )
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"The image has shape {pixels.shape}; (h, w) or (h, w, 3) is needed.")
    return np.ascontiguousarray(pixels)


def _resampling(resampler: str) -> Any:
    from PIL import Image

    checked_resampler(resampler)
    return Image.Resampling[resampler.upper()]
