"""Process several archives at once, and show progress: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click

from medmnist_np import registry
from medmnist_np._files import readable
from medmnist_np._progress import Bar, Progress, is_download
from medmnist_np._text import escaped, escaped_line
from medmnist_np.cache.settings import Settings
from medmnist_np.cli.output import end_interrupted, is_terminal, say
from medmnist_np.data.arrays import find_here
from medmnist_np.errors import MedMNISTError, OfflineError, UnknownSizeError, short
from medmnist_np.registry import Archive, Record

# Seconds between two lines about one file if stderr is not a terminal.
_LINES_EVERY_S = 10.0


class Cancelled(BaseException):
    """Stops a worker at its next step, after the user pressed Ctrl-C."""


class _Work:
    """One piece of work. It stops at its next step after ``cancel`` is set."""

    total: int | None = None

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel

    def update(self, n_bytes: int, /) -> None:
        if self._cancel.is_set():
            raise Cancelled


class Display:
    """Show the progress of files that are fetched in several threads; this one shows nothing."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel

    @contextmanager
    def progress(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Show one piece of work, as a :class:`~medmnist_np._progress.Progress`."""
        yield _Work(self._cancel)

    def say(self, text: str) -> None:
        """Print a line between the bars."""

    def close(self) -> None:
        """Remove the bars."""


class Bars(Display):
    """Show a bar for each open file and one for the bytes of all downloads, on a terminal.

    The total of all downloads, and so the time left, is known only when the size of every file is.
    """

    def __init__(self, cancel: threading.Event, expected: dict[str, int | None]) -> None:
        from tqdm import tqdm

        super().__init__(cancel)
        self._expected = dict(expected)
        self._lock = threading.Lock()
        self._tqdm: Any = tqdm
        self._open: list[Any] = []
        self._all = self._bar("all downloads", self._total(), 0) if len(expected) > 1 else None

    def _bar(self, task: str, total: int | None, done: int) -> Any:
        return self._tqdm(desc=escaped_line(task), total=total, initial=done, unit="B", unit_scale=True, leave=False)

    def _total(self) -> int | None:
        sizes = list(self._expected.values())
        return None if None in sizes else sum(size or 0 for size in sizes)

    @contextmanager
    def progress(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Show a bar during a piece of work."""
        download = is_download(task)
        with self._bar(task, total, done) as bar:
            with self._lock:
                self._open.append(bar)
            try:
                if download and self._all is not None:
                    self._expect(task, total)
                    self._advance_all(done)
                yield _BarWork(self, task, bar, download=download)
            finally:
                with self._lock:
                    self._open.remove(bar)

    def _expect(self, task: str, total: int | None) -> None:
        if self._all is not None:
            with self._lock:
                self._expected[task] = total
                self._all.total = self._total()

    def _advance_all(self, n_bytes: int) -> None:
        if self._all is not None:
            with self._lock:
                self._all.update(n_bytes)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._tqdm.write(escaped(text), file=sys.stdout)

    def close(self) -> None:
        """Remove all bars, also those of workers that still wait for a server."""
        with self._lock:
            for bar in [*self._open, *([self._all] if self._all is not None else [])]:
                bar.close()


class _BarWork(_Work):
    def __init__(self, display: Bars, task: str, bar: Any, *, download: bool) -> None:
        super().__init__(display._cancel)
        self._display, self._task, self._bar, self._download = display, task, bar, download

    @property
    def total(self) -> int | None:
        return cast("int | None", self._bar.total)

    @total.setter
    def total(self, n_bytes: int | None) -> None:
        self._bar.total = n_bytes
        if self._download:
            self._display._expect(self._task, n_bytes)

    def update(self, n_bytes: int, /) -> None:
        super().update(n_bytes)
        self._bar.update(n_bytes)
        if self._download:
            self._display._advance_all(n_bytes)


class Lines(Display):
    """Print a line about each piece of work now and then, for log files."""

    @contextmanager
    def progress(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Print lines during a piece of work; none if it is short."""
        yield _LineWork(self._cancel, task, total, done)

    def say(self, text: str) -> None:
        """Print a line."""
        say(text)


class _LineWork(_Work):
    def __init__(self, cancel: threading.Event, task: str, total: int | None, done: int) -> None:
        super().__init__(cancel)
        self._task, self.total, self._first, self._done = task, total, done, done
        self._started = self._printed = time.monotonic()

    def update(self, n_bytes: int, /) -> None:
        super().update(n_bytes)
        self._done += n_bytes
        now = time.monotonic()
        if now - self._printed >= _LINES_EVERY_S:
            self._printed = now
            say(f"{self._task}: {self._state(now - self._started)}", err=True)

    def _state(self, elapsed: float) -> str:
        rate = max(0.0, (self._done - self._first) / elapsed)
        if self.total is None:
            return f"{readable(self._done)}, {readable(rate)}/s"
        left = f", {(self.total - self._done) / rate:.0f} s left" if rate else ""
        return f"{readable(self._done)} of {readable(self.total)}, {readable(rate)}/s{left}"


# Zenodo blocks clients that open more connections.
MOST_AT_ONCE = 2

# How long workers may take to stop after Ctrl-C; they cannot while they wait for a server.
_STOP_WITHIN_S = 2.0


@dataclass(frozen=True)
class Job:
    """One archive, or the named members of it."""

    record: Record
    size: int
    members: Sequence[str] = ()

    @property
    def title(self) -> str:
        """Name in messages."""
        return f"{self.record.qualified_name} {self.size}" if self.size else self.record.qualified_name

    @property
    def archive(self) -> Archive:
        """The archive."""
        return self.record.archive(self.size)

    @property
    def array_bytes(self) -> int:
        """Unpacked bytes of the archive or members; approximate for volumes."""
        if not self.members:
            return self.record.array_bytes(self.size)
        return sum(m.n_values for m in self.archive.members if m.name in self.members)

    @property
    def download_bytes(self) -> int | None:
        """Bytes to download, if known."""
        return None if self.members else self.archive.bytes

    @property
    def most_download_bytes(self) -> int:
        """Upper bound of the bytes to download: compression adds little even to random data."""
        return self.array_bytes + (64 << 10) if self.download_bytes is None else self.download_bytes

    def is_there(self, places: Settings) -> bool:
        """Return whether it is in a cache already."""
        return find_here(self.record, self.size, places, self.members) is not None


Outcome = Path | MedMNISTError


def wanted_sets(names: Sequence[str], size: str | None) -> list[tuple[Record, int]]:
    """Return the requested sets and sizes, each once; without names, all sets with the size."""
    if size is not None and size != "all" and not (size.isascii() and size.isdecimal()):
        raise click.UsageError(f"--size must be a number of pixels, such as 28 or 224, or all, not {short(size)}.")
    number = int(size) if size not in (None, "all") else None
    wanted: list[tuple[Record, int]] = []
    if not names:
        records = registry.datasets(size=28 if size is None else number)
        if not records:
            raise UnknownSizeError(f"No data set has size {size}. Sizes: 28, 64, 128, 224.")
        wanted = [(r, s) for r in records for s in (r.sizes if size == "all" else (number or 28,))]
    for name in names:
        record, named = registry.find(name)
        sizes = record.editions if size == "all" and named is None else (registry.resolve_size(name, number)[1],)
        wanted += [(record, one) for one in sizes]
    return list({(record.qualified_name, one): (record, one) for record, one in wanted}.values())


def run_jobs(
    jobs: Sequence[Job], work: Callable[[Job, Progress], Path], *, silenced: bool, new: Sequence[Job]
) -> list[tuple[Job, Outcome]]:
    """Process each job and return the outcomes in the order of the jobs; print a line for each new one.

    Ctrl-C stops all jobs and exits. Downloaded data is kept.
    """
    cancel = threading.Event()
    display = _display(new, cancel, silenced=silenced)
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    outcomes: dict[int, Outcome] = {}
    unexpected: list[BaseException] = []

    def work_on() -> None:
        while not cancel.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            started = time.monotonic()
            try:
                outcome = outcomes[id(job)] = work(job, display.progress)
                if job in new:
                    display.say(f"{job.title}: ready in {time.monotonic() - started:.1f} s, {outcome}")
            except MedMNISTError as error:
                outcomes[id(job)] = error
                say(f"{job.title}: failed\n{error}", err=True)
            except Cancelled:
                return
            except BaseException as error:  # noqa: BLE001  (raised again in the main thread)
                unexpected.append(error)
                cancel.set()

    # Daemons, so that a worker that waits for a server does not delay the exit after Ctrl-C.
    workers = [threading.Thread(target=work_on, daemon=True) for _ in range(min(MOST_AT_ONCE, len(jobs)))]
    try:
        for worker in workers:
            worker.start()
        _join(workers)
    except KeyboardInterrupt:
        cancel.set()
        _join(workers, within=_STOP_WITHIN_S)
        display.close()
        end_interrupted("Interrupted. Downloaded data is kept. Run the same command again to resume.")
    display.close()
    if unexpected:
        raise unexpected[0]
    return [(job, outcomes[id(job)]) for job in jobs]


def raise_failures(outcomes: Sequence[tuple[Job, Outcome]]) -> None:
    """Exit with code 1 and a list if some jobs failed."""
    failed = {job.title: outcome for job, outcome in outcomes if isinstance(outcome, MedMNISTError)}
    if failed:
        offline = all(isinstance(error, OfflineError) for error in failed.values())
        again = "" if offline else " Run the same command again to resume."
        raise click.ClickException(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}.{again}")


def _display(new: Sequence[Job], cancel: threading.Event, *, silenced: bool) -> Display:
    if silenced:
        return Display(cancel)
    if is_terminal(sys.stderr):
        return Bars(cancel, {job.archive.file_name: job.download_bytes for job in new})
    return Lines(cancel)


def _join(workers: Sequence[threading.Thread], within: float | None = None) -> None:
    """Wait for workers in short steps, so that Ctrl-C is noticed on every platform."""
    end = None if within is None else time.monotonic() + within
    for worker in workers:
        while worker.is_alive() and (end is None or time.monotonic() < end):
            worker.join(0.1)
