"""Archives as a :class:`pooch.Pooch`: their names, URLs and checksums, a folder, and a downloader that resumes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pooch as _pooch

from medmnist_np import _files, registry
from medmnist_np._progress import Progress, bars, silent
from medmnist_np.cache import archives, locks, settings
from medmnist_np.cache.archives import Verified
from medmnist_np.cache.download import ResumingDownloader, part_path, take_over
from medmnist_np.cache.http import Patience
from medmnist_np.cache.locations import archive_in_root, digest_of_file
from medmnist_np.cache.manifest import require_digest
from medmnist_np.cache.settings import Settings
from medmnist_np.errors import OfflineError
from medmnist_np.registry import Archive


class ArchivePooch(_pooch.Pooch):  # type: ignore[misc]
    """A :class:`pooch.Pooch` whose downloads resume and are hashed while they arrive.

    Parameters
    ----------
    known : Mapping of str to Archive
        The archives, by the keys of their arrays or by other names for the lock files.
    places : Settings
        Mirrors, offline mode and folders to search. The folder for downloads is the path of the Pooch.
    folder : Path, optional
        Another folder for the archives.
    progress : Progress
        Where to report progress.
    patience : Patience, optional
        Timeouts and retries of downloads.
    """

    def __init__(
        self,
        known: Mapping[str, Archive],
        places: Settings,
        *,
        folder: Path | None = None,
        progress: Progress = bars,
        patience: Patience | None = None,
    ) -> None:
        self._known = {archive.file_name: (key, archive) for key, archive in known.items()}
        self._places, self._progress, self._patience = places, progress, patience or Patience(busy=places.patience_s)
        super().__init__(
            folder or places.downloads,
            base_url="",
            registry={name: archive.digest for name, (_, archive) in self._known.items()},
            urls={name: archive.url for name, (_, archive) in self._known.items()},
        )

    def fetch(self, fname: str, processor: Any = None, downloader: Any = None, progressbar: bool = True) -> Any:
        """Return the path of an archive in the folder. Download it, or copy it from this machine, if needed.

        Parameters
        ----------
        fname : str
            File name of the archive.
        processor, downloader : callable, optional
            See :meth:`pooch.Pooch.fetch`. Without a downloader, downloads resume, use the mirrors, and are hashed
            while they arrive. With one, the method of Pooch does the work.
        progressbar : bool
            Whether to show progress.
        """
        self._assert_file_in_registry(fname)
        progress = self._progress if progressbar else silent
        if downloader is not None or not self._is_as_published(fname):
            downloader = downloader or self._downloader(fname, self.abspath / f"{fname}.part", progress)
            return super().fetch(fname, processor, self._refuse if self._places.offline else downloader, progressbar)
        action, path = self._placed(fname, progress)
        return str(path) if processor is None else processor(str(path), action, self)

    def is_available(self, fname: str, downloader: Any = None) -> bool:
        """Return whether a mirror or the official server has an archive; False if downloads are disabled."""
        return not self._places.offline and bool(
            super().is_available(fname, downloader or self._downloader(fname, self.abspath / fname, silent))
        )

    def _is_as_published(self, fname: str) -> bool:
        """Return whether an archive is known and its checksum in the registry is unchanged."""
        return fname in self._known and self.registry[fname] == self._known[fname][1].digest

    def _refuse(self, url: str, *_: Any) -> None:
        """Raise an error in place of a download."""
        name = url.rpartition("/")[2]
        raise OfflineError(f"{name} is not on this machine. {settings.why_offline()}, so nothing was downloaded.")

    @contextmanager
    def opened(
        self,
        fname: str,
        *,
        locked: bool,
        keep: bool,
        unpacked_bytes: int = 0,
        others: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Iterator[Verified]:
        """Download an archive, and yield it open and verified.

        The open file is the unfinished download, ``<archive>.part``. It is kept if the block fails.

        Parameters
        ----------
        fname : str
            File name of the archive.
        locked : bool
            Whether this process holds the lock. Otherwise it downloads to a part that only it uses.
        keep : bool
            Whether to keep the archive in the folder after the block.
        unpacked_bytes : int
            Bytes that unpacking needs on the same disk.
        others : sequence of str
            Further URLs, tried after the official one.
        progress : Progress, optional
            Where to report progress (default: as given to the Pooch).

        Raises
        ------
        DownloadError, DigestError, NoSpaceError, CacheError
            If one of these steps fails. The part is kept, unless its checksum was wrong twice.
        """
        purpose = f"download{' and unpack' if unpacked_bytes else ''} {fname}"
        with _files.errors_named(self.abspath, purpose):
            self.abspath.mkdir(parents=True, exist_ok=True)
        part = part_path(self.abspath, fname, shared=locked)
        take_over(fname, part)
        downloader = self._downloader(
            fname,
            part,
            progress or self._progress,
            others=others,
            checksum=self.registry[fname] or "sha256:",
            make_room=lambda n_bytes: _files.require_space(self.abspath, n_bytes + unpacked_bytes, purpose),
        )
        with downloader.opened(self.get_url(fname), self.abspath / fname if keep else None) as stream:
            yield Verified(downloader.part, stream, downloader.found)

    def _downloader(self, fname: str, part: Path, progress: Progress, **options: Any) -> ResumingDownloader:
        n_bytes = self._known[fname][1].bytes if self._is_as_published(fname) else None
        return ResumingDownloader(
            part,
            mirrors=self._places.mirrors,
            expected_bytes=n_bytes,
            progress=progress,
            patience=self._patience,
            **options,
        )

    def _placed(self, fname: str, progress: Progress) -> tuple[str, Path]:
        """Put a verified copy of an archive into the folder. Return the action, in terms of Pooch, and its path."""
        key, archive = self._known[fname]
        places, folder = self._places, _files.make_folder(self.abspath)
        target = folder / fname
        action = "update" if target.exists() else "download"
        watched = [(place, f"{fname}*") for place in dict.fromkeys((folder, places.downloads))]
        with ExitStack() as stack:
            locked = stack.enter_context(locks.held(places.lock_file(key), watched))
            if (named := archive_in_root(archive, places)) is not None:
                # If this file is wrong, no other is used in its place.
                algorithm = archive.digest.partition(":")[0]
                require_digest(named, digest_of_file(named, algorithm, places, progress), archive)
            folders = [folder, *places.archive_folders]
            if places.root in (None, places.cache):
                folders.insert(1, places.downloads)
            candidates = [*(one / fname for one in folders), *archives.at_its_address(archive)]
            found = stack.enter_context(archives.local(archive, candidates, progress))
            if found is None:
                if places.offline:
                    self._refuse(archive.url)
                stack.enter_context(self.opened(fname, locked=locked, keep=True, progress=progress))
            elif found.path == target:
                action = "fetch"
            else:
                with _files.errors_named(folder, f"copy {fname}"):
                    _files.copy(found.stream, target)
        return action, target


def pooch(root: str | os.PathLike[str] | None = None, *, progress: Progress = bars) -> ArchivePooch:
    """Return the archives of all published data sets as a :class:`pooch.Pooch`.

    Its ``registry`` has the checksums, ``urls`` the URLs and ``path`` the folder for archives in the cache.
    ``fetch(name)`` keeps an archive there and returns its path: an interrupted download resumes, mirrors are tried
    first, and the bytes are hashed while they arrive. Arrays do not need this: :func:`medmnist_np.load` downloads an
    archive, unpacks it and removes it.

    Parameters
    ----------
    root : path, optional
        A cache folder (default: see :func:`medmnist_np.configure`).
    progress : Progress
        Where to report progress.

    Returns
    -------
    ArchivePooch
        A :class:`pooch.Pooch`. Names are those of the archives, such as ``"pathmnist_64.npz"``.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> archives = mm.cache.pooch()
    >>> "breastmnist.npz" in archives.registry
    True
    >>> path = archives.fetch("breastmnist.npz")
    """
    known = {}
    for record, size, archive in registry.known_archives():
        key = record.storage_key(size)
        if not key.startswith(settings.OWN_SETS):  # names of users' archives need not be unique
            known[key] = archive
    places = settings.current(root, make=True)
    places.require_writable()
    return ArchivePooch(known, places, progress=progress)
