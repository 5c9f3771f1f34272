"""Find, download or decode the arrays of a volume set.

Opening an existing set only reads its manifest and file sizes. Decoders are imported where they are needed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
from medmnist_np.data.registration import check_free
from medmnist_np.errors import ArchiveError, CacheError, NotCachedError
from medmnist_np.registry import Archive
from medmnist_np.registry.user_records import FORMAT, as_toml, check_name, read_table, record_file, volumes_of
from medmnist_np.registry.volume_records import VolumeInfo
from medmnist_np.volumes import layouts
from medmnist_np.volumes.decoder import decode
from medmnist_np.volumes.nifti import is_nifti, read_header
from medmnist_np.volumes.stored_files import StoredFile, archive_files, folder_files

# Largest accepted dataset.json, in bytes; real ones list a few hundred names.
_TABLE_LIMIT = 16 << 20


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """Options for decoding.

    ``executor`` runs the work on each file (its workers must see the same disk), ``progress`` shows progress, and
    ``skip`` leaves out unusable cases instead of raising an error. Requires NiBabel.
    """

    executor: Executor | None = None
    progress: Progress = bars
    skip: bool = False

    def __post_init__(self) -> None:
        require("nibabel")


def publish_archive(
    verified: Verified, archive: Archive, record: VolumeInfo, places: Settings, way: Way
) -> ArrayFolder:
    """Decode a verified, open archive and move its arrays into place."""
    with _files.errors_named(verified.path, f"read {archive.file_name}"):
        files = archive_files(verified, archive.kind)
    found = layouts.find_cases(files, record, lambda name: _content(files[name]))
    # The checksum proves that this is the official archive, so cases missing from it cannot be added.
    found.remarks += [f"{one.case}: {one.why}." for one in found.missing]
    return _publish(
        found, files, record, record.storage_key(), places, way, (archive.file_name, archive.digest, "digest")
    )


def publish_folder(source: Path, record: VolumeInfo, key: str, places: Settings, way: Way) -> ArrayFolder:
    """Decode the files of a folder into the arrays of a key, unless these exist already.

    Raises
    ------
    ArchiveError
        If the folder contains another data set, or a case is unusable.
    CacheError
        If existing arrays lack cases of the folder.
    """
    files = _files_of(source)
    found = layouts.find_cases(files, record, lambda name: _content(files[name]))
    layouts.refuse_another_data_set(found, record)
    found.faults += found.missing or _too_few(found, record)
    folder = published_once(
        key, places, lambda: _publish(found, files, record, key, places, way, (source.name, "", "folder"))
    )
    absent = {(case.split, case.name) for case in found.cases} - _names_in(folder)
    if way.skip:
        left_out = {one.case for one in layouts.read_report(folder.path)}
        absent = {(split, case) for split, case in absent if case not in left_out}
    if absent:
        raise CacheError(
            f"{folder.path} holds another selection of {record.qualified_name}, without {len(absent)} of the cases "
            f"that are in {source} ({', '.join(case for _, case in sorted(absent)[:3])}{', ...' * (len(absent) > 3)}). "
            f"It was not changed. Run `medmnist-np clean {record.qualified_name}`, then try again.",
            path=folder.path,
        )
    used = {name for case in found.cases for name in (*case.images, case.mask) if name is not None}
    decoded_ns = (folder.path / FILE_NAME).stat().st_mtime_ns
    if newer := sorted(name for name in used if files[name].version[-1] > decoded_ns):
        _log.warning(
            "%s was decoded before, and %d of the files in %s are newer (%s%s). They were not read. Run `medmnist-np "
            "clean %s`, then import the folder again.",
            folder.path,
            len(newer),
            source,
            ", ".join(newer[:3]),
            ", ..." if len(newer) > 3 else "",
            record.qualified_name,
        )
    return folder


def _files_of(source: Path) -> dict[str, StoredFile]:
    """List the files of a folder. Names include the folder itself, whose name may identify the set or split."""
    with _files.errors_named(source, "list the files"):
        return {f"{source.name}/{name}": file for name, file in folder_files(source).items()}


def _names_in(folder: ArrayFolder) -> set[tuple[str, str]]:
    names = {member.removesuffix("_cases"): member for member in folder.manifest.arrays if member.endswith("_cases")}
    return {
        (split, bytes(row).rstrip(b"\0").decode("ascii")) for split, name in names.items() for row in folder.open(name)
    }


def _too_few(found: layouts.Listing, record: VolumeInfo) -> list[layouts.LeftOut]:
    there = [case.split for case in found.cases]
    return [
        layouts.LeftOut(f"{split} split", f"only {there.count(split)} of {expected} cases are there")
        for split, expected in record.n_samples.items()
        if 0 < there.count(split) < expected - len(found.faults)
    ]


def _publish(
    found: layouts.Listing,
    files: Mapping[str, StoredFile],
    record: VolumeInfo,
    key: str,
    places: Settings,
    way: Way,
    source: tuple[str, str, str],
) -> ArrayFolder:
    """Decode into a staging folder and publish it; ``source`` is the name, the checksum and what was checked."""
    layouts.refuse(found.faults, record, skip=way.skip)
    if not found.cases:
        raise layouts.none_left(found.faults, record)
    layouts.refuse_lost_splits(found.faults, {case.split for case in found.cases}, record)
    with (
        _files.errors_named(places.cache, f"decode {record.qualified_name}", record.array_bytes),
        store.staging(places.cache, key) as folder,
    ):
        decoded = decode(
            found.cases, files, record, folder, executor=way.executor, progress=way.progress, skip=way.skip
        )
        left_out = [*found.faults, *decoded.left_out]
        layouts.write_report(
            folder, dtype=decoded.dtype, dtypes_found=decoded.found, left_out=left_out, remarks=found.remarks
        )
        _log.info("%s: images are %s; in the files: %s.", record.qualified_name, decoded.dtype, decoded.found)
        for remark in found.remarks:
            _log.info("%s: %s", record.qualified_name, remark)
        if left_out:
            _log.warning(
                "%s lacks the cases that are missing or damaged. %s", record.qualified_name, layouts.words(left_out)
            )
        name, digest, checked = source
        manifest = Manifest(name, digest or _digest_of(decoded.arrays), checked, __version__, decoded.arrays)
        return store.publish(folder, places.cache, key, manifest)


def _digest_of(arrays: Mapping[str, StoredArray]) -> str:
    """Return a checksum of all arrays, to identify data without an archive."""
    lines = "".join(f"{name} {array.sha256}\n" for name, array in sorted(arrays.items()))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _content(file: StoredFile) -> bytes:
    if file.n_bytes > _TABLE_LIMIT:
        raise ArchiveError(f"{file.name} has {file.n_bytes} bytes, so it is not a table of cases.")
    return b"".join(file.chunks())


if TYPE_CHECKING:
    from concurrent.futures import Executor  # importing it would load logging, which opening does not need

    from medmnist_np.cache.archives import Verified


def find_here(record: VolumeInfo, places: Settings, progress: Progress = silent) -> ArrayFolder | None:
    """Return the folder of the arrays of a set if it is on this machine, else None.

    Arrays from a verified archive take precedence over arrays from a user's folder.
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
    """Return the folder of the arrays of a volume set; download and decode it if necessary.

    Parameters
    ----------
    record : VolumeInfo
        The volume set.
    root : path, optional
        The only folder to look in; see :func:`medmnist_np.load`.
    download : bool, optional
        Whether the network may be used. None means yes, but a missing ``root`` is an error; True creates it.
    keep_archive : bool
        Keep a downloaded archive in ``downloads`` in the cache.
    executor : concurrent.futures.Executor, optional
        Runs the decoding; its workers must see the same disk.
    progress : Progress
        How to show progress.
    skip : bool
        Leave out unusable cases instead of raising an error. They are listed in the log and in ``decoding.json`` next
        to the arrays. That file also gives the chosen dtype and the dtypes of the files.

    Raises
    ------
    NotCachedError, OfflineError
        If the data is not on this machine and must not or cannot be downloaded. The message explains how to get it.
    NoSpaceError
        If the disk is too small. This is checked before the download, with estimated sizes, and before the first array
        is written, with exact sizes.
    DownloadError, DigestError, ArchiveError, CacheError
        If the download, verification, decoding or writing fails. No arrays are published, and downloads are kept.
    ModuleNotFoundError
        If NiBabel (extra ``nifti``) is not installed.
    """
    places = settings.current(root, make=download is True)
    if (folder := find_here(record, places, progress)) is not None:
        return folder
    archive = record.archive_file
    if archive is None:
        raise NotCachedError(
            f"{record.qualified_name} cannot be downloaded automatically. {record.how_to_fetch()}", errno=errno.ENOENT
        )
    from medmnist_np.cache.prepare import Unpacking, prepare

    way = Way(executor, progress, skip)  # requires NiBabel before gigabytes are downloaded
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
    """Decode an archive or unpacked folder on this machine, without changing or moving it.

    Parameters
    ----------
    path : path
        The archive, which must have the checksum of the record, or a folder: that of the set, one above it, or one
        with a single split. A folder has no checksum but must be complete: each split in it must have at least as many
        cases as in the record, and all cases listed in its ``dataset.json``.
    record : VolumeInfo
        The volume set that it contains.
    root, executor, progress, skip
        See :func:`locate`. With ``skip``, a folder may be incomplete.

    Raises
    ------
    DigestError
        If the archive does not have the checksum of the record.
    ArchiveError
        If the folder is incomplete, or a case is unusable.
    CacheError, NoSpaceError, ModuleNotFoundError
        See :func:`locate`.
    """
    from medmnist_np.cache import archives

    source = Path(path).expanduser().resolve()
    places = settings.current(root)
    way = Way(executor, progress, skip)
    if source.is_dir():
        return publish_folder(source, record, record.folder_key, places, way)
    archive = record.archive_file
    if archive is None:
        raise ArchiveError(
            f"{record.qualified_name} is imported from a folder, but {source} is not a folder. Unpack it first."
        )
    with archives.opened(source) as stream:
        archives.check_digest(stream, archive, progress)
        return adopt_verified(archives.Verified(source, stream, archive.digest), record, places, way)


def adopt_verified(verified: Verified, record: VolumeInfo, places: Settings, way: Way) -> ArrayFolder:
    """Decode a verified, open archive, unless its arrays exist already."""
    from medmnist_np.cache.prepare import published_once

    archive = record.archive(0)
    return published_once(record.storage_key(), places, lambda: publish_archive(verified, archive, record, places, way))


def adopt_own(
    path: str | os.PathLike[str],
    name: str,
    *,
    root: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: Progress = bars,
    skip: bool = False,
) -> tuple[VolumeInfo, ArrayFolder]:
    """Decode a folder of the user's own volumes, and write a record of it, so that it opens by its name.

    Parameters
    ----------
    path : path
        A folder in the layout of the Decathlon or of nnU-Net, or with ``images`` and ``labels`` or ``masks``. Its
        ``dataset.json`` gives the names of labels and channels. Without one, labels are the values found in the masks.
    name : str
        Name of the set: lower-case letters, digits and ``-``.
    root, executor, progress, skip
        See :func:`adopt`.

    Returns
    -------
    (VolumeInfo, ArrayFolder)
        The record and the arrays.

    Raises
    ------
    ArchiveError
        If the folder has none of these layouts, or a case is unusable.
    RecordError
        If the name is invalid or used by another data set.
    CacheError, NoSpaceError, ModuleNotFoundError
        See :func:`locate`.
    """
    source = Path(path).expanduser().resolve()
    places, way = settings.current(root), Way(executor, progress, skip)
    if not source.is_dir():
        raise ArchiveError(f"{source} is not a folder. Unpack your archive, and import the folder.")
    facts = _own_facts(check_name(name), _files_of(source), source)
    values = facts["label_values"] or range(256)
    expected = {**facts, "label_values": values, "class_names": facts["class_names"] or map(str, values)}
    record = _own(expected)
    check_free(name, record)
    folder = publish_folder(source, record, record.folder_key, places, way)
    arrays = folder.manifest.arrays
    facts["n_samples"] = {
        split: len(folder.open(f"{split}_shapes")) for split in record.splits if f"{split}_shapes" in arrays
    }
    if not facts["label_values"]:
        masks = [folder.open(member) for member in arrays if member.endswith("_masks")]
        facts["label_values"] = _values_in(masks)
        facts["class_names"] = [f"label {value}" if value else "background" for value in facts["label_values"]]
    record = _own(facts)
    file = record_file(settings.current().cache, name)
    _files.make_folder(file.parent)
    with _files.errors_named(file, f"write the record of {name}"), _files.in_one_step(file) as fresh:
        fresh.write_text(as_toml({"format": FORMAT, **facts}), "utf-8", newline="\n")
    return record, folder


def _own(facts: Mapping[str, Any]) -> VolumeInfo:
    """Return the record of facts as it will be read from its file."""
    lists = {key: list(value) if key in ("label_values", "class_names") else value for key, value in facts.items()}
    return volumes_of(read_table(as_toml({"format": FORMAT, **lists}), "the folder"), "The folder")


def _own_facts(name: str, files: Mapping[str, StoredFile], source: Path) -> dict[str, Any]:
    """Return what a folder says about its volumes, as for a record; no labels if it does not name them."""
    volumes = {file: place for file in files if is_nifti(file) and (place := layouts.place_of(file))}
    images = [file for file, (_, kind, _) in volumes.items() if kind == "images"]
    roots = sorted({root for root, _, _ in volumes.values()})
    if len(roots) != 1 or not images:
        there = f"Several folders have volumes: {', '.join(roots[:3])}. Name one." if images else "There are no images."
        raise ArchiveError(
            f"{source} cannot be imported. {there} It needs imagesTr and labelsTr, as in the Decathlon and nnU-Net, or "
            "images and labels, with the same .nii or .nii.gz names in both."
        )
    table: Any = {}
    if (file := files.get(f"{roots[0]}dataset.json")) is not None:
        try:
            table = json.loads(_content(file))
            labels, channels = layouts.labels_in(table), layouts.channels_in(table)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ArchiveError(
                f"{file.path} is not a valid dataset.json: {error}. Correct it, or rename it."
            ) from error
    else:
        labels, channels = {}, ()
    if not channels:
        n = len(layouts.channel_suffixes(volumes, roots[0])) or (read_header(files[images[0]]).shape[3:] or (1,))[0]
        channels = tuple(f"channel {number}" for number in range(n)) if n > 1 else ("image",)
    if labels:
        labels = {0: "background", **labels}
    splits = {split for _, _, split in volumes.values()}
    return {
        "name": name,
        "description": str(table.get("description") or "Imported from a folder."),
        "license": str(table.get("licence") or table.get("license") or "unknown"),
        "modalities": list(channels),
        "label_values": sorted(labels),
        "class_names": [labels[value] for value in sorted(labels)],
        "n_samples": {split: 0 for split in ("train", "val", "test") if split in splits},
    }


def _values_in(masks: Sequence[NDArray[np.uint8]]) -> list[int]:
    """Return the values of flat masks, and 0, in ascending order."""
    counts = np.zeros(256, np.int64)
    for mask in masks:
        for start in range(0, len(mask), 1 << 24):
            counts += np.bincount(mask[start : start + (1 << 24)], minlength=256)
    return sorted({0, *np.flatnonzero(counts).tolist()})
