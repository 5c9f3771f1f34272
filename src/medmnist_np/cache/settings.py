"""Where things lie: the cache folder, shared caches and mirrors, from configure() or the environment at each call."""

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

# How keys of sets begin that are not the package's own.
OWN_SETS = "local/"

SHARED_VARIABLE = "MEDMNIST_NP_SHARED"
MIRRORS_VARIABLE = "MEDMNIST_NP_MIRRORS"
OFFLINE_VARIABLE = "MEDMNIST_NP_OFFLINE"


@dataclass(frozen=True, slots=True)
class Settings:
    """The places that one call works with.

    Attributes
    ----------
    cache : Path
        Where downloads, arrays and locks are written: the ``root`` of the call, unless that is read-only.
    searched : tuple of Path
        Caches looked in for arrays, in order. A named root is the only one.
    root : Path or None
        The ``root`` of the call.
    mirrors : tuple of str
        Base urls tried before the official address.
    offline : bool
        Open no socket.
    area : str
        Folder below ``downloads`` for archives whose file names may be those of others.
    """

    cache: Path
    searched: tuple[Path, ...]
    root: Path | None = None
    mirrors: tuple[str, ...] = field(default=(), repr=False)  # they may hold passwords
    offline: bool = False
    area: str = ""

    @property
    def downloads(self) -> Path:
        """Folder of archives and unfinished downloads."""
        return self.cache / "downloads" / self.area

    def at(self, key: str) -> Settings:
        """Return these settings for work on the archive of a key.

        Those of users' sets have a folder for each key, which holds the checksum: two records may name their archives
        alike, or as a published one is named.
        """
        return replace(self, area=key) if key.startswith(OWN_SETS) else self

    @property
    def archive_folders(self) -> tuple[Path, ...]:
        """Folders in which an official archive may lie: the named root, else ``~/.medmnist``. They are only read."""
        if self.root is not None:
            return (self.root,)
        official = os.path.expanduser("~/.medmnist")
        return (Path(official),) if os.path.isabs(official) else ()  # without a home, there is no ~

    def require_writable(self) -> None:
        """Raise :class:`CacheError` if a named root is read-only: nothing is put elsewhere in its place."""
        if self.root is not None and self.cache != self.root:
            raise CacheError(
                f"{self.root} cannot be written to. Make it writable, or name another root.",
                errno=errno.EACCES,
                path=self.root,
            )

    def lock_file(self, key: str) -> Path:
        """Return the lock file of a key, e.g. of ``"medmnist/pathmnist_28-a8b06965"``."""
        return self.cache / "locks" / f"{re.sub('[^A-Za-z0-9_.-]+', '-', key)}.lock"


# What configure() set; None leaves it to the environment.
_configured: dict[str, Any] = {}


def configure(
    *,
    cache: str | os.PathLike[str] | None = None,
    shared: Sequence[str | os.PathLike[str]] | None = None,
    mirrors: Sequence[str] | None = None,
    offline: bool | None = None,
) -> None:
    """Set where data goes and comes from, for this process, in place of the environment variables.

    Each call replaces what earlier calls set: ``configure()`` goes back to the environment. Processes started from
    this one read their own environment. Relative paths are taken from the folder in which this is called.

    Parameters
    ----------
    cache : path, optional
        The cache folder; ``MEDMNIST_NP_CACHE``.
    shared : sequence of path, optional
        Caches that are looked in and never written to; ``MEDMNIST_NP_SHARED``.
    mirrors : sequence of str, optional
        Base urls tried before the official server, as ``<base>/<archive>``; ``MEDMNIST_NP_MIRRORS``.
    offline : bool, optional
        Open no socket; ``MEDMNIST_NP_OFFLINE``.

    Raises
    ------
    ValueError
        If a mirror is no http or https url.

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
            raise ValueError(f"A mirror is a base url that starts with https:// or http://, not {_unfit(mirror)!r}.")
    given = {
        "cache": _expanded(cache) if cache else None,
        "shared": None if shared is None else tuple(map(_expanded, shared)),
        "mirrors": mirrors,
        "offline": offline,
    }
    _configured.clear()
    _configured.update({name: value for name, value in given.items() if value is not None})


def current(root: str | os.PathLike[str] | None = None, *, make: bool = False) -> Settings:
    """Return the settings of this call. A ``root`` takes the place of all other folders.

    Of a root that cannot be written to, an official archive is unpacked into the default cache.

    Parameters
    ----------
    root : path, optional
        The folder that a user named.
    make : bool
        Whether the folder may be missing: it is made when something is written.

    Raises
    ------
    NotCachedError
        If the root does not exist, unless ``make``.
    CacheError
        If the root is not a folder, a variable is wrong, or none names a cache and there is no home folder.
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
    )


def _check_root(folder: Path, *, make: bool) -> None:
    try:
        found = os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        if not make:
            raise NotCachedError(
                f"The folder {folder} does not exist. Correct root, create the folder, or pass download=True "
                "(`medmnist-np fetch --root`), which creates it.",
                errno=errno.ENOENT,
                path=folder,
            ) from None
    except OSError as error:
        message = f"The folder {folder} cannot be opened: {error.strerror}."
        raise CacheError(message, errno=error.errno, path=folder) from error
    else:
        if not stat.S_ISDIR(found.st_mode):
            raise CacheError(f"{folder} is not a folder. Correct root.", errno=errno.ENOTDIR, path=folder)


@contextmanager
def unconfigured() -> Iterator[None]:
    """Leave everything to the environment for a block, whatever :func:`configure` set before."""
    before = dict(_configured)
    configure()
    try:
        yield
    finally:
        _configured.clear()
        _configured.update(before)


def why_offline() -> str:
    """Return what switched downloads off, as the beginning of a sentence."""
    return (
        "--offline or configure(offline=True) was given" if _configured.get("offline") else f"{OFFLINE_VARIABLE} is set"
    )


def _default_cache() -> Path:
    named = _configured.get("cache") or os.environ.get(CACHE_VARIABLE, "").strip()
    return _expanded(named) if named else _platform_cache()


def _shared() -> tuple[Path, ...]:
    return tuple(map(_expanded, _listed(SHARED_VARIABLE, os.pathsep)))


def _mirrors() -> tuple[str, ...]:
    mirrors = _listed(MIRRORS_VARIABLE, None)
    for mirror in mirrors:
        if not _is_web_address(mirror):
            raise CacheError(
                f"{MIRRORS_VARIABLE} lists base urls that start with https:// or http://, and {_unfit(mirror)!r} is "
                "none. Correct or unset it."
            )
    return mirrors


def _unfit(mirror: str) -> str:
    """Return what may be shown of a mirror that is no web address."""
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
    # Here the rule is one line, and importing platformdirs takes as long as the rest of opening a file.
    home = os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
    if not os.path.isabs(home):
        raise CacheError(f"There is no home folder to put a cache into: set {CACHE_VARIABLE} to a folder.")
    return Path(home, "medmnist-np")


def _expanded(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


def _listed(variable: str, separator: str | None) -> tuple[str, ...]:
    """Split a variable at the separator, or at white space and commas."""
    text = os.environ.get(variable, "")
    parts = text.split(separator) if separator else text.replace(",", " ").split()
    return tuple(part.strip() for part in parts if part.strip())
