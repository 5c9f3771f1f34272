"""The classes of ``medmnist.dataset``, with the same arguments, defaults, items and types of errors.

An item of a 2D class has a PIL image, and an item of a 3D class a float64 array in [0, 1]. The few differences are
listed in ``docs/migration.md``.
"""

from __future__ import annotations

import os
import sys
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from medmnist_np._progress import bars
from medmnist_np.cache import settings
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import note_digest
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.compat import utils
from medmnist_np.compat.info import DEFAULT_ROOT, HOMEPAGE, INFO, get_default_root
from medmnist_np.data.arrays import find_here, locate_own
from medmnist_np.data.dataset import Dataset
from medmnist_np.data.samples import Source, checked_splits
from medmnist_np.errors import DownloadError, NotCachedError, UnknownSizeError, UnknownSplitError, unknown
from medmnist_np.registry import Archive, DatasetInfo, official_info, resolve_dataset

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
    "np",
    "os",
]

# INFO as it is before a program changes it.
_OFFICIAL = official_info()

# Of archive and arrays together, from which on a download states what it takes.
_LARGE = 1_000_000_000

# Assigned images are identified by a checksum of at most this many of them.
_N_IDENTIFYING = 100


class WrongSizeError(UnknownSizeError, AssertionError):
    """Raised if a data set does not come in a size. The official package raises AssertionError."""


class _UntilSet:
    """An attribute that is computed until a program sets it on an instance."""

    def __init__(self, compute: Callable[[Any], Any], doc: str) -> None:
        self.compute, self.__doc__ = compute, doc

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else self.compute(instance)


def _not_opened(dataset: MedMNIST) -> Any:
    raise AttributeError(
        f"{type(dataset).__name__} has arrays of its own: only samples, iteration, montage, save and pickles work. "
        "This feature needs one of the 18 data sets, opened by super().__init__()."
    )


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
        Download the archive to ``root`` if it is not there. Off by default, as in the official package.
    as_rgb : bool
        Repeat gray images to three channels.
    root : path
        Existing folder of ``{flag}.npz``, ``{flag}_64.npz`` and so on. Default: ``~/.medmnist``, which a download
        creates. An archive is unpacked once, into the cache. Another archive under the official name is used with a
        warning, after a check of its arrays. If the default folder has no archive, arrays in the cache are used.
    size : int, optional
        28 (or None), 64, 128 or 224 in 2D; 28 or 64 in 3D.
    mmap_mode : str, optional
        Accepted, without effect: images are always mapped copy on write (``"c"``), so that code which writes into
        ``imgs`` or ``labels`` works as in the official package. Files never change.

    Raises
    ------
    NotCachedError
        If ``root`` does not exist, or the archive is not there and ``download`` is False. It is a RuntimeError.
    ArchiveError
        If an archive in ``root`` does not hold arrays of the right names, shapes and types.
    MedMNISTError
        See :func:`medmnist_np.load`.

    Notes
    -----
    A program may set every attribute: ``info``, ``root``, ``flag``, ``imgs``, ``labels``, ``split``, ``transform`` and
    others, also in an ``__init__`` that does not call this one. It may also write into ``imgs`` and ``labels``. All of
    that is part of a pickle, for example for worker processes. If a program has used ``imgs``, a pickle compares them
    with the file, which reads both once.

    A subclass with a flag of its own and an entry ``INFO[flag]`` reads ``root/{flag}.npz`` into memory.
    """

    flag: str = ...  # type: ignore[assignment]  # as in the official class
    available_sizes: ClassVar[list[int]]
    _is_sequence = False

    size = 28
    size_flag = ""
    split = ""
    transform: Callable[[Any], Any] | None = None
    target_transform: Callable[[Any], Any] | None = None
    as_rgb = False
    info: Any = _UntilSet(lambda dataset: INFO[dataset.flag], "The official dict of the data set, ``INFO[flag]``.")
    root: Any = _UntilSet(lambda _: get_default_root(), "The folder of the archives.")
    _source: Source = _UntilSet(_not_opened, "")  # type: ignore[assignment]
    _selection: Any = _UntilSet(lambda dataset: range(len(dataset.imgs)), "")

    def __init__(
        self,
        split: str,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
        as_rgb: bool = False,
        root: str | os.PathLike[str] = DEFAULT_ROOT,
        size: int | None = None,
        mmap_mode: str | None = None,
    ) -> None:
        if size is not None and size != 28:
            if size not in self.available_sizes:
                raise WrongSizeError(unknown("size", str(size), map(str, self.available_sizes)))
            self.size, self.size_flag = size, f"_{size}"
        self.root = get_default_root() if root == DEFAULT_ROOT else root
        if root is None or (not self._has_default_root() and not os.path.isdir(self.root)):
            raise NotCachedError(f"The folder {root!s:.300} does not exist. Create it, or change root.", path=root)
        if download:
            self.download()
        if self.flag in _OFFICIAL:
            record, size = resolve_dataset(self.flag, self.size)
            record, folder = self._opened(record)
            source = Source.open(record, size, checked_splits(record, split), folder=folder, mmap_mode="c")
            self._select_from(source, None, transform, target_transform, as_rgb=as_rgb)
        else:
            if split not in self.info["n_samples"]:
                raise UnknownSplitError(unknown("split", split, self.info["n_samples"]))
            if not (path := self._archive_path()).is_file():
                raise self._not_there(path)
            with np.load(path) as arrays:
                self.imgs, self.labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
            self.split, self.transform, self.target_transform = split, transform, target_transform
            self.as_rgb = as_rgb

    def download(self) -> None:
        """Download the archive to ``root``, unless a file of that name is there. It is verified by its checksum.

        If the arrays are in the cache and the default folder cannot be filled, for example offline, they are enough.

        Raises
        ------
        DownloadError, DigestError
            If the archive cannot be downloaded. They are RuntimeErrors. The next call resumes the download.
        """
        from medmnist_np.cache.archive_pooch import ArchivePooch

        path = self._archive_path()
        if path.is_file():
            return
        places = settings.current()
        archive = Archive(path.name, self.info[f"url{self.size_flag}"], f"md5:{self.info[f'MD5{self.size_flag}']}")
        if self.flag in _OFFICIAL and self.info == _OFFICIAL[self.flag]:
            archive = resolve_dataset(self.flag, self.size)[0].archive(self.size)
        cached = None
        if self.flag in _OFFICIAL and self._has_default_root():
            cached = find_here(resolve_dataset(self.flag)[0], self.size, places)
        try:
            patience = None if cached is None else Patience(tries=1, busy=0.0)
            known = {str(path.resolve()): archive}
            ArchivePooch(known, places, folder=path.parent, patience=patience).fetch(path.name)
        except DownloadError as error:
            if cached is None:
                raise type(error)(f"{error}\nYou can also download the file by hand and save it as {path}.") from error
        else:
            note_digest(path, path.stat(), archive.digest, places)
            _warn_of_disk_use(path, archive.array_bytes)

    def _opened(self, record: DatasetInfo) -> tuple[DatasetInfo, ArrayFolder]:
        """Return the arrays of the archive in the root, unpacked into the cache, and the record that describes them."""
        root, path = Path(self.root), self._archive_path()
        if not path.is_file():
            places = settings.current(None if self._has_default_root() else root)
            if (folder := find_here(record, self.size, places)) is None:
                raise self._not_there(path)
            return record, folder
        places = settings.current()
        places = replace(places, root=path.parent, searched=(*places.searched, path.parent))
        known = {f"md5:{self.info.get(f'MD5{self.size_flag}')}"}
        if (own := locate_own(record, self.size, places, known=known)) is not None:
            return own
        if (folder := find_here(record, self.size, places)) is not None:
            return record, folder
        from medmnist_np.cache.archives import opened
        from medmnist_np.cache.prepare import publish_verified

        with opened(path) as stream:  # its checksum is the official one, or it would be another archive
            archive, key = record.archive(self.size), record.storage_key(self.size)
            return record, publish_verified(stream, archive, key, settings.current(), bars)

    def _not_there(self, path: Path) -> NotCachedError:
        return NotCachedError(f"{path} does not exist. Download it with download=True, or put it there.", path=path)

    def _archive_path(self) -> Path:
        return Path(self.root).expanduser().absolute() / f"{self.flag}{self.size_flag}.npz"

    def _has_default_root(self) -> bool:
        return bool(self.root == get_default_root())

    @property
    def labels(self) -> Any:
        """The labels, ``(n, l)`` uint8. May be assigned, and written into."""
        if (own := self.__dict__.get("own_labels")) is not None:
            return own
        return self._source.label_rows[:] if self._source.assigned else super().labels

    @labels.setter
    def labels(self, labels: Any) -> None:
        self._set("labels", labels)

    @property
    def imgs(self) -> Any:
        """The images. May be assigned, and written into."""
        if (own := self.__dict__.get("own_images")) is not None:
            return own
        return np.asarray(self.images)  # a plain array, as in the official package

    @imgs.setter
    def imgs(self, images: Any) -> None:
        self._set("images", images)

    def _set(self, role: str, values: Any) -> None:
        """Take arrays of the user. Others, such as tensors, are handed out as they were given."""
        opened = "_source" in self.__dict__
        if opened:
            self._assign(**{role: np.asarray(values)})
        self.__dict__[f"own_{role}"] = None if opened and isinstance(values, np.ndarray) else values

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle. A pickle that the official package made has its arrays as attributes."""
        arrays = {name: state[name] for name in ("imgs", "labels") if name in state}
        self.__dict__.update({name: value for name, value in state.items() if name not in arrays})
        for name, array in arrays.items():
            setattr(self, name, array)

    def _require_published_positions(self, name: str) -> None:
        super()._require_published_positions(name)
        source = self._source
        official, _ = resolve_dataset(source.record.name)
        if source.record.archive(source.size).digest != official.archive(source.size).digest:
            raise ValueError(
                f"{name} is not available: {self._archive_path()} is not the official archive, so it is unknown which "
                "published samples it holds. Give groups of your own, in the order of its samples."
            )

    def _rows(self, position: int) -> tuple[Any, Any]:
        """Return an image and a label as they are stored."""
        if "_source" in self.__dict__:
            return self._source.image_rows[position], self._source.label_rows[position]
        return self.imgs[position], self.labels[position]

    def _subset(self, selection: range | npt.NDArray[np.intp]) -> Self:
        if "_source" in self.__dict__:
            subset = super()._subset(selection)
            subset.__dict__.update(own_images=None, own_labels=None)
            return subset
        subset = self._copy()
        chosen = np.asarray(selection)
        subset.imgs, subset.labels = self.imgs[chosen], self.labels[chosen]
        return subset

    def __add__(self, other: object) -> Any:
        """Join two data sets: with PyTorch as a ``ConcatDataset`` of any two, else two parts of one data set."""
        if (torch := sys.modules.get("torch")) is not None:
            return torch.utils.data.ConcatDataset([self, other])
        return super().__add__(other)

    def __repr__(self) -> str:
        body = {
            "Number of datapoints": len(self),
            "Root location": self.root,
            "Split": self.split,
            "Task": self.info["task"],
            "Number of channels": self.info["n_channels"],
            "Meaning of labels": self.info["label"],
            "Number of samples": self.info["n_samples"],
            "Description": self.info["description"],
            "License": self.info["license"],
        }
        head = f"Dataset {type(self).__name__} of size {self.size} ({self.flag}{self.size_flag})"
        return "\n".join([head, *(f"    {title}: {value}" for title, value in body.items())])

    def _save(self, write: Callable[..., None], folder: str | os.PathLike[str], postfix: str, write_csv: bool) -> None:
        path = os.path.join(folder, f"{self.flag}{self.size_flag}")  # noqa: PTH118  # it is printed as it was given
        write(self.imgs, self.labels, path, self.split, postfix, f"{path}.csv" if write_csv else None)

    def _montage_choice(self, length: int, replace: bool) -> Any:
        return np.random.choice(len(self), size=length * length, replace=replace)

    def _montage_path(self, folder: str | os.PathLike[str], postfix: str) -> str:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return str(Path(folder) / f"{self.flag}{self.size_flag}_{self.split}_montage.{postfix}")

    def _identity(self) -> dict[str, Any]:
        assigned = self._source.assigned
        labels = assigned.get("labels")
        own_labels = None if labels is None else zlib.crc32(np.ascontiguousarray(labels).tobytes())
        identity = {**super()._identity(), "assigned": sorted(assigned), "own_labels": own_labels}
        if (images := assigned.get("images")) is not None:
            identity["own_images"] = [images.dtype.str, list(images.shape), _crc32_of_some(images)]
        return identity


def _warn_of_disk_use(path: Path, array_bytes: int) -> None:
    n_bytes = path.stat().st_size
    if n_bytes + array_bytes >= _LARGE:
        warnings.warn(
            f"{path} takes {n_bytes / 1e9:.1f} GB, and its arrays take another {array_bytes / 1e9:.1f} GB in the "
            "cache. To free one of them, delete the archive, or run `medmnist-np clean`.",
            stacklevel=4,
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
            Where to write ``{flag}{size_flag}_{split}_montage.jpg``. It is made if need be.
        """
        picture = utils.montage2d(self.imgs, self.info["n_channels"], self._montage_choice(length, replace))
        if save_folder is not None:
            picture.save(self._montage_path(save_folder, "jpg"))
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

        pixels, label = self._rows(position)
        image = Image.fromarray(pixels.copy())
        if self.as_rgb:
            image = image.convert("RGB")
        return self._transformed(image, label.astype(int))


class MedMNIST3D(MedMNIST):
    """Volumes: an item is ``((1 or 3, d, h, w) float64 array in [0, 1], int64 array (l,))``."""

    available_sizes: ClassVar[list[int]] = [28, 64]

    def montage(  # type: ignore[override]  # the official signature
        self, length: int = 20, replace: bool = False, save_folder: str | os.PathLike[str] | None = None
    ) -> list[Any]:
        """Draw ``length * length`` volumes, one picture for each slice; see :meth:`MedMNIST2D.montage`.

        With ``save_folder``, they are written as an animation, ``{flag}{size_flag}_{split}_montage.gif``.
        """
        frames = utils.montage3d(self.imgs, self.info["n_channels"], self._montage_choice(length, replace))
        if save_folder is not None:
            utils.save_frames_as_gif(frames, self._montage_path(save_folder, "gif"))
        return frames

    def save(  # type: ignore[override]  # the official signature
        self, folder: str | os.PathLike[str], postfix: str = "gif", write_csv: bool = True
    ) -> None:
        """Write each volume to an animated GIF file; see :meth:`MedMNIST2D.save`."""
        if postfix != "gif":
            raise AssertionError(f"postfix is {postfix!r}. Volumes are written as 'gif'.")
        self._save(utils.save3d, folder, postfix, write_csv)

    def _item_at(self, position: int) -> tuple[Any, Any]:
        voxels, label = self._rows(position)
        volume = np.stack([voxels / 255.0] * (3 if self.as_rgb else 1), axis=0)
        return self._transformed(volume, label.astype(int))


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
