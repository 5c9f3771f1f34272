"""Slices or patches of volumes as a data set of images, without copying the volumes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from medmnist_np._groups import per_sample
from medmnist_np._sequences import Items
from medmnist_np.volumes.cases import Cases
from medmnist_np.volumes.windows import Grid, Patches, Slices, Weights, Windows, assembled

if TYPE_CHECKING:
    from medmnist_np.batches import Batches, Transform
    from medmnist_np.batches.layout import Channels
    from medmnist_np.batches.order import Last, Shuffle, Uneven


class WindowDataset(Items):
    """Slices or patches of volumes, as a sequence of ``(image, mask)``.

    Made by ``slices()``, ``patches()`` and ``grid_patches()`` of a :class:`VolumeDataset`.

    Attributes
    ----------
    volumes : VolumeDataset
        The volumes that the items are cut from.
    images : Windows
        The images, read on access with ``images[i]`` or ``images.take([...])``.
    masks : Windows or None
        The masks; None if the split has none.

    Notes
    -----
    Indexing with an int returns ``(image, mask)``. The image of a slice is ``(h, w)``, with the remaining axes of the
    volume in their order (x, y for axis 2); the image of a patch is ``(x, y, z)``. A channel axis, if any, is last.
    The image has the dtype of the volume. The mask is uint8 without a channel axis, or None. Both arrays are fresh,
    writable and in Fortran order, like the volume.

    Indexing with a slice, an array of indices or a boolean mask returns a :class:`WindowDataset` of these items.

    A dataset can be shared between threads. It pickles as the path and selection of its volumes, plus 8 bytes for each
    selected item unless the selection is a range, and 12 bytes for each patch.
    """

    def __init__(
        self,
        volumes: Cases,
        cut: Slices | Patches | Grid,
        *,
        pad_value: float = 0,
        selection: range | NDArray[np.intp] | None = None,
    ) -> None:
        self.volumes = volumes
        self._cut = cut
        self._pad_value = pad_value
        self._all = cut.places(volumes.images.shapes[:, :3])
        self._select(range(len(self._all.cases)) if selection is None else selection)

    def _select(self, selection: range | NDArray[np.intp]) -> None:
        self._selection = selection
        self._places = self._all.part(self._positions())
        axis = self._cut.axis
        self.images = Windows(self.volumes.images, self._places, axis=axis, pad_value=self._pad_value)
        masks = self.volumes.masks
        self.masks = None if masks is None else Windows(masks, self._places, axis=axis)

    @property
    def case_numbers(self) -> NDArray[np.intp]:
        """Index of the case of each item, ``(n,)`` intp: item ``i`` is cut from ``volumes[case_numbers[i]]``."""
        return self._places.cases.copy()

    @property
    def cases(self) -> NDArray[np.str_]:
        """Name of the case of each item, ``(n,)`` str."""
        return self.volumes.cases[self._places.cases]

    @property
    def corners(self) -> NDArray[np.intp]:
        """First voxel of each item in its volume, ``(n, 3)`` intp; negative where the item begins outside.

        For slices along ``axis``, ``corners[:, axis]`` is the slice number.
        """
        return self._places.corners.copy()

    def batches(  # noqa: PLR0913 -- each is one choice, and has a default
        self,
        batch_size: int,
        *,
        shuffle: Shuffle = False,
        seed: int = 0,
        epoch: int = 0,
        last: Last = "keep",
        shard: tuple[int, int] = (0, 1),
        uneven: Uneven = "keep",
        channels: Channels | None = None,
        dtype: DTypeLike | None = None,
        scale: float | None = None,
        weights: ArrayLike | None = None,
        transform: Transform | None = None,
        prefetch: int = 2,
    ) -> Batches:
        """Return batches as fresh, writable arrays in C order; each iteration over them is the next epoch.

        Parameters
        ----------
        batch_size, shuffle, seed, epoch, last, shard, uneven, transform, prefetch
            See :meth:`Dataset.batches <medmnist_np.Dataset.batches>`. Data is not read ahead for ``shuffle="blocks"``.
        channels : "first" or "last", optional
            Position of the channel axis of images. None keeps it last, or absent if there is one modality.
        dtype : dtype, optional
            Dtype of the images. None means the dtype of the volumes, or float32 with ``scale``.
        scale : float, optional
            Factor for each value.
        weights : (n,) array_like of float, optional
            Relative probabilities for drawing ``n`` items with replacement. Needs ``shuffle=True``.

        Returns
        -------
        Batches
            ``batch.images`` is ``(b, h, w)`` or ``(b, x, y, z)``, possibly with a channel axis. ``batch.masks``, also
            available as ``batch.labels``, is ``(b, h, w)`` or ``(b, x, y, z)`` uint8, or ``(b, 0)`` without masks.

        Raises
        ------
        ValueError
            If an argument is out of range, or items differ in size.
        """
        from medmnist_np.batches import Batches
        from medmnist_np.batches.layout import Layout
        from medmnist_np.batches.order import Plan, block_length

        if self.images.row_shape is None:
            sizes = np.unique(np.delete(self._places.extents, self._cut.axis or 0, axis=1), axis=0)
            smallest, largest = (" x ".join(map(str, size.tolist())) for size in (sizes.min(axis=0), sizes.max(axis=0)))
            raise ValueError(
                f"These slices have {len(sizes)} sizes, from {smallest} to {largest}. A batch needs one size. Use "
                f"slices(shape={tuple(sizes.max(axis=0).tolist())}), which crops or pads each slice."
            )
        layout = Layout(
            channel_axis_stored=self.volumes.images.n_channels is not None, channels=channels, dtype=dtype, scale=scale
        )
        if layout.dtype is not None and not np.can_cast(self.images.dtype, layout.dtype, "same_kind"):
            raise ValueError(f"dtype {layout.dtype} cannot hold images of dtype {self.images.dtype}.")
        plan = Plan(
            n_samples=len(self),
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            last=last,
            shard=shard,
            uneven=uneven,
            weights=None if weights is None else per_sample(weights, "weights").astype(np.float64),
            block_length=block_length(self.images.dtype.itemsize * int(np.prod(self.images.row_shape))),
        )
        return Batches(
            self.images,
            np.empty((len(self), 0), np.uint8) if self.masks is None else self.masks,
            range(len(self)),
            plan,
            layout,
            epoch=epoch,
            transform=transform,
            prefetch=prefetch,
            label_dtype=None,
            identity=self._identity(),
        )

    def assemble(
        self, predictions: Iterable[Any], *, weights: Weights = "average", channels: Channels = "first"
    ) -> Iterator[NDArray[np.float32]]:
        """Combine the predictions for grid patches into one for each volume.

        Where patches overlap, a voxel gets the weighted mean of their predictions, as in MONAI's
        ``sliding_window_inference``. Only one volume is in memory at a time.

        Parameters
        ----------
        predictions : iterable of array_like of float
            Scores or probabilities for batches of patches, in the order of this data set: ``(b, x, y, z)``, or
            ``(b, k, x, y, z)`` for ``k`` classes. A generator keeps memory flat.
        weights : {"average", "gaussian"}
            Weight all voxels of a patch equally, or those at its centre more: a Gaussian with a standard deviation of
            an eighth of the patch.
        channels : {"first", "last"}
            Position of the axis of classes, if there is one.

        Yields
        ------
        (k, x, y, z) or (x, y, z) float32
            The prediction for each of :attr:`volumes`, in order; ``(x, y, z, k)`` with ``channels="last"``.

        Raises
        ------
        ValueError
            If these are not all patches of a grid, an argument is out of range, or the predictions do not fit the
            patches in number or shape, or are not floats.

        Examples
        --------
        >>> import numpy as np
        >>> import medmnist_np as mm
        >>> ds = mm.VolumeDataset("msd/hippocampus", split="train")[:2]
        >>> patches = ds.grid_patches((16, 16, 16), overlap=0.5)
        >>> batches = patches.batches(4, dtype="float32")
        >>> wholes = patches.assemble(batch.images for batch in batches)
        >>> [np.allclose(whole, volume) for whole, volume in zip(wholes, ds.images)]
        [True, True]
        """
        if not isinstance(self._cut, Grid) or self._selection != range(len(self._all.cases)):
            raise ValueError(
                "Only all patches of grid_patches(...) can be assembled, in their order. To score some volumes, select "
                "them first: ds[:4].grid_patches(...)."
            )
        return assembled(self._cut, self.volumes.images.shapes[:, :3], predictions, weights, channels)

    def _item(self, number: int) -> tuple[Any, Any]:
        return self.images[number], None if self.masks is None else self.masks[number]

    def _subset(self, selection: range | NDArray[np.intp]) -> Self:
        part = self.__class__.__new__(self.__class__)
        part.__dict__.update(self.__dict__)
        part._select(selection)
        return part

    def _identity(self) -> dict[str, Any]:
        whole = self._selection == range(len(self._all.cases)) if isinstance(self._selection, range) else False
        return {
            **self.volumes._identity(),
            **self._cut.facts(),
            "pad_value": self.images.pad_value,
            "selection": None if whole else zlib.crc32(self._positions().astype("<i8").tobytes()),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        open_again = partial(self.__class__, pad_value=self._pad_value, selection=self._selection)
        return open_again, (self.volumes, self._cut)

    def __repr__(self) -> str:
        record, split = self.volumes.record, self.volumes.split
        return (
            f"WindowDataset({len(self)} {self._cut}; {record.qualified_name} {split}, {len(self.volumes)} volumes, "
            f"{self.images.dtype})"
        )
