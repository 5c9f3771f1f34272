"""``doctor``: versions, settings, cache, servers and problems, as a bug report needs them."""

from __future__ import annotations

import os
import platform
import re
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from medmnist_np import _files, registry
from medmnist_np._text import escaped_line
from medmnist_np._version import __version__
from medmnist_np.cache import contents, http, locks, settings, store
from medmnist_np.cache.http import explained
from medmnist_np.cache.manifest import NewerFormatError
from medmnist_np.cli.output import json_option, n_processors, root_option, say, say_json, say_lines, source_options
from medmnist_np.errors import CacheError, CorruptCacheError


@click.command
@source_options
@root_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, root: str | None, as_json: bool) -> None:
    """Say what a bug report needs, and what is wrong here.

    That is versions, extras, variables, the cache, and whether the servers of the data answer: one byte is asked of
    each, nothing with --offline or MEDMNIST_NP_OFFLINE. Nothing is written. The text can be shown in public: the home
    folder is ~, mirrors and proxies are not named. Exit code 1 if there is a problem.

    \b
      medmnist-np doctor
      medmnist-np doctor --offline
    """
    places, unsettled = _settings(root)
    found = examine(places)
    found.problems[:0] = unsettled
    offline = places is not None and places.offline
    reached = [] if places is None or places.offline else reach(servers(places.mirrors))
    found.problems += _unreachable(reached)
    if as_json:
        problems = [{"problem": problem, "advice": advice} for problem, advice in found.problems]
        asked = None if offline or places is None else [asdict(one) for one in reached]
        say_json({**found.tables, "network": asked, "problems": problems})
    else:
        _say(found, reached, offline=offline)
    ctx.exit(1 if found.problems else 0)


def _settings(root: str | None) -> tuple[settings.Settings | None, list[tuple[str, str]]]:
    try:
        return settings.current(root), []
    except CacheError as error:
        return None, [(shown(error), "Until then neither the cache nor the network can be looked at.")]


def _unreachable(reached: Sequence[Reached]) -> Iterator[tuple[str, str]]:
    for one in reached:
        if not one.reached:
            advice = (
                "Check the network, and HTTPS_PROXY if you need a proxy. Without a network, bring archives by hand: "
                "`medmnist-np import FILE`."
            )
            if one.is_mirror:
                advice = f"Correct {settings.MIRRORS_VARIABLE} or --mirror; the other servers are tried after it."
            yield f"{one.name} cannot be reached: {one.reason}.", advice


def _say(found: Examination, reached: Sequence[Reached], *, offline: bool) -> None:
    for title, table in found.tables.items():
        if table:
            say(f"{title.capitalize()}")
            width = max(map(len, table))
            for name, value in table.items():
                say(f"  {name.ljust(width)}  {_in_words(value)}".rstrip())
            say()
    say("Network")
    if offline:
        say("  not asked: this is offline")
    width = max((len(one.name) for one in reached), default=0)
    for one in reached:
        click.echo(f"{escaped_line(f'  {one.name.ljust(width)}  ')}{_answer(one)}")
    say()
    if not found.problems:
        click.echo(click.style("No problems found.", fg="green") + (" The servers were not asked." if offline else ""))
    for number, (problem, advice) in enumerate(found.problems, 1):
        title = f"Problem {number}:"
        say_lines(f"{title} {problem}\n    {advice}", red=title)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping) and "version" in value:
        return f"{value['version'] or '-'}".ljust(12) + f"  {value['for']}"
    if isinstance(value, Mapping):
        words = [_files.readable(amount) if unit == "bytes" else str(amount) for unit, amount in value.items()]
        return ", ".join(words) + (" days" if "days" in value else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _answer(one: Reached) -> str:
    way = " through a proxy" if one.through_proxy else ""
    if not one.reached:
        return click.style("not reached", fg="red") + way
    said = one.reason if one.does_range or one.reason else "it does no Range, which downloads need to go on"
    return f"answers in {one.seconds:.2f} s{way}{f': {escaped_line(said)}' if said else ''}"


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
    elsewhere = f"Set {_files.CACHE_VARIABLE} to a folder that can be; what is in this one opens all the same."
    refused = _refusal(folder)
    yield "writable", not refused
    if refused:
        problems.append((f"The cache {shown(folder)} cannot be written to: {refused}.", elsewhere))
    yield "file system", _file_system(folder)
    free = _files.free_bytes(folder)
    yield "free", {"bytes": free}
    if free < _LITTLE_BYTES:
        advice = f"`medmnist-np clean` frees some, or set {_files.CACHE_VARIABLE} to a folder on a larger disk."
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


_PATIENCE = http.Patience(connect=5.0, read=5.0)

# Looking up a name has no time-out of its own, and what drips is not waited for.
_LONGEST_S = 15.0

# The file that is asked of a mirror, which need not have it.
_MIRRORED = "breastmnist.npz"


@dataclass(frozen=True)
class Place:
    """One server to ask. ``name`` is for the public: of a mirror a number, as its address may be private."""

    name: str
    url: str
    is_mirror: bool = False


@dataclass(frozen=True)
class Reached:
    """What came of asking. ``seconds`` is the time to the head of the answer; ``reason`` says what is wrong, if any."""

    name: str
    reached: bool
    seconds: float
    does_range: bool = False
    through_proxy: bool = False
    reason: str = ""
    is_mirror: bool = False


def servers(mirrors: Sequence[str]) -> list[Place]:
    """Return the mirrors, then each server of a published data set; of each a small file."""
    hosts: dict[str, str] = {}
    for url in _published_urls():
        hosts.setdefault(str(urlsplit(url).hostname), url)
    mirrored = [
        Place(f"mirror {number}", f"{mirror.rstrip('/')}/{_MIRRORED}", is_mirror=True)
        for number, mirror in enumerate(mirrors, 1)
    ]
    return [*mirrored, *(Place(host, url) for host, url in hosts.items())]


def reach(wanted: Sequence[Place]) -> list[Reached]:
    """Ask all at once, and return within 15 seconds whatever the network does."""
    found: dict[Place, Reached] = {}

    def ask(place: Place) -> None:
        found[place] = _reached(place)

    # Daemons: one that hangs must not hold up the exit.
    askers = [threading.Thread(target=ask, args=(place,), daemon=True) for place in wanted]
    for asker in askers:
        asker.start()
    end = time.monotonic() + _LONGEST_S
    for asker in askers:
        asker.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {_LONGEST_S:.0f} s"
    return [
        found.get(place) or Reached(place.name, False, _LONGEST_S, reason=late, is_mirror=place.is_mirror)
        for place in wanted
    ]


def _reached(place: Place) -> Reached:
    from requests.utils import get_environ_proxies

    proxies = get_environ_proxies(place.url)
    through_proxy = urlsplit(place.url).scheme in proxies
    started = time.monotonic()
    reason, status = "", 0
    try:
        with http.session() as session, http.answer(session, place.url, {"Range": "bytes=0-0"}, _PATIENCE) as answer:
            status = answer.status_code
    except (http.Transient, http.Permanent) as error:
        reason = _without_hosts(str(error), place, proxies.values())
    seconds = time.monotonic() - started
    reached = status in (200, 206) or (place.is_mirror and status == 404)
    if status not in (0, 200, 206):
        reason = f"HTTP {status}{explained(status)}"
    return Reached(place.name, reached, seconds, status == 206, through_proxy, reason, place.is_mirror)


def _without_hosts(text: str, place: Place, proxies: Iterable[str]) -> str:
    """Take the addresses of mirrors and proxies out of a message: it will be shown in public."""
    private = [(proxy, "the proxy") for proxy in proxies]
    if place.is_mirror:
        private.append((place.url, place.name))
    for url, name in private:
        parts = urlsplit(url if "//" in url else f"//{url}")
        for secret in filter(None, (url, parts.netloc, parts.hostname)):
            text = text.replace(secret, name)
    return text


def _published_urls() -> Iterator[str]:
    known = [entry for entry in registry.known_archives() if registry.is_published(entry[0])]
    for record, edition, _ in sorted(known, key=lambda entry: entry[2].bytes or entry[2].array_bytes):
        yield from record.addresses(edition)
