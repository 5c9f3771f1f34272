"""Measure two things in turn, A B A B ..., so that both see the same weather, and print medians and ratios.

The process that calls this stays small and imports no NumPy: on Linux a child's peak memory is never reported as less
than what its parent held when it was started.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

# An interpreter whose environment has the official package, for the rows that compare with it.
OFFICIAL_PYTHON = os.environ.get("MEDMNIST_OFFICIAL_PYTHON")

# An interpreter whose environment has this package with the extra `interop`.
INTEROP_PYTHON = os.environ.get("MEDMNIST_INTEROP_PYTHON")

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


@dataclass(frozen=True, slots=True)
class Run:
    """One whole process: wall-clock seconds, seconds of CPU, peak of resident memory in MB (1e6 bytes), its output."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    printed: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two series that were measured in turn; ``ratios`` are those of neighbours."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def differences(self) -> list[float]:
        return [a - b for a, b in zip(self.ours, self.theirs, strict=True)]


def process(*arguments: str, python: str = sys.executable) -> Run:
    """Run a Python process to its end."""
    # pip compiles what it installs. So that a source tree is not compared with that, the first run leaves bytecode.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    reader, writer = os.pipe()
    start = perf_counter()
    child = os.posix_spawn(
        python, [python, *arguments], environment, file_actions=[(os.POSIX_SPAWN_DUP2, writer, sys.stdout.fileno())]
    )
    os.close(writer)
    with os.fdopen(reader) as stream:
        printed = stream.read()
    _, status, usage = os.wait4(child, 0)
    seconds = perf_counter() - start
    if status:
        raise SystemExit(f"{python} {' '.join(arguments)} failed")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _MAXRSS_BYTES / 1e6, printed)


def in_turn(ours: Callable[[], Any], theirs: Callable[[], Any], n_pairs: int) -> tuple[list[Any], list[Any]]:
    """Call one and the other, in turn, once unmeasured and then ``n_pairs`` times; return what they returned."""
    ours(), theirs()
    results = [(ours(), theirs()) for _ in range(n_pairs)]
    return [a for a, _ in results], [b for _, b in results]


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a fresh process of its own, to keep this one small."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def heading(title: str, first: str = "this", second: str = "the other") -> None:
    """Print the title, the machine and the head of the table that :func:`row` fills."""
    versions = ", ".join(f"{name} {_version(name)}" for name in ("numpy", "medmnist-np", "isal"))
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n## {title}\n")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {_processor()}, {os.cpu_count()} cores, load {load};")
    print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {versions}\n")
    print(f"| what | {first} | {second} | {first} / {second}: median (least to most) | pairs | target | |")
    print("|---|---|---|---|---|---|---|")


def process_rows(
    what: str,
    ours: Sequence[Run],
    theirs: Sequence[Run],
    *,
    at_most: float | None = None,
    at_most_mb: float | None = None,
) -> None:
    """Print time, CPU time (which a busy machine disturbs less) and peak memory of processes."""
    row(what, Pairs([run.seconds for run in ours], [run.seconds for run in theirs]), "s", at_most=at_most)
    row("- CPU time", Pairs([run.cpu_seconds for run in ours], [run.cpu_seconds for run in theirs]), "s")
    memory = Pairs([run.peak_mb for run in ours], [run.peak_mb for run in theirs])
    difference_row("- peak memory", memory, "MB", at_most=at_most_mb)


def row(what: str, pairs: Pairs, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> None:
    """Print the ratio of two series, and whether its median meets the target."""
    _print_row(what, pairs, unit, pairs.ratios, "x", at_most, at_least)


def difference_row(what: str, pairs: Pairs, unit: str, *, at_most: float | None = None) -> None:
    """Print the difference of two series, and whether its median meets the target."""
    _print_row(what, pairs, unit, pairs.differences, unit, at_most, None)


def _print_row(
    what: str, pairs: Pairs, unit: str, found: list[float], of: str, at_most: float | None, at_least: float | None
) -> None:
    ours, theirs, median = (statistics.median(values) for values in (pairs.ours, pairs.theirs, found))
    target, verdict = "", ""
    if at_most is not None:
        target, verdict = f"at most {at_most} {of}", "met" if median <= at_most else "**missed**"
    if at_least is not None:
        target, verdict = f"at least {at_least} {of}", "met" if median >= at_least else "**missed**"
    spread = f"{median:.3g} {of} ({min(found):.3g} to {max(found):.3g})"
    print(f"| {what} | {ours:.4g} {unit} | {theirs:.4g} {unit} | {spread} | {len(found)} | {target} | {verdict} |")
    sys.stdout.flush()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
