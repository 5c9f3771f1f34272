"""The official package's names, so that code written for ``medmnist`` runs after changing its import.

Positional order, keyword names, defaults and items are the official ones: a PIL image in 2D, a float64 array in [0, 1]
in 3D. Differences: images are always memory-mapped copy on write, whatever ``mmap_mode``; and a wrong size or split
raises a :class:`ValueError` that lists the valid ones.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from medmnist_np.compat import utils
from medmnist_np.compat.info import DEFAULT_ROOT, HOMEPAGE, INFO
from medmnist_np.data.arrays import locate_own, place_archive
from medmnist_np.data.dataset import Dataset
from medmnist_np.data.samples import Source, checked_splits
from medmnist_np.errors import UnknownDatasetError
from medmnist_np.registry import DatasetInfo, resolve_dataset

__all__ = [
    "AdrenalMNIST3D",
    "BloodMNIST",
    "BreastMNIST",
    "ChestMNIST",
    "DEFAULT_ROOT",
    "DermaMNIST",
    "FractureMNIST3D",
    "HOMEPAGE",
    "INFO",
    "MedMNIST",
    "MedMNIST2D",
    "MedMNIST3D",
    "NoduleMNIST3D",
    "OCTMNIST",
    "OrganAMNIST",
    "OrganCMNIST",
    "OrganMNIST3D",
    "OrganMNISTAxial",
    "OrganMNISTCoronal",
    "OrganMNISTSagittal",
    "OrganSMNIST",
    "PathMNIST",
    "PneumoniaMNIST",
    "RetinaMNIST",
    "SynapseMNIST3D",
    "TissueMNIST",
    "VesselMNIST3D",
]

# Assigned images are identified by a checksum of at most this many of them.
_N_IDENTIFYING = 100


class MedMNIST(Dataset):
    """One split of a MedMNIST data set, with the official signature and items; use one of the 18 named classes.

    Parameters
    ----------
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    transform : callable, optional
        Applied to each image: a :class:`PIL.Image.Image` in 2D, a ``(1 or 3, d, h, w)`` float64 array in 3D.
    target_transform : callable, optional
        Applied to each label, an int64 array ``(l,)``.
    download : bool
        Download the data if it is not on this machine. Off by default, as in the official package.
    as_rgb : bool
        Repeat gray images to three channels.
    root : path, optional
        The only folder to look in, in place of the cache. It must exist. Another archive under the official name is
        used with a warning, after a check of its arrays. With ``download=True``, the archive is there afterwards.
    size : int, optional
        28 (or None), 64, 128 or 224 in 2D; 28 or 64 in 3D.
    mmap_mode : str, optional
        Accepted, without effect: images are always mapped copy on write (``"c"``), so that code which writes into
        ``imgs`` or ``labels`` works as in the official package. Files never change.

    Raises
    ------
    NotCachedError
        If ``root`` does not exist, or the data is not on this machine and ``download`` is False.
    ArchiveError
        If an archive in ``root`` does not hold arrays of the right names, shapes and types.
    MedMNISTError
        See :func:`medmnist_np.load`.

    Notes
    -----
    Code that relabels or filters a split may assign ``imgs`` and ``labels``. Your arrays then replace the mapped ones
    and are part of a pickle. You may also write into ``imgs`` and ``labels``. Changed labels are part of a pickle, for
    example for worker processes; changed pixels of mapped ``imgs`` are not. To keep those, assign a copy first
    (``ds.imgs = ds.imgs.copy()``) and write into it.
    """

    flag: ClassVar[str]
    available_sizes: ClassVar[list[int]]

    # Of subclasses whose __init__ sets only what it needs.
    split = "train"
    size = 28
    size_flag = ""
    transform: Callable[[Any], Any] | None = None
    target_transform: Callable[[Any], Any] | None = None
    as_rgb = False

    def __init__(
        self,
        split: str,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
        as_rgb: bool = False,
        root: str | os.PathLike[str] | None = None,
        size: int | None = None,
        mmap_mode: str | None = None,
    ) -> None:
        record, size = resolve_dataset(self.flag, size)
        split = checked_splits(record, split)
        folder = None
        if root is not None and (own := locate_own(record, size, root)) is not None:
            record, folder = own
            checked_splits(record, split)
        elif download and root is not None:
            place_archive(record, size, root)
        source = Source.open(record, size, split, folder=folder, root=root, download=download, mmap_mode="c")
        self._select_from(source, None, transform, target_transform, as_rgb=as_rgb)
        self.size_flag = "" if self.size == 28 else f"_{self.size}"

    @cached_property
    def root(self) -> str:
        """The folder that holds the arrays. May be assigned."""
        folder: Any = self._source.folder
        return DEFAULT_ROOT if folder is None else str(folder.path)

    @cached_property
    def info(self) -> dict[str, Any]:
        """The official dict of the data set, ``INFO[flag]``. May be assigned."""
        return INFO[self.flag]

    def download(self) -> None:
        """Put the official archive into ``root``, unless a file of that name is there."""
        record, size = resolve_dataset(self.flag, self.size)
        place_archive(record, size, self.root)

    @property
    def folder(self) -> Path:
        """The folder of the .npy files; ``root`` if all arrays were assigned by a subclass."""
        folder: Any = self._source.folder
        return Path(self.root) if folder is None else Path(folder.path)

    def _assign(self, **arrays: npt.NDArray[Any]) -> None:
        if "_source" in self.__dict__:
            super()._assign(**arrays)
        else:  # a subclass whose __init__ does not call that of the base
            self.__dict__["_given"] = {**self.__dict__.get("_given", {}), **arrays}

    def __getattr__(self, name: str) -> Any:
        """Make the source of a subclass that assigned ``imgs`` and ``labels`` and did not call ``__init__``."""
        given = self.__dict__.get("_given", {})
        if name not in ("_source", "_selection") or given.keys() != {"images", "labels"}:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        without_folder: Any = None
        self._source = Source(
            _record_of(self), self.size, self.split, without_folder, None, **given, image_files=None, assigned=given
        )
        self._selection = range(len(given["images"]))
        return self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if "_source" in state and state["_source"].folder is None:
            state["_given"] = dict(state.pop("_source").assigned)
            del state["_selection"]
        if state.get("info") is INFO.get(self.flag):
            state.pop("info", None)  # found again by its flag
        return state

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """The labels, ``(n, l)`` uint8. May be assigned."""
        return self._source.label_rows[:] if self._source.assigned else super().labels

    @labels.setter
    def labels(self, labels: npt.NDArray[np.uint8]) -> None:
        self._assign(labels=np.asarray(labels))

    @property
    def imgs(self) -> npt.NDArray[np.uint8]:
        """The images under their official name. May be assigned."""
        return self.images

    @imgs.setter
    def imgs(self, images: npt.NDArray[np.uint8]) -> None:
        self._assign(images=np.asarray(images))

    def _save(self, write: Callable[..., None], folder: str | os.PathLike[str], postfix: str, write_csv: bool) -> None:
        path = os.path.join(folder, f"{self.flag}{self.size_flag}")  # noqa: PTH118  # it is printed as it was given
        write(self.imgs, self.labels, path, self.split, postfix, f"{path}.csv" if write_csv else None)

    def _identity(self) -> dict[str, Any]:
        assigned = self._source.assigned
        labels = assigned.get("labels")
        own_labels = None if labels is None else zlib.crc32(np.ascontiguousarray(labels).tobytes())
        identity = {**super()._identity(), "assigned": sorted(assigned), "own_labels": own_labels}
        if (images := assigned.get("images")) is not None:
            identity["own_images"] = [images.dtype.str, list(images.shape), _crc32_of_some(images)]
        return identity


def _record_of(ds: MedMNIST) -> DatasetInfo:
    """Return the record of a data set, made from ``info`` if the flag is the user's own."""
    try:
        return resolve_dataset(ds.flag)[0]
    except UnknownDatasetError:
        info = ds.info
        return replace(
            resolve_dataset("adrenalmnist3d" if isinstance(ds, MedMNIST3D) else "breastmnist")[0],
            name=ds.flag,
            python_class=type(ds).__name__,
            description=info.get("description", ""),
            task=info["task"],
            n_channels=info["n_channels"],
            class_names=tuple(info["label"].values()),
            n_samples=info["n_samples"],
            license=info.get("license", ""),
            notes=(),
            citations=(),
            enlarged_sizes=(),
        )


def _crc32_of_some(images: npt.NDArray[Any]) -> int:
    """Return a checksum of some of the images, as all of them may be gigabytes."""
    step = max(1, len(images) // _N_IDENTIFYING)
    return zlib.crc32(np.ascontiguousarray(images[::step][:_N_IDENTIFYING]).tobytes())


class MedMNIST2D(MedMNIST):
    """Images: an item is ``(PIL.Image.Image, int64 array (l,))``."""

    available_sizes: ClassVar[list[int]] = [28, 64, 128, 224]

    def montage(  # type: ignore[override]  # the official signature
        self, length: int = 20, replace: bool = False, save_folder: str | os.PathLike[str] | None = None
    ) -> Any:
        """Draw ``length * length`` images, chosen by NumPy's global generator.

        Parameters
        ----------
        length : int
            Number of rows and columns.
        replace : bool
            Whether an image may appear twice. If not, the split must have as many.
        save_folder : path, optional
            Where to write ``{flag}{size_flag}_{split}_montage.jpg``.
        """
        chosen = np.random.choice(len(self), size=length * length, replace=replace)
        picture = utils.montage2d(self.imgs, self.info["n_channels"], chosen)
        if save_folder is not None:
            Path(save_folder).mkdir(parents=True, exist_ok=True)
            path = Path(save_folder) / f"{self.flag}{self.size_flag}_{self.split}_montage.jpg"
            picture.save(path)
        return picture

    def save(  # type: ignore[override]  # the official signature
        self, folder: str | os.PathLike[str], postfix: str = "png", write_csv: bool = True
    ) -> None:
        """Write each image to a file in ``folder/{flag}{size_flag}``, and a row to ``folder/{flag}{size_flag}.csv``.

        A second call appends the rows again, as in the official package; :meth:`medmnist_np.Dataset.save` does not.
        """
        self._save(utils.save2d, folder, postfix, write_csv)

    def _item_at(self, position: int) -> tuple[Any, Any]:
        from PIL import Image

        image = Image.fromarray(self._source.image_rows[position].copy())
        if self.as_rgb:
            image = image.convert("RGB")
        return self._transformed(image, self._source.label_rows[position].astype(int))


class MedMNIST3D(MedMNIST):
    """Volumes: an item is ``((1 or 3, d, h, w) float64 array in [0, 1], int64 array (l,))``."""

    available_sizes: ClassVar[list[int]] = [28, 64]

    def montage(  # type: ignore[override]  # the official signature
        self, length: int = 20, replace: bool = False, save_folder: str | os.PathLike[str] | None = None
    ) -> list[Any]:
        """Draw ``length * length`` volumes, chosen by NumPy's global generator.

        Parameters
        ----------
        length : int
            Number of rows and columns.
        replace : bool
            Whether a volume may appear twice. If not, the split must have as many.
        save_folder : path, optional
            Where to write ``{flag}{size_flag}_{split}_montage.gif``.
        """
        chosen = np.random.choice(len(self), size=length * length, replace=replace)
        frames = utils.montage3d(self.imgs, self.info["n_channels"], chosen)
        if save_folder is not None:
            Path(save_folder).mkdir(parents=True, exist_ok=True)
            path = Path(save_folder) / f"{self.flag}{self.size_flag}_{self.split}_montage.gif"
            utils.save_frames_as_gif(frames, str(path))
        return frames

    def save(  # type: ignore[override]  # the official signature
        self, folder: str | os.PathLike[str], postfix: str = "gif", write_csv: bool = True
    ) -> None:
        """Write each volume to a file in ``folder/{flag}{size_flag}``, and a row to ``folder/{flag}{size_flag}.csv``.

        A second call appends the rows again, as in the official package; :meth:`medmnist_np.Dataset.save` does not.
        """
        if postfix != "gif":
            raise AssertionError(f"postfix is {postfix!r}. Volumes are written as 'gif'.")
        self._save(utils.save3d, folder, postfix, write_csv)

    def _item_at(self, position: int) -> tuple[Any, Any]:
        volume = np.stack([self._source.image_rows[position] / 255.0] * (3 if self.as_rgb else 1), axis=0)
        return self._transformed(volume, self._source.label_rows[position].astype(int))


class PathMNIST(MedMNIST2D):
    """Colon pathology, 9 tissue types, RGB."""

    flag = "pathmnist"


class ChestMNIST(MedMNIST2D):
    """Chest X-rays, 14 findings (multi-label), gray."""

    flag = "chestmnist"


class DermaMNIST(MedMNIST2D):
    """Dermatoscopy, 7 kinds of lesion, RGB. CC BY-NC 4.0."""

    flag = "dermamnist"


class OCTMNIST(MedMNIST2D):
    """Retinal OCT, 4 diagnoses, gray."""

    flag = "octmnist"


class PneumoniaMNIST(MedMNIST2D):
    """Paediatric chest X-rays, pneumonia against normal, gray."""

    flag = "pneumoniamnist"


class RetinaMNIST(MedMNIST2D):
    """Fundus images, 5 grades of diabetic retinopathy (ordinal), RGB."""

    flag = "retinamnist"


class BreastMNIST(MedMNIST2D):
    """Breast ultrasound, malignant (0) against normal or benign (1), gray."""

    flag = "breastmnist"


class BloodMNIST(MedMNIST2D):
    """Blood cell microscopy, 8 cell types, RGB."""

    flag = "bloodmnist"


class TissueMNIST(MedMNIST2D):
    """Kidney cortex microscopy, 8 cell types, gray."""

    flag = "tissuemnist"


class OrganAMNIST(MedMNIST2D):
    """Abdominal CT, axial slices, 11 organs, gray."""

    flag = "organamnist"


class OrganCMNIST(MedMNIST2D):
    """Abdominal CT, coronal slices, 11 organs, gray."""

    flag = "organcmnist"


class OrganSMNIST(MedMNIST2D):
    """Abdominal CT, sagittal slices, 11 organs, gray."""

    flag = "organsmnist"


class OrganMNIST3D(MedMNIST3D):
    """Abdominal CT volumes, 11 organs, numbered unlike the 2D sets."""

    flag = "organmnist3d"


class NoduleMNIST3D(MedMNIST3D):
    """Chest CT volumes, benign against malignant nodules."""

    flag = "nodulemnist3d"


class AdrenalMNIST3D(MedMNIST3D):
    """Adrenal gland shapes, normal against hyperplasia."""

    flag = "adrenalmnist3d"


class FractureMNIST3D(MedMNIST3D):
    """Chest CT volumes, 3 kinds of rib fracture."""

    flag = "fracturemnist3d"


class VesselMNIST3D(MedMNIST3D):
    """Brain vessel shapes, healthy against aneurysm."""

    flag = "vesselmnist3d"


class SynapseMNIST3D(MedMNIST3D):
    """Electron microscopy volumes, inhibitory against excitatory synapses."""

    flag = "synapsemnist3d"


OrganMNISTAxial = OrganAMNIST
OrganMNISTCoronal = OrganCMNIST
OrganMNISTSagittal = OrganSMNIST
