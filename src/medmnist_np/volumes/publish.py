"""From the record of a volume set to a folder of arrays: find it, download it, or decode an archive or a folder.

Opening an existing set costs one manifest and the sizes of its files. Decoders are imported where they are needed.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medmnist_np import _files
from medmnist_np._optional import require
from medmnist_np._progress import Progress, bars, silent
from medmnist_np._version import __version__
from medmnist_np.cache import settings, store
from medmnist_np.cache.archives import Verified
from medmnist_np.cache.locations import find_arrays
from medmnist_np.cache.manifest import FILE_NAME, Manifest, StoredArray
from medmnist_np.cache.prepare import published_once
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, CacheError, NotCachedError
from medmnist_np.registry import Archive
from medmnist_np.registry.volume_records import VolumeInfo
from medmnist_np.volumes.decoder import decode
from medmnist_np.volumes.layouts import (
    LeftOut,
    Listing,
    find_cases,
    none_left,
    read_report,
    refuse,
    refuse_another_data_set,
    refuse_lost_splits,
    words,
    write_report,
)
from medmnist_np.volumes.stored_files import StoredFile, archive_files, folder_files

# Of a dataset.json, which lists a few hundred names.
_TABLE_LIMIT = 16 << 20


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """How to decode.

    ``executor`` spreads the files (its workers must see the same disk), ``progress`` shows the work, and ``skip``
    leaves out cases that cannot be used in place of an error. NiBabel must be there.
    """

    executor: Executor | None = None
    progress: Progress = bars
    skip: bool = False

    def __post_init__(self) -> None:
        require("nibabel")


def publish_archive(
    verified: Verified, archive: Archive, record: VolumeInfo, places: Settings, way: Way
) -> ArrayFolder:
    """Decode a verified, open archive and rename its arrays into place."""
    with _files.errors_named(verified.path, f"read {archive.file_name}"):
        files = archive_files(verified, archive.kind)
    found = find_cases(files, record, lambda name: _content(files[name]))
    # The digest says that it is the official archive: what its dataset.json promises beyond that is never there.
    found.remarks += [f"{one.case}: {one.why}." for one in found.missing]
    return _publish(
        found, files, record, record.storage_key(), places, way, (archive.file_name, archive.digest, "digest")
    )


def publish_folder(source: Path, record: VolumeInfo, key: str, places: Settings, way: Way) -> ArrayFolder:
    """Decode the files in a folder under a key, unless that was done before.

    Raises
    ------
    ArchiveError
        If it is the folder of another data set.
    CacheError
        If it was done before with fewer cases.
    """
    with _files.errors_named(source, "list the files"):
        # Names start with that of the folder itself, which may say which set or split it is.
        files = {f"{source.name}/{name}": file for name, file in folder_files(source).items()}
    found = find_cases(files, record, lambda name: _content(files[name]))
    refuse_another_data_set(found, record)
    found.faults += found.missing or _too_few(found, record)
    folder = published_once(
        key, places, lambda: _publish(found, files, record, key, places, way, (source.name, "", "folder"))
    )
    absent = {(case.split, case.name) for case in found.cases} - _names_in(folder)
    if way.skip:
        left_out = {one.case for one in read_report(folder.path)}
        absent = {(split, case) for split, case in absent if case not in left_out}
    if absent:
        raise CacheError(
            f"{folder.path} holds another selection of {record.qualified_name}, without {len(absent)} of the cases "
            f"that are in {source} ({', '.join(case for _, case in sorted(absent)[:3])}{', ...' * (len(absent) > 3)}). "
            f"It was left as it is: `medmnist-np clean {record.qualified_name}` removes it; then run the same again.",
            path=folder.path,
        )
    used = {name for case in found.cases for name in (*case.images, case.mask) if name is not None}
    decoded_ns = (folder.path / FILE_NAME).stat().st_mtime_ns
    if newer := sorted(name for name in used if files[name].version[-1] > decoded_ns):
        _log.warning(
            "%s was decoded before, and %d of the files in %s are newer (%s%s): they were not looked at. `medmnist-np "
            "clean %s` removes what was decoded; then run the same again.",
            folder.path,
            len(newer),
            source,
            ", ".join(newer[:3]),
            ", ..." if len(newer) > 3 else "",
            record.qualified_name,
        )
    return folder


def _names_in(folder: ArrayFolder) -> set[tuple[str, str]]:
    names = {member.removesuffix("_cases"): member for member in folder.manifest.arrays if member.endswith("_cases")}
    return {
        (split, bytes(row).rstrip(b"\0").decode("ascii")) for split, name in names.items() for row in folder.open(name)
    }


def _too_few(found: Listing, record: VolumeInfo) -> list[LeftOut]:
    there = [case.split for case in found.cases]
    return [
        LeftOut(f"{split} split", f"only {there.count(split)} of {expected} cases are there")
        for split, expected in record.n_samples.items()
        if 0 < there.count(split) < expected - len(found.faults)
    ]


def _publish(
    found: Listing,
    files: Mapping[str, StoredFile],
    record: VolumeInfo,
    key: str,
    places: Settings,
    way: Way,
    source: tuple[str, str, str],
) -> ArrayFolder:
    """Decode into a staging folder and publish that; ``source`` is the name, the digest and what was checked."""
    refuse(found.faults, record, skip=way.skip)
    if not found.cases:
        raise none_left(found.faults, record)
    refuse_lost_splits(found.faults, {case.split for case in found.cases}, record)
    with (
        _files.errors_named(places.cache, f"decode {record.qualified_name}", record.array_bytes),
        store.staging(places.cache, key) as folder,
    ):
        decoded = decode(
            found.cases, files, record, folder, executor=way.executor, progress=way.progress, skip=way.skip
        )
        left_out = [*found.faults, *decoded.left_out]
        write_report(folder, dtype=decoded.dtype, dtypes_found=decoded.found, left_out=left_out, remarks=found.remarks)
        _log.info("%s: images are %s; in the files: %s.", record.qualified_name, decoded.dtype, decoded.found)
        for remark in found.remarks:
            _log.info("%s: %s", record.qualified_name, remark)
        if left_out:
            _log.warning("%s was taken without what is missing or damaged. %s", record.qualified_name, words(left_out))
        name, digest, checked = source
        manifest = Manifest(name, digest or _digest_of(decoded.arrays), checked, __version__, decoded.arrays)
        return store.publish(folder, places.cache, key, manifest)


def _digest_of(arrays: Mapping[str, StoredArray]) -> str:
    """Return a digest of all arrays, to tell data by that has no archive."""
    lines = "".join(f"{name} {array.sha256}\n" for name, array in sorted(arrays.items()))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _content(file: StoredFile) -> bytes:
    if file.n_bytes > _TABLE_LIMIT:
        raise ArchiveError(f"{file.name} has {file.n_bytes} bytes: it is no table of cases.")
    return b"".join(file.chunks())


if TYPE_CHECKING:
    from concurrent.futures import Executor  # would load logging, which opening does without

    from medmnist_np.cache.archives import Verified


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

    archive = record.archive(0)
    return published_once(record.storage_key(), places, lambda: publish_archive(verified, archive, record, places, way))
