"""Where things lie: the cache folder, shared caches and mirrors, read from the environment at each call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = "MEDMNIST_NP_CACHE"
SHARED_VARIABLE = "MEDMNIST_NP_SHARED"
MIRRORS_VARIABLE = "MEDMNIST_NP_MIRRORS"
OFFLINE_VARIABLE = "MEDMNIST_NP_OFFLINE"


@dataclass(frozen=True, slots=True)
class Settings:
    """The places that one call works with.

    Attributes
    ----------
    cache : Path
        Where downloads, arrays and locks are written.
    searched : tuple of Path
        Caches looked in for arrays, in order; the first is ``cache`` or the ``root`` of the call.
    root : Path or None
        The ``root`` of the call.
    mirrors : tuple of str
        Base urls tried before the official address.
    offline : bool
        Open no socket.
    """

    cache: Path
    searched: tuple[Path, ...]
    root: Path | None = None
    mirrors: tuple[str, ...] = ()
    offline: bool = False

    @property
    def downloads(self) -> Path:
        """Folder of archives and unfinished downloads."""
        return self.cache / "downloads"

    @property
    def archive_folders(self) -> tuple[Path, ...]:
        """Folders in which an official archive may lie. It is read, never moved or changed."""
        official = Path.home() / ".medmnist"
        return (official,) if self.root is None else (self.root, official)

    @property
    def locks(self) -> Path:
        """Folder of lock files."""
        return self.cache / "locks"


def current(root: str | os.PathLike[str] | None = None) -> Settings:
    """Return the settings of this call; ``root`` takes the place of the cache folder.

    A root that exists and cannot be written to is only read: new arrays then go to the default cache.
    """
    default = _folder(os.environ.get(CACHE_VARIABLE)) or _platform_cache()
    shared = tuple(map(_expanded, _listed(SHARED_VARIABLE, os.pathsep)))
    folder = None if root is None else _expanded(root)
    cache = folder or default
    searched = (cache, *shared)
    if folder is not None and folder.is_dir() and not os.access(folder, os.W_OK):
        searched, cache = (*searched, default), default
    return Settings(
        cache=cache,
        searched=searched,
        root=folder,
        mirrors=_listed(MIRRORS_VARIABLE, None),
        offline=os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off"),
    )


def _platform_cache() -> Path:
    # What pooch.os_cache() returns, without importing Pooch on the way to an opened file.
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("medmnist-np"))


def _folder(text: str | None) -> Path | None:
    return _expanded(text) if text and text.strip() else None


def _expanded(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


def _listed(variable: str, separator: str | None) -> tuple[str, ...]:
    """Split a variable at the separator, or at white space and commas."""
    text = os.environ.get(variable, "")
    parts = text.split(separator) if separator else text.replace(",", " ").split()
    return tuple(part.strip() for part in parts if part.strip())
