"""One pass over all images: digests, blank ones, perceptual hashes; in pieces, so that memory stays flat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress
from medmnist_np.audits.source import Images
from medmnist_np.images.hashes import perceptual_hashes
from medmnist_np.images.hashing import digests, one_colour
from medmnist_np.spread import MappedFile, spread

# Read from disk once, and then from memory by each of the three.
_PIECE_BYTES = 32_000_000


class Scan(NamedTuple):
    """What is known of the images of a split: digests, which are blank, and perceptual hashes where asked for."""

    digests: NDArray[np.uint64]
    blank: NDArray[np.bool_]
    hashes: NDArray[np.uint64]


class _Piece(NamedTuple):
    """Rows of an .npy file: pickles small."""

    split: str
    file: MappedFile
    start: int
    stop: int
    hashed: bool


def scan(
    images: Mapping[str, Images], *, hashed: bool, executor: Executor | None, progress: Progress
) -> dict[str, Scan]:
    """Look at all images once.

    Parameters
    ----------
    images : Mapping of str to (n, ...) uint8
        Whole maps of .npy files, by split.
    hashed : bool
        Whether to make perceptual hashes too; without, ``hashes`` are empty.
    executor : Executor or None
        Who works.
    progress : Progress
        What to show.
    """
    pieces = [piece for split, array in images.items() for piece in _pieces(split, array, hashed=hashed)]
    found: dict[str, list[Scan]] = {split: [] for split in images}
    with progress("looking at images", total=sum(array.nbytes for array in images.values())) as bar:
        for piece, scanned in zip(pieces, spread(_scan_piece, pieces, executor), strict=True):
            found[piece.split].append(scanned)
            bar.update((piece.stop - piece.start) * math.prod(images[piece.split].shape[1:]))
    return {split: Scan(*map(np.concatenate, zip(*parts, strict=True))) for split, parts in found.items()}


def _pieces(split: str, array: Images, *, hashed: bool) -> list[_Piece]:
    step = max(1, _PIECE_BYTES // math.prod(array.shape[1:]))
    file = MappedFile.of(array)
    # A split without images has one piece too, which gives arrays of the right types.
    starts = range(0, max(1, len(array)), step)
    return [_Piece(split, file, start, min(start + step, len(array)), hashed) for start in starts]


def _scan_piece(piece: _Piece) -> Scan:
    images = piece.file.open()[piece.start : piece.stop]
    blank = _blank(images)  # first: the pages that it maps are those that digests need
    return Scan(digests(images), blank, perceptual_hashes(images) if piece.hashed else np.empty(0, np.uint64))


def _blank(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which images are blank. Few are so in their middle line already; only those are read whole."""
    middle = images.shape[1] // 2
    found = one_colour(images[:, middle : middle + 1])
    candidates = np.flatnonzero(found)
    found[candidates] = one_colour(images[candidates])
    return found
