"""A selection of samples, and the arrays and files that they come from: the base of `Dataset`."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from medmnist_np import registry
from medmnist_np._progress import Progress, bars
from medmnist_np._sequences import Items, Joined, Rows
from medmnist_np.cache import store
from medmnist_np.cache.store import ArrayFolder, MmapMode
from medmnist_np.data.arrays import locate, map_split
from medmnist_np.errors import short
from medmnist_np.registry import DatasetInfo, Record

if TYPE_CHECKING:
    from medmnist_np.corruptions.computed import Corruption
    from medmnist_np.data.scheme import Scheme


@dataclass(frozen=True, eq=False)
class Source:
    """The images and labels that samples are selected from, and the files behind them.

    A data set with other images or labels has another source. A source changes only if a program writes into its
    arrays. A pickle contains the path of the folder, and the arrays or labels that differ from the files. Unpickling
    opens the same folder, or finds the data set on the other machine.

    Attributes
    ----------
    record, size, split
        The data set, and its split; ``"train+val"`` means that two are joined.
    folder : ArrayFolder
        The folder of the .npy files.
    mmap_mode : {"r", "c", None}
        See :func:`load`.
    images, labels : Rows
        ``(n, ...)`` each, as users get them: memory-mapped, in memory, or computed when they are read.
    image_files : Rows or None
        The memory-mapped files from which images are read or computed. None if all images are in memory.
    corruption : Corruption or None
        The corruption of the images.
    assigned : Mapping of str to array
        Arrays of the user, which replace ``"images"``, ``"labels"`` or both.
    handed_out : set of str
        Contains ``"images"`` if a program has used the array of images, because it may have changed it.
    image_rows, label_rows : Rows
        Images and labels as plain views instead of ``np.memmap``, because indexing a view is much faster.
    label_dtype : dtype
        int64 for labels. Masks keep the dtype of their file, which needs an eighth of the memory.
    has_channel_axis : bool
        Whether images have a channel axis as they are stored or were assigned.
    """

    record: DatasetInfo
    size: int
    split: str
    folder: ArrayFolder
    mmap_mode: MmapMode
    images: Rows
    labels: Rows
    image_files: Rows | None
    corruption: Corruption | None = None
    assigned: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    handed_out: set[str] = field(default_factory=set)
    image_rows: Rows = field(init=False)
    label_rows: Rows = field(init=False)
    label_dtype: np.dtype[Any] = field(init=False)
    has_channel_axis: bool = field(init=False)

    def __post_init__(self) -> None:
        has_masks = self.record.target == "masks"
        self.__dict__.update(
            image_rows=_plain(self.images),
            label_rows=_plain(self.labels),
            label_dtype=self.labels.dtype if has_masks else np.dtype(np.int64),
            has_channel_axis=len(self.images.shape) > 1 + self.record.ndim,
        )

    @classmethod
    def open(  # noqa: PLR0913 -- each is one choice, and has a default
        cls,
        record: DatasetInfo,
        size: int,
        split: str,
        *,
        folder: ArrayFolder | None = None,
        root: str | os.PathLike[str] | None = None,
        download: bool | None = False,
        mmap_mode: MmapMode = "r",
        corruption: Corruption | None = None,
        progress: Progress = bars,
    ) -> Self:
        """Open the arrays in a folder; without a folder, those that :func:`load` finds or downloads."""
        folder = folder or locate(record, size, root=root, download=download, progress=progress)
        parts = [map_split(folder, record, name, mmap_mode) for name in split.split("+")]
        if mmap_mode == "r":
            for part in parts:
                part.labels.flags.writeable = False  # a write would change the data set, and be lost in a pickle
        images, labels = (_as_one(arrays) for arrays in zip(*parts, strict=True))
        source = cls(record, size, split, folder, mmap_mode, images, labels, None if mmap_mode is None else images)
        return source if corruption is None else source.corrupted(corruption)

    def corrupted(self, corruption: Corruption) -> Self:
        """Return a source of corrupted images. They are read if they are stored, otherwise computed."""
        from medmnist_np.corruptions.computed import checked_seed, corrupted, find_stored

        name, severity, seed = corruption.name, corruption.severity, checked_seed(corruption.seed)
        stored = find_stored(self.folder, self.record, self.size, self.split, name, severity, seed)
        if stored is not None:
            return replace(self, images=np.asarray(stored), image_files=stored, corruption=corruption)
        images = corrupted(self.image_rows, self.record, name, severity, seed)
        return replace(self, images=images, corruption=corruption)

    def assign(self, **arrays: npt.NDArray[Any]) -> Self:
        """Return a source with these ``images``, ``labels`` or both, which pickles will include."""
        if not arrays:
            return self
        files = None if "images" in arrays else self.image_files
        assigned = {**self.assigned, **arrays}
        return replace(self, **arrays, image_files=files, assigned=assigned)  # type: ignore[arg-type]

    def changed_labels(self) -> list[npt.NDArray[Any]] | None:
        """Return the labels of each split if they were changed in memory; None if they equal the files."""
        if self.mmap_mode == "r" or self.record.target == "masks" or "labels" in self.assigned:
            return None
        parts: Any = self.labels.parts if isinstance(self.labels, Joined) else (self.labels,)
        members = [self.record.member_name(split, "labels") for split in self.split.split("+")]
        same = (np.array_equal(self.folder.open(member), part) for member, part in zip(members, parts, strict=True))
        return None if all(same) else list(parts)

    def changed_images(self) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[Any]]]:
        """Return the positions and values of the images of each split that a program has changed.

        If a program has used the array, all images are compared with their file.
        """
        if self.mmap_mode == "r" or "images" not in self.handed_out or "images" in self.assigned or self.corruption:
            return []
        parts: Any = self.images.parts if isinstance(self.images, Joined) else (self.images,)
        found = []
        for split, part in zip(self.split.split("+"), parts, strict=True):
            file = self.folder.open(self.record.member_name(split, "images"))
            rows = [where.start + np.flatnonzero(_differ(part[where], file[where])) for where in _pieces(part)]
            positions = np.concatenate([np.empty(0, np.intp), *rows])
            found.append((positions, np.asarray(part[positions])))
        return found if any(len(positions) for positions, _ in found) else []

    def write(self, changed: Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[Any]]]) -> None:
        """Write changed images into the arrays of the splits in memory, not into the files."""
        parts: Any = self.images.parts if isinstance(self.images, Joined) else (self.images,)
        for part, (positions, images) in zip(parts, changed, strict=True):
            part[positions] = images
        self.handed_out.add("images")

    def identity(self) -> dict[str, Any]:
        """Return what identifies the data, independently of where it is stored."""
        changed = self.changed_labels()
        return {
            "name": self.record.qualified_name,
            "size": self.size,
            "split": self.split,
            "digest": self.record.archive(self.size).digest,
            **({} if self.corruption is None else {"corruption": list(self.corruption)}),
            **({} if changed is None else {"labels": [zlib.crc32(labels.tobytes()) for labels in changed]}),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        record = self.record.qualified_name if registry.is_published(self.record) else self.record
        options = {"size": self.size, "split": self.split, "mmap_mode": self.mmap_mode, "corruption": self.corruption}
        path = str(self.folder.path)
        changed = self.changed_labels(), self.changed_images()
        return _reopened, (self.__class__, record, path, options, dict(self.assigned), *changed)


def _reopened(
    kind: type[Source],
    record: str | Record,
    path: str,
    options: dict[str, Any],
    assigned: Mapping[str, npt.NDArray[Any]],
    changed_labels: Sequence[npt.NDArray[Any]] | None,
    changed_images: Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[Any]]],
) -> Source:
    """Unpickle."""
    source = kind.open(registry.resolve_dataset(record)[0], folder=store.at(Path(path)), **options)
    if changed_images:
        source.write(changed_images)
    source = source.assign(**assigned)
    return source if changed_labels is None else replace(source, labels=_as_one(changed_labels))


class Samples(Items):
    """A selection of the samples of one split, or of several that are joined."""

    _source: Source
    _scheme: Scheme | None = None

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
        progress: Progress = bars,
    ) -> None:
        mode = store.checked_mode(mmap_mode)
        record, size = registry.resolve_dataset(name, size)
        split = checked_splits(record, split)
        positions = None
        if scheme is not None:
            from medmnist_np.data.scheme import Scheme, read_scheme

            self._scheme = scheme if isinstance(scheme, Scheme) else read_scheme(scheme)
            split, positions = self._scheme.selection(record, split)
        source = Source.open(record, size, split, root=root, download=download, mmap_mode=mode, progress=progress)
        self._select_from(source, positions, transform, target_transform, as_rgb=as_rgb)

    def _select_from(
        self,
        source: Source,
        positions: npt.NDArray[np.intp] | None,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
        *,
        as_rgb: bool,
    ) -> None:
        """Select samples of a source by position, or all samples if no positions are given."""
        self._source = source
        self.size, self.split = source.size, source.split
        self._selection = range(len(source.images)) if positions is None else _contiguous(positions)
        self.transform = transform
        self.target_transform = target_transform
        self.as_rgb = as_rgb

    @property
    def record(self) -> DatasetInfo:
        """The record of the data set."""
        return self._source.record

    @property
    def corruption(self) -> Corruption | None:
        """The corruption of the images, with its severity; None if they are not corrupted."""
        return self._source.corruption

    @property
    def folder(self) -> Path:
        """The folder of the .npy files."""
        return self._source.folder.path

    @property
    def positions(self) -> npt.NDArray[np.intp]:
        """Positions of the selected samples in the arrays of the split, ``(n,)`` intp.

        Raises
        ------
        ValueError
            If ``imgs`` of an official class were assigned, or the labels of a subset of it.
        """
        self._require_published_positions("positions")
        return self._positions()

    @property
    def ids(self) -> npt.NDArray[np.str_]:
        """Ids of the selected samples, ``(n,)`` str; see :func:`~medmnist_np.data.identifiers.attach_ids`.

        Raises
        ------
        ValueError
            As for :attr:`positions`.
        """
        from medmnist_np.data.identifiers import identifiers

        self._require_published_positions("ids")
        return identifiers(self.record, self.split).ids[self._positions()]

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """Groups of the selected samples, for example patients, ``(n,)`` str.

        Raises
        ------
        ValueError
            As for :attr:`positions`.
        """
        from medmnist_np.data.identifiers import known_groups

        self._require_published_positions("groups")
        return known_groups(self.record, self.split)[self._positions()]

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """The selected images, ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)`` uint8."""
        self._source.handed_out.add("images")
        return self._selected(self._source.images)

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """The selected labels, ``(n, l)`` uint8; for a segmentation set, the masks, ``(n, h, w)``."""
        return self._selected(self._source.labels)

    @property
    def masks(self) -> npt.NDArray[np.uint8]:
        """The selected masks, ``(n, h, w)``: the class number of each pixel.

        Raises
        ------
        AttributeError
            If the set has labels.
        """
        if self.record.target != "masks":
            raise AttributeError(f"{self.record.qualified_name} has no masks. Its labels are in .labels.")
        return self.labels

    def gather(self, indices: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Return some images as a new, writable array.

        Parameters
        ----------
        indices : (k,) array_like of int
            Indices of the samples, from 0 to ``len(ds) - 1``.

        Returns
        -------
        (k, h, w), (k, h, w, 3) or (k, d, h, w) uint8
            The images in this order; with three channels if ``as_rgb``.

        Raises
        ------
        IndexError
            If an index is out of range.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> mm.Dataset("breastmnist", split="test").gather([5, 0]).shape
        (2, 28, 28)
        """
        chosen = self._chosen(indices)
        images: npt.NDArray[np.uint8] = self._source.image_rows.take(chosen, axis=0)
        return np.repeat(images[..., np.newaxis], 3, axis=-1) if self._repeats_channels else images

    def gather_labels(self, indices: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return some labels as a new, writable array, ``(k, l)`` int64; see :meth:`gather` for the indices.

        For a segmentation set, return the masks, ``(k, h, w)``, in their stored dtype.
        """
        labels: npt.NDArray[Any] = self._source.label_rows.take(self._chosen(indices), axis=0)
        return labels.astype(self._source.label_dtype, copy=False)

    def __add__(self, other: object) -> Self:
        """Join the samples of two splits or subsets, as in ``train + val``; keep the transforms of the first."""
        if not isinstance(other, Samples):
            return NotImplemented
        if (self.record, self.size) != (other.record, other.size):
            raise ValueError(
                f"Only splits and subsets of one data set can be joined, not {self.record.name} of size {self.size} "
                f"and {other.record.name} of size {other.size}."
            )
        if self.corruption != other.corruption:
            raise ValueError("Only data sets with the same corruption, severity and seed can be joined.")
        source = self._source
        split = "+".join(dict.fromkeys((*self.split.split("+"), *other.split.split("+"))))
        positions = np.concatenate([samples._positions_in(split) for samples in (self, other)])
        joined = self._copy()
        joined._scheme = self._scheme or other._scheme
        joined.split = split
        joined._source = source.open(
            source.record,
            source.size,
            split,
            folder=source.folder,
            mmap_mode=source.mmap_mode,
            corruption=source.corruption,
        )
        joined._selection = _contiguous(positions)
        return joined

    def without(self, samples: Mapping[str, npt.ArrayLike]) -> Self:
        """Leave out samples, which are given by split and position.

        Parameters
        ----------
        samples : Mapping of str to (k,) array_like of int
            Positions in the arrays of each split, for example ``leaks`` of :func:`~medmnist_np.audit`. Splits that are
            not in this data set are ignored.

        Returns
        -------
        Dataset
            The other samples, in their order.

        Raises
        ------
        UnknownSplitError
            If the data set does not have a split.
        IndexError
            If a split has no sample at a position.
        TypeError
            If positions are not integers; a mask is not accepted.
        ValueError
            As for :attr:`positions`.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> train = mm.Dataset("breastmnist", split="train")
        >>> len(train) - len(train.without({"train": [3, 8]}))
        2
        """
        self._require_published_positions("without()")
        if not isinstance(samples, Mapping):
            raise TypeError(f"without() needs positions by split, such as {{'train': [3, 8]}}, not {short(samples)}.")
        starts = _starts(self.record, self.split)
        kept = np.ones(len(self), dtype=np.bool_)
        for split, positions in samples.items():
            n = self.record.n_samples[self.record.check_split(split)]
            chosen = np.asarray(positions)
            if chosen.size and chosen.dtype.kind not in "iu":
                raise TypeError(f"Positions of samples in {split} must be integers, not {chosen.dtype}.")
            if ((chosen < 0) | (chosen >= n)).any():
                raise IndexError(
                    f"{self.record.name} has {n} samples in {split}, but some positions are out of range: "
                    f"{short(chosen)}."
                )
            if split in starts:
                kept &= ~np.isin(self._positions(), starts[split] + chosen.astype(np.intp))
        return self._part(kept)

    def _item(self, number: int) -> tuple[Any, Any]:
        return self._item_at(int(self._selection[number]))

    def _item_at(self, position: int) -> tuple[Any, Any]:
        """Return one sample, by its place in the arrays."""
        source = self._source
        image = source.image_rows[position]
        image = np.repeat(image[..., np.newaxis], 3, axis=-1) if self._repeats_channels else image.copy()
        return self._transformed(image, source.label_rows[position].astype(source.label_dtype))

    @property
    def _repeats_channels(self) -> bool:
        return self.as_rgb and not self._source.has_channel_axis

    @property
    def _is_whole(self) -> bool:
        """Whether all samples of the arrays are selected, in their order."""
        return isinstance(self._selection, range) and self._selection == range(len(self._source.images))

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
        if self._source.assigned:
            # Pickles include assigned arrays, so a subset keeps only its own rows.
            rows = subset._positions()
            subset._assign(
                images=self._source.image_rows.take(rows, axis=0), labels=self._source.label_rows.take(rows, axis=0)
            )
        return subset

    def _assign(self, **arrays: npt.NDArray[Any]) -> None:
        """Replace images, labels or both. Those that are not replaced stay mapped and are not pickled."""
        if not self._source.assigned and not self._is_whole:
            # Rows of a memmap would be memmaps too.
            arrays = {"images": np.asarray(self.images), "labels": np.asarray(self.labels), **arrays}
        self._source = self._source.assign(**arrays)
        # Images and labels are assigned one after the other, so their lengths may differ for a moment.
        self._selection = range(len(self._source.images))

    def _selected(self, rows: Rows) -> npt.NDArray[np.uint8]:
        if isinstance(self._selection, range) and self._selection.step == 1:
            contiguous: npt.NDArray[np.uint8] = rows[self._selection.start : self._selection.stop]
            return contiguous
        # The take() of a memmap returns a memmap.
        gathered: npt.NDArray[np.uint8] = np.asarray(rows.take(self._positions(), axis=0))
        return gathered

    def _positions_in(self, split: str) -> npt.NDArray[np.intp]:
        """Return the positions of the samples in the joined arrays of more splits."""
        if self._source.assigned:
            raise ValueError(
                "imgs or labels were assigned. Join the arrays with np.concatenate, and assign the result."
            )
        if self._source.changed_labels() is not None or self._source.changed_images():
            raise ValueError(
                f"Images or labels of {self.record.name} {self.split} were changed, but only published ones can be "
                "joined. Join the arrays with np.concatenate."
            )
        start_in = _starts(self.record, split)
        positions = self._positions()
        moved = positions.copy()
        for name, start in _starts(self.record, self.split).items():
            inside = (start <= positions) & (positions < start + self.record.n_samples[name])
            moved[inside] += start_in[name] - start
        return moved

    def _require_published_positions(self, name: str) -> None:
        if "images" in self._source.assigned:
            raise ValueError(
                f"{name} is not available after imgs, or the labels of a subset, were assigned: the positions of the "
                "samples in the published arrays are unknown. Use it before you assign them."
            )


_PIECE_BYTES = 16_000_000


def _pieces(array: npt.NDArray[Any]) -> Iterator[slice]:
    step = max(1, _PIECE_BYTES // max(1, array[:1].nbytes))
    return (slice(start, start + step) for start in range(0, len(array), step))


def _differ(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which rows of two arrays differ."""
    if np.array_equal(one, other):
        return np.zeros(len(one), dtype=np.bool_)
    return np.asarray((one != other).any(axis=tuple(range(1, one.ndim))))


def _as_one(arrays: Sequence[npt.NDArray[Any]]) -> Rows:
    return arrays[0] if len(arrays) == 1 else Joined(arrays)


def _plain(rows: Rows) -> Rows:
    if isinstance(rows, Joined):
        return Joined([_plain(part) for part in rows.parts])
    return np.asarray(rows) if isinstance(rows, np.ndarray) else rows


def _starts(record: DatasetInfo, split: str) -> dict[str, int]:
    """Return the start of each split of ``"train+val"`` in the joined arrays."""
    names = split.split("+")
    counts = [record.n_samples[name] for name in names]
    return dict(zip(names, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))


def _contiguous(positions: npt.NDArray[np.intp]) -> range | npt.NDArray[np.intp]:
    """Return contiguous positions as a range, which needs almost no space in a pickle and no copy of images."""
    if len(positions) and (np.diff(positions) == 1).all():
        return range(int(positions[0]), int(positions[-1]) + 1)
    return positions


def checked_splits(record: DatasetInfo, split: str) -> str:
    """Return ``"train"`` or ``"train+val"``, or raise."""
    splits = [record.check_split(name) for name in (split.split("+") if isinstance(split, str) else [split])]
    if len(set(splits)) < len(splits):
        raise ValueError(f"{short(split)} names a split twice.")
    return "+".join(splits)
