"""Cache folder, shared caches, mirrors and offline mode, read from configure() or the environment at each call."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medmnist_np._files import CACHE_VARIABLE
from medmnist_np._text import redacted
from medmnist_np.errors import CacheError, NotCachedError

# Prefix of the keys of users' own data sets.
OWN_SETS = "local/"

SHARED_VARIABLE = "MEDMNIST_NP_SHARED"
MIRRORS_VARIABLE = "MEDMNIST_NP_MIRRORS"
OFFLINE_VARIABLE = "MEDMNIST_NP_OFFLINE"
PATIENCE_VARIABLE = "MEDMNIST_NP_PATIENCE"  # in minutes, for busy servers


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders and mirrors that one call uses.

    Attributes
    ----------
    cache : Path
        Folder for downloads, arrays and locks: the ``root`` of the call, unless that is read-only.
    searched : tuple of Path
        Caches to search for arrays, in order. If the call has a ``root``, this is the only one.
    root : Path or None
        The ``root`` of the call.
    mirrors : tuple of str
        Base URLs to try before the official address.
    offline : bool
        Whether network access is forbidden.
    area : str
        Folder below ``downloads`` for archives whose file names may not be unique.
    patience_s : float
        Longest time in seconds to wait for a busy server.
    """

    cache: Path
    searched: tuple[Path, ...]
    root: Path | None = None
    mirrors: tuple[str, ...] = field(default=(), repr=False)  # they may hold passwords
    offline: bool = False
    area: str = ""
    patience_s: float = 900.0

    @property
    def downloads(self) -> Path:
        """Folder of archives and unfinished downloads."""
        return self.cache / "downloads" / self.area

    def at(self, key: str) -> Settings:
        """Return these settings for the archive of a key.

        An archive of a user's own data set may have the same file name as another archive. It therefore has its own
        folder, named after its key, which contains the checksum.
        """
        return replace(self, area=key) if key.startswith(OWN_SETS) else self

    @property
    def archive_folders(self) -> tuple[Path, ...]:
        """Folders that may hold an official archive: the named root, else ``~/.medmnist``. Nothing is written there."""
        if self.root is not None:
            return (self.root,)
        official = os.path.expanduser("~/.medmnist")
        return (Path(official),) if os.path.isabs(official) else ()  # without a home folder, ~ is not expanded

    def require_writable(self) -> None:
        """Raise :class:`CacheError` if a named root is read-only. No other folder is used in its place."""
        if self.root is not None and self.cache != self.root:
            raise CacheError(
                f"{self.root} cannot be written to. Make it writable, or name another root.",
                errno=errno.EACCES,
                path=self.root,
            )

    def lock_file(self, key: str) -> Path:
        """Return the lock file of a key, e.g. of ``"medmnist/pathmnist_28-a8b06965"``."""
        return self.cache / "locks" / f"{re.sub('[^A-Za-z0-9_.-]+', '-', key)}.lock"


# Values set by configure(). None means that the environment decides.
_configured: dict[str, Any] = {}


def configure(
    *,
    cache: str | os.PathLike[str] | None = None,
    shared: Sequence[str | os.PathLike[str]] | None = None,
    mirrors: Sequence[str] | None = None,
    offline: bool | None = None,
    patience: float | None = None,
) -> None:
    """Set the cache folder, shared caches, mirrors, offline mode and patience for this process.

    These settings override the environment variables. Each call replaces all settings of earlier calls. Without
    arguments, the environment applies again. Child processes read their own environment. Relative paths are resolved
    against the current working directory at the time of the call.

    Parameters
    ----------
    cache : path, optional
        The cache folder. Overrides ``MEDMNIST_NP_CACHE``.
    shared : sequence of path, optional
        Caches to search but never write to. Overrides ``MEDMNIST_NP_SHARED``.
    mirrors : sequence of str, optional
        Base URLs to try before the official server. An archive is requested as ``<base>/<archive>``. Overrides
        ``MEDMNIST_NP_MIRRORS``.
    offline : bool, optional
        Whether to forbid network access. Overrides ``MEDMNIST_NP_OFFLINE``.
    patience : float, optional
        Minutes to wait for a busy server (HTTP 429 or 503) before a download fails; by default 15. Overrides
        ``MEDMNIST_NP_PATIENCE``.

    Raises
    ------
    ValueError
        If a mirror is not an http or https URL, or the patience is negative or not a number.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> mm.configure(offline=True)
    >>> mm.configure()
    """
    if isinstance(shared, (str, os.PathLike)):
        shared = [shared]
    if mirrors is not None:
        mirrors = (mirrors,) if isinstance(mirrors, str) else tuple(mirrors)
    for mirror in mirrors or ():
        if not _is_web_address(mirror):
            raise ValueError(f"A mirror must be a URL that starts with https:// or http://, not {_unfit(mirror)!r}.")
    given = {
        "cache": _expanded(cache) if cache else None,
        "shared": None if shared is None else tuple(map(_expanded, shared)),
        "mirrors": mirrors,
        "offline": offline,
        "patience": None if patience is None else _seconds(patience),
    }
    _configured.clear()
    _configured.update({name: value for name, value in given.items() if value is not None})


def current(root: str | os.PathLike[str] | None = None, *, make: bool = False) -> Settings:
    """Return the settings of this call. A ``root`` replaces all other folders.

    If the root is not writable, an official archive in it is unpacked into the default cache.

    Parameters
    ----------
    root : path, optional
        The folder that a user named.
    make : bool
        Whether to accept a missing folder. It is created at the first write.

    Raises
    ------
    NotCachedError
        If the root does not exist and `make` is false.
    CacheError
        If the root is not a folder, an environment variable is invalid, or no cache is set and there is no home folder.
    """
    shared = _configured["shared"] if "shared" in _configured else _shared()
    offline = os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off")
    folder = None if root is None else _expanded(root)
    if folder is not None:
        _check_root(folder, make=make)
    only_read = folder is not None and os.path.isdir(folder) and not os.access(folder, os.W_OK)
    cache = _default_cache() if folder is None or only_read else folder
    return Settings(
        cache=cache,
        searched=(cache, *shared) if folder is None else (folder,),
        root=folder,
        mirrors=_configured["mirrors"] if "mirrors" in _configured else _mirrors(),
        offline=_configured.get("offline", offline),
        patience_s=_configured["patience"] if "patience" in _configured else _patience(),
    )


def _check_root(folder: Path, *, make: bool) -> None:
    try:
        found = os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        if not make:
            raise NotCachedError(
                f"The folder {folder} does not exist. Correct the path or create the folder. "
                "`medmnist-np fetch --root` and, in Python, `download=True` create it.",
                errno=errno.ENOENT,
                path=folder,
            ) from None
    except OSError as error:
        message = f"The folder {folder} cannot be opened: {error.strerror}."
        raise CacheError(message, errno=error.errno, path=folder) from error
    else:
        if not stat.S_ISDIR(found.st_mode):
            raise CacheError(f"{folder} is not a folder. Correct the path.", errno=errno.ENOTDIR, path=folder)


@contextmanager
def unconfigured() -> Iterator[None]:
    """Ignore the settings of :func:`configure` during the block and use the environment."""
    before = dict(_configured)
    configure()
    try:
        yield
    finally:
        _configured.clear()
        _configured.update(before)


def why_offline() -> str:
    """Return what disabled downloads, as the beginning of a sentence."""
    return (
        "--offline or configure(offline=True) was given" if _configured.get("offline") else f"{OFFLINE_VARIABLE} is set"
    )


def _default_cache() -> Path:
    # Services and .env files do not expand variables. A path that a call names is used as it is.
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    return _configured.get("cache") or (_expanded(os.path.expandvars(named)) if named else _platform_cache())


def _shared() -> tuple[Path, ...]:
    return tuple(_expanded(os.path.expandvars(path)) for path in _listed(SHARED_VARIABLE, os.pathsep))


def _mirrors() -> tuple[str, ...]:
    mirrors = _listed(MIRRORS_VARIABLE, None)
    for mirror in mirrors:
        if not _is_web_address(mirror):
            raise CacheError(
                f"{MIRRORS_VARIABLE} must list URLs that start with https:// or http://, not {_unfit(mirror)!r}. "
                "Correct or unset it."
            )
    return mirrors


def _patience() -> float:
    text = os.environ.get(PATIENCE_VARIABLE, "").strip()
    try:
        return _seconds(text or 15)
    except ValueError as error:
        raise CacheError(f"{PATIENCE_VARIABLE} is invalid: {error} Correct or unset it.") from error


def _seconds(minutes: str | float) -> float:
    """Return minutes in seconds."""
    try:
        seconds = 60 * float(minutes)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds >= 0:  # also for NaN
        raise ValueError(f"The patience must be a number of minutes, at least 0, not {minutes!r:.40}.")
    return seconds


def _unfit(mirror: str) -> str:
    """Return the part of an invalid mirror address that is safe to show."""
    before, at, behind = mirror.rpartition("@")
    return redacted(f"***@{behind}" if at else before + behind)


def _is_web_address(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("https", "http") and "://" in text
    except ValueError:  # "http://[lab"
        return False


def _platform_cache() -> Path:
    """Return what ``pooch.os_cache("medmnist-np")`` returns."""
    on_linux = sys.platform == "linux"
    if not on_linux:
        from platformdirs import user_cache_dir

        return Path(user_cache_dir("medmnist-np"))
    # Importing platformdirs takes as long as the rest of opening a file, and the rule is one line here.
    home = os.environ.get("XDG_CACHE_HOME", "").strip()
    if not os.path.isabs(home):  # the specification says to ignore a relative path
        home = os.path.expanduser("~/.cache")
    if not os.path.isabs(home):
        raise CacheError(f"No home folder for the cache was found. Set {CACHE_VARIABLE} to a folder.")
    return Path(home, "medmnist-np")


def _expanded(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


def _listed(variable: str, separator: str | None) -> tuple[str, ...]:
    """Split an environment variable at the separator, or at white space and commas."""
    text = os.environ.get(variable, "")
    parts = text.split(separator) if separator else text.replace(",", " ").split()
    return tuple(part.strip() for part in parts if part.strip())
