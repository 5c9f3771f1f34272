"""Where masks have labels: how many labelled voxels are in each slice, and the n-th of them. Masks in, numbers out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress
from medmnist_np.volumes.ragged import Ragged


def count_labelled(masks: Ragged, axis: int, progress: Progress) -> list[NDArray[np.int64]]:
    """Count the voxels of each slice that are not background, 0.

    Every mask is read once, from front to back, in memory of one plane.

    Parameters
    ----------
    masks : Ragged
        ``(x, y, z)``.
    axis : int
        0, 1 or 2: what runs from slice to slice.
    progress : Progress
        What to show.

    Returns
    -------
    list of (slices,) int64
        For each mask.
    """
    counts = [np.zeros(shape[axis], np.int64) for shape in masks.shapes]
    voxels = int(masks.shapes.prod(axis=1).sum())
    with progress("looking for labels", total=voxels * masks.dtype.itemsize) as bar:
        for number, mask in enumerate(masks):
            for z in range(mask.shape[2]):
                plane = mask[:, :, z]
                if (n := np.count_nonzero(plane)) and axis == 2:
                    counts[number][z] = n
                elif n:
                    counts[number] += np.count_nonzero(plane, axis=1 - axis)
                bar.update(plane.nbytes)
    return counts


def labelled_voxel(mask: NDArray[np.integer], per_plane: NDArray[np.int64], number: int) -> tuple[int, int, int]:
    """Return one labelled voxel, reading the plane it lies in alone.

    Parameters
    ----------
    mask : (x, y, z) integer array
        In Fortran order.
    per_plane : (z,) int64
        Labelled voxels of each plane, as :func:`count_labelled` along axis 2 gives them.
    number : int
        Which, in the order of the file, from 0 to ``per_plane.sum() - 1``.
    """
    up_to = np.cumsum(per_plane)
    z = int(np.searchsorted(up_to, number, side="right"))
    in_plane = np.flatnonzero(mask[:, :, z].reshape(-1, order="F"))
    y, x = divmod(int(in_plane[number - (up_to[z] - per_plane[z])]), mask.shape[0])
    return x, y, z
