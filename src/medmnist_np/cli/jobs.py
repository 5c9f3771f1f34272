"""Work on many archives: two at a time, so that one is unpacked while the next is downloading."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from medmnist_np import registry
from medmnist_np._progress import Progress
from medmnist_np.cache.settings import Settings
from medmnist_np.cli.display import Bars, Cancelled, Display, Lines, Silent
from medmnist_np.cli.output import end_interrupted, is_terminal, say
from medmnist_np.data.arrays import find_here
from medmnist_np.errors import MedMNISTError, OfflineError, UnknownSizeError
from medmnist_np.registry import Archive, DatasetInfo

# Zenodo blocks those who open more.
MOST_AT_ONCE = 2

# How long workers may take to stop after Ctrl-C; they cannot while they wait for a server.
_STOP_WITHIN_S = 2.0


@dataclass(frozen=True)
class Job:
    """One archive, or the named members of it."""

    record: DatasetInfo
    size: int
    members: Sequence[str] = ()

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.record.qualified_name} {self.size}" if self.size else self.record.qualified_name

    @property
    def archive(self) -> Archive:
        """The archive."""
        return self.record.archive(self.size)

    @property
    def array_bytes(self) -> int:
        """Bytes when unpacked, of what is wanted; of volumes, about so many."""
        if not self.members:
            return self.record.array_bytes(self.size)
        return sum(m.n_values for m in self.archive.members if m.name in self.members)

    @property
    def download_bytes(self) -> int | None:
        """Bytes to download, where they are known."""
        return None if self.members else self.archive.bytes

    @property
    def most_download_bytes(self) -> int:
        """Bytes to download at the most: what cannot be compressed is stored, and little is added."""
        return self.array_bytes + (64 << 10) if self.download_bytes is None else self.download_bytes

    def is_there(self, places: Settings) -> bool:
        """Whether it is in a cache already."""
        return find_here(self.record, self.size, places, self.members) is not None


Outcome = Path | MedMNISTError


def wanted_sets(names: Sequence[str], size: str | None) -> list[tuple[DatasetInfo, int]]:
    """Return which sets and sizes are meant, each once; without names all sets that come in the size."""
    if size is not None and size != "all" and not (size.isascii() and size.isdecimal()):
        raise click.UsageError(f"--size is a number of pixels, as 28 or 224, or all, not {size!r}.")
    number = int(size) if size not in (None, "all") else None
    wanted: list[tuple[DatasetInfo, int]] = []
    if not names:
        records = registry.datasets(size=28 if size is None else number)
        if not records:
            raise UnknownSizeError(f"No data set comes in size {size}. The sizes are 28, 64, 128 and 224.")
        wanted = [(r, s) for r in records for s in (r.sizes if size == "all" else (number or 28,))]
    for name in names:
        record, named = registry.find(name)
        sizes = record.editions if size == "all" and named is None else (registry.resolve_size(name, number)[1],)
        wanted += [(record, one) for one in sizes]
    return list({(record.qualified_name, one): (record, one) for record, one in wanted}.values())


def run_jobs(
    jobs: Sequence[Job], work: Callable[[Job, Progress], Path], *, silenced: bool, new: Sequence[Job]
) -> list[tuple[Job, Outcome]]:
    """Do the work of each job and return the outcomes in the order of the jobs; say so of those that are new.

    Ctrl-C stops all and exits: what has arrived stays.
    """
    cancel = threading.Event()
    display = _display(new, cancel, silenced=silenced)
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    outcomes: dict[int, Outcome] = {}
    unforeseen: list[BaseException] = []

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
                unforeseen.append(error)
                cancel.set()

    # Daemons: one that waits for a server must not hold up the exit after Ctrl-C.
    workers = [threading.Thread(target=work_on, daemon=True) for _ in range(min(MOST_AT_ONCE, len(jobs)))]
    try:
        for worker in workers:
            worker.start()
        _join(workers)
    except KeyboardInterrupt:
        cancel.set()
        _join(workers, within=_STOP_WITHIN_S)
        display.close()
        end_interrupted("Interrupted. What has arrived is kept: run the same again to go on.")
    display.close()
    if unforeseen:
        raise unforeseen[0]
    return [(job, outcomes[id(job)]) for job in jobs]


def raise_failures(outcomes: Sequence[tuple[Job, Outcome]]) -> None:
    """End with exit code 1 and a list, if some failed."""
    failed = {job.title: outcome for job, outcome in outcomes if isinstance(outcome, MedMNISTError)}
    if failed:
        offline = all(isinstance(error, OfflineError) for error in failed.values())
        again = "" if offline else " Run the same again to go on."
        raise click.ClickException(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}.{again}")


def _display(new: Sequence[Job], cancel: threading.Event, *, silenced: bool) -> Display:
    if silenced:
        return Silent(cancel)
    if is_terminal(sys.stderr):
        return Bars(cancel, {job.archive.file_name: job.download_bytes for job in new})
    return Lines(cancel)


def _join(workers: Sequence[threading.Thread], within: float | None = None) -> None:
    """Wait for workers in short steps, so that Ctrl-C is noticed on every platform."""
    end = None if within is None else time.monotonic() + within
    for worker in workers:
        while worker.is_alive() and (end is None or time.monotonic() < end):
            worker.join(0.1)
