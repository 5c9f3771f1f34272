"""Download, verify and open the corrupted images that MedMNIST-C published: test splits at 224 px.

They differ from the images of :meth:`Dataset.corrupt`. MedMNIST-C used a global random state, so its images cannot be
reproduced.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import numpy as np

from medmnist_np import registry
from medmnist_np._progress import Progress, bars
from medmnist_np.cache import settings, store
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder, MmapMode
from medmnist_np.corruptions.computed import SPLIT, Corruption, ImportedCorruption
from medmnist_np.data.arrays import find_here
from medmnist_np.data.dataset import Dataset
from medmnist_np.data.samples import Source
from medmnist_np.errors import ArchiveError, DigestError, NotCachedError
from medmnist_np.registry import Archive, DatasetInfo, Member, Record
from medmnist_np.registry.corruption_facts import SEVERITIES, checked_severity, corrupted_set, corrupted_sets

SIZE = 224
"""Size of the published images in pixels."""

# The arrays of each corruption; the five severities are concatenated.
_IMAGES, _LABELS = "test_images", "test_labels"

# The archives were not available for tests, so every dtype that NumPy commonly uses for class numbers is accepted.
_LABEL_DTYPES = ("uint8", "int64", "int32")

# Placeholder for a checksum that was never published.
_UNKNOWN = f"sha256:{0:064}"


class _PublishedSource(Source):
    """One corruption at one severity: a range of rows in the file of all severities."""

    @classmethod
    def open(  # type: ignore[override]  # noqa: PLR0913 -- as Source.open, and the corruption is required
        cls,
        record: DatasetInfo,
        size: int = SIZE,
        split: str = SPLIT,
        *,
        corruption: Corruption,
        folder: ArrayFolder | None = None,
        root: str | os.PathLike[str] | None = None,
        download: bool | None = False,
        mmap_mode: MmapMode = "r",
        progress: Progress = bars,
    ) -> Self:
        """Open the rows of a corruption in ``folder``, or find or download its archive."""
        if folder is None:
            places = settings.current(root, make=download is True)
            if (folder := _own(record, places)) is not None:
                corruption = ImportedCorruption(*corruption)
            else:
                folder = _prepared(record, places, download=download is not False, no_digest=False, progress=progress)
        n = record.n_samples[SPLIT]
        start = (corruption.severity - 1) * n
        # The memory map covers only these rows, so later reads need no offset.
        images = folder.open(_member_name(record, corruption.name, _IMAGES), range(start, start + n))
        labels = np.array(folder.open(_member_name(record, corruption.name, _LABELS))[start : start + n])
        labels.flags.writeable = False
        return cls(record, size, split, folder, mmap_mode, images, labels, images, corruption)


class PublishedCorruption(Dataset):
    """Open the test split of a data set with one corruption at one severity, as MedMNIST-C published it.

    Parameters
    ----------
    name : str or DatasetInfo
        Data set, for example ``"dermamnist"``. Only the published size, 224, is accepted.
    corruption : str
        A corruption that MedMNIST-C has for the set, for example ``"motion_blur"``.
    severity : int
        1 (weakest) to 5 (strongest).
    transform, target_transform, as_rgb, root
        See :class:`~medmnist_np.Dataset`.
    download : bool, optional
        See :func:`~medmnist_np.load`. Only :func:`fetch_published` downloads an archive without a known checksum.
    progress : Progress
        How to show the progress of downloading, verifying and unpacking (default: a progress bar).

    Attributes
    ----------
    corruption : Corruption
        ``(name, severity, seed)``. The seed is None, because the images are not computed. Its text says whether they
        are the published ones or imported with :func:`adopt_own`.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the data set or this corruption for it (the message lists the available ones), the
        severity is out of range, or nothing was published for the data set.
    NotCachedError
        If the archive is not on this machine and may not be downloaded.
    ArchiveError
        If the test split is on this machine at any size and its labels differ.
    MedMNISTError
        See :func:`~medmnist_np.load`.

    Notes
    -----
    It has all methods of :class:`~medmnist_np.Dataset`. The images are a memory-mapped range of rows in the file of all
    five severities. Nothing is copied, and pickles are small.

    Examples
    --------
    >>> from medmnist_np.corruptions.published import PublishedCorruption
    >>> ds = PublishedCorruption("dermamnist", "motion_blur", severity=3)  # doctest: +SKIP
    >>> ds.corruption, ds.images.shape  # doctest: +SKIP
    (Corruption(name='motion_blur', severity=3, seed=None), (2005, 224, 224, 3))
    """

    def __init__(  # noqa: PLR0913 -- each is one choice, and has a default
        self,
        name: str | Record,
        corruption: str,
        severity: int,
        *,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        as_rgb: bool = False,
        root: str | os.PathLike[str] | None = None,
        download: bool | None = None,
        progress: Progress = bars,
    ) -> None:
        corrupted_set(name).parameters(corruption, severity)  # raises if it does not exist
        record, _ = registry.resolve_dataset(name, SIZE)
        source = _PublishedSource.open(
            record,
            SIZE,
            root=root,
            download=download,
            corruption=Corruption(corruption, checked_severity(severity), None),
            progress=progress,
        )
        self._select_from(source, None, transform, target_transform, as_rgb=as_rgb)
        self._check_labels(settings.current(root))

    def _check_labels(self, places: Settings) -> None:
        member = self.record.member_name(SPLIT, "labels")
        for size in self.record.sizes:
            if (clean := find_here(self.record, size, places, [member])) is not None:
                if not np.array_equal(clean.open(member), self.labels):
                    raise ArchiveError(
                        f"The labels of {self.record.name} with {self.corruption}, in {self.folder}, differ from the "
                        f"labels of its {SPLIT} split in {clean.path}. One of the two folders is damaged or from "
                        "another release. Run `medmnist-np verify`."
                    )
                return


def fetch_published(
    name: str | Record,
    *,
    root: str | os.PathLike[str] | None = None,
    no_digest: bool = False,
    progress: Progress = bars,
) -> Path:
    """Download and unpack the published corrupted images of a data set.

    An archive in ``root`` (default: ``~/.medmnist``) with its published name, for example ``dermamnist.zip``, is used
    instead of a download. It is not changed.

    Parameters
    ----------
    name, root
        See :class:`PublishedCorruption`.
    no_digest : bool
        Accept an archive without a known checksum (ChestMNIST), and check only the CRC-32 of its arrays. This detects
        accidental damage, but not a malicious server. The manifest records it, with the SHA-256 of the archive. A known
        checksum is always verified.
    progress : Progress
        What to show (default: a progress bar).

    Returns
    -------
    Path
        Folder with ``motion_blur-test_images.npy``, ``motion_blur-test_labels.npy`` and so on, and a manifest. The rows
        are ordered by severity, 1 to 5.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the data set, nothing was published for it, no checksum is known and ``no_digest``
        is False, or you have imported corrupted images, which a download does not replace.
    MedMNISTError
        See :func:`~medmnist_np.fetch`.

    Examples
    --------
    >>> from medmnist_np.corruptions import fetch_published
    >>> folder = fetch_published("dermamnist")  # doctest: +SKIP
    """
    corrupted_set(name)  # raises if MedMNIST-C does not have it, whatever its sizes
    record, _ = registry.resolve_dataset(name, SIZE)
    places = settings.current(root, make=True)
    _require_no_own(record, places)
    return _prepared(record, places, download=True, no_digest=no_digest, progress=progress).path


def adopt_published(
    file: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None, progress: Progress = bars
) -> tuple[DatasetInfo, Path]:
    """Unpack a local copy of a published archive into the cache. Its checksum identifies it; its name does not matter.

    Parameters
    ----------
    file : path
        The zip file. It is not moved or changed.
    root, progress
        See :func:`fetch_published`.

    Returns
    -------
    tuple of DatasetInfo, Path
        The data set and the folder of the arrays.

    Raises
    ------
    DigestError
        If no published archive has its checksum.
    ValueError
        If you have imported corrupted images with :func:`adopt_own`. They are not replaced.

    Examples
    --------
    >>> from medmnist_np.corruptions import adopt_published
    >>> record, folder = adopt_published("dermamnist.zip")  # doctest: +SKIP
    """
    from medmnist_np.cache.archives import opened
    from medmnist_np.cache.manifest import digest_of
    from medmnist_np.cache.prepare import publish_verified

    path = Path(file).expanduser()
    with opened(path) as stream:
        digest = digest_of(stream, "md5", progress, path.name)
        for name in corrupted_sets():
            if corrupted_set(name).digest == digest:
                record, _ = registry.resolve_dataset(name)
                archive, places = published_archive(record), settings.current(root)
                _require_no_own(record, places)
                folder = publish_verified(stream, archive, published_key(record), places, progress)
                return record, folder.path
    raise DigestError(
        f"{path} is not a published archive of MedMNIST-C with a known checksum: its checksum is {digest}. "
        "ChestMNIST-C has no known checksum: put chestmnist.zip into a folder and run "
        "`medmnist-np corrupt chestmnist --published --no-digest --root FOLDER`.",
        expected="one of the registry",
        found=digest,
    )


def adopt_own(
    name: str | Record,
    source: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    progress: Progress = bars,
) -> Path:
    """Import corrupted images that ``DatasetManager`` of ``medmnistc`` made; :class:`PublishedCorruption` opens them.

    Parameters
    ----------
    name : str or DatasetInfo
        The data set, also one for which nothing was published (TissueMNIST).
    source : path
        The folder with ``motion_blur.npz`` and so on, a folder above it, or a zip of it. It is not changed.
    root, progress
        See :func:`fetch_published`.

    Returns
    -------
    Path
        The folder of the arrays. Its manifest has a SHA-256 of the source.

    Raises
    ------
    ValueError
        If the published images of the set are on this machine.
    ArchiveError
        If a corruption that MedMNIST-C has for the set is missing, or arrays do not have the shapes and types of
        ``DatasetManager``: images ``(5 * n, 224, 224)`` or ``(5 * n, 224, 224, 3)`` uint8, labels ``(5 * n, l)``.

    Examples
    --------
    >>> from medmnist_np.corruptions import adopt_own
    >>> folder = adopt_own("tissuemnist", "medmnistc/tissuemnist")  # doctest: +SKIP
    """
    from medmnist_np.cache.archives import opened
    from medmnist_np.cache.manifest import digest_of
    from medmnist_np.cache.members import CHECKED
    from medmnist_np.cache.prepare import publish_archive, published_once

    record, _ = registry.resolve_dataset(name, SIZE)
    path, key, places = Path(source).expanduser(), own_key(record), settings.current(root)
    if store.find(published_key(record), places.searched) is not None:
        raise ValueError(
            f"The published corrupted images of {record.name} are already on this machine. An import does not "
            f"replace them. Remove them with `medmnist-np clean {record.name}_{SIZE}`, then import again."
        )
    with ExitStack() as stack:
        if path.is_dir():
            files: list[Path] = sorted(path.rglob("*.npz"))
            stream: Any = path
        else:
            files, stream = [path], stack.enter_context(opened(path))
        total = sha256()
        for file in files:
            with opened(file) as content:
                total.update(digest_of(content, "sha256", progress, file.name).encode())
        archive = replace(_archive_of(record), file_name=path.name, digest=f"sha256:{total.hexdigest()}")
        folder = published_once(
            key, places, lambda: publish_archive(stream, archive, key, places.cache, progress, checked=CHECKED)
        )
    if folder.manifest.digest != archive.digest:
        raise ValueError(
            f"Corrupted images of {record.name} from another source are in {folder.path}. Remove them with "
            f"`medmnist-np clean {record.name}_{SIZE}`, then import again."
        )
    return folder.path


def published_archive(record: DatasetInfo) -> Archive:
    """Return the record of the published archive of a data set, with a placeholder if its checksum is unknown.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the set, or nothing was published for it.
    """
    if corrupted_set(record).url is None:
        raise ValueError(
            f"MedMNIST-C never published corrupted images of {record.name}. Compute your own with "
            f"`medmnist-np corrupt {record.name} --all --size {SIZE}` or Dataset.corrupt."
        )
    return _archive_of(record)


def _archive_of(record: DatasetInfo) -> Archive:
    """Return the record of an archive in the form of the published ones."""
    from medmnist_np.cache.nested import KIND

    known = corrupted_set(record)
    n = len(SEVERITIES) * record.n_samples[SPLIT]
    arrays = {_IMAGES: ((n, *record.image_shape(SIZE)), ("uint8",)), _LABELS: ((n, record.label_width), _LABEL_DTYPES)}
    members = tuple(
        Member(_member_name(record, corruption, array), shape, dtypes)
        for corruption in known.corruptions
        for array, (shape, dtypes) in arrays.items()
    )
    digest = known.digest or _UNKNOWN
    return Archive(f"{record.name}.zip", known.url or "file:///", digest, members, exact=False, kind=KIND)


def published_key(record: Record) -> str:
    """Return the folder below ``arrays`` in a cache, such as ``"medmnist-c/dermamnist_224-1a2b3c4d"``."""
    digest = corrupted_set(record).digest
    proof = "crc32" if digest is None else digest.partition(":")[2][:8]
    return f"medmnist-c/{record.name}_{SIZE}-{proof}"


def own_key(record: Record) -> str:
    """Return the folder below ``arrays`` of images that a user imported."""
    return f"medmnist-c/{record.name}_{SIZE}-own"


def is_own(folder: Path) -> bool:
    """Return whether a folder has corrupted images that a user imported."""
    return folder.parent.name == "medmnist-c" and folder.name.endswith("-own")


def _own(record: DatasetInfo, places: Settings) -> ArrayFolder | None:
    """Return the arrays that a user imported."""
    return store.find(own_key(record), places.searched)


def _require_no_own(record: DatasetInfo, places: Settings) -> None:
    if (own := _own(record, places)) is not None:
        raise ValueError(
            f"Corrupted images of {record.name} that you imported are in {own.path}, and the published ones do not "
            f"replace them. To use the published ones, first run `medmnist-np clean {record.name}_{SIZE}`."
        )


def _prepared(
    record: DatasetInfo, places: Settings, *, download: bool, no_digest: bool, progress: Progress
) -> ArrayFolder:
    from medmnist_np.cache.prepare import find_unproven, prepare, prepare_unproven

    archive, key = published_archive(record), published_key(record)
    command = f"medmnist-np corrupt {record.name} --published"
    if archive.digest != _UNKNOWN:
        return prepare(archive, key, places, download=download, command=command, progress=progress)
    if (folder := find_unproven(archive, key, places, progress)) is not None:
        return folder
    if no_digest:
        return prepare_unproven(archive, key, places, progress=progress)
    if not download:
        raise NotCachedError(
            f"The published corrupted images of {record.name} are not on this machine. Download them with "
            f"`{command} --no-digest`."
        )
    raise ValueError(
        f"No checksum is known for {archive.file_name}, the published corrupted images of {record.name}, so it cannot "
        "be verified. To accept it with only the CRC-32 checks of the archive, run "
        f"`{command} --no-digest` or call fetch_published({record.name!r}, no_digest=True)."
    )


def _member_name(record: DatasetInfo, corruption: str, array: str) -> str:
    """Return the name of an array in the archive, a zip with one .npz per corruption."""
    return f"{record.name}/{corruption}.npz/{array}"
