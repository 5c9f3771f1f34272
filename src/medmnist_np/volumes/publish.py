"""What an archive or a folder holds, decoded and published as a folder of arrays."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from medmnist_np import _files
from medmnist_np._progress import Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import store
from medmnist_np.cache.archives import Verified
from medmnist_np.cache.manifest import FILE_NAME, Manifest, StoredArray
from medmnist_np.cache.prepare import published_once
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, CacheError
from medmnist_np.registry import Archive
from medmnist_np.registry.volume_records import VolumeInfo
from medmnist_np.volumes.decoder import decode
from medmnist_np.volumes.layouts import Listing, find_cases, refuse_another_data_set
from medmnist_np.volumes.left_out import (
    LeftOut,
    none_left,
    read_report,
    refuse,
    refuse_lost_splits,
    words,
    write_report,
)
from medmnist_np.volumes.nifti import require_nibabel
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
        require_nibabel()


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
