"""What is audited: a data set by its name, or an .npz file, as mapped files."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files, registry
from medmnist_np._progress import Progress
from medmnist_np.auditing.archive import in_order, meant_by, splits_of, unpacked
from medmnist_np.auditing.findings import Label, Place
from medmnist_np.cache import settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.data.arrays import locate
from medmnist_np.images.channels import usual_axes
from medmnist_np.registry import DatasetInfo, bundled_records
from medmnist_np.registry.user_records import LOCAL

Images = np.memmap[Any, np.dtype[np.uint8]]

# Labels are bytes in all archives of this kind.
_MOST_CLASSES = 256

_BLOCK_BYTES = 32_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The arrays of a data set, by split.

    Attributes
    ----------
    name : str
        What to call it.
    record : DatasetInfo
        Its record; of a file that is no known archive, one that was made up for it, without archives.
    digest : str
        Of the archive.
    images : Mapping of str to (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        Whole maps of files.
    labels : Mapping of str to (n, l) integers
        In memory.
    remarks : tuple of str
        How the file was read, where that is not a matter of course.
    """

    name: str
    record: DatasetInfo
    digest: str
    images: Mapping[str, Images]
    labels: Mapping[str, NDArray[np.integer]]
    remarks: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image."""
        shape: tuple[int, ...] = next(iter(self.images.values())).shape[1:]
        return shape

    def labels_at(self, places: Sequence[Place]) -> tuple[Label, ...]:
        """Return the labels of samples."""
        return tuple(tuple(self.labels[place.split][place.position].tolist()) for place in places)


def is_path(source: str) -> bool:
    """Whether a file is meant: names of data sets have no ``.`` in them, and a slash behind a collection alone."""
    named = source.partition("/")[0].lower() in bundled_records.COLLECTIONS
    return bool(set("./\\") & set(source)) and (not named or Path(source).is_file())


@contextmanager
def opened(
    source: str | os.PathLike[str] | DatasetInfo,
    *,
    size: int | None,
    root: str | os.PathLike[str] | None,
    download: bool,
    progress: Progress,
) -> Iterator[Source]:
    """Open what is to be audited for the length of a block."""
    if isinstance(source, DatasetInfo) or (isinstance(source, str) and not is_path(source)):
        record, size = registry.resolve_size(source, size)
        record.require_labels("audit")
        folder = locate(record, size, root=root, download=download, progress=progress)
        names = {
            split: [record.member_name(split, role) for role in ("images", "labels")]
            for split in in_order(record.splits)
        }
        yield Source(record.name, record, record.archive(size).digest, *_arrays(folder, names))
        return
    path = Path(source).expanduser()
    if size is not None:
        raise ValueError(f"{path} is a file, which has one size: leave size out.")
    with unpacked(path, settings.current(root), progress) as folder:
        splits = splits_of(folder.manifest.arrays)
        stored, labels = _arrays(folder, {split: [f"{split}_images", f"{split}_labels"] for split in splits})
        images = {split: _with_usual_axes(array, folder.path) for split, array in stored.items()}
        record = _known(folder.manifest.digest, labels) or _made_up(path, images, labels)
        remarks = (*_as_read(stored, images), *_order_of(splits))
        yield Source(path.name, record, folder.manifest.digest, images, labels, remarks)


def _arrays(
    folder: ArrayFolder, names: Mapping[str, list[str]]
) -> tuple[dict[str, Images], dict[str, NDArray[np.integer]]]:
    images = {split: folder.open(member) for split, (member, _) in names.items()}
    tables = {split: np.array(folder.open(member)) for split, (_, member) in names.items()}
    # Of no samples NumPy could not tell how many columns -1 stands for.
    return images, {split: table if table.ndim == 2 else table[:, np.newaxis] for split, table in tables.items()}


def _with_usual_axes(array: Images, folder: Path) -> Images:
    """Map images without a channel axis of one, and copy those whose channels come first into a file of ``folder``."""
    view = usual_axes(array)
    if view.shape == array.shape:
        return array
    if view.ndim < array.ndim:
        return np.memmap(str(array.filename), array.dtype, "r", array.offset, view.shape)
    file = folder / f"{Path(str(array.filename)).stem}_last.npy"
    _files.require_space(folder, array.nbytes, "put the channels of the images last")
    with _files.errors_named(file, "put the channels of the images last"):
        step = max(1, _BLOCK_BYTES // math.prod(view.shape[1:]))
        with file.open("xb") as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": view.shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for start in range(0, len(view), step):
                stream.write(view[start : start + step].tobytes())
    return np.lib.format.open_memmap(file, "r")


def _as_read(stored: Mapping[str, Images], images: Mapping[str, Images]) -> tuple[str, ...]:
    """Say which axis was read as that of channels, if one was."""
    found, shown = (next(iter(arrays.values())).shape for arrays in (stored, images))
    if found == shown:
        return ()
    axes = ", ".join(map(str, found[1:]))
    as_read = ("RGB images " if shown[-1] == 3 and len(shown) == 4 else "") + f"({', '.join(map(str, shown[1:]))})"
    return (f"The images are stored as (n, {axes}); the channel axis was recognised, and they were read as {as_read}.",)


def _order_of(splits: Sequence[str]) -> tuple[str, ...]:
    """Say in which order splits are protected, if their names do not tell."""
    unknown = [split for split in splits if meant_by(split) is None]
    if not unknown or len(splits) < 2:
        return ()
    order = f"The order of the splits is {', '.join(splits)}; of a leak the later split keeps its samples."
    return (f"{order} {', '.join(unknown)}: not known as train, val or test, so counted as coming after train.",)


def _known(digest: str, labels: Mapping[str, NDArray[np.integer]]) -> DatasetInfo | None:
    """Return the record that an archive belongs to; None if none does."""
    found = registry.find_archive(digest)
    if found is None or dict(found[0].n_samples) != {split: len(table) for split, table in labels.items()}:
        return None
    return found[0]


def _made_up(path: Path, images: Mapping[str, Images], labels: Mapping[str, NDArray[np.integer]]) -> DatasetInfo:
    first = next(iter(images.values()))
    rgb = first.ndim == 4 and first.shape[3] == 3
    width = next(iter(labels.values())).shape[1]
    highest = max((int(table.max()) for table in labels.values() if table.size), default=0)
    n_classes = width if width > 1 else min(max(highest, 0) + 1, _MOST_CLASSES)
    return DatasetInfo(
        name=re.sub("[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "archive",
        python_class=path.name,
        collection=LOCAL,
        description="",
        modality="",
        task="multi-label, binary-class" if width > 1 else "multi-class",
        ndim=2 if rgb or first.ndim == 3 else 3,
        n_channels=3 if rgb else 1,
        class_names=tuple(f"label {k}" if width > 1 else str(k) for k in range(n_classes)),
        n_samples={split: len(table) for split, table in labels.items()},
        license="",
        archives={},
    )
