"""Archives whose digest nobody has stated: brought here only where a caller asks for that.

Weaker than a pinned digest: arrays are checked by the CRC-32 in the archive and by the record's shapes and dtypes,
which finds accidents, not a server that lies. So the manifest says ``crc32``, and has the SHA-256 of the file that
came, for people who compare.
"""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import replace
from typing import BinaryIO

from medmnist_np import _files
from medmnist_np._progress import Progress, bars
from medmnist_np.cache import archives, locks, store
from medmnist_np.cache.digests import digest_of
from medmnist_np.cache.download import ResumingDownloader
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import archive_in_root, caches_for, digest_of_file
from medmnist_np.cache.members import CHECKED
from medmnist_np.cache.part import Part
from medmnist_np.cache.prepare import publish_archive
from medmnist_np.cache.settings import Settings, why_offline
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, OfflineError
from medmnist_np.registry import Archive

_log = logging.getLogger(__name__)


def prepare_unproven(
    archive: Archive,
    key: str,
    settings: Settings,
    *,
    progress: Progress = bars,
    patience: Patience | None = None,
) -> ArrayFolder:
    """Return the folder with the arrays of an archive without a known digest, bringing it about if need be.

    Parameters
    ----------
    archive : Archive
        What is wanted. Its digest stands for none and is not looked at.
    key, settings, progress, patience
        As of :func:`~medmnist_np.cache.prepare.prepare`.

    Raises
    ------
    OfflineError
        If the archive is not here and may not be downloaded.
    DownloadError, ArchiveError, NoSpaceError, CacheError
        As their names say. Nothing is published then. An unfinished download goes on at the next call; one that is not
        what the record says is removed.
    """
    if (found := find_unproven(archive, key, settings, progress)) is not None:
        return found
    if archive_in_root(archive, settings) is None:
        settings.require_writable()
    target = settings.cache / store.ARRAYS / key
    store.refuse_newer(target)
    watched = [(settings.downloads, f"{archive.file_name}*"), (target.parent, f".{target.name}.*/*")]
    with locks.held(settings.lock_file(key), watched) as locked:
        if (found := find_unproven(archive, key, settings, progress)) is not None:
            return found
        for folder in settings.archive_folders:
            path = folder / archive.file_name
            if os.path.isfile(path):  # Path.is_file() raises where a folder may not be entered
                _log.info("Using %s.", path)
                with archives.opened(path) as stream:
                    return _published(stream, archive, key, settings, progress)
        if settings.offline:
            raise OfflineError(
                f"{archive.file_name} is not on this machine. {why_offline()}, so nothing was downloaded."
            )
        suffix = "part" if locked else f"{secrets.token_hex(4)}.part"
        purpose = f"download and unpack {archive.file_name}"
        bring = ResumingDownloader(
            settings.downloads / f"{archive.file_name}.{suffix}",
            mirrors=settings.mirrors,
            make_room=lambda n: _files.require_space(settings.downloads, n + archive.array_bytes, purpose),
            progress=progress,
            patience=patience or Patience(),
        )
        _files.make_folder(settings.downloads)
        with _files.errors_named(settings.downloads, purpose), bring.opened(archive.url) as stream:
            try:
                published = _published(stream, archive, key, settings, progress)
            except ArchiveError as error:
                if not isinstance(error.__cause__, (OSError, MemoryError)):
                    Part(bring.part).restart()  # its bytes are wrong: the next call must not go on from them
                raise
        Part(bring.part).restart()
        return published


def find_unproven(archive: Archive, key: str, settings: Settings, progress: Progress) -> ArrayFolder | None:
    """Return the folder with the arrays of an archive without a known digest; None if there is none.

    Raises
    ------
    ArchiveError
        If they are not those of the archive that lies in a named root.
    """
    found = store.find(key, caches_for(archive, settings))
    named = archive_in_root(archive, settings)
    if found is not None and named is not None:
        digest = digest_of_file(named, "sha256", settings, progress)
        if found.manifest.digest != digest:
            raise ArchiveError(
                f"{named} is not the archive whose arrays are in {found.path}: its checksum is {digest}, and theirs "
                f"was {found.manifest.digest}. Remove one of the two."
            )
    return found


def _published(stream: BinaryIO, archive: Archive, key: str, settings: Settings, progress: Progress) -> ArrayFolder:
    digest = digest_of(stream, "sha256", progress, archive.file_name)
    return publish_archive(stream, replace(archive, digest=digest), key, settings.cache, progress, checked=CHECKED)
