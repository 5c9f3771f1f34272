"""From a name to memory-mapped arrays: ``load``, ``fetch`` and their common functions."""

from __future__ import annotations

import os
import warnings
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from medmnist_np import registry
from medmnist_np._progress import Progress, bars, silent
from medmnist_np.cache import settings, store
from medmnist_np.cache.locations import archive_in_root, digest_of_file, find_arrays
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder, MmapMode
from medmnist_np.errors import ArchiveError, UnknownSplitError
from medmnist_np.registry import Archive, DatasetInfo, Record

if TYPE_CHECKING:
    from concurrent.futures import Executor  # would load logging, which opening does without


_IF_DAMAGED = "If the file is damaged, delete it and download it again."

# Allowed in archives that users made.
_LABEL_DTYPES = ("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64")


class Arrays(NamedTuple):
    """The images of one split, memory-mapped, and their labels or masks.

    Attributes
    ----------
    images : np.memmap, or np.ndarray with ``mmap_mode=None``
        ``(n, h, w)`` gray, ``(n, h, w, 3)`` RGB or ``(n, d, h, w)`` volumes, uint8, 0-255.
    labels : np.ndarray
        ``(n, 1)`` uint8 class numbers, or ``(n, l)`` uint8 zeros and ones of a multi-label set, in memory. For a
        segmentation set, the masks: ``(n, h, w)``, the class number of each pixel, memory-mapped like images.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    @property
    def masks(self) -> npt.NDArray[np.uint8]:
        """The masks of a segmentation set: another name for ``labels``."""
        return self.labels


def load(
    name: str | Record,
    split: str = "train",
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    download: bool | None = None,
    partial: bool = False,
    mmap_mode: MmapMode = "r",
    progress: Progress = bars,
) -> Arrays:
    """Map the images of one split into memory and read their labels, after a download if needed.

    On a complete cache this opens no socket, hashes nothing, takes no lock and writes nothing.

    Parameters
    ----------
    name : str or DatasetInfo
        For example ``"pathmnist"``, ``"pathmnist_64"`` (with a size) or ``"medsegbench/kvasir"`` (with a collection).
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    size : int, optional
        Pixels or voxels along each axis: 28, 64, 128 or 224 in 2D, 28 or 64 in 3D; 128, 256 or 512 in MedSegBench. None
        means the size in the name, or 28 if there is none (MedSegBench: 512).
    root : path, optional
        The only folder to search, instead of the cache. It must exist, unless ``download=True``. An official archive in
        it is verified and used; another archive with its name is an error. Without ``root``, an official archive in
        ``~/.medmnist`` is used too. Archives are never changed.
    download : bool, optional
        Whether downloads are allowed. None allows them, but a missing ``root`` is an error; True creates ``root``.
    partial : bool
        If the whole set is not on this machine, download only the images and labels of this split. They are
        checked by CRC-32, shape and dtype. Unlike the checksum of the whole archive, this detects accidental damage,
        but not a malicious mirror.
    mmap_mode : {"r", "c", None}
        How images and masks are mapped, as in :func:`numpy.load`. ``"r"``: read-only. ``"c"``: copy on write; your
        changes stay in the memory of this process, and files never change. None: read everything into memory now.
    progress : Progress
        How to show the progress of downloading, checking and unpacking (default: a progress bar).

    Returns
    -------
    Arrays
        ``(images, labels)``. Images are memory-mapped: only the parts that you use are read from disk. Labels are an
        ordinary array, which you may change.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError, UnknownSplitError
        If the name, size or split is unknown. All are :class:`ValueError`. For sets of volumes that differ in size, use
        :class:`VolumeDataset`.
    NotCachedError
        If ``root`` does not exist, or the data is not on this machine and ``download=False``.
    DownloadError, DigestError, ArchiveError, NoSpaceError, CacheError
        If downloading or unpacking fails. No incomplete data set remains, and the next call resumes the download.

    Notes
    -----
    Pickling a memmap pickles all its bytes. For worker processes, pass a :class:`Dataset` instead of these arrays.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> images, labels = mm.load("breastmnist", split="test")  # doctest: +SKIP
    >>> images.shape, labels.shape  # doctest: +SKIP
    ((156, 28, 28), (156, 1))
    """
    mode = store.checked_mode(mmap_mode)
    record, size = registry.resolve_dataset(name, size)
    record.check_split(split)
    members = [record.member_name(split, role) for role in record.roles] if partial else []
    folder = locate(record, size, root=root, download=download, members=members, progress=progress)
    return map_split(folder, record, split, mode)


def load_labels(
    name: str | Record,
    split: str = "train",
    *,
    root: str | os.PathLike[str] | None = None,
    download: bool | None = None,
    progress: Progress = bars,
) -> npt.NDArray[np.uint8]:
    """Read the labels of one split, from any size that is on this machine.

    Samples, their order and their labels are the same at every size. Complete sets are preferred to labels that were
    fetched without images (``fetch(name, labels_only=True)``) and checked by CRC-32. If there are none, the smallest
    archive is downloaded. Masks have the size of their images: they are read at the size that :func:`load` uses.

    Parameters
    ----------
    name, split, root, download, progress
        See :func:`load`. A size in the name is ignored, except for masks.

    Returns
    -------
    np.ndarray
        ``(n, 1)`` or ``(n, l)`` uint8, in memory and writable; or masks ``(n, h, w)``, a read-only map.

    Raises
    ------
    MedMNISTError
        See :func:`load`.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> mm.data.load_labels("breastmnist", "test").shape
    (156, 1)
    """
    record, named = registry.resolve_dataset(name)
    member = record.member_name(record.check_split(split), record.target)
    places = settings.current(root, make=download is True)
    sizes = record.sizes if record.target == "labels" else (named,)
    if root is not None:
        sizes = tuple(dict.fromkeys((named, *sizes)))
    for members in ([], [member]):
        for size in sizes:
            if (folder := find_here(record, size, places, members, progress)) is not None:
                return _values(folder, member, record.target, "r")
    for size in sizes:  # an archive in a named root may not be unpacked yet
        if archive_in_root(record.archive(size), places) is not None:
            break
    else:
        size = sizes[0]
    folder = locate(record, size, root=root, download=download, progress=progress)
    return _values(folder, member, record.target, "r")


def fetch(  # noqa: PLR0913 -- each is one choice, and has a default
    name: str | Record,
    *,
    size: int | None = None,
    splits: Sequence[str] | None = None,
    labels_only: bool = False,
    root: str | os.PathLike[str] | None = None,
    keep_archive: bool = False,
    skip: bool = False,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> Path:
    """Download and unpack a data set, and return the folder of its .npy files.

    Parameters
    ----------
    name, size, root, progress
        See :func:`load`; a missing ``root`` is created. The name may also be that of a set of volumes that differ in
        size, for example ``"msd/liver"``, which has no ``size``.
    splits : sequence of str, optional
        Only these splits. If the server does not support HTTP Range requests, the whole archive is downloaded. Open
        the splits with ``load(..., partial=True)``, which describes how they are checked.
    labels_only : bool
        Only the labels (at most 2 MB) of all splits or of ``splits``.
    keep_archive : bool
        If the .npz archive is downloaded now, keep it in ``downloads`` of the cache. It is not needed afterwards.
    skip : bool
        For sets of volumes: skip cases that are damaged or lack a file, instead of raising an error.
    executor : concurrent.futures.Executor, optional
        For sets of volumes: decode on these workers, which must have access to the same disk.

    Returns
    -------
    Path
        A folder with a manifest and the requested arrays: ``train_images.npy`` ... ``test_labels.npy``.

    Raises
    ------
    MedMNISTError
        See :func:`load`.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> folder = mm.fetch("breastmnist")
    >>> (folder / "test_images.npy").exists()
    True
    """
    record, size = registry.resolve_size(name, size)
    members = members_of(record, splits, labels_only=labels_only)
    return bring(
        record,
        size,
        root=root,
        keep_archive=keep_archive,
        members=members,
        skip=skip,
        executor=executor,
        progress=progress,
    )


def bring(
    record: Record,
    size: int,
    *,
    root: str | os.PathLike[str] | None = None,
    keep_archive: bool = False,
    members: Sequence[str] = (),
    skip: bool = False,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> Path:
    """Do the work of :func:`fetch`, and remove files that an earlier, killed run left."""
    from medmnist_np.cache.prepare import collect

    if record.same_shape:
        folder = locate(
            record, size, root=root, download=True, keep_archive=keep_archive, members=members, progress=progress
        )
    else:
        from medmnist_np.volumes.publish import locate as locate_volumes

        folder = locate_volumes(
            registry.volume_info(record),
            root=root,
            download=True,
            keep_archive=keep_archive,
            executor=executor,
            progress=progress,
            skip=skip,
        )
    if record.can_be_fetched:
        collect(record.archive(size), record.storage_key(size), settings.current(root))
    return folder.path


def members_of(record: Record, splits: Sequence[str] | None, *, labels_only: bool) -> list[str]:
    """Return the names of the members of these splits; an empty list means all members."""
    if isinstance(splits, str):
        splits = [splits]
    if splits is not None and not splits:
        raise UnknownSplitError(f"splits is empty. Available for {record.name}: {', '.join(map(repr, record.splits))}.")
    if splits is None and not labels_only:
        return []
    if not record.same_shape:
        raise UnknownSplitError(
            f"{record.qualified_name} is one archive of whole volumes. Fetch all of it, without splits or labels_only."
        )
    roles = (record.target,) if labels_only else record.roles
    chosen = record.splits if splits is None else [record.check_split(split) for split in splits]
    return [record.member_name(split, role) for split in chosen for role in roles]


def adopt(
    file: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None, progress: Progress = bars
) -> tuple[Record, int, Path]:
    """Unpack a local copy of an official archive into the cache. It is identified by its checksum, not by its name.

    Parameters
    ----------
    file : path
        An .npz file. It is neither moved nor changed.
    root : path, optional
        See :func:`load`.
    progress : Progress
        How to show the progress (default: a progress bar).

    Returns
    -------
    tuple of DatasetInfo or VolumeInfo, int, Path
        The data set, its size and the folder of its arrays.

    Raises
    ------
    SupersededError
        If it belongs to an older release.
    DigestError
        If it is not an official archive.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> record, size, folder = mm.data.adopt("breastmnist.npz")  # doctest: +SKIP
    """
    from medmnist_np.cache.archives import Verified, check_known, opened
    from medmnist_np.cache.manifest import digest_of
    from medmnist_np.cache.prepare import publish_verified

    path = Path(file).expanduser()
    with opened(path) as stream:
        # Sets that users built are known by SHA-256, official ones by MD5. MD5 comes last, so that errors show it.
        algorithms = {archive.digest.partition(":")[0] for _, _, archive in registry.known_archives()}
        for algorithm in sorted(algorithms, reverse=True):
            digest = digest_of(stream, algorithm, progress, path.name)
            if registry.find_archive(digest) is not None:
                break
        record, size = check_known(path, digest)
        places = settings.current(root)
        if record.same_shape:
            folder = publish_verified(stream, record.archive(size), record.storage_key(size), places, progress)
        else:
            from medmnist_np.volumes.publish import Way, adopt_verified

            verified = Verified(path.resolve(), stream, digest)
            folder = adopt_verified(verified, registry.volume_info(record), places, Way(progress=progress))
        return record, size, folder.path


def locate(
    record: Record,
    size: int,
    *,
    root: str | os.PathLike[str] | None = None,
    download: bool | None = None,
    keep_archive: bool = False,
    members: Sequence[str] = (),
    progress: Progress = bars,
) -> ArrayFolder:
    """Return the folder of the arrays of a set, after a download if needed, for :func:`fetch` and :func:`load`.

    If ``members`` are given, a folder with these is enough. Only ``download=True`` creates a missing root.
    """
    places = settings.current(root, make=download is True)
    download = download is not False
    if (folder := find_here(record, size, places, members, progress)) is not None:
        return folder
    from medmnist_np.cache.prepare import prepare

    key = record.storage_key(size)
    command = f"medmnist-np fetch {record.qualified_name} --size {size}"
    archive = record.archive(size)
    # Path.is_file() raises an error if a folder may not be entered.
    has_archive = any(os.path.isfile(folder / archive.file_name) for folder in places.archive_folders)  # noqa: PTH113
    if members and download and not places.offline and not has_archive:
        from medmnist_np.cache.members import fetch_members

        places.require_writable()
        if (taken := fetch_members(archive, members, key, places, progress)) is not None:
            return taken
    return prepare(
        archive, key, places, download=download, keep_archive=keep_archive, command=command, progress=progress
    )


def locate_own(
    record: DatasetInfo, size: int, places: Settings, *, known: Container[str] = (), progress: Progress = bars
) -> tuple[DatasetInfo, ArrayFolder] | None:
    """Return an archive in a named root that has the official name but other contents, for the official classes.

    Parameters
    ----------
    record, size
        The official data set.
    places : Settings
        The root, and the cache that the archive is unpacked into.
    known : container of str
        Further checksums that are used without a warning.
    progress : Progress
        How to show the progress.

    Returns
    -------
    tuple of DatasetInfo and ArrayFolder, or None
        The record with the checksum and counts of the archive, and its arrays. None if the archive is the official one
        or does not exist.

    Raises
    ------
    ArchiveError
        If names, shapes or dtypes of its arrays do not match the record, or labels are out of range.

    Warns
    -----
    UserWarning
        If there is such an archive.
    """
    archive = record.archive(size)
    if (path := archive_in_root(archive, places)) is None:
        return None
    digest = digest_of_file(path, archive.digest.partition(":")[0], places, progress)
    if digest == archive.digest:
        return None
    from medmnist_np.cache.archives import opened
    from medmnist_np.cache.npz import read_members
    from medmnist_np.cache.prepare import publish_archive

    with opened(path) as stream:
        try:
            shapes = {member.name: member.shape for member in read_members(stream)}
        except ArchiveError as error:
            raise ArchiveError(f"{path} cannot be used: {error}. {_IF_DAMAGED}") from error
        counts = {
            split: shapes[name][0]
            for split in record.splits
            if (name := record.member_name(split, "images")) in shapes and shapes[name]
        }
        if not counts:
            raise ArchiveError(f"{path} cannot be used: it has no {record.member_name(record.splits[0], 'images')}.")
        dtypes = {**record.collection.dtypes, "labels": _LABEL_DTYPES}
        own = Archive(archive.file_name, path.as_uri(), digest)
        record = replace(
            record,
            collection=replace(record.collection, dtypes=dtypes, members_are_certain=False),
            n_samples=counts,
            archives={size: own},
            enlarged_sizes=(),
        )
        key = record.storage_key(size)
        folder = store.find(key, [places.cache])
        try:
            folder = folder or publish_archive(stream, record.archive(size), key, places.cache, progress)
        except ArchiveError as error:
            raise ArchiveError(f"{path} cannot be used: {error} {_IF_DAMAGED}") from error
    if digest in known:
        return record, folder
    warnings.warn(
        f"{path} is not the official archive of {record.qualified_name}: its checksum is {digest}, not "
        f"{archive.digest}. Its arrays are used.",
        stacklevel=4,
    )
    return record, folder


def find_here(
    record: Record, size: int, places: Settings, members: Sequence[str] = (), progress: Progress = silent
) -> ArrayFolder | None:
    """Return the folder of the arrays of a set that is on this machine.

    If ``members`` are given, a folder with these is enough.

    Raises
    ------
    DigestError, SupersededError
        If there are arrays, but a root that the user named has another archive with the same file name.
    """
    archive = record.archive(size) if record.can_be_fetched else None
    if (folder := find_arrays(archive, record.storage_keys(size), places, progress)) is not None:
        return folder
    for cache in places.searched if members else ():
        partial = store.find(store.partial_key(record.storage_key(size)), [cache])
        if partial is not None and partial.manifest.arrays.keys() >= set(members):
            if archive is not None and archive_in_root(archive, places) is not None:
                return None  # the whole archive decides: it is used or refused
            return partial
    return None


def map_split(folder: ArrayFolder, record: DatasetInfo, split: str, mode: MmapMode = "r") -> Arrays:
    """Map the images or masks of a split in a folder, and read its labels."""
    return Arrays(*(_opened(folder, record, split, role, mode) for role in record.roles))


def _opened(folder: ArrayFolder, record: DatasetInfo, split: str, role: str, mode: MmapMode) -> Any:
    member = record.member_name(split, role)
    if member not in folder.manifest.arrays:  # an array that an archive need not have
        parts = (
            f" Its parts may be available: {', '.join(f'{record.collection.name}/{part}' for part in record.parts)}."
        )
        raise ArchiveError(
            f"The archive of {record.qualified_name} has no {member}. It has {', '.join(folder.manifest.arrays)}."
            f"{parts if record.parts else ''}"
        )
    return _values(folder, member, role, mode)


def _values(folder: ArrayFolder, member: str, role: str, mode: MmapMode) -> npt.NDArray[Any]:
    """Return an array: labels are small and read into memory; images and masks are mapped, unless the mode is None."""
    if role == "labels" or mode is None:
        return np.array(folder.open(member))
    return folder.open(member, mode=mode)
