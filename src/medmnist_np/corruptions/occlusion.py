"""Objects in front of the sample: stain deposits, bubbles, black corners and characters.

Lengths are stated in pixels for a shortest side of 224, and scale with the image.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.channels import Generators, Images, Parameters, is_rgb, lengths, luminance, map_images, scale

_MARGIN = 10  # px between the border and stains or characters

_FEWEST_BUBBLES = 7
_SMALLEST_BUBBLE = 3  # px, the radius
_RIM = 2  # px around a bubble
_RIM_OPACITY, _BUBBLE_OPACITY = 130, 100  # of 255

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST_WORD = 3
_SMALLEST_FONT = 14  # hundredths of the font scale of the reference
_LETTER_WIDTH = 8  # px that the reference reserves for each letter

# Words are drawn large and then reduced. Font size and stroke match the width, height and weight of the reference.
_DRAWN_FONT, _STROKE = 48, 3  # px
_FONT_PER_SCALE = 36  # px of the font at scale 1


def stain_deposit(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Draw 1 to ``most`` black spots with ragged edges, like dried stain on a slide. The shapes are our own.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (most, side)
        Maximum number of spots, and the side of the square around a spot in pixels.
    rngs : iterable of Generator
        One for each image.
    """
    most, side = parameters
    shape = lengths(images)
    pixels = max(1, min(*shape, round(side * scale(images))))
    result = images.copy()
    for out, rng in zip(result, rngs, strict=True):
        for _ in range(rng.integers(1, int(most), endpoint=True)):
            covered = _mark(pixels, rng)
            top, left = (_start(length, pixels, _MARGIN * scale(images), rng) for length in shape)
            out[top : top + pixels, left : left + pixels][covered] = 0
    return result


def bubble(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Draw 7 to ``most`` translucent white disks with a brighter rim, like air bubbles under a cover slip.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (largest_radius, most)
        Radii are 3 to ``largest_radius`` pixels. There are at least 7 bubbles, even if ``most`` is smaller.
    rngs : iterable of Generator
        One for each image.
    """
    from PIL import Image, ImageDraw

    largest, most = (
        max(least, int(n)) for least, n in zip((_SMALLEST_BUBBLE, _FEWEST_BUBBLES), parameters, strict=True)
    )
    height, width = lengths(images)
    # For small images, the opacity is drawn at 224 px and then reduced.
    unit, shrink = max(1.0, scale(images)), min(1.0, scale(images))
    canvas = (round(width / shrink), round(height / shrink))
    white = (255, 255, 255) if is_rgb(images) else 255

    def with_bubbles(image: Images, rng: np.random.Generator) -> Images:
        n_bubbles = rng.integers(_FEWEST_BUBBLES, most, endpoint=True)
        radii = np.rint(unit * rng.integers(_SMALLEST_BUBBLE, largest, n_bubbles, endpoint=True)).astype(int)
        centres = [rng.integers(radii, length - radii, endpoint=True) for length in canvas]
        opacity = Image.new("L", canvas)
        pen = ImageDraw.Draw(opacity)
        for radius, x, y in zip(radii.tolist(), *(centre.tolist() for centre in centres), strict=True):
            for reach, level in ((radius + _RIM * unit, _RIM_OPACITY), (radius, _BUBBLE_OPACITY)):
                pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=level)
        if shrink < 1:
            opacity = opacity.resize((width, height), Image.Resampling.BOX)
        picture = Image.fromarray(image)
        picture.paste(white, None, opacity)
        return np.asarray(picture)

    return map_images(with_bubbles, images, rngs)


def black_corner(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Set everything outside a centred circle to black, like the tube of a dermatoscope.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (radius_factor,)
        Radius divided by half the shortest side; the radius is truncated to whole pixels.
    rngs
        Not used.
    """
    height, width = lengths(images)
    middle_y, middle_x = height // 2, width // 2
    radius = int(min(middle_y, middle_x) * parameters[0])
    rows, columns = np.ogrid[:height, :width]
    inside = (rows - middle_y) ** 2 + (columns - middle_x) ** 2 <= radius**2
    kept: Images = images * (inside[..., None] if is_rgb(images) else inside)
    return kept


def characters(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Write 1 to ``most_words`` tiny words of random letters in random colours, like burnt-in text.

    The letters are those of Pillow's own font, with the width, height and weight of the reference.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
        On gray images the luminance of the colour is used.
    parameters : (most_words, most_letters, largest_scale)
        Words have 3 to ``most_letters`` lower-case letters. The font scale is 0.14 to ``largest_scale``. As in OpenCV,
        a capital letter has 21 pixels at scale 1.
    rngs : iterable of Generator
        One for each image.
    """
    most_words, most_letters = (max(least, int(n)) for least, n in zip((1, _SHORTEST_WORD), parameters, strict=False))
    largest = max(_SMALLEST_FONT, int(parameters[2] * 100))
    height, width = lengths(images)
    unit = scale(images)
    result = images.copy()
    for out, rng in zip(result, rngs, strict=True):
        for _ in range(rng.integers(1, most_words, endpoint=True)):
            n_letters = rng.integers(_SHORTEST_WORD, most_letters, endpoint=True)
            font = rng.integers(_SMALLEST_FONT, largest, endpoint=True) / 100
            word = "".join(_ALPHABET[letter] for letter in rng.integers(0, len(_ALPHABET), n_letters))
            left = _place(_MARGIN * unit, width - _LETTER_WIDTH * unit * n_letters, rng)
            bottom = _place(_MARGIN * unit, height - _MARGIN * unit, rng)
            colour = rng.integers(0, 256, 3, dtype=np.uint8)
            _write(out, word, font * unit, (left, bottom), colour if is_rgb(images) else luminance(*colour))
    return result


def _place(first: float, last: float, rng: np.random.Generator) -> int:
    """Draw an integer from first to last, both included; if last is smaller, return the middle."""
    if last < first:
        return round((first + last) / 2)
    return int(rng.integers(round(first), round(last), endpoint=True))


def _start(length: int, pixels: int, margin: float, rng: np.random.Generator) -> int:
    """Draw the start of an object of that many pixels within a length, with a margin if there is room."""
    kept = min(round(margin), (length - pixels) // 2)
    return int(rng.integers(kept, length - pixels - kept, endpoint=True))


def _mark(side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a spot with a ragged edge, (side, side) bool: a circle whose radius is a sum of waves."""
    waves = np.arange(2, 12)[:, None, None]
    heights = rng.normal(0, 0.25, len(waves)) / waves.ravel()
    phases = rng.uniform(0, 2 * np.pi, len(waves))
    across = (np.arange(side) + 0.5) * (2 / side) - 1
    angles = np.arctan2(across[:, None], across)
    outline = 0.85 + (heights[:, None, None] * np.cos(waves * angles + phases[:, None, None])).sum(axis=0)
    mark: NDArray[np.bool_] = np.hypot(across[:, None], across) < outline
    return mark


def _write(image: Images, word: str, scale: float, origin: tuple[int, int], colour: Any) -> None:
    """Write a word into an image in place. The origin is the left end of the baseline."""
    from PIL import Image

    letters, base = _letters()
    drawn = np.concatenate([letters[letter] for letter in word], axis=1)
    factor = scale * _FONT_PER_SCALE / _DRAWN_FONT
    height, width = (max(1, round(length * factor)) for length in drawn.shape)
    ink = np.asarray(Image.fromarray(drawn).resize((width, height), Image.Resampling.BOX))
    x, y = origin[0], max(0, origin[1] - round(base * factor))
    part = image[y : y + height, x : x + width]
    cover = ink[: part.shape[0], : part.shape[1]].reshape(*part.shape[:2], *[1] * (part.ndim - 2)) / 255
    part[...] = np.rint(part + (np.asarray(colour, np.float64) - part) * cover)


@lru_cache(maxsize=1)
def _letters() -> tuple[dict[str, Images], int]:
    """Return the letters, (height, width) uint8 with 255 for ink, all of the same height, and their baseline."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_DRAWN_FONT)
    _, top, _, bottom = (round(edge) for edge in font.getbbox(_ALPHABET, anchor="ls", stroke_width=_STROKE))
    letters = {}
    for letter in _ALPHABET:
        drawn = Image.new("L", (round(font.getlength(letter)), bottom - top))
        ImageDraw.Draw(drawn).text((0, -top), letter, 255, font, anchor="ls", stroke_width=_STROKE)
        letters[letter] = np.array(drawn)
    return letters, -top
