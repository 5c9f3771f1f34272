"""What ``doctor`` looks at on this machine, as plain tables, and what it finds wrong with it.

Nothing private is in the tables but paths, in which the home folder is ``~``: they are made to be shown in public.
"""

from __future__ import annotations

import os
import platform
import re
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from medmnist_np import _files
from medmnist_np._version import __version__
from medmnist_np.cache import contents, locks, settings, store
from medmnist_np.cache.manifest import NewerFormatError
from medmnist_np.cli.threads import n_processors
from medmnist_np.errors import CacheError, CorruptCacheError

# Distribution -> what it is for, and the module to import where that is named otherwise.
DEPENDENCIES = {
    "click": ("the command line", "click"),
    "filelock": ("locks between processes", "filelock"),
    "imageio": ("image files", "imageio"),
    "numpy": ("arrays", "numpy"),
    "pillow": ("image files and resizing", "PIL"),
    "platformdirs": ("the place of the cache", "platformdirs"),
    "pooch": ("downloads", "pooch"),
    "requests": ("downloads", "requests"),
    "scipy": ("filters, volumes, distances", "scipy"),
    "tqdm": ("progress bars", "tqdm"),
}

# The same of the extras; imported only by what needs them, and so not here.
EXTRAS = {
    "fast": ("faster unpacking", ("isal",)),
    "report": ("curves and charts on pages", ("matplotlib",)),
    "nifti": ("NIfTI files", ("nibabel",)),
    "medical": ("MetaImage files and DICOM series", ("SimpleITK",)),
    "interop": (
        "handing arrays to each framework",
        ("dask", "datasets", "grain", "jax", "keras", "pandas", "scikit-learn", "tensorflow", "torch"),
    ),
}

# Looked for besides those of the package. Their values may hold passwords: only whether they are set is told.
_VARIABLES = (
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("CURL_CA_BUNDLE", "NETRC", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("NO_COLOR", "TQDM_DISABLE", "XDG_CACHE_HOME"),
)

_LITTLE_BYTES = 100_000_000  # the smallest sets need less, most need more


@dataclass
class Examination:
    """What was found: tables by their title, and problems as (what is wrong, what to do)."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def examine(places: settings.Settings | None) -> Examination:
    """Look at versions, variables and, if there are settings, at the caches."""
    found = Examination()
    found.tables["machine"] = {
        "medmnist-np": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()}, {8 * _pointer_bytes()} bit)",
        "platform": platform.platform(),
        "processors": n_processors(),
        "TLS": ssl.OPENSSL_VERSION,
    }
    found.tables["dependencies"] = dict(_dependencies(found.problems))
    found.tables["extras"] = {
        f"{name} (extra {extra})": {"version": _version(name), "for": purpose}
        for extra, (purpose, names) in EXTRAS.items()
        for name in names
    }
    found.tables["variables"] = dict(_variables())
    if places is not None:
        found.tables["cache"] = dict(_cache(places, found.problems))
        found.tables["shared caches"] = {
            shown(cache): "there" if cache.is_dir() else "missing" for cache in places.searched if cache != places.cache
        }
        for cache, state in found.tables["shared caches"].items():
            if state == "missing":
                advice = f"Correct {settings.SHARED_VARIABLE}, or mount the disk that holds it."
                found.problems.append((f"The shared cache {cache} is not there.", advice))
    return found


def shown(path: object) -> str:
    """Return a path, or a text with paths in it, with ``~`` in place of the home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111  (that of pathlib fails where there is no home)
    text = str(path)
    return re.sub(rf"{re.escape(home)}(?=[/\\]|$)", "~", text) if len(home) > 1 else text


def _pointer_bytes() -> int:
    return (sys.maxsize.bit_length() + 1) // 8


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _dependencies(problems: list[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    lowest = _lowest()
    for name, (purpose, module) in DEPENDENCIES.items():
        version = _version(name)
        yield name, {"version": version, "for": purpose}
        advice = f"pip install --upgrade {name}"
        if version is not None and _numbers(version) < _numbers(lowest.get(name, "")):
            problems.append((f"{name} {version} is older than {lowest[name]}, which is needed.", advice))
        try:
            import_module(module)
        except ImportError as error:
            problems.append((f"{name} cannot be imported: {shown(error)}.", advice))


def _lowest() -> Mapping[str, str]:
    """Return the lower bounds that this installation states; none where it runs from a folder of sources."""
    try:
        stated = metadata.requires("medmnist-np") or []
    except metadata.PackageNotFoundError:
        return {}
    found = (re.match(r"([A-Za-z0-9_.-]+).*?>=([0-9.]+)[^;]*$", requirement) for requirement in stated)
    return {match[1].lower(): match[2] for match in found if match}


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version.partition("+")[0])]


def _variables() -> Iterator[tuple[str, str]]:
    for name in sorted(os.environ):
        if name.startswith("MEDMNIST_NP_") and "COMPLETE" not in name:
            value = os.environ[name]
            n_mirrors = len(value.replace(",", " ").split())
            yield name, f"{n_mirrors} address(es)" if name == settings.MIRRORS_VARIABLE else shown(value)
        elif name.upper() in _VARIABLES:
            yield name, "set"


def _cache(places: settings.Settings, problems: list[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    folder = places.cache
    yield "folder", shown(folder)
    yield "offline", places.offline
    yield "mirrors", len(places.mirrors)
    elsewhere = f"Set {settings.CACHE_VARIABLE} to a folder that can be; what is in this one opens all the same."
    refused = _refusal(folder)
    yield "writable", not refused
    if refused:
        problems.append((f"The cache {shown(folder)} cannot be written to: {refused}.", elsewhere))
    yield "file system", _file_system(folder)
    free = _files.free_bytes(folder)
    yield "free", {"bytes": free}
    if free < _LITTLE_BYTES:
        advice = f"`medmnist-np clean` frees some, or set {settings.CACHE_VARIABLE} to a folder on a larger disk."
        problems.append((f"Only {_files.readable(free)} are free for the cache.", advice))
    try:
        items = contents.contents(places)
    except OSError as error:
        problems.append((f"The cache {shown(folder)} cannot be listed: {error.strerror}.", elsewhere))
        return
    for kind in dict.fromkeys(item.kind for item in items):
        of_kind = [item for item in items if item.kind == kind]
        yield kind, {"number": len(of_kind), "bytes": sum(item.bytes for item in of_kind)}
    unfinished = [item.path.stat().st_mtime for item in items if item.kind == "unfinished" and item.path.exists()]
    if unfinished:
        yield "oldest unfinished", {"days": round((time.time() - min(unfinished)) / 86400, 1)}
    held = sum(map(_is_held, sorted((folder / "locks").glob("*.lock"))))
    yield "locks held", held
    problems.extend(_damage(folder, items))


def _refusal(folder: Path) -> str:
    """Return why a folder cannot be written to, or made where it is missing; an empty text if it can."""
    if not folder.is_dir():
        parent = next((one for one in folder.parents if one.exists()), folder)
        return "" if parent.is_dir() and os.access(parent, os.W_OK) else f"{shown(parent)} is in the way"
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"\0")
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _file_system(folder: Path) -> str | None:
    """Return the kind of file system that holds a folder, where the platform tells."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    mounts = {line.split()[1].replace("\\040", " "): line.split()[2] for line in lines}
    return next((mounts[str(one)] for one in (folder, *folder.parents) if str(one) in mounts), None)


def _is_held(path: Path) -> bool:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        locks.require_plain(path)
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return False


def _damage(folder: Path, items: list[contents.Item]) -> Iterator[tuple[str, str]]:
    for item in items:
        if item.kind == "arrays":
            try:
                whole = store.at(item.path) is not None
                reason = "" if whole else "it has no manifest"
            except CorruptCacheError as error:
                reason = shown(error).removeprefix(shown(folder)).rstrip(".")
            except NewerFormatError as error:
                yield shown(error), "Or name another cache folder with MEDMNIST_NP_CACHE."
                continue
            except CacheError as error:
                reason = shown(error).rstrip(".")
            if reason:
                name = item.path.name.partition("-")[0]
                advice = f"`medmnist-np clean {name}`, then fetch it again."
                yield f"{item.name} is damaged: {reason}.", advice
