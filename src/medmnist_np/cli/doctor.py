"""``doctor``: versions, settings, cache, servers and problems, as a bug report needs them."""

from __future__ import annotations

import os
import platform
import re
import ssl
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from urllib.parse import urlsplit

import click

from medmnist_np import _files, registry
from medmnist_np._text import escaped_line
from medmnist_np._version import __version__
from medmnist_np.cache import http, locations, settings, store
from medmnist_np.cache.http import explained
from medmnist_np.cache.manifest import NewerFormatError
from medmnist_np.cli.options import json_option, root_option, source_options
from medmnist_np.cli.output import n_processors, say, say_json, say_lines
from medmnist_np.errors import CacheError

Problems = list[tuple[str, str]]
"""What is wrong, and what to do."""

_IMPORTED_AS = {"pillow": "PIL"}
_EXTRAS_OF_DEVELOPERS = {"dev", "docs", "test"}

# Settings of other programs that matter. Their values may hold passwords, so only whether they are set is shown.
_VARIABLES = {
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("CURL_CA_BUNDLE", "NETRC", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("NO_COLOR", "TQDM_DISABLE", "XDG_CACHE_HOME"),
}

_LITTLE_BYTES = 100_000_000  # less than most data sets need
_PATIENCE = http.Patience(connect=5.0, read=5.0)
_LONGEST_S = 15.0  # looking up a host name has no time-out of its own
_MIRRORED = "breastmnist.npz"  # the file that a mirror is asked for; it need not have it


@click.command
@source_options
@root_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, root: str | None, as_json: bool) -> None:
    """Show versions, settings and problems, for a bug report.

    The report covers the versions of Python and packages, settings, the cache, and the servers: each is asked for one
    byte, except with --offline or MEDMNIST_NP_OFFLINE. Nothing is written. The report is safe to publish: the home
    folder is shown as ~, and mirrors and proxies are not named. The exit code is 1 if there is a problem.

    \b
      medmnist-np doctor
      medmnist-np doctor --offline
    """
    problems: Problems = []
    try:
        places = settings.current(root)
    except CacheError as error:
        places = None
        problems.append((shown(error), "Correct this first: the cache and the network were not checked."))
    tables: dict[str, Mapping[str, object]] = {
        "machine": {
            "medmnist-np": __version__,
            "Python": f"{platform.python_version()} ({platform.python_implementation()})",
            "platform": platform.platform(),
            "processors": n_processors(),
            "TLS": ssl.OPENSSL_VERSION,
        },
        "packages": dict(_packages(problems)),
        "variables": dict(_variables()),
        "cache": {} if places is None else dict(_cache(places, problems)),
    }
    asked = None if places is None or places.offline else reach(servers(places.mirrors))
    problems += _unreachable(asked or [])
    if as_json:
        network = None if asked is None else [asdict(answer) for answer in asked]
        say_json(
            {
                **tables,
                "network": network,
                "problems": [dict(zip(("problem", "advice"), p, strict=True)) for p in problems],
            }
        )
    else:
        _say(tables, asked, problems)
    ctx.exit(1 if problems else 0)


def _say(tables: Mapping[str, Mapping[str, object]], asked: Sequence[Answer] | None, problems: Problems) -> None:
    network = {answer.name: _in_words(answer) for answer in asked or ()}
    for title, table in {**tables, "network": network or {"servers": "not asked"}}.items():
        if table:
            say(title.capitalize())
            width = max(map(len, table))
            for name, value in table.items():
                say(f"  {escaped_line(name.ljust(width))}  {escaped_line(str(value))}".rstrip())
            say()
    if not problems:
        click.echo(
            click.style("No problems found.", fg="green") + (" Servers were not asked." if asked is None else "")
        )
    for number, (problem, advice) in enumerate(problems, 1):
        title = f"Problem {number}:"
        say_lines(f"{title} {problem}\n    {advice}", red=title)


def shown(path: object) -> str:
    """Return a path, or a text with paths in it, with ``~`` in place of the home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111  (that of pathlib fails where there is no home)
    text = str(path)
    return re.sub(rf"{re.escape(home)}(?=[/\\]|$)", "~", text) if len(home) > 1 else text


def _packages(problems: Problems) -> Iterator[tuple[str, str]]:
    """Yield the versions of the required packages, and of those of the extras that are installed."""
    for requirement in requirements():
        name = re.split(r"[^A-Za-z0-9_.-]", requirement)[0]
        extra = re.search(r"extra == ['\"]([a-z]+)", requirement)
        version = _version(name)
        if extra is not None:
            if version is not None and extra[1] not in _EXTRAS_OF_DEVELOPERS:
                yield name, version
            continue
        yield name, version or "not installed"
        advice = f"pip install --upgrade {name}"
        lowest = re.search(r">=([0-9.]+)", requirement)
        if version is not None and lowest is not None and _numbers(version) < _numbers(lowest[1]):
            problems.append((f"{name} {version} is older than {lowest[1]}, which is needed.", advice))
        try:
            import_module(_IMPORTED_AS.get(name, name))
        except ImportError as error:
            problems.append((f"{name} cannot be imported: {shown(error)}.", advice))


def requirements() -> list[str]:
    """Return the requirements that this installation states; none if it runs from a folder of sources."""
    try:
        return sorted(metadata.requires("medmnist-np") or [], key=lambda requirement: "extra ==" in requirement)
    except metadata.PackageNotFoundError:
        return []


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


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


def _cache(places: settings.Settings, problems: Problems) -> Iterator[tuple[str, object]]:
    folder = places.cache
    elsewhere = f"Set {_files.CACHE_VARIABLE} to a writable folder. Data sets in this one can still be opened."
    yield "folder", shown(folder)
    yield "offline", "yes" if places.offline else "no"
    yield "mirrors", len(places.mirrors)
    refused = _refusal(folder)
    yield "writable", f"no: {refused}" if refused else "yes"
    if refused:
        problems.append((f"The cache {shown(folder)} cannot be written to: {refused}.", elsewhere))
    yield "file system", _file_system(folder)
    free = _files.free_bytes(folder)
    yield "free", _files.readable(free)
    if free < _LITTLE_BYTES:
        advice = f"Run `medmnist-np clean`, or set {_files.CACHE_VARIABLE} to a folder on a larger disk."
        problems.append((f"The cache has only {_files.readable(free)} of free space.", advice))
    for cache in places.searched:
        if cache != folder:
            yield f"shared {shown(cache)}", "found" if cache.is_dir() else "missing"
            if not cache.is_dir():
                advice = f"Correct {settings.SHARED_VARIABLE} or --shared, or mount the disk that holds it."
                problems.append((f"The shared cache {shown(cache)} does not exist.", advice))
    try:
        items = locations.contents(places)
    except OSError as error:
        problems.append((f"The cache {shown(folder)} cannot be listed: {error.strerror}.", elsewhere))
        return
    for kind in dict.fromkeys(item.kind for item in items):
        of_kind = [item for item in items if item.kind == kind]
        yield kind, f"{len(of_kind)}, {_files.readable(sum(item.bytes for item in of_kind))}"
    problems.extend(_damage(folder, items))


def _refusal(folder: Path) -> str:
    """Return why a folder cannot be written to, or made if it is missing; an empty text if it can."""
    if not folder.is_dir():
        parent = next((one for one in folder.parents if one.exists()), folder)
        return "" if parent.is_dir() and os.access(parent, os.W_OK) else f"{shown(parent)} is in the way"
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"\0")
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _file_system(folder: Path) -> str:
    """Return the kind of file system that holds a folder, on Linux: locks and memory maps differ between them."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "unknown"
    mounts = {line.split()[1].replace("\\040", " "): line.split()[2] for line in lines}
    return next((mounts[str(one)] for one in (folder, *folder.parents) if str(one) in mounts), "unknown")


def _damage(folder: Path, items: list[locations.Item]) -> Iterator[tuple[str, str]]:
    for item in items:
        if item.kind != "arrays":
            continue
        try:
            reason = "" if store.at(item.path) is not None else "it has no manifest"
        except NewerFormatError as error:
            yield shown(error), f"Or set {_files.CACHE_VARIABLE} to another folder."
            continue
        except CacheError as error:
            reason = shown(error).removeprefix(shown(folder)).rstrip(".")
        if reason:
            name = item.path.name.partition("-")[0]
            yield f"{item.name} is damaged: {reason}.", f"Run `medmnist-np clean {name}`, then download it again."


# Servers


@dataclass(frozen=True)
class Place:
    """A server to ask. A mirror has a number as its ``name``, since its URL may be private."""

    name: str
    url: str
    is_mirror: bool = False


@dataclass(frozen=True)
class Answer:
    """The answer of a server. ``seconds`` is the time to its headers; ``reason`` is the error, if there was one."""

    name: str
    reached: bool
    seconds: float
    reason: str = ""
    is_mirror: bool = False


def servers(mirrors: Sequence[str]) -> list[Place]:
    """Return the mirrors, then each server of a published data set, with the smallest file of each."""
    hosts: dict[str, str] = {}
    for url in _published_urls():
        hosts.setdefault(str(urlsplit(url).hostname), url)
    mirrored = [
        Place(f"mirror {number}", f"{mirror.rstrip('/')}/{_MIRRORED}", is_mirror=True)
        for number, mirror in enumerate(mirrors, 1)
    ]
    return [*mirrored, *(Place(host, url) for host, url in hosts.items())]


def _published_urls() -> Iterator[str]:
    known = [entry for entry in registry.known_archives() if registry.is_published(entry[0])]
    for record, edition, _ in sorted(known, key=lambda entry: entry[2].bytes or entry[2].array_bytes):
        yield from record.addresses(edition)


def reach(places: Sequence[Place]) -> list[Answer]:
    """Ask all servers at once, and return within 15 seconds."""
    answers: dict[Place, Answer] = {}

    def ask(place: Place) -> None:
        answers[place] = _ask(place)

    # Daemons: one that hangs must not hold up the exit.
    askers = [threading.Thread(target=ask, args=(place,), daemon=True) for place in places]
    for asker in askers:
        asker.start()
    end = time.monotonic() + _LONGEST_S
    for asker in askers:
        asker.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {_LONGEST_S:.0f} s"
    return [
        answers.get(place) or Answer(place.name, False, _LONGEST_S, late, is_mirror=place.is_mirror) for place in places
    ]


def _ask(place: Place) -> Answer:
    from requests.utils import get_environ_proxies

    started = time.monotonic()
    reason, status = "", 0
    try:
        with http.session() as session, http.answer(session, place.url, {"Range": "bytes=0-0"}, _PATIENCE) as answer:
            status = answer.status_code
    except (http.Transient, http.Permanent) as error:
        reason = _without_hosts(str(error), place, get_environ_proxies(place.url).values())
    if status not in (0, 206):
        reason = (
            "no Range requests, so downloads cannot resume" if status == 200 else f"HTTP {status}{explained(status)}"
        )
    reached = status in (200, 206) or (place.is_mirror and status == 404)
    return Answer(place.name, reached, time.monotonic() - started, reason, place.is_mirror)


def _without_hosts(text: str, place: Place, proxies: Iterable[str]) -> str:
    """Remove the addresses of mirrors and proxies from a message, since it may be published."""
    private = [(proxy, "the proxy") for proxy in proxies]
    if place.is_mirror:
        private.append((place.url, place.name))
    for url, name in private:
        parts = urlsplit(url if "//" in url else f"//{url}")
        for secret in filter(None, (url, parts.netloc, parts.hostname)):
            text = text.replace(secret, name)
    return text


def _in_words(answer: Answer) -> str:
    if not answer.reached:
        return "not reached"
    return f"answers in {answer.seconds:.2f} s{f': {answer.reason}' if answer.reason else ''}"


def _unreachable(answers: Sequence[Answer]) -> Iterator[tuple[str, str]]:
    for answer in answers:
        if not answer.reached:
            advice = (
                "Check the network, and HTTPS_PROXY if you need a proxy. Without a network, copy archives here and run "
                "`medmnist-np import FILE`."
            )
            if answer.is_mirror:
                advice = f"Correct {settings.MIRRORS_VARIABLE} or --mirror. The other servers are still tried."
            yield f"{answer.name} cannot be reached: {answer.reason}.", advice
