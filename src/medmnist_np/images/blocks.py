"""Arrays that need not fit into memory, a block of images at a time."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 4 << 20  # larger blocks were hardly faster

Images = NDArray[np.uint8]
Advance = Callable[[int], object]


def blocks(images: Images, advance: Advance | None = None) -> Iterator[tuple[slice, Images]]:
    """Yield consecutive parts of an array and where they lie, each of a few MB.

    Pages of a read-only memory map are let go of after use, so that memory stays flat whatever the length.

    Parameters
    ----------
    images : (n, ...) uint8
        Images or volumes, at least two axes.
    advance : callable, optional
        Called with the number of bytes after each part, for example the ``update`` of a progress bar.

    Raises
    ------
    ValueError
        If it is another kind of array, or its images have no pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.blocks import blocks
    >>> [(where.start, len(part)) for where, part in blocks(np.zeros((7000, 28, 28), dtype=np.uint8))]
    [(0, 5349), (5349, 1651)]
    """
    view = checked_images(images)
    step = max(1, _BLOCK_BYTES // math.prod(view.shape[1:]))
    for start in range(0, len(view), step):
        part = view[start : start + step]
        yield slice(start, start + len(part)), part
        _let_go(part)
        if advance is not None:
            advance(part.nbytes)


def checked_images(images: Images) -> Images:
    """Return an array of images as a plain array, or raise ValueError if it is none."""
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim < 2 or 0 in images.shape[1:]:
        found = f"{images.dtype} of shape {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise ValueError(f"Images are needed as an array (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, not {found}.")
    return images.view(np.ndarray)


def _let_go(part: Images) -> None:
    """Take pages of a memory map out of the process; the system keeps them as long as it has room."""
    dont_need = getattr(mmap, "MADV_DONTNEED", None)
    base: object = part
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    # A map of mode "c" would lose its changes, so only those that nobody can write.
    if dont_need is None or not isinstance(base, np.memmap) or base.mode != "r" or not part.flags.c_contiguous:
        return
    memory: mmap.mmap = base._mmap  # type: ignore[attr-defined]  # the stubs of NumPy leave it out
    begin = part.ctypes.data - np.frombuffer(memory, np.uint8).ctypes.data
    first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
    length = (begin + part.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - first
    if length > 0:
        memory.madvise(dont_need, first, length)
