"""Many images in one picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def montage(images: NDArray[np.uint8], *, columns: int | None = None, padding: int = 1) -> NDArray[np.uint8]:
    """Put images side by side in one picture, row by row from the top left.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        Gray images, RGB images, or volumes. Of four axes the last decides: if its length is 3 the images are RGB,
        else they are volumes, each shown by its middle slice ``volume[d // 2]``. (Cut a volume that is 3 voxels
        wide yourself: ``montage(volumes[:, d // 2])``.)
    columns : int, optional
        Images in a row. ``None`` makes the grid as square as it can be, wider rather than higher.
    padding : int
        Black pixels between neighbours; there are none around the picture.

    Returns
    -------
    (height, width) or (height, width, 3) uint8, 0-255
        A new array. Places left over in the last row are black.

    Raises
    ------
    ValueError
        If the array has another dtype or shape, holds no image, or ``columns`` or ``padding`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import montage
    >>> montage(np.zeros((10, 28, 28), dtype=np.uint8), columns=5).shape
    (57, 144)
    """
    tiles = np.asarray(images)
    if tiles.dtype != np.uint8:
        raise ValueError(f"The images have dtype {tiles.dtype}; uint8 is needed.")
    if tiles.ndim not in (3, 4):
        raise ValueError(f"The images have shape {tiles.shape}; (n, h, w), (n, h, w, 3) or (n, d, h, w) is needed.")
    if tiles.size == 0:
        raise ValueError(f"There is nothing to show: the images have shape {tiles.shape}.")
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {columns}; at least 1 is needed.")
    if padding < 0:
        raise ValueError(f"padding is {padding}; 0 or more pixels are needed.")
    if tiles.ndim == 4 and tiles.shape[-1] != 3:
        tiles = tiles[:, tiles.shape[1] // 2]

    n, h, w, *channels = tiles.shape
    columns = math.ceil(math.sqrt(n)) if columns is None else columns
    rows = math.ceil(n / columns)
    step_down, step_right = h + padding, w + padding
    picture = np.zeros((rows * step_down - padding, columns * step_right - padding, *channels), dtype=np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = row * step_down, column * step_right
        picture[top : top + h, left : left + w] = tile
    return picture
