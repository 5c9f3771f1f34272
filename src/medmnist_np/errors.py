"""Every error that the package raises on purpose.

::

    MedMNISTError
    ├── UnknownDatasetError      (ValueError)         no data set has that name
    ├── UnknownSizeError         (ValueError)         the set does not come in that size
    ├── UnknownSplitError        (ValueError)         the set has no such split
    ├── RecordError              (ValueError)         a registry record contradicts itself
    ├── ScoresError              (ValueError)         scores, or their file, do not fit their data set
    ├── ArchiveError             (ValueError)         an archive is damaged or is not what its record says
    │   ├── DigestError                               its digest is not the pinned one
    │   └── SupersededError                           it belongs to an older release of the data
    ├── CacheError               (OSError)            something on disk is in the way
    │   ├── NotCachedError       (FileNotFoundError)  the data is not here and may not be downloaded
    │   ├── CorruptCacheError                         unpacked arrays are damaged
    │   └── NoSpaceError                              the disk is full, or would be
    └── DownloadError            (ConnectionError)    every address failed; what arrived is kept
        └── OfflineError                              a download is needed and is switched off

Each is also the builtin named in brackets, so ``except ValueError`` and ``except OSError`` work as usual.
A message says what failed, what was expected, what was found, what was kept and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ArchiveError",
    "CacheError",
    "CorruptCacheError",
    "DigestError",
    "DownloadError",
    "MedMNISTError",
    "NoSpaceError",
    "NotCachedError",
    "OfflineError",
    "RecordError",
    "ScoresError",
    "SupersededError",
    "UnknownDatasetError",
    "UnknownSizeError",
    "UnknownSplitError",
]


class MedMNISTError(Exception):
    """The base of every error of this package."""


class UnknownDatasetError(MedMNISTError, ValueError):
    """No data set has that name."""


class UnknownSizeError(MedMNISTError, ValueError):
    """The data set does not come in that size."""


class UnknownSplitError(MedMNISTError, ValueError):
    """The data set has no such split."""


class RecordError(MedMNISTError, ValueError):
    """A registry record contradicts itself."""


class ScoresError(MedMNISTError, ValueError):
    """Scores do not fit the data set that they are said to be of, or their file is not what it should be."""


class ArchiveError(MedMNISTError, ValueError):
    """An archive is damaged, or is not what its record says. Nothing of it was published."""


class DigestError(ArchiveError):
    """The digest of a file is not the pinned one.

    Attributes
    ----------
    expected, found : str
        Both digests, as ``"md5:<hex>"``.
    """

    def __init__(self, message: str, *, expected: str, found: str) -> None:
        super().__init__(message)
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[object, ...]:
        return _digest_error, (str(self), self.expected, self.found)


def _digest_error(message: str, expected: str, found: str) -> DigestError:
    return DigestError(message, expected=expected, found=found)


class SupersededError(ArchiveError):
    """The archive is genuine, but of an older release whose samples differ from the present one."""


class CacheError(MedMNISTError, OSError):
    """Something on disk is in the way: not writable, not a folder, a link where a file should be.

    Attributes
    ----------
    errno : int or None
        The system's number for it, where the system refused.
    filename : str or None
        The path in question.
    """

    def __init__(self, message: str, *, errno: int | None = None, path: object = None) -> None:
        super().__init__(message)
        self.errno = errno
        self.filename = None if path is None else str(path)

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return _cache_error, (type(self), str(self), self.errno, self.filename)


def _cache_error(kind: type[CacheError], message: str, errno: int | None, path: str | None) -> CacheError:
    return kind(message, errno=errno, path=path)


class NotCachedError(CacheError, FileNotFoundError):
    """The data is not on this machine, and the call may not download it."""


class CorruptCacheError(CacheError):
    """Unpacked arrays are damaged: a size, a digest or the manifest is wrong."""


class NoSpaceError(CacheError):
    """The disk is full, or would be before the work is done."""


class DownloadError(MedMNISTError, ConnectionError):
    """Every address failed. What had arrived is kept, and the next call goes on from there."""


class OfflineError(DownloadError):
    """A download is needed, and ``MEDMNIST_NP_OFFLINE`` or ``configure(offline=True)`` forbids it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for a word that is close to a known one, else ``""``."""
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), list(known), n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""
