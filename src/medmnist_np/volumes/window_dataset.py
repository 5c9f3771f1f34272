"""Slices or patches of volumes as a data set of images of their own, without a copy."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from medmnist_np._groups import per_sample
from medmnist_np._sequences import Items
from medmnist_np.volumes.cases import Cases
from medmnist_np.volumes.windows import Patches, Slices, Windows

if TYPE_CHECKING:
    from medmnist_np.batches import Batches, Transform
    from medmnist_np.batches.layout import Channels
    from medmnist_np.batches.order import Last, Shuffle, Uneven


class WindowDataset(Items):
    """Slices or patches of volumes, as a sequence of ``(image, mask)``; :class:`VolumeDataset` makes it.

    Attributes
    ----------
    volumes : VolumeDataset
        What they are cut from.
    images : Windows
        Their images. ``images[i]`` and ``images.take([...])`` cut them out when they are asked for.
    masks : Windows or None
        Their masks; None if the split has none.

    Notes
    -----
    An int gives an item: the image ``(h, w)`` of a slice along one axis, in the order of the remaining axes of the
    volume (x, y where the axis is 2), or ``(x, y, z)`` of a patch, with the channels last, if there are any; and its
    mask, uint8, without channels, or None. Both are fresh and writable, in Fortran order, as the volume is. The image
    has the dtype of the volume.

    A slice, an array of indices or a boolean mask gives a :class:`WindowDataset` of these items.

    It may be shared between threads. It pickles as the path and the selection of its volumes, 8 bytes for each slice
    where it is not a range of them, and 12 bytes for each patch.
    """

    def __init__(
        self,
        volumes: Cases,
        cut: Slices | Patches,
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
        """Of which case each item is, ``(n,)`` intp: ``volumes[case_numbers[i]]``."""
        return self._places.cases.copy()

    @property
    def cases(self) -> NDArray[np.str_]:
        """The name of the case of each item, ``(n,)`` str."""
        return self.volumes.cases[self._places.cases]

    @property
    def corners(self) -> NDArray[np.intp]:
        """The voxel of the volume where each item begins, ``(n, 3)`` intp; negative where it begins outside.

        Of slices along ``axis``, ``corners[:, axis]`` is the number of the slice.
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
        """Return batches as fresh, writable arrays in C order; each pass over them is the next epoch.

        Parameters
        ----------
        batch_size, shuffle, seed, epoch, last, shard, uneven, transform, prefetch
            As of :meth:`Dataset.batches <medmnist_np.Dataset.batches>`. Nothing is read ahead of ``shuffle="blocks"``.
        channels : "first" or "last", optional
            Where the channel axis of images is. None leaves it as it is: last, or none if there is one modality.
        dtype : dtype, optional
            Of the images. None means that of the volumes, or float32 where there is a scale.
        scale : float, optional
            Multiplied with each value.
        weights : (n,) array_like of float, optional
            Draw ``n`` items with replacement, in this ratio. With ``shuffle=True`` only.

        Returns
        -------
        Batches
            ``batch.images`` is ``(b, h, w)`` or ``(b, x, y, z)``, perhaps with channels; ``batch.masks``, which is
            ``batch.labels``, is ``(b, h, w)`` or ``(b, x, y, z)`` uint8, and ``(b, 0)`` where there are none.

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
                f"These slices are of {len(sizes)} sizes, from {smallest} to {largest}, and a batch needs one: say "
                f"slices(shape={tuple(sizes.max(axis=0).tolist())}), which cuts or pads each to it."
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
        return _restore, (self.__class__, self.volumes, self._cut, self._pad_value, self._selection)

    def __repr__(self) -> str:
        record, split = self.volumes.record, self.volumes.split
        return (
            f"WindowDataset({len(self)} {self._cut}; {record.qualified_name} {split}, {len(self.volumes)} volumes, "
            f"{self.images.dtype})"
        )


def _restore(
    kind: type[WindowDataset],
    volumes: Cases,
    cut: Slices | Patches,
    pad_value: float,
    selection: range | NDArray[np.intp],
) -> WindowDataset:
    return kind(volumes, cut, pad_value=pad_value, selection=selection)
