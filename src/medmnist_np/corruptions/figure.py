"""A figure of one image with all corruptions of a data set, at all severities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np.corruptions import corrupt, image_seeds
from medmnist_np.images.montages import Picture
from medmnist_np.registry import Record
from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_set

_LEAST_PX = 64  # minimum side of a tile; smaller images are enlarged
_GAP_PX = 2
_HEAD_PX = 16  # height of the line with the severities
_MARGIN_PX = 6


def corruption_figure(image: NDArray[np.uint8], name: str | Record, *, seed: int = 0, index: int = 0) -> Picture:
    """Draw an image with each corruption of a data set: one row per corruption, one column per severity.

    Parameters
    ----------
    image : (h, w) or (h, w, 3) uint8, 0-255
        Gray or RGB, like the images of the data set.
    name : str or DatasetInfo
        Data set whose corruptions to show.
    seed, index : int
        Random seed and index of the image in its split. With these, the result equals that of
        ``ds.corrupt(..., seed=seed)``.

    Returns
    -------
    Picture
        White on black, with the names on the left and the severities on top. Column 0 is the original image.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the data set, or its corruptions do not support the image.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.corruptions import corruption_figure
    >>> images, _ = mm.load("breastmnist", "test")
    >>> corruption_figure(images[5], "breastmnist", index=5)
    <Picture of 612 x 618 pixels>
    """
    published = corrupted_set(name)
    batch: NDArray[np.uint8] = np.asarray(image)[np.newaxis]

    def version(corruption: str, severity: int) -> NDArray[np.uint8]:
        shown = batch
        if severity:
            seeds = image_seeds(seed, corruption, severity, [index])
            shown = corrupt(batch, corruption, published.parameters(corruption, severity), seeds)
        return shown[0]  # type: ignore[no-any-return]  # NumPy's stubs do not know that this is an array

    tiles = {name: [version(name, severity) for severity in (0, *SEVERITIES)] for name in published.corruptions}
    return Picture(_labelled(tiles))


def _labelled(tiles: Mapping[str, Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Arrange rows of images, with their names on the left and the column numbers on top."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default()
    first = next(iter(tiles.values()))[0]
    factor = math.ceil(_LEAST_PX / min(first.shape[:2]))
    height, width = (factor * length for length in first.shape[:2])
    left = math.ceil(max(map(font.getlength, tiles))) + 2 * _MARGIN_PX
    n_columns = len(SEVERITIES) + 1
    size = (left + n_columns * (width + _GAP_PX), _HEAD_PX + len(tiles) * (height + _GAP_PX))
    canvas = Image.new("L" if first.ndim == 2 else "RGB", size)
    pen = ImageDraw.Draw(canvas)
    for column in range(n_columns):
        pen.text((left + column * (width + _GAP_PX) + width / 2, 2), str(column), "white", font, anchor="ma")
    for row, (name, images) in enumerate(tiles.items()):
        top = _HEAD_PX + row * (height + _GAP_PX)
        pen.text((_MARGIN_PX, top + height / 2), name, "white", font, anchor="lm")
        for column, image in enumerate(images):
            enlarged = image.repeat(factor, axis=0).repeat(factor, axis=1)
            canvas.paste(Image.fromarray(enlarged), (left + column * (width + _GAP_PX), top))
    return np.asarray(canvas)
