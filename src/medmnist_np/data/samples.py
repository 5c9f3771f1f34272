"""Which samples of which arrays: opened by path, selected by number, pickled small. `Dataset` builds on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from medmnist_np import registry
from medmnist_np._sequences import Items, Joined, Rows
from medmnist_np.cache import store
from medmnist_np.cache.store import ArrayFolder, MmapMode
from medmnist_np.data.arrays import locate, map_split
from medmnist_np.registry import DatasetInfo, Record

if TYPE_CHECKING:
    from medmnist_np.corruptions.computed import Corruption
    from medmnist_np.data.scheme import Scheme


class Samples(Items):
    """A selection of the samples of one split, or of several that are joined."""

    _corruption: Corruption | None = None
    _scheme: Scheme | None = None
    _mmap_mode: MmapMode = "r"

    def __init__(  # noqa: PLR0913 -- each is one choice, and has a default
        self,
        name: str | Record,
        split: str = "train",
        *,
        size: int | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        as_rgb: bool = False,
        root: str | os.PathLike[str] | None = None,
        download: bool | None = None,
        scheme: Scheme | str | os.PathLike[str] | None = None,
        mmap_mode: MmapMode = "r",
    ) -> None:
        self._mmap_mode = store.checked_mode(mmap_mode)
        record, size = registry.resolve_dataset(name, size)
        self._record = record
        self.size = size
        self.split = _checked_splits(record, split)
        self.transform = transform
        self.target_transform = target_transform
        self.as_rgb = as_rgb
        positions = None
        if scheme is not None:
            from medmnist_np.data.scheme import Scheme, read_scheme

            corrected = scheme if isinstance(scheme, Scheme) else read_scheme(scheme)
            self.split, positions = corrected.selection(record, self.split)
            self._scheme = corrected
        self._open(self._locate(root=root, download=download))
        everything = range(len(self._all_images))
        self._selection: range | npt.NDArray[np.intp] = everything if positions is None else _contiguous(positions)

    def _locate(self, *, root: str | os.PathLike[str] | None = None, download: bool | None = False) -> ArrayFolder:
        return locate(self._record, self.size, root=root, download=download)

    def _open(self, folder: ArrayFolder) -> None:
        self._folder = folder
        maps = [map_split(folder, self._record, split, self._mmap_mode) for split in self.split.split("+")]
        if self._mmap_mode == "r":
            for arrays in maps:
                arrays.labels.flags.writeable = False  # a write would change the data set, and be lost in a pickle
        self._maps: tuple[Rows, ...] = tuple(_as_one(arrays) for arrays in zip(*maps, strict=True))
        # Indexing a plain view costs a fraction of indexing the memmap itself.
        plain = ([np.asarray(array) for array in arrays] for arrays in zip(*maps, strict=True))
        self._all_images, self._all_labels = map(_as_one, plain)
        # The files that images are read or computed from.
        self._image_maps: Rows | None = None if self._mmap_mode is None else self._maps[0]
        self._corrupt_images()

    def _corrupt_images(self) -> None:
        if self._corruption is not None and self._corruption.seed is not None:
            from medmnist_np.corruptions.computed import corrupted, find_stored

            name, severity, seed = self._corruption.name, self._corruption.severity, self._corruption.seed
            made = find_stored(self._folder, self._record, self.size, self.split, name, severity, seed)
            if made is None:
                self._all_images = corrupted(self._all_images, self._record, name, severity, seed)
            else:
                self._all_images, self._image_maps = np.asarray(made), made
            self._maps = (self._all_images, self._maps[1])

    @property
    def record(self) -> DatasetInfo:
        """The record of the data set."""
        return self._record

    @property
    def corruption(self) -> Corruption | None:
        """What was done to the images, with its severity as a field; None if they are as they are."""
        return self._corruption

    @property
    def folder(self) -> Path:
        """The folder of the .npy files."""
        return self._folder.path

    @property
    def positions(self) -> npt.NDArray[np.intp]:
        """Where the selected samples lie in the arrays of the split, ``(n,)`` intp."""
        return self._positions()

    @property
    def ids(self) -> npt.NDArray[np.str_]:
        """Where the selected samples come from, ``(n,)`` str; see :func:`~medmnist_np.data.identifiers.attach_ids`."""
        from medmnist_np.data.identifiers import identifiers

        return identifiers(self._record, self.split).ids[self._positions()]

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """To which group, as which patient, the selected samples belong, ``(n,)`` str."""
        from medmnist_np.data.identifiers import known_groups

        return known_groups(self._record, self.split)[self._positions()]

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """The selected images, ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)`` uint8."""
        return self._selected(self._maps[0])

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """The selected labels, ``(n, l)`` uint8; of a segmentation set the masks, ``(n, h, w)``."""
        return self._selected(self._maps[1])

    @property
    def masks(self) -> npt.NDArray[np.uint8]:
        """The selected masks, ``(n, h, w)``: the class number of each pixel.

        Raises
        ------
        AttributeError
            If the set has labels.
        """
        if self._record.target != "masks":
            raise AttributeError(f"{self._record.qualified_name} has no masks: each image has one label, in .labels.")
        return self.labels

    def gather(self, indices: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Return some images as a new, writable array.

        Parameters
        ----------
        indices : (k,) array_like of int
            Which samples, from 0 to ``len(ds) - 1``.

        Returns
        -------
        (k, h, w), (k, h, w, 3) or (k, d, h, w) uint8
            In this order; with three channels if ``as_rgb``.

        Raises
        ------
        IndexError
            If one is out of range.
        """
        chosen = self._chosen(indices)
        images: npt.NDArray[np.uint8] = self._all_images.take(chosen, axis=0)
        return np.repeat(images[..., np.newaxis], 3, axis=-1) if self._repeats_channels else images

    def gather_labels(self, indices: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return some labels as a new, writable array, ``(k, l)`` int64; indices as of :meth:`gather`.

        Of a segmentation set the masks, ``(k, h, w)``, in the dtype that they are stored in.
        """
        labels: npt.NDArray[Any] = self._all_labels.take(self._chosen(indices), axis=0)
        return labels.astype(self._label_dtype, copy=False)

    def __add__(self, other: object) -> Self:
        """Join the samples of two splits, or parts of them, as ``train + val``; transforms are those of the first."""
        if not isinstance(other, Samples):
            return NotImplemented
        if (self.record, self.size) != (other.record, other.size):
            raise ValueError(
                f"Only parts of one data set can be joined, not {self.record.name} of size {self.size} and "
                f"{other.record.name} of size {other.size}."
            )
        if self._corruption != other._corruption:
            raise ValueError("Only parts with the same corruption, severity and seed can be joined.")
        joined = self._copy()
        joined._scheme = self._scheme or other._scheme
        joined.split = "+".join(dict.fromkeys((*self.split.split("+"), *other.split.split("+"))))
        joined._open(self._folder)
        joined._selection = _contiguous(np.concatenate([one._positions_in(joined.split) for one in (self, other)]))
        return joined

    def without(self, samples: Mapping[str, npt.ArrayLike]) -> Self:
        """Leave samples out that are named by their split and their positions in its arrays.

        Parameters
        ----------
        samples : Mapping of str to (k,) array_like of int
            As ``leaks`` of :func:`~medmnist_np.audit`. Those of splits that are not in this data set are passed over.

        Returns
        -------
        Dataset
            The other samples, in their order.

        Raises
        ------
        UnknownSplitError
            If there is no such split.
        IndexError
            If a split has no sample at a position.
        TypeError
            If positions are no whole numbers; a mask is none.
        """
        starts = _starts(self._record, self.split)
        kept = np.ones(len(self), dtype=np.bool_)
        for split, positions in samples.items():
            n = self._record.n_samples[self._record.check_split(split)]
            chosen = np.asarray(positions)
            if chosen.size and chosen.dtype.kind not in "iu":
                raise TypeError(
                    f"Samples of {split} are named by their positions, whole numbers, not by {chosen.dtype}."
                )
            if ((chosen < 0) | (chosen >= n)).any():
                raise IndexError(f"{self._record.name} has {n} samples in {split}, and not one at each of {chosen}.")
            if split in starts:
                kept &= ~np.isin(self._positions(), starts[split] + chosen.astype(np.intp))
        return self._part(kept)

    def _item(self, number: int) -> tuple[Any, Any]:
        return self._item_at(int(self._selection[number]))

    def _item_at(self, position: int) -> tuple[Any, Any]:
        """Return one sample, by its place in the arrays."""
        image = self._all_images[position]
        image = np.repeat(image[..., np.newaxis], 3, axis=-1) if self._repeats_channels else image.copy()
        return self._transformed(image, self._all_labels[position].astype(self._label_dtype))

    @property
    def _label_dtype(self) -> np.dtype[Any]:
        """Of labels that are handed out; masks stay as they are stored, which is an eighth."""
        return np.dtype(np.int64) if self._record.target == "labels" else self._all_labels.dtype

    @property
    def _repeats_channels(self) -> bool:
        return self.as_rgb and not self._has_channel_axis

    @property
    def _is_whole(self) -> bool:
        """Whether all samples of the arrays are selected, in their order."""
        return isinstance(self._selection, range) and self._selection == range(len(self._all_images))

    @property
    def _has_channel_axis(self) -> bool:
        """Whether images have one as they lie there, which a user may have assigned."""
        return len(self._all_images.shape) > 1 + self._record.ndim

    def _transformed(self, image: Any, label: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label

    def _copy(self) -> Self:
        copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update(self.__dict__)
        return copy

    def _subset(self, selection: range | npt.NDArray[np.intp]) -> Self:
        subset = self._copy()
        subset._selection = selection
        return subset

    def _selected(self, rows: Rows) -> npt.NDArray[np.uint8]:
        if isinstance(self._selection, range) and self._selection.step == 1:
            contiguous: npt.NDArray[np.uint8] = rows[self._selection.start : self._selection.stop]
            return contiguous
        # A memmap's own take() gives a memmap.
        gathered: npt.NDArray[np.uint8] = np.asarray(rows.take(self._positions(), axis=0))
        return gathered

    def _positions_in(self, split: str) -> npt.NDArray[np.intp]:
        """Return where the samples lie in the arrays of more splits."""
        if self._written_labels() is not None:
            raise ValueError(
                f"The labels of {self._record.name} {self.split} were changed, and only published ones can be joined: "
                "join the arrays with np.concatenate."
            )
        start_in = _starts(self._record, split)
        positions = self._positions()
        moved = positions.copy()
        for name, start in _starts(self._record, self.split).items():
            inside = (start <= positions) & (positions < start + self._record.n_samples[name])
            moved[inside] += start_in[name] - start
        return moved

    def _written_labels(self) -> list[npt.NDArray[Any]] | None:
        """Return the labels of each split, if they were changed in memory; None if they are those of the files."""
        if self._mmap_mode == "r" or self._record.target == "masks":
            return None
        parts: Any = self._all_labels.parts if isinstance(self._all_labels, Joined) else (self._all_labels,)
        members = [self._record.member_name(split, "labels") for split in self.split.split("+")]
        same = (np.array_equal(self._folder.open(member), part) for member, part in zip(members, parts, strict=True))
        return None if all(same) else list(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        record = self._record.qualified_name if registry.is_published(self._record) else self._record
        state = {name: value for name, value in self.__dict__.items() if name not in _NOT_PICKLED}
        if (written := self._written_labels()) is not None:
            state[_WRITTEN] = written
        return _restore, (self.__class__, record, str(self.folder), state)


def _as_one(arrays: Sequence[npt.NDArray[Any]]) -> Rows:
    return arrays[0] if len(arrays) == 1 else Joined(arrays)


def _starts(record: DatasetInfo, split: str) -> dict[str, int]:
    """Return where each of the splits in ``"train+val"`` begins."""
    names = split.split("+")
    counts = [record.n_samples[name] for name in names]
    return dict(zip(names, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))


def _contiguous(positions: npt.NDArray[np.intp]) -> range | npt.NDArray[np.intp]:
    """Return a range where the positions are one: it takes no room in a pickle, and images need no copy."""
    if len(positions) and (np.diff(positions) == 1).all():
        return range(int(positions[0]), int(positions[-1]) + 1)
    return positions


def _checked_splits(record: DatasetInfo, split: str) -> str:
    """Return ``"train"`` or ``"train+val"``, or raise."""
    splits = [record.check_split(one) for one in (split.split("+") if isinstance(split, str) else [split])]
    if len(set(splits)) < len(splits):
        raise ValueError(f"{split!r} names a split twice.")
    return "+".join(splits)


# Labels that were changed in memory, in a pickle.
_WRITTEN = "written labels"

# Opened anew where it is unpickled.
_NOT_PICKLED = frozenset({"_record", "_maps", "_image_maps", "_all_images", "_all_labels", "_folder"})


def _restore(kind: type[Samples], record: str | Record, folder: str, state: dict[str, Any]) -> Samples:
    """Unpickle: the same folder, or what this machine has in place of it."""
    written = state.pop(_WRITTEN, None)
    samples = kind.__new__(kind)
    samples.__dict__.update(state)
    samples._record = registry.resolve_dataset(record)[0]
    samples._open(store.at(Path(folder)) or samples._locate())
    if written is not None:
        samples._all_labels = _as_one(written)
        samples._maps = (samples._maps[0], samples._all_labels)
    return samples
