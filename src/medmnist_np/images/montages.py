"""Montages: many images in one picture, still or animated; volumes as slices, sheets or projections."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np.errors import short, unknown
from medmnist_np.images.captions import CAPTION_HEIGHT, add_captions, add_legend
from medmnist_np.images.channels import refuse_one_image, usual_axes
from medmnist_np.images.encoders import GRAY, RGB, VOLUME, encode, formats_for
from medmnist_np.images.grid import EMPTY, arrange, in_rows
from medmnist_np.images.overlays import class_colors, overlay, value_range
from medmnist_np.images.recipes import Window

VIEWS = ("animated", "middle", "orthogonal", "projection", "sheet")
"""Views of a volume: animated slice by slice, or one of the images of :func:`flatten`."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture:
    """A picture made by a montage or figure. A notebook displays it.

    Attributes
    ----------
    array : (h, w), (h, w, 3) or (t, h, w) uint8, 0-255
        The pixels; ``np.asarray(picture)`` returns the same.
    animated : bool
        Whether the first axis is time.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import Picture
    >>> picture = Picture(np.zeros((28, 56), dtype=np.uint8))
    >>> picture.image.size
    (56, 28)
    """

    array: NDArray[np.uint8]
    animated: bool = False

    @property
    def kind(self) -> str:
        """Kind of the array, as defined in :mod:`medmnist_np.images.encoders`."""
        if self.animated:
            return VOLUME
        return RGB if self.array.ndim == 3 else GRAY

    @property
    def frames(self) -> Sequence[Any]:
        """The frames as :class:`PIL.Image.Image`; a still picture has one."""
        from PIL import Image

        return list(map(Image.fromarray, self.array if self.animated else [self.array]))

    @property
    def image(self) -> Any:
        """The picture as a :class:`PIL.Image.Image`; the middle frame if it is animated."""
        from PIL import Image

        return Image.fromarray(self.array[len(self.array) // 2] if self.animated else self.array)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file in the format of the file extension. An existing file is replaced.

        Parameters
        ----------
        path : path
            The extension is ``.png``, ``.jpg``, ``.tiff``, ``.gif``, ``.npy`` or, for gray pictures, ``.nii``. Animated
            pictures support the last four. Missing folders are created.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        ValueError
            If the path has no extension, or the format is unknown or cannot hold the picture.
        """
        path = Path(path).expanduser()
        if not path.suffix:
            raise ValueError(f"{path} has no file extension. Supported: {', '.join(formats_for(self.kind))}.")
        data = encode(self.array, path.suffix.lower().removeprefix("."), self.kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _files.in_one_step(path) as fresh:
            fresh.write_bytes(data)
        return path

    def data_uri(self) -> str:
        """Return a data URI that contains the picture as PNG or animated GIF."""
        name = "gif" if self.animated else "png"
        return f"data:image/{name};base64,{base64.b64encode(encode(self.array, name, self.kind)).decode('ascii')}"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.array, dtype=dtype, copy=copy) if copy else np.asarray(self.array, dtype=dtype)

    def __repr__(self) -> str:
        *frames, height, width = self.array.shape[:3] if self.animated else self.array.shape[:2]
        return f"<Picture of {width} x {height} pixels{f', {frames[0]} frames' if frames else ''}>"

    def _repr_html_(self) -> str:
        return f'<img alt="montage" style="image-rendering: pixelated; max-width: 100%" src="{self.data_uri()}">'


def flatten(volume: NDArray[np.uint8], view: str) -> NDArray[np.uint8]:
    """Show a volume as one image.

    Parameters
    ----------
    volume : (d, h, w) uint8, 0-255
        A volume. MedMNIST does not state the orientation of its axes in the body.
    view : str
        - ``"middle"``: ``volume[d // 2]``, ``(h, w)``.
        - ``"orthogonal"``: the middle slices across the first, the second and the third axis, side by side:
          ``(h, w)``, ``(d, w)`` and ``(d, h)``. Shorter ones are padded with black at the bottom.
        - ``"projection"``: the maximum along the first axis, ``(h, w)``.
        - ``"sheet"``: all slices, row by row, in a grid as nearly square as possible.

    Returns
    -------
    (height, width) uint8, 0-255
        May be a view of the volume.

    Raises
    ------
    ValueError
        If the view is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import flatten
    >>> volume = np.zeros((28, 28, 28), dtype=np.uint8)
    >>> flatten(volume, "orthogonal").shape, flatten(volume, "sheet").shape
    ((28, 84), (140, 168))
    """
    if volume.ndim != 3:
        raise ValueError(f"The volume has shape {volume.shape}, but (d, h, w) is needed.")
    if view == "middle":
        middle: NDArray[np.uint8] = volume[len(volume) // 2]
        return middle
    if view == "projection":
        projected: NDArray[np.uint8] = volume.max(axis=0)
        return projected
    if view == "orthogonal":
        return _orthogonal(volume)
    if view == "sheet":
        return _sheet(volume)
    raise ValueError(unknown("view", view, VIEWS[1:]))


def _orthogonal(volume: NDArray[np.uint8]) -> NDArray[np.uint8]:
    depth, height, width = volume.shape
    slices = (volume[depth // 2], volume[:, height // 2], volume[:, :, width // 2])
    picture = np.zeros((max(depth, height), width + width + height), dtype=np.uint8)
    for left, image in zip((0, width, 2 * width), slices, strict=True):
        picture[: len(image), left : left + image.shape[1]] = image
    return picture


def _sheet(volume: NDArray[np.uint8]) -> NDArray[np.uint8]:
    depth, height, width = volume.shape
    tops = in_rows(np.arange(depth) * height, math.ceil(math.sqrt(depth)))
    return arrange(volume.reshape(-1, width), tops, height)


def montage(images: NDArray[np.uint8], *, columns: int | None = None, padding: int = 1) -> NDArray[np.uint8]:
    """Arrange images in a grid, row by row from the top left.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        Gray images, RGB images, or volumes, of which the middle slice ``volume[d // 2]`` is shown. A channel axis of 1
        or 3 may also come first, as in PyTorch: see :func:`~medmnist_np.images.channels.channel_axis`. For volumes of 3
        slices, choose the slice yourself: ``montage(volumes[:, 1])``.
    columns : int, optional
        Images per row (default: a grid as nearly square as possible, wider rather than taller).
    padding : int
        Black pixels between images. There are none around the picture.

    Returns
    -------
    (height, width) or (height, width, 3) uint8, 0-255
        A new array. Empty cells in the last row are black.

    Raises
    ------
    ValueError
        If the array has another dtype or shape, is a single RGB image, has four channels or is empty, or ``columns`` or
        ``padding`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import montage
    >>> montage(np.zeros((10, 28, 28), dtype=np.uint8), columns=5).shape
    (57, 144)
    """
    tiles = np.asarray(images)
    if tiles.dtype != np.uint8:
        raise ValueError(f"The images have dtype {tiles.dtype}, but uint8 is needed.")
    if tiles.ndim not in (3, 4):
        raise ValueError(f"The images have shape {tiles.shape}, but (n, h, w), (n, h, w, 3) or (n, d, h, w) is needed.")
    if tiles.size == 0:
        raise ValueError(f"No images to show: the array has shape {tiles.shape}.")
    refuse_one_image(tiles)
    tiles = usual_axes(tiles)
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {short(columns)}. It must be at least 1.")
    if padding < 0:
        raise ValueError(f"padding is {padding}. It must be at least 0.")
    if tiles.ndim == 4 and tiles.shape[-1] != 3:
        tiles = tiles[:, tiles.shape[1] // 2]

    n = len(tiles)
    places = in_rows(np.arange(n), math.ceil(math.sqrt(n)) if columns is None else columns)
    picture = _flat(tiles, places, padding, padding)
    return picture[: len(picture) - padding, : picture.shape[1] - padding]


def draw(
    images: Any,
    places: NDArray[np.intp],
    kind: str,
    *,
    view: str | None = None,
    labels: Any = None,
    class_names: Sequence[str] = (),
    masks: Any = None,
    legend: bool = False,
) -> Picture:
    """Draw a montage of the samples chosen by :func:`~medmnist_np.images.choose`.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        All images of the split, for example memory-mapped; only the shown images are read. Rows of joined splits, which
        are not arrays but have ``take``, are also accepted.
    places : (rows, columns) intp
        The sample in each cell, or :data:`~medmnist_np.images.grid.EMPTY`.
    kind : str
        Kind of the images, as defined in :mod:`medmnist_np.images.encoders`.
    view : str, optional
        View of volumes, one of :data:`~medmnist_np.images.VIEWS` (default: animated).
    labels : (n, l) integers, optional
        All labels of the split. If given, the number of the class, or those of the findings, are written below images.
    class_names : sequence of str
        Class names for the legend below the picture.
    masks : (n, h, w) integers, optional
        All masks of the split, or rows that have ``take``. They are drawn over the images.
    legend : bool
        Whether to explain the colours of masks in a legend below the picture.

    Returns
    -------
    Picture
        Without labels, and unless volumes are flattened, the only further memory is 8 bytes for each row of pixels of
        each image.

    Raises
    ------
    ValueError
        If the view is unknown, a view is given for images that are not volumes, or masks are given for volumes.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import draw
    >>> from medmnist_np.images.encoders import VOLUME
    >>> volumes = np.zeros((10, 28, 30, 32), dtype=np.uint8)
    >>> draw(volumes, np.array([[0, 7]]), VOLUME).array.shape
    (28, 30, 64)
    """
    if view is not None and kind != VOLUME:
        raise ValueError(f"view={short(view)} is only for volumes; these are {kind}.")
    if view is not None and view not in VIEWS:
        raise ValueError(unknown("view", view, VIEWS))
    if masks is not None:
        if kind == VOLUME:
            raise ValueError("Masks can be drawn over images only. Take slices of these volumes first.")
        return _with_masks(images, masks, places, class_names if legend else ())
    if kind != VOLUME and isinstance(images, np.ndarray) and images.shape[3:] != (3,):
        images = usual_axes(images)
    below = 0 if labels is None else CAPTION_HEIGHT
    animated = kind == VOLUME and view in (None, "animated")
    shown, numbers = places[places != EMPTY], places
    if view not in (None, "animated"):
        images, numbers = np.stack([flatten(images[place], view) for place in shown]), _renumbered(places)
    elif not isinstance(images, np.ndarray) or not images.flags.c_contiguous:
        images, numbers = images.take(shown, axis=0), _renumbered(places)
    array = _animated(images, numbers, below) if animated else _flat(images, numbers, 0, below)
    if labels is not None:
        array = add_captions(array, places, labels, color=kind == RGB)
        array = add_legend(array, class_names, color=kind == RGB)
    return Picture(array, animated)


def draw_slices(
    images: Sequence[NDArray[Any]],
    masks: Sequence[NDArray[np.integer[Any]]] | None,
    columns: int,
    *,
    window: tuple[float, float] | None = None,
    legend: Mapping[int, str] | None = None,
) -> Picture:
    """Draw slices of volumes in a grid, with masks over them. The slices may differ in size.

    Parameters
    ----------
    images : (n,) sequence of (h, w) arrays, integers or floats
        The first axis goes to the right in the picture, the second upwards. For x and y of a NIfTI file in the usual
        orientation (RAS), these are the right and the front of the body.
    masks : (n,) sequence of (h, w) integers, optional
        Masks to draw over the slices.
    columns : int
        Slices per row.
    window : (float, float), optional
        Values to show as black and white (default: the 1st and 99th percentile of each slice).
    legend : Mapping of int to str, optional
        Names of the mask values, for the legend below the picture.

    Returns
    -------
    Picture
        RGB if there are masks. Slices that are smaller than the largest one are centred in their cells.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.montages import draw_slices
    >>> draw_slices([np.zeros((30, 20)), np.zeros((10, 26), np.int16)], None, columns=2)
    <Picture of 60 x 26 pixels>
    """
    width, height = (max(image.shape[axis] for image in images) for axis in (0, 1))
    tiles = []
    for number, image in enumerate(images):
        shown = _gray(image, window)
        if masks is not None:
            shown = overlay(shown, masks[number])
        upright = shown.swapaxes(0, 1)[::-1]
        top, left = (height - upright.shape[0]) // 2, (width - upright.shape[1]) // 2
        tile = np.zeros((height, width, *upright.shape[2:]), np.uint8)
        tile[top : top + upright.shape[0], left : left + upright.shape[1]] = upright
        tiles.append(tile)
    array = montage(np.stack(tiles), columns=columns, padding=0)
    if legend is not None and masks is not None:
        names, numbers = list(legend.values()), list(legend)
        array = add_legend(array, names, color=True, swatches=class_colors(256)[numbers], numbers=numbers)
    return Picture(array)


def _gray(image: NDArray[Any], window: tuple[float, float] | None) -> NDArray[np.uint8]:
    low, high = value_range(image) if window is None else window
    finite = np.nan_to_num(image, nan=low, posinf=high, neginf=low) if image.dtype.kind == "f" else image
    return Window(low, high)(finite, 0)


def _with_masks(images: Any, masks: Any, places: NDArray[np.intp], class_names: Sequence[str]) -> Picture:
    shown = places[places != EMPTY]
    drawn = overlay(images.take(shown, axis=0), masks.take(shown, axis=0))
    array = _flat(drawn, _renumbered(places), 0, 0)
    if class_names:
        array = add_legend(array, class_names, color=True, swatches=class_colors(len(class_names)))
    return Picture(array)


def _renumbered(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the places of the same images in an array of only the shown images."""
    numbers = np.full_like(places, EMPTY)
    numbers[places != EMPTY] = np.arange(np.count_nonzero(places != EMPTY))
    return numbers


def _flat(images: NDArray[np.uint8], places: NDArray[np.intp], right: int, below: int) -> NDArray[np.uint8]:
    _, height, width, *channels = images.shape
    step = 3 if channels else 1
    lines = images.reshape(-1, width * step)
    picture = arrange(lines, places * height, height, right=right * step, below=below)
    return picture.reshape(len(picture), -1, *channels)


def _animated(volumes: NDArray[np.uint8], places: NDArray[np.intp], below: int) -> NDArray[np.uint8]:
    _, depth, height, width = volumes.shape
    slices = np.arange(depth)[:, np.newaxis, np.newaxis]
    tops = np.where(places == EMPTY, EMPTY, (places * depth + slices) * height)
    return arrange(volumes.reshape(-1, width), tops, height, below=below)
