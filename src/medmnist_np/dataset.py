"""A data set as a sequence of samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from medmnist_np import registry
from medmnist_np.cache import store
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.loading import locate, map_split
from medmnist_np.registry import DatasetInfo


class Dataset(Sequence[tuple[Any, Any]]):
    """One split of a data set, as a sequence of ``(image, label)``.

    Parameters
    ----------
    name, split, size, root, download
        As of :func:`load`.
    transform : callable, optional
        Applied to each image.
    target_transform : callable, optional
        Applied to each label.
    as_rgb : bool
        Repeat gray images to three channels, last axis: ``(h, w, 3)``, ``(d, h, w, 3)``.

    Notes
    -----
    An int gives an item: the image as a fresh, writable uint8 array, ``(h, w)``, ``(h, w, 3)`` or ``(d, h, w)``,
    and the label as a fresh int64 array ``(l,)``.

    A slice, an array of indices or a boolean mask gives a :class:`Dataset` that is a view. Its :attr:`images` and
    :attr:`labels` are slices of the map if the selection is contiguous (0 bytes of memory); for any other selection
    they are gathered at each access into new arrays of ``len(ds) * image bytes``, for example 150,528 bytes for
    each image of 224 px in RGB.

    It may be shared between threads. It pickles as a path and a selection: under 2 kB for a whole split or a slice,
    plus 8 bytes a sample for any other selection; transforms must pickle themselves.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> ds = mm.Dataset("breastmnist", split="train")  # doctest: +SKIP
    >>> image, label = ds[0]  # doctest: +SKIP
    >>> malignant = ds[ds.labels[:, 0] == 0]  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str | DatasetInfo,
        split: str = "train",
        *,
        size: int | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        as_rgb: bool = False,
        root: str | os.PathLike[str] | None = None,
        download: bool = True,
    ) -> None:
        record, size = registry.resolve_size(name, size)
        self._record = record
        self.size = size
        self.split = record.check_split(split)
        self.transform = transform
        self.target_transform = target_transform
        self.as_rgb = as_rgb
        self._open(locate(record, size, root=root, download=download))
        self._selection: range | npt.NDArray[np.intp] = range(len(self._all_images))

    def _open(self, folder: ArrayFolder) -> None:
        self.folder = folder.path
        self._maps = map_split(folder, self._record, self.split)
        # Indexing a plain view costs a fraction of indexing the memmap itself.
        self._all_images, self._all_labels = np.asarray(self._maps.images), np.asarray(self._maps.labels)

    @property
    def info(self) -> Any:
        """The record of the data set, a :class:`DatasetInfo`."""
        return self._record

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """The selected images, ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)`` uint8."""
        return self._selected(self._maps.images)

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """The selected labels, ``(n, l)`` uint8."""
        return self._selected(self._maps.labels)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The meaning of class 0, 1, ..., or of each label of a multi-label set."""
        return self._record.class_names

    def class_counts(self) -> dict[str, int]:
        """Count the selected samples of each class; of a multi-label set, the positives of each label."""
        labels = self.labels
        if self._record.multi_label:
            counts = labels.sum(axis=0, dtype=np.int64)
        else:
            counts = np.bincount(labels.reshape(-1), minlength=self._record.n_classes)
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    def decode(self, label: npt.ArrayLike) -> str | tuple[str, ...]:
        """Say a label in words.

        Parameters
        ----------
        label : array_like
            One label as items have it: ``(1,)`` or a number; of a multi-label set the ``(l,)`` zeros and ones.

        Returns
        -------
        str or tuple of str
            The class name; of a multi-label set the names of all findings, perhaps none.

        Raises
        ------
        ValueError
            If it is no label of this data set.
        """
        values = np.asarray(label).reshape(-1)
        if len(values) != self._record.label_width:
            raise ValueError(
                f"A label of {self._record.name} has {self._record.label_width} value(s), not {len(values)}."
            )
        highest = 1 if self._record.multi_label else self._record.n_classes - 1
        if not np.isin(values, np.arange(highest + 1)).all():
            raise ValueError(f"{label!r} is no label of {self._record.name}: its values are 0 to {highest}.")
        if self._record.multi_label:
            return tuple(name for name, value in zip(self.class_names, values, strict=True) if value)
        return self.class_names[int(values[0])]

    def __len__(self) -> int:
        return len(self._selection)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        # Sequence would take an IndexError of a transform for the end.
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> tuple[Any, Any]: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | npt.NDArray[Any]) -> Dataset: ...
    def __getitem__(self, index: int | slice | Sequence[int] | npt.NDArray[Any]) -> tuple[Any, Any] | Dataset:
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"There is no sample {index} in a data set of {len(self)}.")
            return self._item(int(self._selection[index]))
        return self._subset(index)

    def _item(self, position: int) -> tuple[Any, Any]:
        image = self._all_images[position]
        image = np.repeat(image[..., np.newaxis], 3, axis=-1) if self._repeats_channels else image.copy()
        return self._transformed(image, self._all_labels[position].astype(np.int64))

    @property
    def _repeats_channels(self) -> bool:
        return self.as_rgb and self._record.n_channels == 1

    def _transformed(self, image: Any, label: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label

    def _subset(self, index: Any) -> Dataset:
        subset = self.__class__.__new__(self.__class__)
        subset.__dict__.update(self.__dict__)
        if isinstance(index, slice):
            subset._selection = self._selection[index]
        else:
            subset._selection = self._chosen(index)
        return subset

    def _chosen(self, index: Any) -> npt.NDArray[np.intp]:
        chosen = np.asarray(index)
        if chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise TypeError(
                f"A data set is indexed by an int, a slice, a 1D array of ints or a boolean mask, not by {index!r}."
            )
        if chosen.dtype == bool and len(chosen) != len(self):
            raise IndexError(f"The mask has {len(chosen)} values and the data set {len(self)} samples.")
        positions: npt.NDArray[np.intp] = np.asarray(self._selection, dtype=np.intp)[chosen]
        return positions

    def _selected(self, array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        if isinstance(self._selection, range) and self._selection.step == 1:
            return array[self._selection.start : self._selection.stop]
        gathered: npt.NDArray[np.uint8] = np.asarray(array).take(np.asarray(self._selection, dtype=np.intp), axis=0)
        return gathered

    def __reduce__(self) -> tuple[Any, ...]:
        record = self._record.name if registry.is_published(self._record) else self._record
        state = {name: value for name, value in self.__dict__.items() if name not in _NOT_PICKLED}
        return _restore, (self.__class__, record, str(self.folder), state)

    def __repr__(self) -> str:
        record = self._record
        body = {
            "Number of datapoints": len(self),
            "Root location": self.folder,
            "Split": self.split,
            "Task": record.task,
            "Number of channels": record.n_channels,
            "Meaning of labels": {str(number): name for number, name in enumerate(record.class_names)},
            "Number of samples": dict(record.n_samples),
            "Description": record.description,
            "License": record.license,
        }
        suffix = "" if self.size == 28 else f"_{self.size}"
        head = f"Dataset {record.python_class} of size {self.size} ({record.name}{suffix})"
        return "\n".join([head, *(f"    {title}: {value}" for title, value in body.items())])


# Opened anew where it is unpickled.
_NOT_PICKLED = frozenset({"_record", "_maps", "_all_images", "_all_labels", "folder"})


def _restore(kind: type[Dataset], record: str | DatasetInfo, folder: str, state: dict[str, Any]) -> Dataset:
    """Unpickle: the same folder, or what this machine has in place of it."""
    dataset = kind.__new__(kind)
    dataset.__dict__.update(state)
    dataset._record = registry.info(record)
    dataset._open(store.at(Path(folder)) or locate(dataset._record, dataset.size, download=False))
    return dataset
