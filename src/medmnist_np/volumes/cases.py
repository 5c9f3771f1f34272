"""The cases of one split of a volume set: opened by path, selected by index, and small to pickle."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._progress import Progress, bars
from medmnist_np._sequences import Items
from medmnist_np.cache import store
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import CorruptCacheError, NotCachedError
from medmnist_np.registry import Record, VolumeInfo
from medmnist_np.volumes.publish import locate
from medmnist_np.volumes.ragged import Ragged, count_labelled


class Cases(Items):
    """A selection of the cases of one split."""

    def __init__(
        self,
        name: str | Record,
        split: str = "train",
        *,
        root: str | os.PathLike[str] | None = None,
        download: bool | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        progress: Progress = bars,
    ) -> None:
        self._record = registry.volume_info(name)
        self.split = self._record.check_split(split)
        self.transform = transform
        self.target_transform = target_transform
        self._open(locate(self._record, root=root, download=download, progress=progress))

    def _open(self, folder: ArrayFolder, selection: range | NDArray[np.intp] | None = None) -> None:
        self._folder = folder
        self._require_split()
        shapes = np.asarray(folder.open(f"{self.split}_shapes"))
        masks = f"{self.split}_masks"
        try:
            self._all_images = Ragged(folder.open(f"{self.split}_images"), shapes)
            self._all_masks = Ragged(folder.open(masks), shapes[:, :3]) if masks in folder.manifest.arrays else None
        except ValueError as error:
            raise CorruptCacheError(
                f"{folder.path} is inconsistent: {error} Run `medmnist-np verify`.", path=folder.path
            ) from error
        self._select(range(len(shapes)) if selection is None else selection)

    def _require_split(self) -> None:
        here = [member.removesuffix("_shapes") for member in self._folder.manifest.arrays if member.endswith("_shapes")]
        if self.split not in here:
            name = self._record.qualified_name
            fetched = f", or `medmnist-np fetch {name}`" if self._record.can_be_fetched else ""
            raise NotCachedError(
                f"{name} was imported without its {self.split} split: {self._folder.path} was made from files of "
                f"{' and '.join(here)} alone. `medmnist-np clean {name}` removes it; then import a folder that has "
                f"{self.split} too{fetched}.",
                errno=errno.ENOENT,
                path=self._folder.path,
            )

    def _select(self, selection: range | NDArray[np.intp]) -> None:
        self._selection = selection
        numbers = self.positions
        self._images = self._all_images[numbers]
        self._masks = None if self._all_masks is None else self._all_masks[numbers]
        self._labelled: dict[int, list[NDArray[np.int64]]] = {}

    @property
    def record(self) -> VolumeInfo:
        """The record of the data set."""
        return self._record

    @property
    def folder(self) -> Path:
        """The folder of the .npy files."""
        return self._folder.path

    @property
    def positions(self) -> NDArray[np.intp]:
        """Indices of these cases in the split, ``(n,)`` intp."""
        return self._positions()

    @property
    def images(self) -> Ragged:
        """The images: ``ds.images[i]`` is ``(x, y, z)`` or ``(x, y, z, c)``, a read-only view."""
        return self._images

    @property
    def masks(self) -> Ragged | None:
        """The masks: ``ds.masks[i]`` is ``(x, y, z)`` uint8, a read-only view. None if the split has none."""
        return self._masks

    @property
    def has_masks(self) -> bool:
        """Whether the split has masks; challenges often withhold those of the test split."""
        return self._masks is not None

    @property
    def cases(self) -> NDArray[np.str_]:
        """The names of the cases, ``(n,)`` str, such as ``"hippocampus_001"``."""
        letters = self._of_cases("cases")
        names: NDArray[np.str_] = letters.view(f"S{letters.shape[1]}")[:, 0].astype(np.str_)
        return names

    @property
    def shapes(self) -> NDArray[np.int64]:
        """The shapes of the images in voxels, ``(n, 3)`` or ``(n, 4)`` int64: x, y, z and, if any, channels."""
        return self._images.shapes.copy()

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Voxel spacing along x, y and z in mm, ``(n, 3)`` float64."""
        return self._of_cases("spacings")

    @property
    def affines(self) -> NDArray[np.float64]:
        """Affines from voxel indices to positions in mm (right, anterior, superior), ``(n, 4, 4)`` float64."""
        return self._of_cases("affines")

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modality of each channel, in the order of the last axis; with one modality there is no such axis."""
        return self._record.modalities

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each of :attr:`label_values`."""
        return self._record.class_names

    @property
    def label_values(self) -> tuple[int, ...]:
        """The values that masks may have."""
        return self._record.label_values

    def _of_cases(self, role: str) -> NDArray[Any]:
        return np.asarray(self._folder.open(f"{self.split}_{role}")).take(self.positions, axis=0)

    def _item(self, number: int) -> tuple[Any, Any]:
        image = self._images[number]
        mask = None if self._masks is None else self._masks[number]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None and mask is not None:
            mask = self.target_transform(mask)
        return image, mask

    def _subset(self, selection: range | NDArray[np.intp]) -> Self:
        part = self.__class__.__new__(self.__class__)
        part.__dict__.update(self.__dict__)
        part._select(selection)
        return part

    def _labelled_along(self, axis: int, progress: Progress) -> list[NDArray[np.int64]]:
        """Return the number of labelled voxels in each slice, counted only once."""
        if self._masks is None:
            raise ValueError(f"{self._record.qualified_name} {self.split} has no masks, so no voxel has a label.")
        if axis not in self._labelled:
            self._labelled[axis] = count_labelled(self._masks, axis, progress)
        return self._labelled[axis]

    def _identity(self) -> dict[str, Any]:
        """Return what identifies this data set in the saved state of batches."""
        whole = len(self) == len(self._all_images) and (self.positions == np.arange(len(self))).all()
        return {
            "name": self._record.qualified_name,
            "split": self.split,
            "digest": self._folder.manifest.digest,
            "cases": None if whole else zlib.crc32(self.positions.astype("<i8").tobytes()),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        record = self._record.qualified_name if registry.is_published(self._record) else self._record
        state = {name: getattr(self, name) for name in ("split", "transform", "target_transform", "_selection")}
        return _restore, (self.__class__, record, str(self.folder), state)


def _restore(kind: type[Cases], record: str | VolumeInfo, folder: str, state: dict[str, Any]) -> Cases:
    """Unpickle: open the same folder, or its equivalent on this machine."""
    cases = kind.__new__(kind)
    cases.__dict__.update(state)
    cases._record = registry.volume_info(record)
    cases._open(store.at(Path(folder)) or locate(cases._record, download=False), state["_selection"])
    return cases
