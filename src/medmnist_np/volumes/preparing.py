"""From the record of a set of volumes to a folder of arrays: found, downloaded, or made of what a user has.

Opening what is here costs a manifest and the sizes of its files: what decodes is imported where it is needed.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from medmnist_np._progress import Progress, bars, silent
from medmnist_np.cache import settings
from medmnist_np.cache.locations import find_arrays
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, NotCachedError
from medmnist_np.registry.volume_records import VolumeInfo

if TYPE_CHECKING:
    from concurrent.futures import Executor  # would load logging, which opening does without

    from medmnist_np.cache.archives import Verified
    from medmnist_np.volumes.publish import Way


def find_here(record: VolumeInfo, places: Settings, progress: Progress = silent) -> ArrayFolder | None:
    """Return the folder of the arrays of a set that is on this machine.

    Arrays of an archive with the right digest come first, then those of a folder that a user had.
    """
    return find_arrays(record.archive_file, record.storage_keys(), places, progress)


def locate(
    record: VolumeInfo,
    *,
    root: str | os.PathLike[str] | None = None,
    download: bool | None = None,
    keep_archive: bool = False,
    executor: Executor | None = None,
    progress: Progress = bars,
    skip: bool = False,
) -> ArrayFolder:
    """Return the folder of the arrays of a set of volumes, bringing it about if need be.

    Parameters
    ----------
    record : VolumeInfo
        What is wanted.
    root : path, optional
        The only folder to look in; see :func:`medmnist_np.load`.
    download : bool, optional
        Whether the network may be used. None means yes, but a missing ``root`` is an error; True creates it.
    keep_archive : bool
        Keep a downloaded archive in the cache's ``downloads`` too.
    executor : concurrent.futures.Executor, optional
        Decoding is spread over it; its workers must see the same disk.
    progress : Progress
        What to show.
    skip : bool
        Leave out cases that cannot be used, in place of an error. The log lists them, and a file ``decoding.json``
        beside the arrays, which also says which dtype was chosen and which the files have.

    Raises
    ------
    NotCachedError, OfflineError
        If the data is not here and may not, or cannot, be downloaded; with the way to get it.
    NoSpaceError
        Before the download, if archive and arrays (by their usual sizes) would not fit on the disk; and before the
        first array is written, by their true sizes.
    DownloadError, DigestError, ArchiveError, CacheError
        As their names say. Nothing is published then, and what was downloaded is kept.
    ModuleNotFoundError
        If NiBabel, the extra ``nifti``, is not installed.
    """
    places = settings.current(root, make=download is True)
    if (folder := find_here(record, places, progress)) is not None:
        return folder
    archive = record.archive_file
    if archive is None:
        raise NotCachedError(
            f"{record.qualified_name} is not on this machine, and no program can download it. {record.how_to_fetch()}",
            errno=errno.ENOENT,
        )
    from medmnist_np.cache.prepare import Unpacking, prepare
    from medmnist_np.volumes.publish import Way, publish_archive

    way = Way(executor, progress, skip)  # looks for NiBabel before gigabytes are downloaded
    return prepare(
        archive,
        record.storage_key(),
        places,
        download=download is not False,
        keep_archive=keep_archive,
        unpacking=Unpacking(
            record.array_bytes(), lambda verified: publish_archive(verified, archive, record, places, way)
        ),
        other_addresses=record.other_addresses,
        command=f"medmnist-np fetch {record.qualified_name}",
        progress=progress,
    )


def adopt(
    path: str | os.PathLike[str],
    record: VolumeInfo,
    *,
    root: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: Progress = bars,
    skip: bool = False,
) -> ArrayFolder:
    """Decode an archive or an unpacked folder that you have; it stays where and as it is.

    Parameters
    ----------
    path : path
        The archive, which must have the digest of the record, or a folder. The folder may be that of the set, one that
        holds it, or one that holds a split. Nothing proves a folder, but it must be complete: it has at least as many
        cases as the record in each split that it has, and those that its ``dataset.json`` lists.
    record : VolumeInfo
        What it is.
    root, executor, progress, skip
        As of :func:`locate`. With ``skip``, a folder may be incomplete.

    Raises
    ------
    DigestError
        If the archive is not that of the record.
    ArchiveError
        If the folder is not complete, or a case cannot be used.
    CacheError, NoSpaceError, ModuleNotFoundError
        As of :func:`locate`.
    """
    from medmnist_np.cache import archives
    from medmnist_np.volumes.publish import Way, publish_folder

    source = Path(path).expanduser().resolve()
    places = settings.current(root)
    way = Way(executor, progress, skip)
    if source.is_dir():
        return publish_folder(source, record, record.folder_key, places, way)
    archive = record.archive_file
    if archive is None:
        raise ArchiveError(f"{record.qualified_name} is taken from a folder, and {source} is none: unpack it first.")
    with archives.opened(source) as stream:
        archives.check_digest(stream, archive, progress)
        return adopt_verified(archives.Verified(source, stream), record, places, way)


def adopt_verified(verified: Verified, record: VolumeInfo, places: Settings, way: Way) -> ArrayFolder:
    """Decode an open archive whose digest was found right, unless its arrays are here already."""
    from medmnist_np.cache.prepare import published_once
    from medmnist_np.volumes.publish import publish_archive

    archive = record.archive(0)
    return published_once(record.storage_key(), places, lambda: publish_archive(verified, archive, record, places, way))
