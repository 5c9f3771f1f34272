"""What drops cost: bytes on the wire for a file of 40 MB, ours against stock Pooch with its retries.

    python -m benchmarks.wire

Both download the same file from the same kind of server on this machine, once each. The server counts the bytes of the
bodies that it sends.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.fault_server import Drop, FaultServer, Step

SIZE = 40_000_000
EVERY = 100_000
RETRIES = 3  # of Pooch, which waits 1 s, 2 s, 3 s before them
AT_MOST = 1.02
ETAG = '"the same for all"'  # else the server would hash the file at each request

Download = Callable[[str, Path, str], object]


@dataclass(frozen=True)
class Result:
    """What one download took: bytes of bodies, requests, seconds, and what it gave."""

    wire_bytes: int
    requests: int
    seconds: float
    outcome: str

    @property
    def ratio(self) -> float:
        return self.wire_bytes / SIZE

    @property
    def met(self) -> bool:
        return self.outcome == "complete" and self.ratio <= AT_MOST


def ours(url: str, folder: Path, digest: str) -> None:
    from medmnist_np.cache.download import ResumingDownloader

    files = _pooch(url, folder, digest, retries=0)
    files.fetch("x.npz", downloader=ResumingDownloader(folder / "x.npz.part", expected_bytes=SIZE))


def stock(url: str, folder: Path, digest: str) -> None:
    import pooch

    _pooch(url, folder, digest, retries=RETRIES).fetch("x.npz", downloader=pooch.HTTPDownloader())


def _pooch(url: str, folder: Path, digest: str, retries: int) -> Any:
    import pooch

    return pooch.create(
        path=folder, base_url="", registry={"x.npz": digest}, urls={"x.npz": url}, retry_if_failed=retries
    )


def measured(download: Download, data: bytes, steps: Sequence[Step], then: Step | None) -> Result:
    """Download the data from a server with a plan."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    with FaultServer() as server, tempfile.TemporaryDirectory() as folder:
        file = server.file("x.npz", data).plan(*steps, then=then)
        start = time.perf_counter()
        try:
            download(file.url, Path(folder), digest)
            outcome = "complete"
        except Exception as error:  # noqa: BLE001  (that it fails is the finding)
            outcome = f"failed: {type(error).__name__}"
        seconds = time.perf_counter() - start
        return Result(file.body_bytes, len(file.requests), seconds, outcome)


def main() -> int:
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    data = random.Random(0).randbytes(SIZE)  # noqa: S311
    late = Drop(after=SIZE * 3 // 4, etag=ETAG)
    plans: dict[str, tuple[Sequence[Step], Step | None]] = {
        f"a drop every {EVERY // 1000} kB": ((), Drop(after=EVERY, etag=ETAG)),
        "three drops, each after 30 MB of an answer": ((late, late, late), None),
    }
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("pooch", "requests"))
    print(f"\n## Bytes on the wire for a file of {SIZE / 1e6:.0f} MB\n")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {platform.system()}, Python {platform.python_version()},")
    print(f"{versions}\n")
    print("| server | client | bytes | of the file | requests | seconds | outcome |")
    print("|---|---|---|---|---|---|---|")
    met = True
    for title, (steps, then) in plans.items():
        for client, download in (("this", ours), (f"stock Pooch, {RETRIES} retries", stock)):
            found = measured(download, data, steps, then)
            met = met and (download is not ours or found.met)
            cells = (title, client, found.wire_bytes, f"{found.ratio:.3f} x", found.requests, f"{found.seconds:.1f}")
            print(f"| {' | '.join(map(str, cells))} | {found.outcome} |", flush=True)
    print(f"\nTarget of this package: complete, at most {AT_MOST} x: {'met' if met else '**missed**'}.")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
