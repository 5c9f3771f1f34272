"""Whether the servers that data comes from can be reached: one byte of one file is asked of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from medmnist_np import registry
from medmnist_np.cache import http
from medmnist_np.cache.answers import explained

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
    known = [(record, archive) for record, _, archive in registry.known_archives() if registry.is_published(record)]
    for record, archive in sorted(known, key=lambda one: one[1].bytes or one[1].array_bytes):
        yield archive.url
        if isinstance(record, registry.VolumeInfo):
            yield from record.other_addresses
