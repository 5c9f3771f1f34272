"""The exceptions of the package.

::

    MedMNISTError                (RuntimeError)
    ├── UnknownDatasetError      (ValueError)         no data set has that name
    ├── UnknownSizeError         (ValueError)         the data set is not published in that size
    ├── UnknownSplitError        (ValueError)         the data set has no such split
    ├── RecordError              (ValueError)         a registry record is invalid
    ├── ScoresError              (ValueError)         scores, or their file, do not match their data set
    ├── ArchiveError             (ValueError)         an archive is damaged or does not match its record
    │   ├── DigestError                               its checksum differs from the published one
    │   └── SupersededError                           it belongs to an older release of the data
    ├── CacheError               (OSError)            a file or folder of the cache cannot be used
    │   ├── NotCachedError       (FileNotFoundError)  the data is not in the cache and may not be downloaded
    │   ├── CorruptCacheError                         cached arrays are damaged
    │   └── NoSpaceError                              the disk is full, or would be
    └── DownloadError            (ConnectionError)    every address failed; received data is kept
        └── OfflineError                              a download is needed, but offline mode is on

Each is also the builtin exception in brackets, so ``except ValueError`` and ``except OSError`` work as usual.
A message states what failed, what was expected, what was found and what to do next.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from functools import partial

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


class MedMNISTError(RuntimeError):
    """Base class of all errors of this package. It is a RuntimeError, as programs for the official package expect."""


class UnknownDatasetError(MedMNISTError, ValueError):
    """No data set has that name."""


class UnknownSizeError(MedMNISTError, ValueError):
    """The data set is not published in that size."""


class UnknownSplitError(MedMNISTError, ValueError):
    """The data set has no such split."""


class RecordError(MedMNISTError, ValueError):
    """A registry record is invalid or contradicts itself."""


class ScoresError(MedMNISTError, ValueError):
    """Scores do not match their data set, or their file is not valid."""


class ArchiveError(MedMNISTError, ValueError):
    """An archive is damaged or does not match its record. Nothing from it was added to the cache."""


class DigestError(ArchiveError):
    """The checksum of a file differs from the published one.

    Attributes
    ----------
    expected, found : str
        The published and the actual checksum, such as ``"md5:<hex>"``.
    """

    def __init__(self, message: str, *, expected: str, found: str) -> None:
        super().__init__(message)
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), expected=self.expected, found=self.found), (str(self),)


class SupersededError(ArchiveError):
    """The archive is genuine, but belongs to an older release with different samples."""


class CacheError(MedMNISTError, OSError):
    """A file or folder of the cache cannot be used: not writable, not a folder, or a link instead of a file.

    Attributes
    ----------
    errno : int or None
        Error number of the operating system, if the system raised the error.
    filename : str or None
        The path that cannot be used.
    """

    def __init__(self, message: str, *, errno: int | None = None, path: object = None) -> None:
        super().__init__(message)
        self.errno = errno
        self.filename = None if path is None else str(path)

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), errno=self.errno, path=self.filename), (str(self),)


class NotCachedError(CacheError, FileNotFoundError):
    """The data is not in the cache, and the call may not download it."""


class CorruptCacheError(CacheError):
    """Cached arrays are damaged: a size, a checksum or the manifest is wrong."""


class NoSpaceError(CacheError):
    """The disk is full, or does not have enough free space to finish."""


class DownloadError(MedMNISTError, ConnectionError):
    """Every address failed. Received data is kept, and the next call resumes the download."""


class OfflineError(DownloadError):
    """A download is needed, and ``MEDMNIST_NP_OFFLINE`` or ``configure(offline=True)`` forbids it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` if the word is similar to a known one, else ``""``."""
    from difflib import get_close_matches

    matches = get_close_matches(word.lower(), list(known), n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(map(repr, matches))}?" if matches else ""


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100


def short(value: object) -> str:
    """Return a short ``repr`` of a value for a message; arrays are described by dtype and shape.

    Examples
    --------
    >>> from medmnist_np.errors import short
    >>> short("mean"), short(list(range(1000)))
    ("'mean'", '[0, 1, 2, 3, 4, 5, ...]')
    """
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and shape and dtype is not None:
        return f"an array of {dtype} and shape {tuple(shape)}"
    return _SHORT.repr(value)


def unknown(kind: str, word: object, available: Iterable[str]) -> str:
    """Return the message for an unknown name: a similar name, if there is one, and all available names.

    Examples
    --------
    >>> from medmnist_np.errors import unknown
    >>> unknown("view", "midle", ["middle", "mean", "max"])
    "Unknown view 'midle'. Did you mean 'middle'? Available: middle, mean, max."
    """
    names = list(available)
    listed = ", ".join(repr(name) if "," in name else name for name in names)
    return f"Unknown {kind} {short(word)}.{nearest(str(word), names)} Available: {listed}."


def check_choice(kind: str, choice: object, available: Iterable[str]) -> None:
    """Raise ValueError with the message of :func:`unknown` if a choice is not available."""
    names = list(available)
    if choice not in names:
        raise ValueError(unknown(kind, choice, names))
