"""``doctor``: what a bug report needs: versions, settings, the cache, servers and problems."""

from __future__ import annotations

import os
import platform
import re
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path
from urllib.parse import urlsplit

import click

from medmnist_np import _files, registry
from medmnist_np._text import escaped_line
from medmnist_np._version import __version__
from medmnist_np.cache import http, locations, settings, store
from medmnist_np.cache.manifest import NewerFormatError
from medmnist_np.cli.options import json_option, root_option, source_options
from medmnist_np.cli.output import n_processors, say, say_json, say_lines
from medmnist_np.errors import CacheError

Problems = list[tuple[str, str]]
"""What is wrong, and what to do."""

_IMPORTED_AS = {"pillow": "PIL"}
_EXTRAS_OF_USERS = r"extra == ['\"](?!dev|docs|test)"

# Settings of other programs that matter. Their values may hold passwords, so only whether they are set is shown.
_VARIABLES = {
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("CURL_CA_BUNDLE", "NETRC", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("NO_COLOR", "TQDM_DISABLE", "XDG_CACHE_HOME"),
}

_PATIENCE = http.Patience(connect=5.0, read=5.0)
_LONGEST_S = 15.0  # looking up a host name has no time-out of its own
_MIRROR = "mirror "  # instead of its address, which may be private


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
    }
    network: dict[str, str] | None = None
    try:
        places = settings.current(root)
    except CacheError as error:
        problems.append((shown(error), "Correct this first: the cache and the servers were not checked."))
    else:
        tables["cache"] = dict(_cache(places, problems))
        network = None if places.offline else _network(servers(places.mirrors), problems)
    if as_json:
        listed = [{"problem": problem, "advice": advice} for problem, advice in problems]
        say_json({"cache": {}, **tables, "network": network, "problems": listed})
    else:
        for title, table in {**tables, "network": network or {"servers": "not asked"}}.items():
            say(title.capitalize())
            width = max(map(len, table), default=0)
            for name, value in table.items():
                say(f"  {escaped_line(name.ljust(width))}  {escaped_line(str(value))}".rstrip())
            say()
        if not problems:
            asked = " Servers were not asked." if network is None else ""
            click.echo(click.style("No problems found.", fg="green") + asked)
        for number, (problem, advice) in enumerate(problems, 1):
            say_lines(f"Problem {number}: {problem}\n    {advice}", red=f"Problem {number}:")
    ctx.exit(1 if problems else 0)


def shown(path: object) -> str:
    """Return a path, or a text with paths in it, with ``~`` in place of the home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111  (that of pathlib fails where there is no home)
    text = str(path)
    return re.sub(rf"{re.escape(home)}(?=[/\\]|$)", "~", text) if len(home) > 1 else text


def _packages(problems: Problems) -> Iterator[tuple[str, str]]:
    """Yield the versions of the required packages, and of those of the extras that are installed."""
    try:
        requirements = metadata.requires("medmnist-np") or []
    except metadata.PackageNotFoundError:  # it runs from a folder of sources
        return
    for requirement in requirements:
        name = re.split(r"[^A-Za-z0-9_.-]", requirement)[0]
        is_required = "extra ==" not in requirement
        if is_required:
            try:
                import_module(_IMPORTED_AS.get(name, name))
            except ImportError as error:
                problems.append((f"{name} cannot be imported: {shown(error)}.", f"pip install --upgrade {name}"))
        if is_required or re.search(_EXTRAS_OF_USERS, requirement):
            with suppress(metadata.PackageNotFoundError):
                yield name, metadata.version(name)


def _variables() -> Iterator[tuple[str, str]]:
    for name, value in sorted(os.environ.items()):
        if name.startswith("MEDMNIST_NP_") and "COMPLETE" not in name:
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
    yield "free", _files.readable(_files.free_bytes(folder))
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
    for item in items:
        if item.kind == "arrays":
            problems += _damage(item)


def _refusal(folder: Path) -> str:
    """Return why a folder cannot be written to, or made if it is missing; an empty text if it can."""
    try:
        with tempfile.TemporaryFile(dir=next(path for path in (folder, *folder.parents) if path.exists())):
            return ""
    except OSError as error:
        return str(error.strerror or error)


def _damage(item: locations.Item) -> Problems:
    """Return the problem of arrays that cannot be opened."""
    advice = f"Run `medmnist-np clean {item.path.name.partition('-')[0]}`, then download it again."
    try:
        return [] if store.at(item.path) is not None else [(f"{item.name} is damaged: it has no manifest.", advice)]
    except NewerFormatError as error:
        return [(shown(error), f"To use another cache folder, set {_files.CACHE_VARIABLE}.")]
    except CacheError as error:
        return [(f"{item.name} is damaged: {shown(error)}", advice)]


def servers(mirrors: Sequence[str]) -> dict[str, str]:
    """Return the URL of a file on each mirror, which need not have it, and on each server of published data sets."""
    urls = {f"{_MIRROR}{number}": f"{url.rstrip('/')}/breastmnist.npz" for number, url in enumerate(mirrors, 1)}
    for record, size, _ in registry.known_archives():
        if registry.is_published(record):
            urls.update((str(urlsplit(url).hostname), url) for url in record.addresses(size))
    return urls


def _network(urls: Mapping[str, str], problems: Problems) -> dict[str, str]:
    answers = reach(urls)
    failed = [name for name, (works, _) in answers.items() if not works]
    if failed:
        advice = (
            f"Check the network, HTTPS_PROXY if you need a proxy, and {settings.MIRRORS_VARIABLE} if you use mirrors. "
            "Without a network, copy archives here and run `medmnist-np import FILE`."
        )
        problems.append((f"Downloads from {', '.join(failed)} are not possible.", advice))
    return {name: answer for name, (_, answer) in answers.items()}


def reach(urls: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Ask all servers at once for a byte. Return within 15 seconds whether each can be used, and its answer."""
    answers = dict.fromkeys(urls, (False, f"no answer within {_LONGEST_S:.0f} s"))
    end = time.monotonic() + _LONGEST_S

    def ask(name: str, url: str) -> None:
        answers[name] = _answer(name, url)

    # Daemons: one that hangs must not delay the exit.
    askers = [threading.Thread(target=ask, args=item, daemon=True) for item in urls.items()]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(max(0.0, end - time.monotonic()))
    return dict(answers)


def _answer(name: str, url: str) -> tuple[bool, str]:
    from requests.utils import get_environ_proxies

    started = time.monotonic()
    try:
        with http.session() as session, http.answer(session, url, {"Range": "bytes=0-0"}, _PATIENCE) as answer:
            status = answer.status_code
    except (http.Transient, http.Permanent) as error:
        # Messages may name mirrors and proxies, which may be private.
        is_private = name.startswith(_MIRROR) or get_environ_proxies(url)
        return False, f"not reached ({type(error.__cause__).__name__})" if is_private else str(error)
    seconds = f"answers in {time.monotonic() - started:.2f} s"
    if status == 200:
        return True, f"{seconds}: no Range requests, so downloads cannot resume"
    if status == 206:
        return True, seconds
    return name.startswith(_MIRROR) and status == 404, f"{seconds}: HTTP {status}{http.explained(status)}"
