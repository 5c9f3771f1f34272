"""What lies between the lens and the sample: marks of stain, bubbles, a dark rim and characters.

Lengths are in pixels of an image whose shortest side has 224, and scale with it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.channels import Generators, Images, Parameters, is_rgb, lengths, luminance, scale

_MARGIN = 10  # px that stains and characters keep from the border

_FEWEST_BUBBLES = 7
_SMALLEST_BUBBLE = 3  # px, the radius
_RIM = 2  # px around a bubble
_RIM_OPACITY, _BUBBLE_OPACITY = 130, 100  # of 255

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST_WORD = 3
_SMALLEST_FONT = 14  # in hundredths, the unit of the reference
_LETTER_ROOM = 8  # px that the reference keeps for each letter, to the right of where a word starts

# Words are drawn large and reduced. The size and the stroke make them as long, high and full as those of the reference.
_DRAWN_FONT, _STROKE = 48, 3  # px
_FONT_PER_SCALE = 36  # px of the font at scale 1


def stain_deposit(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Cover 1 to ``most`` ragged spots with black, as dried stain does on a slide. The marks are our own drawing.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (most, side)
        Number of marks, and the side of the square that holds one, in pixels.
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
    """Lay 7 to ``most`` translucent white disks with a brighter rim over the image, as air under a cover slip does.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (largest_radius, most)
        Radii are 3 to ``largest_radius`` pixels. There are at least 7 bubbles whatever ``most`` says.
    rngs : iterable of Generator
        One for each image.
    """
    from PIL import Image, ImageDraw

    largest, most = (
        max(least, int(n)) for least, n in zip((_SMALLEST_BUBBLE, _FEWEST_BUBBLES), parameters, strict=True)
    )
    height, width = lengths(images)
    # Small images are drawn on as if they had 224 pixels, and the opacity is reduced.
    unit, shrink = max(1.0, scale(images)), min(1.0, scale(images))
    canvas = (round(width / shrink), round(height / shrink))
    white = (255, 255, 255) if is_rgb(images) else 255
    result = np.empty_like(images)
    for image, out, rng in zip(images, result, rngs, strict=True):
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
        out[...] = picture
    return result


def black_corner(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Set everything outside of a centred circle to black, as the tube of a dermatoscope does.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (radius_factor,)
        Times half the shortest side, cut to whole pixels.
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
    """Write 1 to ``most_words`` tiny words of random letters in random colours, as burnt-in text.

    The letters are those of Pillow's own font, reduced to the length, height and thickness of the reference's.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
        On gray images the luminance of the colour is used.
    parameters : (most_words, most_letters, largest_scale)
        Words have 3 to ``most_letters`` lower-case letters. The font is 0.14 to ``largest_scale`` of the size that
        OpenCV calls 1, at which a capital has 21 pixels.
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
            left = _place(_MARGIN * unit, width - _LETTER_ROOM * unit * n_letters, rng)
            bottom = _place(_MARGIN * unit, height - _MARGIN * unit, rng)
            colour = rng.integers(0, 256, 3, dtype=np.uint8)
            _write(out, word, font * unit, (left, bottom), colour if is_rgb(images) else luminance(*colour))
    return result


def _place(first: float, last: float, rng: np.random.Generator) -> int:
    """Return a whole number from first to last, both included; the middle where there is none between them."""
    if last < first:
        return round((first + last) / 2)
    return int(rng.integers(round(first), round(last), endpoint=True))


def _start(length: int, pixels: int, margin: float, rng: np.random.Generator) -> int:
    """Return where something begins that has that many pixels of a length and keeps a margin, if there is room."""
    kept = min(round(margin), (length - pixels) // 2)
    return int(rng.integers(kept, length - pixels - kept, endpoint=True))


def _mark(side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a spot with a ragged outline, (side, side) bool: a circle whose radius is a sum of waves."""
    waves = np.arange(2, 12)[:, None, None]
    heights = rng.normal(0, 0.25, len(waves)) / waves.ravel()
    phases = rng.uniform(0, 2 * np.pi, len(waves))
    across = (np.arange(side) + 0.5) * (2 / side) - 1
    angles = np.arctan2(across[:, None], across)
    outline = 0.85 + (heights[:, None, None] * np.cos(waves * angles + phases[:, None, None])).sum(axis=0)
    mark: NDArray[np.bool_] = np.hypot(across[:, None], across) < outline
    return mark


def _write(image: Images, word: str, scale: float, origin: tuple[int, int], colour: Any) -> None:
    """Write a word into an image, in place; the origin is the left end of its base line."""
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
    """Return the letters, (height, width) uint8 from no ink to ink, all of one height; and where their base line is."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_DRAWN_FONT)
    _, top, _, bottom = (round(edge) for edge in font.getbbox(_ALPHABET, anchor="ls", stroke_width=_STROKE))
    letters = {}
    for letter in _ALPHABET:
        drawn = Image.new("L", (round(font.getlength(letter)), bottom - top))
        ImageDraw.Draw(drawn).text((0, -top), letter, 255, font, anchor="ls", stroke_width=_STROKE)
        letters[letter] = np.array(drawn)
    return letters, -top
