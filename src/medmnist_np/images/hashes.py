"""Find identical, blank and near-duplicate images: exact digests, perceptual hashes and pairs of near hashes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np._sequences import Advance, Images, blocks, checked_images
from medmnist_np.errors import short
from medmnist_np.images.channels import is_rgb, refuse_one_image, usual_axes

Digests = NDArray[np.uint64]
Places = NDArray[np.intp]

_WORD_BYTES = 8
_SEED = 0x6D65646D6E697374  # arbitrary, but must never change


def digests(images: Images, *, advance: Advance | None = None) -> Digests:
    """Return a 64-bit digest of each image.

    Identical images have the same digest, on every machine and with every version of NumPy. Different images almost
    always have different digests, and always do if they differ in only one eight-byte word. The digest is not
    cryptographic: :func:`duplicates` compares the images that share one.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        An array or a memory-mapped array, which is read in blocks of a few MB.
    advance : callable, optional
        Called with the number of bytes after each block, for example the ``update`` of a progress bar.

    Returns
    -------
    (n,) uint64

    Raises
    ------
    ValueError
        If the array has another dtype or shape.

    Notes
    -----
    The multilinear hash of [1]_ without its last step: the sum, modulo 2 to the 64, of the words, each multiplied by an
    odd 64-bit number that depends only on its position. It is as fast as reading the images from memory.

    References
    ----------
    .. [1] Lemire D, Kaser O. Strongly universal string hashing is fast. The Computer Journal 57(11), 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import digests
    >>> images = np.zeros((3, 28, 28), dtype=np.uint8)
    >>> images[1, 5, 5] = 1
    >>> first, changed, same = digests(images)
    >>> bool(first == same), bool(first == changed)
    (True, False)
    """
    result = np.empty(len(checked_images(images)), dtype=np.uint64)
    multipliers: Digests | None = None
    for where, part in blocks(images, advance):
        words = _words(part)
        if multipliers is None:
            multipliers = _odd_numbers(words.shape[1])
        np.einsum("ij,j->i", words, multipliers, out=result[where])
    return result


def duplicates(arrays: Sequence[Images], found: Sequence[Digests] | None = None) -> list[Places]:
    """Find images that are identical byte for byte, within arrays and between them.

    Parameters
    ----------
    arrays : sequence of (n, ...) uint8
        For example the images of the three splits. All images must have the same shape.
    found : sequence of (n,) uint64, optional
        The result of :func:`digests` for each array, if you have it already.

    Returns
    -------
    list of (k, 2) intp
        One array for each group of identical images, with one row for each image: the number of its array and its
        index in that array, in ascending order. Groups are ordered by their first image. An image that occurs once
        is in no group.

    Raises
    ------
    ValueError
        If images differ in shape between arrays, or there is not one digest for each image.

    Notes
    -----
    Images that share a 64-bit digest are compared by their 128-bit BLAKE2b digest.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import duplicates
    >>> train, test = np.zeros((2, 4, 28, 28), dtype=np.uint8)
    >>> train[:, 0, 0], test[:, 0, 0] = [1, 2, 3, 4], [5, 3, 6, 7]
    >>> [group.tolist() for group in duplicates([train, test])]
    [[[0, 2], [1, 1]]]
    """
    shapes = {checked_images(array).shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise ValueError(f"The arrays hold images of different shapes: {', '.join(map(str, sorted(shapes)))}.")
    found = [digests(array) for array in arrays] if found is None else found
    if [len(array) for array in arrays] != [len(values) for values in found]:
        raise ValueError("The digests do not match the arrays: one digest per image is needed.")
    if not arrays:
        return []
    places = np.concatenate([_places(number, len(array)) for number, array in enumerate(arrays)])
    groups = []
    for run in repeated(np.concatenate(found)):
        same: dict[bytes, list[int]] = {}
        for row in run.tolist():
            number, place = places[row]
            image = arrays[number][place].tobytes()
            same.setdefault(hashlib.blake2b(image, digest_size=16).digest(), []).append(row)
        groups += [rows for rows in same.values() if len(rows) > 1]
    return [places[rows] for rows in sorted(groups)]


def constant(images: Images, *, advance: Advance | None = None) -> NDArray[np.bool_]:
    """Return which images are blank, that is, all of one gray level or one colour.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        A channel axis of 1 or 3 may also come first: see :func:`~medmnist_np.images.channels.channel_axis`.
    advance : callable, optional
        See :func:`digests`.

    Returns
    -------
    (n,) bool

    Raises
    ------
    ValueError
        If the array has another dtype or shape.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import constant
    >>> constant(np.array([[[7, 7], [7, 7]], [[7, 7], [7, 8]]], dtype=np.uint8)).tolist()
    [True, False]
    """
    refuse_one_image(checked_images(images))
    images = usual_axes(images)
    blank = np.empty(len(images), dtype=np.bool_)
    for where, part in blocks(images, advance):
        blank[where] = one_colour(part)
    return blank


def one_colour(part: Images) -> NDArray[np.bool_]:
    """Return which images, or lines of images, are blank; with four axes, a last axis of 3 holds the channels."""
    channels = 3 if is_rgb(part) else 1
    values = part.reshape(len(part), math.prod(part.shape[1:]))
    blank: NDArray[np.bool_] = (values[:, channels:] == values[:, :-channels]).all(axis=1)
    return blank


def repeated(values: Digests) -> list[Places]:
    """Return the indices, ascending, of each value that occurs more than once, ordered by value."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=~values[order[:1]]))
    ends = np.append(starts[1:], len(values))
    several = ends - starts > 1
    return [order[start:end] for start, end in zip(starts[several], ends[several], strict=True)]


def _words(part: Images) -> Digests:
    """Return the bytes of each image as little-endian words, ``(k, words)``, padded with zeros at the end."""
    values = part.reshape(len(part), -1)
    missing = -values.shape[1] % _WORD_BYTES
    if missing:
        values = np.pad(values, ((0, 0), (0, missing)))
    return np.ascontiguousarray(values).view("<u8")


def _odd_numbers(n: int) -> Digests:
    # NumPy guarantees the raw output of a bit generator across versions; the output of a Generator may change.
    return np.asarray(np.random.PCG64(_SEED).random_raw(n), dtype=np.uint64) | np.uint64(1)


def _places(number: int, n: int) -> Places:
    return np.stack([np.full(n, number), np.arange(n)], axis=1).astype(np.intp)


Hashes = NDArray[np.uint64]

_LUMA = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
_FREQUENCIES = {2: 8, 3: 4}  # per axis, by number of axes: 64 in all
_MAX_DISTANCE = 16
_COMPARED_AT_ONCE = 1 << 17  # pairs; small enough for the processor cache


class Pairs(NamedTuple):
    """Pairs of near hashes.

    Attributes
    ----------
    places : (p, 2) intp
        Indices of each pair in the array of hashes, the lower first; rows are sorted in ascending order.
    distances : (p,) uint8
        Number of bits in which the two hashes differ.
    """

    places: NDArray[np.intp]
    distances: NDArray[np.uint8]


def perceptual_hashes(images: Images, *, advance: Advance | None = None) -> Hashes:
    """Return a 64-bit hash of each image that changes little when the image changes little.

    Compressing or resizing an image, or changing its brightness or contrast, changes few bits. Unrelated images differ
    in about half of the bits. Rotation and mirroring change the hash. If the images of a data set are similar, such as
    images of one centred organ, near hashes are common: look at the pairs before you call them duplicates. The hash of
    a blank image is 0.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        At least 8 pixels or voxels along each axis. RGB images are converted to luma. A channel axis of 1 or 3 may
        also come first: see :func:`~medmnist_np.images.channels.channel_axis`. Read in blocks of a few MB.
    advance : callable, optional
        Called with the number of bytes after each block, for example the ``update`` of a progress bar.

    Returns
    -------
    (n,) uint64

    Raises
    ------
    ValueError
        If the array has another dtype or shape, or the images are too small.

    Notes
    -----
    The hash is based on 64 coefficients of the discrete cosine transform (DCT-II): the 8 x 8 lowest frequencies of an
    image, or the 4 x 4 x 4 lowest of a volume [1]_. Each bit is 1 if its coefficient is above their median. The
    coefficient of frequency zero (the mean) is set to 0. The image is not resized first.

    References
    ----------
    .. [1] Zauner C. Implementation and benchmarking of perceptual image hash functions. Hagenberg, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import distance, perceptual_hashes
    >>> image = np.random.default_rng(0).integers(0, 200, (28, 28), dtype=np.uint8)
    >>> original, brighter, mirrored = perceptual_hashes(np.stack([image, image + 20, image[:, ::-1]]))
    >>> int(distance(original, brighter)), int(distance(original, mirrored)) > 16
    (0, True)
    """
    refuse_one_image(checked_images(images))
    images = usual_axes(images)
    hashes = np.empty(len(images), dtype=np.uint64)
    cosines: list[NDArray[np.float32]] = []
    for where, part in blocks(images, advance):
        cosines = cosines or _cosines(part)
        hashes[where] = _bits(_transformed(part, cosines), one_colour(part))
    return hashes


def distance(first: Any, second: Any) -> Any:
    """Return the number of bits in which hashes differ (Hamming distance), 0 to 64.

    Parameters
    ----------
    first, second : uint64 or array of uint64
        Shapes are broadcast.

    Returns
    -------
    uint8 or array of uint8
    """
    bits = np.bitwise_xor(np.asarray(first, np.uint64), np.asarray(second, np.uint64))
    # NumPy 2 and later count bits about twenty times as fast.
    return np.bitwise_count(bits) if hasattr(np, "bitwise_count") else bits_counted(bits)


def bits_counted(values: Hashes) -> NDArray[np.uint8]:
    """Return the number of set bits in each value, computed on all its bytes at once."""
    # Sum bits in pairs, then in fours, then in bytes; the multiplication adds all bytes into the highest.
    ones = values - ((values >> np.uint64(1)) & np.uint64(0x5555555555555555))
    ones = (ones & np.uint64(0x3333333333333333)) + ((ones >> np.uint64(2)) & np.uint64(0x3333333333333333))
    ones = (ones + (ones >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    summed: Hashes = np.multiply(ones, np.uint64(0x0101010101010101))  # `*` of scalars warns of overflow
    return (summed >> np.uint64(56)).astype(np.uint8)


def near_pairs(hashes: Hashes, max_distance: int = 4, *, max_pairs: int = 1_000_000) -> Pairs:
    """Find all pairs of hashes that differ in few bits.

    Parameters
    ----------
    hashes : (n,) uint64
        Leave out the hashes of blank images, which are all 0.
    max_distance : int
        Largest number of bits that may differ, 0 to 16. Higher values take longer.
    max_pairs : int
        Stop with an error if there are more pairs. If all images are similar, there are about n * n / 2.

    Returns
    -------
    Pairs
        All pairs, each once.

    Raises
    ------
    ValueError
        If there are more than ``max_pairs``, or an argument is out of range.

    Notes
    -----
    Hashes that differ in at most k bits agree in at least one of k + 1 bands of bits. Only hashes that agree in a band
    are compared, or all hashes if that takes fewer comparisons. Memory grows with n and with the number of pairs, not
    with n * n.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import near_pairs
    >>> near_pairs(np.array([0b0000, 0b1111_1111, 0b0011], dtype=np.uint64)).places.tolist()
    [[0, 2]]
    """
    values = np.asarray(hashes)
    if values.dtype != np.uint64 or values.ndim != 1:
        raise ValueError(f"The hashes are {values.dtype} of shape {values.shape}, but uint64 of shape (n,) is needed.")
    if max_distance not in range(_MAX_DISTANCE + 1):
        raise ValueError(f"max_distance is {short(max_distance)}. It must be between 0 and {_MAX_DISTANCE} bits.")
    edges = np.linspace(0, 64, max_distance + 2).astype(int).tolist()
    groups = [run for low, high in pairwise(edges) for run in repeated(values & np.uint64((1 << high) - (1 << low)))]
    if sum(len(group) ** 2 for group in groups) > len(values) ** 2:  # cheaper to compare all pairs once
        groups = [np.arange(len(values))]
    near: set[tuple[int, int]] = set()
    for pairs in chain.from_iterable(_near_in_group(values, group, max_distance) for group in groups):
        near.update(pairs)
        if len(near) > max_pairs:
            raise ValueError(
                f"More than {max_pairs:,} pairs of hashes differ in at most {max_distance} bits. Leave out blank "
                "images, keep one of each group of identical images, lower max_distance, or raise max_pairs."
            )
    places = np.array(sorted(near), dtype=np.intp).reshape(-1, 2)
    return Pairs(places, distance(values[places[:, 0]], values[places[:, 1]]))


def changed_hashes(images: Images, *, advance: Advance | None = None) -> Hashes:
    """Return the perceptual hashes that images would have if they were shifted, cropped, mirrored or rotated.

    An image whose hash is near the changed hash of another one is perhaps a changed copy of it.

    Parameters
    ----------
    images, advance
        See :func:`perceptual_hashes`. Volumes have no such hashes.

    Returns
    -------
    (n, changes) uint64
        A column for each change of ``CHANGES``. Shifts and crops are by 1/28 of the length of an axis, rounded to whole
        pixels, or by two of these. Images that are not square have no columns for quarter turns, which are last.

    Notes
    -----
    A shift with repeated edge pixels and a crop with linear interpolation are linear along each axis, so they change
    the cosine tables instead of the images. Mirroring changes the sign of the odd frequencies.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import CHANGES, changed_hashes, perceptual_hashes
    >>> image = np.random.default_rng(0).integers(0, 200, (1, 28, 28), dtype=np.uint8)
    >>> mirrored = changed_hashes(image)[0, CHANGES.index("mirrored left to right")]
    >>> bool(mirrored == perceptual_hashes(image[:, :, ::-1])[0])
    True
    """
    refuse_one_image(checked_images(images))
    images = usual_axes(images)
    if images.ndim == 4 and not is_rgb(images):
        return np.empty((len(images), 0), np.uint64)
    square = images.shape[1] == images.shape[2]
    hashes = np.empty((len(images), len(CHANGES) if square else len(CHANGES) - _N_QUARTER_TURNS), dtype=np.uint64)
    cosines: list[NDArray[np.float32]] = []
    for where, part in blocks(images, advance):
        cosines = cosines or _cosines(part, list(_ALONG_AXIS))
        blank = one_colour(part)
        for number, coefficients in enumerate(_changed(_transformed(part, cosines), square=square)):
            hashes[where, number] = _bits(coefficients, blank)
    return hashes


def near_between(first: Hashes, second: Hashes, max_distance: int = 4, *, max_pairs: int = 1_000_000) -> Pairs:
    """Find all pairs of a hash of one array and a hash of another that differ in few bits.

    Parameters
    ----------
    first, second : (n,) uint64
        Hashes of the same images; pairs of an image with itself are left out.
    max_distance, max_pairs
        See :func:`near_pairs`.

    Returns
    -------
    Pairs
        Places in the first and in the second array. If both directions are near, both are returned.

    Raises
    ------
    ValueError
        If there are more than ``max_pairs``.
    """
    edges = np.linspace(0, 64, max_distance + 2).astype(int).tolist()
    near: set[tuple[int, int]] = set()
    for low, high in pairwise(edges):
        band = np.uint64((1 << high) - (1 << low))
        order = np.argsort(second & band, kind="stable")
        starts, ends = (np.searchsorted((second & band)[order], first & band, side) for side in ("left", "right"))
        for rows in _some_rows(ends - starts):
            counts = (ends - starts)[rows]
            here = np.repeat(np.arange(rows.start, rows.stop), counts)
            within = np.arange(len(here)) - np.repeat(np.cumsum(counts) - counts, counts)
            there = order[np.repeat(starts[rows], counts) + within]
            close = (distance(first[here], second[there]) <= max_distance) & (here != there)
            near.update(zip(here[close].tolist(), there[close].tolist(), strict=True))
            if len(near) > max_pairs:
                raise ValueError(f"More than {max_pairs:,} pairs of hashes differ in at most {max_distance} bits.")
    places = np.array(sorted(near), dtype=np.intp).reshape(-1, 2)
    return Pairs(places, distance(first[places[:, 0]], second[places[:, 1]]))


def _some_rows(counts: NDArray[np.intp]) -> Iterator[slice]:
    """Yield runs of rows with about as many comparisons as fit into the processor cache."""
    ends = np.searchsorted(np.cumsum(counts), np.arange(_COMPARED_AT_ONCE, counts.sum(), _COMPARED_AT_ONCE))
    cuts = np.unique([0, *(ends + 1), len(counts)])
    yield from (slice(start, end) for start, end in pairwise(cuts.tolist()))


def _near_in_group(values: Hashes, group: NDArray[np.intp], max_distance: int) -> Iterator[Iterable[tuple[int, int]]]:
    """Yield the indices of near pairs in a group of hashes, some at a time; the indices in the group ascend."""
    members = values[group]
    rows = max(1, _COMPARED_AT_ONCE // len(group))
    for start in range(0, len(group), rows):
        near = distance(members[start : start + rows, None], members[start:]) <= max_distance
        first, second = np.nonzero(near)
        ahead = first < second
        yield zip(group[start + first[ahead]].tolist(), group[start + second[ahead]].tolist(), strict=True)


def _cosines(part: Images, changes: Sequence[str] = ()) -> list[NDArray[np.float32]]:
    """Return the cosine table ``(length, frequencies)`` of each axis of an image; RGB tables include the luma.

    With changes along an axis, the tables of the changed axis are side by side.
    """
    rgb = is_rgb(part)
    lengths = part.shape[1:3] if rgb else part.shape[1:]
    if len(lengths) not in _FREQUENCIES or min(lengths) < 8:
        raise ValueError(f"The images have shape {part.shape[1:]}; 2 or 3 axes of at least 8 pixels are needed.")
    frequencies = np.arange(_FREQUENCIES[len(lengths)])
    scale = np.where(frequencies, math.sqrt(2), 1)  # makes the transform orthonormal
    tables = [scale * np.cos(math.pi / n * (np.arange(n)[:, None] + 0.5) * frequencies) / math.sqrt(n) for n in lengths]
    if changes:
        tables = [np.hstack([_axis_change(kind, len(table)).T @ table for kind in changes]) for table in tables]
    if rgb:
        tables[1] = np.kron(tables[1], _LUMA[:, None])
    return [table.astype(np.float32) for table in tables]


def _transformed(part: Images, cosines: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the coefficients of images, ``(k, frequencies, ...)`` with an axis for each table."""
    values: NDArray[np.float32] = part.astype(np.float32)
    if is_rgb(part):
        values = values.reshape(*part.shape[:2], -1)
    for table in reversed(cosines):  # transforms the last axis and moves its frequencies to the front
        # One large matrix product. Many small ones, each spread over threads, took twice as long on two busy cores.
        flat = values.reshape(-1, len(table)) @ table
        values = np.moveaxis(flat.reshape(*values.shape[:-1], table.shape[1]), -1, 1)
    return values


def _bits(coefficients: NDArray[np.float32], blank: NDArray[np.bool_]) -> Hashes:
    coefficients = coefficients.reshape(len(blank), 64).copy()  # may be a view of others
    coefficients[:, 0] = 0
    bits = coefficients > np.median(coefficients, axis=1, keepdims=True)
    hashes = np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)
    hashes[blank] = 0  # not the sign of rounding errors
    return hashes


# Changes along an axis: how many steps of 1/28 of its length are cut from its start and its end, and then added again
# by repeating edge pixels (a shift) or by enlarging what remains (a crop).
_ALONG_AXIS = {
    "": (0, 0),
    "forth": (-1, 1),
    "back": (1, -1),
    "two forth": (-2, 2),
    "two back": (2, -2),
    "cut at the start": (1, 0),
    "cut at the end": (0, 1),
    "cut": (1, 1),
    "cut twice": (2, 2),
}

_MOVES = {
    **{
        f"shifted {' and '.join(filter(None, (vertical, horizontal)))}": (first, last)
        for first, vertical in {"": "", "back": "up", "forth": "down"}.items()
        for last, horizontal in {"": "", "back": "left", "forth": "right"}.items()
        if first or last
    },
    "shifted up by two": ("two back", ""),
    "shifted down by two": ("two forth", ""),
    "shifted left by two": ("", "two back"),
    "shifted right by two": ("", "two forth"),
    **{
        f"cropped at the {' and '.join(filter(None, (vertical, horizontal)))}": (first, last)
        for first, vertical in {"": "", "cut at the start": "top", "cut at the end": "bottom"}.items()
        for last, horizontal in {"": "", "cut at the start": "left", "cut at the end": "right"}.items()
        if first or last
    },
    "cropped": ("cut", "cut"),
    "cropped by two": ("cut twice", "cut twice"),
}

_STEPS = 28


def changed_image(image: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an image ``(h, w)`` or ``(h, w, 3)`` after one of ``CHANGES``, in float64 if it is interpolated."""
    if name in _MOVES:
        first, last = (_axis_change(kind, n) for kind, n in zip(_MOVES[name], image.shape, strict=False))
        moved: NDArray[Any] = np.moveaxis(np.tensordot(last, np.tensordot(first, image, 1), (1, 1)), 0, 1)
        return moved
    return _TURNS[name](image)


_TURNS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "mirrored left to right": lambda image: image[:, ::-1],
    "mirrored top to bottom": lambda image: image[::-1],
    "rotated by 180 degrees": lambda image: image[::-1, ::-1],
    "mirrored along a diagonal": lambda image: image.swapaxes(0, 1),
    "mirrored along the other diagonal": lambda image: image.swapaxes(0, 1)[::-1, ::-1],
    "rotated clockwise": lambda image: image.swapaxes(0, 1)[:, ::-1],
    "rotated counterclockwise": lambda image: image.swapaxes(0, 1)[::-1],
}

# Only for square images, and last.
_N_QUARTER_TURNS = 4

CHANGES = (*_MOVES, *_TURNS)
"""Names of the changes of :func:`changed_hashes`."""


def _axis_change(kind: str, length: int) -> NDArray[np.float64]:
    """Return the matrix ``(length, length)`` of a change along an axis, which interpolates linearly."""
    step = max(1, round(length / _STEPS))
    start, end = (step * n for n in _ALONG_AXIS[kind])
    at = start + (np.arange(length) + 0.5) * (length - start - end) / length - 0.5
    at = np.clip(at, 0, length - 1)
    below = np.minimum(at.astype(int), length - 2)
    matrix = np.zeros((length, length))
    matrix[np.arange(length), below] = below + 1 - at
    matrix[np.arange(length), below + 1] = at - below
    return matrix


def _changed(coefficients: NDArray[np.float32], *, square: bool) -> Iterator[NDArray[np.float32]]:
    """Yield the coefficients ``(k, 8, 8)`` of the images after each change, in the order of ``CHANGES``."""
    kinds = list(_ALONG_AXIS)
    n = coefficients.shape[1] // len(kinds)
    for first, last in _MOVES.values():
        row, column = (n * kinds.index(kind) for kind in (first, last))
        yield coefficients[:, row : row + n, column : column + n]
    unchanged = coefficients[:, :n, :n]
    along_row = np.array([1, -1] * (n // 2), np.float32)  # mirrors an axis
    along_column = along_row[:, None]
    yield from (unchanged * along_row, unchanged * along_column, unchanged * along_row * along_column)
    if square:
        turned = unchanged.swapaxes(1, 2)
        yield from (turned, turned * along_row * along_column, turned * along_row, turned * along_column)
