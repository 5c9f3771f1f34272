"""Whole archives: find a verified copy on this machine, and recognise archives by their checksum."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from medmnist_np import _files, registry
from medmnist_np._progress import Progress
from medmnist_np.cache.download import Part, left_over, part_path
from medmnist_np.cache.manifest import digest_of, require_digest, superseded
from medmnist_np.errors import DigestError, SupersededError
from medmnist_np.registry import Archive, Record

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """An archive with the right checksum. ``stream`` is the same open file that was hashed."""

    path: Path
    stream: BinaryIO
    digest: str


@contextmanager
def local(
    archive: Archive, paths: Iterable[Path], progress: Progress, rejected: list[str] | None = None
) -> Iterator[Verified | None]:
    """Yield the first of some files that is the archive, as an open file, or None.

    Log the reasons for refusing the others, and append them to ``rejected``.
    """
    for path in paths:
        if not os.path.isfile(path):  # Path.is_file() raises if access is denied
            continue
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(opened(path))
                check_digest(stream, archive, progress)
            except (DigestError, SupersededError, OSError) as error:
                _log.warning("Not using an existing file: %s", error)
                if rejected is not None:
                    rejected.append(str(error))
                continue
            _log.info("Using %s.", path)
            yield Verified(path, stream, archive.digest)
            return
    yield None


def tidy(archive: Archive, folder: Path) -> None:
    """Remove what killed processes left in a folder: unfinished downloads of the archive or of single members."""
    for _, path in left_over(folder, rf"{re.escape(archive.file_name)}(\.\w+-[0-9a-f]{{8}})?"):
        Part(path).restart()
    Part(part_of(archive, folder)).restart()


def part_of(archive: Archive, folder: Path) -> Path:
    """Return the path of the unfinished download of an archive. It is kept until the arrays are published."""
    return part_path(folder, archive.file_name, shared=True)


def is_finished(archive: Archive, part: Path) -> bool:
    """Return whether a part has as many bytes as its archive. The bytes themselves are not checked."""
    try:
        return 0 < Part(part).bytes == (archive.bytes or Part(part).origin.total_bytes)
    except OSError:
        return False


def at_its_address(archive: Archive) -> list[Path]:
    """Return the file of an archive with a ``file://`` address, such as that of a data set built on this machine."""
    address = urlsplit(archive.url)
    return [Path(url2pathname(address.path))] if address.scheme == "file" else []


def check_digest(stream: BinaryIO, archive: Archive, progress: Progress) -> None:
    """Raise :class:`DigestError` or :class:`SupersededError` unless an open file is the archive of the record."""
    found = digest_of(stream, archive.digest.partition(":")[0], progress, archive.file_name)
    require_digest(getattr(stream, "name", archive.file_name), found, archive)


def check_known(path: Path, digest: str) -> tuple[Record, int]:
    """Return the data set and size of a checksum. Raise an error if it is unknown or of an older release."""
    known = registry.find_archive(digest)
    if known is None:
        by_name = {archive.file_name: archive for _, _, archive in registry.known_archives()}
        namesake = by_name.get(path.name)
        expected = namesake.digest if namesake else "one of the registry"
        raise DigestError(
            f"{path} is not an official archive: its checksum is {digest}"
            + (
                f", and that of {path.name} is {expected}. It is damaged or changed: download it again"
                if namesake
                else ""
            )
            + ". It was left unchanged.",
            expected=expected,
            found=digest,
        )
    record, size, old = known
    if old is not None:
        raise superseded(path, record.archives[size], old)
    return record, size


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading. Errors name the file."""
    with _files.errors_named(path, f"read {path.name}"), open(path, "rb", opener=_files.regular_only) as stream:
        yield stream
