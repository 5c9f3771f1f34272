"""Find identical, blank and nearly identical images: exact digests, perceptual hashes and near pairs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np._sequences import Advance, Images, blocks, checked_images
from medmnist_np.images.channels import refuse_one_image, usual_axes

Digests = NDArray[np.uint64]
Places = NDArray[np.intp]

_WORD_BYTES = 8
_SEED = 0x6D65646D6E697374  # any number would do, if only it is always the same


def digests(images: Images, *, advance: Advance | None = None) -> Digests:
    """Return a 64-bit digest of each image.

    Images that are the same have the same digest, on every machine and in every version of NumPy. Other images differ
    in it almost always, and always if they differ in no more than one of the eight-byte words that they are made of.
    It is no cryptographic digest: two images with the same one are compared by :func:`duplicates`.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        An array or a memory map, which is read in blocks of a few MB.
    advance : callable, optional
        Called with the number of bytes after each block, for example the ``update`` of a progress bar.

    Returns
    -------
    (n,) uint64

    Raises
    ------
    ValueError
        If it is another kind of array.

    Notes
    -----
    The multilinear hash of [1]_ without its last step: the sum of the words, each times an odd 64-bit number that
    depends on its place alone, modulo 2 to the 64. It keeps up with reading from memory.

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
    found = np.empty(len(checked_images(images)), dtype=np.uint64)
    multipliers: Digests | None = None
    for where, part in blocks(images, advance):
        words = _words(part)
        if multipliers is None:
            multipliers = _odd_numbers(words.shape[1])
        np.einsum("ij,j->i", words, multipliers, out=found[where])
    return found


def duplicates(arrays: Sequence[Images], found: Sequence[Digests] | None = None) -> list[Places]:
    """Find images that are the same to the byte, within arrays and between them.

    Parameters
    ----------
    arrays : sequence of (n, ...) uint8
        For example the images of the three splits. The images have one shape.
    found : sequence of (n,) uint64, optional
        What :func:`digests` returns for each array, where that is known already.

    Returns
    -------
    list of (k, 2) intp
        One array for each group of images that are the same, with a row for each image: the number of its array and
        its place therein, ascending. Groups are in the order of their first images. An image that occurs once is in
        no group.

    Raises
    ------
    ValueError
        If the images of two arrays differ in shape, or digests and arrays do not fit each other.

    Notes
    -----
    Images with one digest are told apart by their BLAKE2b digest of 128 bits.

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
        raise ValueError(f"The images of the arrays differ in shape: {', '.join(map(str, sorted(shapes)))}.")
    found = [digests(array) for array in arrays] if found is None else found
    if [len(array) for array in arrays] != [len(values) for values in found]:
        raise ValueError("The digests do not fit the arrays: one for each image of each array is needed.")
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
    """Return which images are blank: all pixels have one gray level, or one colour.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        A channel axis of 1 or 3 may also come first: see :func:`~medmnist_np.images.channels.channel_axis`.
    advance : callable, optional
        As in :func:`digests`.

    Returns
    -------
    (n,) bool

    Raises
    ------
    ValueError
        If it is another kind of array.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import constant
    >>> constant(np.array([[[7, 7], [7, 7]], [[7, 7], [7, 8]]], dtype=np.uint8)).tolist()
    [True, False]
    """
    refuse_one_image(checked_images(images))
    images = usual_axes(images)
    found = np.empty(len(images), dtype=np.bool_)
    for where, part in blocks(images, advance):
        found[where] = one_colour(part)
    return found


def one_colour(part: Images) -> NDArray[np.bool_]:
    """Return which images, or lines of images, are blank; a last axis of 3 of four is that of channels."""
    channels = 3 if part.ndim == 4 and part.shape[3] == 3 else 1
    values = part.reshape(len(part), math.prod(part.shape[1:]))
    blank: NDArray[np.bool_] = (values[:, channels:] == values[:, :-channels]).all(axis=1)
    return blank


def repeated(values: Digests) -> list[Places]:
    """Return the places, ascending, of each value that occurs more than once; the values ascend."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=~values[order[:1]]))
    ends = np.append(starts[1:], len(values))
    several = ends - starts > 1
    return [order[start:end] for start, end in zip(starts[several], ends[several], strict=True)]


def _words(part: Images) -> Digests:
    """Return the bytes of each image as little-endian words, ``(k, words)``, zeros behind the last bytes."""
    values = part.reshape(len(part), -1)
    missing = -values.shape[1] % _WORD_BYTES
    if missing:
        values = np.pad(values, ((0, 0), (0, missing)))
    return np.ascontiguousarray(values).view("<u8")


def _odd_numbers(n: int) -> Digests:
    # The raw output of a bit generator is the same in every version of NumPy; that of a Generator may change.
    return np.asarray(np.random.PCG64(_SEED).random_raw(n), dtype=np.uint64) | np.uint64(1)


def _places(number: int, n: int) -> Places:
    return np.stack([np.full(n, number), np.arange(n)], axis=1).astype(np.intp)


Hashes = NDArray[np.uint64]

_LUMA = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
_FREQUENCIES = {2: 8, 3: 4}  # along each axis of an image and of a volume: 64 in all
_MAX_DISTANCE = 16
_COMPARED_AT_ONCE = 1 << 17  # pairs; what they take fits into the cache of a processor


class Pairs(NamedTuple):
    """Pairs of near hashes.

    Attributes
    ----------
    places : (p, 2) intp
        Places of the two in the array of hashes, the lower first; rows ascend.
    distances : (p,) uint8
        Bits in which they differ.
    """

    places: NDArray[np.intp]
    distances: NDArray[np.uint8]


def perceptual_hashes(images: Images, *, advance: Advance | None = None) -> Hashes:
    """Return a 64-bit hash of each image that changes little when the image does.

    An image that was compressed, resized, or made brighter or richer in contrast differs in few of the bits; other
    images differ in about half of them. Turning and mirroring change the hash. Where images of a set look alike, as
    centred organs do, near hashes are common: look at the pairs before calling them duplicates. The hash of a blank
    image is 0.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        At least 8 pixels or voxels along each axis. Of RGB images the luma counts. A channel axis of 1 or 3 may also
        come first: see :func:`~medmnist_np.images.channels.channel_axis`. Read in blocks of a few MB.
    advance : callable, optional
        Called with the number of bytes after each block, for example the ``update`` of a progress bar.

    Returns
    -------
    (n,) uint64

    Raises
    ------
    ValueError
        If it is another kind of array, or the images are smaller.

    Notes
    -----
    A bit says whether one coefficient of the discrete cosine transform (DCT-II) is above the median of all 64, which
    are those of the 8 x 8 lowest frequencies of an image and of the 4 x 4 x 4 lowest of a volume [1]_. The mean, the
    coefficient of frequency zero, is set to 0, and the image is not resized before.

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
    found = np.empty(len(images), dtype=np.uint64)
    cosines: list[NDArray[np.float32]] = []
    for where, part in blocks(images, advance):
        cosines = cosines or _cosines(part)
        found[where] = _hashed(part, cosines)
    return found


def distance(first: Any, second: Any) -> Any:
    """Return the number of bits in which hashes differ (Hamming distance), 0 to 64.

    Parameters
    ----------
    first, second : uint64, or arrays of them
        Shapes are broadcast.

    Returns
    -------
    uint8, or an array of it
    """
    bits = np.bitwise_xor(np.asarray(first, np.uint64), np.asarray(second, np.uint64))
    # NumPy counts bits from version 2 on, about twenty times as fast.
    return np.bitwise_count(bits) if hasattr(np, "bitwise_count") else bits_counted(bits)


def bits_counted(values: Hashes) -> NDArray[np.uint8]:
    """Return the number of ones in each value, with arithmetic on all its bytes at once."""
    # Sums of neighbouring bits, of pairs of them and of fours; the multiplication adds the bytes up in the highest.
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
        Leave out those of blank images, which are all 0.
    max_distance : int
        Largest number of bits, 0 to 16. The more, the longer it takes.
    max_pairs : int
        Refuse to go on beyond that many: a set of images that all look alike has about n * n / 2.

    Returns
    -------
    Pairs
        All that there are, none twice.

    Raises
    ------
    ValueError
        If there are more than ``max_pairs``, or an argument is out of range.

    Notes
    -----
    Hashes that differ in at most k bits agree in at least one of k + 1 bands of bits, so only those that agree in a
    band are compared; all are, where that is less. Memory grows with n and with the pairs found, not with n * n.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.hashes import near_pairs
    >>> near_pairs(np.array([0b0000, 0b1111_1111, 0b0011], dtype=np.uint64)).places.tolist()
    [[0, 2]]
    """
    values = np.asarray(hashes)
    if values.dtype != np.uint64 or values.ndim != 1:
        raise ValueError(f"The hashes are {values.dtype} of shape {values.shape}; uint64 of shape (n,) is needed.")
    if max_distance not in range(_MAX_DISTANCE + 1):
        raise ValueError(f"max_distance is {max_distance!r}; 0 to {_MAX_DISTANCE} bits are possible.")
    edges = np.linspace(0, 64, max_distance + 2).astype(int).tolist()
    groups = [run for low, high in pairwise(edges) for run in repeated(values & np.uint64((1 << high) - (1 << low)))]
    if sum(len(group) ** 2 for group in groups) > len(values) ** 2:  # alike in all bands: compare each with each, once
        groups = [np.arange(len(values))]
    found: set[tuple[int, int]] = set()
    for pairs in chain.from_iterable(_near_in_group(values, group, max_distance) for group in groups):
        found.update(pairs)
        if len(found) > max_pairs:
            raise ValueError(
                f"More than {max_pairs:,} pairs of hashes differ in at most {max_distance} bits. Leave out blank "
                "images and all but one of those that are the same, take a smaller max_distance, or raise max_pairs."
            )
    places = np.array(sorted(found), dtype=np.intp).reshape(-1, 2)
    return Pairs(places, distance(values[places[:, 0]], values[places[:, 1]]))


def _near_in_group(values: Hashes, group: NDArray[np.intp], max_distance: int) -> Iterator[Iterable[tuple[int, int]]]:
    """Yield the places of near pairs in a group of hashes, some at a time; the places of the group ascend."""
    members = values[group]
    rows = max(1, _COMPARED_AT_ONCE // len(group))
    for start in range(0, len(group), rows):
        near = distance(members[start : start + rows, None], members[start:]) <= max_distance
        first, second = np.nonzero(near)
        ahead = first < second
        yield zip(group[start + first[ahead]].tolist(), group[start + second[ahead]].tolist(), strict=True)


def _cosines(part: Images) -> list[NDArray[np.float32]]:
    """Return for each axis of an image its lowest frequencies, ``(length, frequencies)``; of RGB times the luma."""
    rgb = part.ndim == 4 and part.shape[3] == 3
    lengths = part.shape[1:3] if rgb else part.shape[1:]
    if len(lengths) not in _FREQUENCIES or min(lengths) < 8:
        raise ValueError(f"The images have shape {part.shape[1:]}; at least 8 pixels along 2 or 3 axes are needed.")
    frequencies = np.arange(_FREQUENCIES[len(lengths)])
    scale = np.where(frequencies, math.sqrt(2), 1)  # all waves of one length
    tables = [scale * np.cos(math.pi / n * (np.arange(n)[:, None] + 0.5) * frequencies) / math.sqrt(n) for n in lengths]
    if rgb:
        tables[1] = np.kron(tables[1], _LUMA[:, None])
    return [table.astype(np.float32) for table in tables]


def _hashed(part: Images, cosines: list[NDArray[np.float32]]) -> Hashes:
    values: NDArray[np.float32] = part.astype(np.float32)
    if part.ndim == 4 and part.shape[3] == 3:
        values = values.reshape(*part.shape[:2], -1)
    for table in reversed(cosines):  # each takes the last axis away and puts its frequencies in front
        # One large product: many small ones, each spread over threads, took twice as long on two busy cores.
        flat = values.reshape(-1, len(table)) @ table
        values = np.moveaxis(flat.reshape(*values.shape[:-1], table.shape[1]), -1, 1)
    coefficients = values.reshape(len(part), 64)
    coefficients[:, 0] = 0
    bits = coefficients > np.median(coefficients, axis=1, keepdims=True)
    hashes = np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)
    hashes[one_colour(part)] = 0  # instead of what rounding leaves of nothing
    return hashes
