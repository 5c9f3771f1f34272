"""Which images are the same to the byte, and which are blank, in arrays that need not fit into memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.blocks import Advance, Images, blocks, checked_images
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
    >>> from medmnist_np.images.hashing import digests
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
    >>> from medmnist_np.images.hashing import duplicates
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
    >>> from medmnist_np.images.hashing import constant
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
