"""The source of an audit: a data set by name, or an .npz file without a record, checked strictly and memory-mapped."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files, registry
from medmnist_np._progress import UNPACKING, Progress
from medmnist_np._version import __version__
from medmnist_np.audits.findings import Label, Place
from medmnist_np.cache import npz, settings, store
from medmnist_np.cache.archives import opened as opened_archive
from medmnist_np.cache.manifest import Manifest, digest_of
from medmnist_np.cache.npz import read_members
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.data.arrays import locate
from medmnist_np.errors import ArchiveError
from medmnist_np.images.channels import channel_axis, usual_axes
from medmnist_np.registry import Archive, DatasetInfo, Member, Record, bundled_records
from medmnist_np.registry.records import standard_split
from medmnist_np.registry.user_records import LOCAL

_NAME = re.compile(r"([A-Za-z0-9]{1,32})_(images|labels)")
_LABELS = frozenset({"bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))})

# Other splits come between train and val.
_ORDER = {"train": 0, "val": 2, "test": 3}
_OTHER = 1


@contextmanager
def unpacked(path: Path, settings: Settings, progress: Progress) -> Iterator[ArrayFolder]:
    """Unpack the images and labels of an .npz file into a folder that exists during the block.

    Parameters
    ----------
    path : Path
        The file. It is not changed.
    settings : Settings
        Settings with the place of the folder.
    progress : Progress
        Shows the progress.

    Raises
    ------
    ArchiveError
        If it is not a valid archive with images and labels of splits, or the axes of its images are ambiguous.
    NoSpaceError, CacheError
        If the disk has too little space for the arrays, or a file cannot be read or written.
    """
    _files.make_folder(settings.downloads)
    with store.workshop(settings.downloads / "audited") as folder:
        with opened_archive(path) as stream:
            try:
                manifest = _unpack(stream, path, folder, progress)
            except ArchiveError as error:
                raise ArchiveError(
                    f"{path} cannot be audited: {error}. Expected an .npz file with train_images, uint8 of shape "
                    "(n, h, w), (n, h, w, 3) or (n, d, h, w), train_labels, integers of shape (n, l), and the same "
                    "arrays for each split."
                ) from error
        yield ArrayFolder(folder, manifest)


def splits_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the splits of arrays with these names: train first, val and test last."""
    return in_order(dict.fromkeys(match[1] for match in map(_NAME.fullmatch, names) if match))


def in_order(splits: Iterable[str]) -> tuple[str, ...]:
    """Return splits in order, train first, val and test last; ``Training`` and ``test2`` are recognised too."""
    return tuple(sorted(splits, key=lambda split: _ORDER.get(meant_by(split) or "", _OTHER)))


def meant_by(split: str) -> str | None:
    """Return ``"train"``, ``"val"`` or ``"test"`` for a usual name of a split, with or without a number; else None."""
    return standard_split(split.rstrip("0123456789"))


def _unpack(stream: BinaryIO, path: Path, folder: Path, progress: Progress) -> Manifest:
    members = read_members(stream)
    wanted = {member.name: member for member in members if _NAME.fullmatch(member.name)}
    _check(wanted, members)
    digest = digest_of(stream, "md5", progress, path.name)
    archive = Archive("archive.npz", path.absolute().as_uri(), digest, members)
    with _in_short():
        entries = npz.read_directory(stream, archive, only=wanted)
    n_bytes = sum(entry.inflated_bytes for entry in entries)
    _files.require_space(folder, n_bytes, f"unpack {path.name}")
    arrays = {}
    with _files.errors_named(folder, f"unpack {path.name}"), progress(f"{UNPACKING}{path.name}", total=n_bytes) as bar:
        for entry in entries:
            with _in_short(f"{entry.member.name}: "):
                arrays[entry.member.name] = npz.unpack_entry(stream, entry, archive, folder, bar.update)
    return Manifest(path.name, digest, "crc32", __version__, arrays)


@contextmanager
def _in_short(where: str = "") -> Iterator[None]:
    """Shorten the errors of an archive without a published counterpart."""
    try:
        yield
    except ArchiveError as error:
        raise ArchiveError(f"{where}{error.__cause__}") from error


def _check(found: dict[str, Member], members: Sequence[Member]) -> None:
    """Raise unless each split has images and labels that fit each other."""
    if not (splits := splits_of(found)):
        raise ArchiveError(f"it has {', '.join(sorted(member.name for member in members)) or 'no arrays'}")
    shapes = set()
    for split in splits:
        for role in ("images", "labels"):
            if f"{split}_{role}" not in found:
                raise ArchiveError(f"it has no {split}_{role}")
        images, labels = found[f"{split}_images"], found[f"{split}_labels"]
        volumes_with_channel = len(images.shape) == 5 and 1 in (images.shape[1], images.shape[4])
        if (
            (len(images.shape) not in (3, 4) and not volumes_with_channel)
            or 0 in images.shape[1:]
            or images.dtypes != ("uint8",)
        ):
            raise ArchiveError(f"{images.name} is {images.dtypes[0]} of shape {images.shape}")
        if len(images.shape) == 4:
            try:
                channel_axis(images.shape[1:])
            except ValueError as error:
                raise ArchiveError(f"{images.name}: {str(error).rstrip('.')}") from error
        if len(labels.shape) not in (1, 2) or 0 in labels.shape[1:] or labels.dtypes[0] not in _LABELS:
            raise ArchiveError(f"{labels.name} is {labels.dtypes[0]} of shape {labels.shape}")
        if labels.shape[0] != images.shape[0]:
            raise ArchiveError(f"{split} has {images.shape[0]} images and {labels.shape[0]} labels")
        shapes.add((images.shape[1:], labels.shape[1:]))
    if len(shapes) > 1:
        described = " and ".join(f"images of {images} with labels of {labels}" for images, labels in sorted(shapes))
        raise ArchiveError(f"its splits differ: {described}")


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
        Name to show.
    record : DatasetInfo
        Its record; for an unknown file, a record made from its arrays, without archives.
    digest : str
        Checksum of the archive.
    images : Mapping of str to (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        Memory-mapped files, whole.
    labels : Mapping of str to (n, l) integers
        In memory.
    remarks : tuple of str
        Notes on how the file was read.
    """

    name: str
    record: DatasetInfo
    digest: str
    images: Mapping[str, Images]
    labels: Mapping[str, NDArray[np.integer]]
    remarks: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image."""
        shape: tuple[int, ...] = next(iter(self.images.values())).shape[1:]
        return shape

    def labels_at(self, places: Sequence[Place]) -> tuple[Label, ...]:
        """Return the labels of samples."""
        return tuple(tuple(self.labels[place.split][place.position].tolist()) for place in places)


def is_path(source: str) -> bool:
    """Return whether the source is a path: names have no ``.``, and a slash only after a collection."""
    named = source.partition("/")[0].lower() in bundled_records.COLLECTIONS
    return bool(set("./\\") & set(source)) and (not named or Path(source).is_file())


@contextmanager
def opened(
    source: str | os.PathLike[str] | Record,
    *,
    size: int | None,
    root: str | os.PathLike[str] | None,
    download: bool,
    progress: Progress,
) -> Iterator[Source]:
    """Open the source of an audit for the duration of a block."""
    if isinstance(source, Record) or (isinstance(source, str) and not is_path(source)):
        registry.info(source).require_labels("audit")
        record, size = registry.resolve_dataset(source, size)
        folder = locate(record, size, root=root, download=download, progress=progress)
        names = {
            split: [record.member_name(split, role) for role in ("images", "labels")]
            for split in in_order(record.splits)
        }
        yield Source(record.name, record, record.archive(size).digest, *_arrays(folder, names))
        return
    path = Path(source).expanduser()
    if size is not None:
        raise ValueError(f"{path} is a file, which has one size. Leave out size=.")
    with unpacked(path, settings.current(root), progress) as folder:
        splits = splits_of(folder.manifest.arrays)
        stored, labels = _arrays(folder, {split: [f"{split}_images", f"{split}_labels"] for split in splits})
        images = {split: _with_usual_axes(array, folder.path) for split, array in stored.items()}
        record = _known(folder.manifest.digest, labels) or _made_up(path, images, labels)
        remarks = (*_as_read(stored, images), *_order_of(splits))
        try:
            yield Source(path.name, record, folder.manifest.digest, images, labels, remarks)
        finally:
            # Windows removes only files that are no longer mapped.
            images.clear()
            stored.clear()


def _arrays(
    folder: ArrayFolder, names: Mapping[str, list[str]]
) -> tuple[dict[str, Images], dict[str, NDArray[np.integer]]]:
    images = {split: folder.open(member) for split, (member, _) in names.items()}
    tables = {split: np.array(folder.open(member)) for split, (_, member) in names.items()}
    # reshape(len(table), -1) would fail without samples.
    return images, {split: table if table.ndim == 2 else table[:, np.newaxis] for split, table in tables.items()}


def _with_usual_axes(array: Images, folder: Path) -> Images:
    """Map images without a channel axis of one, and copy those whose channels come first into a file of ``folder``."""
    view = usual_axes(array)
    if view.shape == array.shape:
        return array
    if view.ndim < array.ndim:
        return np.memmap(str(array.filename), array.dtype, "r", array.offset, view.shape)
    file = folder / f"{Path(str(array.filename)).stem}_last.npy"
    _files.require_space(folder, array.nbytes, "move the channel axis of the images to the end")
    with _files.errors_named(file, "move the channel axis of the images to the end"):
        step = max(1, _BLOCK_BYTES // math.prod(view.shape[1:]))
        with file.open("xb") as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": view.shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for start in range(0, len(view), step):
                stream.write(view[start : start + step].tobytes())
    return np.lib.format.open_memmap(file, "r")


def _as_read(stored: Mapping[str, Images], images: Mapping[str, Images]) -> tuple[str, ...]:
    """Return a note on the channel axis, if there is one."""
    found, shown = (next(iter(arrays.values())).shape for arrays in (stored, images))
    if found == shown:
        return ()
    axes = ", ".join(map(str, found[1:]))
    as_read = ("RGB images " if shown[-1] == 3 and len(shown) == 4 else "") + f"({', '.join(map(str, shown[1:]))})"
    return (f"The images are stored as (n, {axes}) and were read as {as_read}.",)


def _order_of(splits: Sequence[str]) -> tuple[str, ...]:
    """Return a note on the order of the splits, if their names do not show it."""
    unknown = [split for split in splits if meant_by(split) is None]
    if not unknown or len(splits) < 2:
        return ()
    order = f"The order of the splits is {', '.join(splits)}; in a leak, the later split keeps its samples."
    return (f"{order} {', '.join(unknown)}: not recognised as train, val or test, so placed after train.",)


def _known(digest: str, labels: Mapping[str, NDArray[np.integer]]) -> DatasetInfo | None:
    """Return the record of a known archive; else None."""
    found = registry.find_archive(digest)
    record = None if found is None else found[0]
    counts = {split: len(table) for split, table in labels.items()}
    return record if isinstance(record, DatasetInfo) and dict(record.n_samples) == counts else None


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
