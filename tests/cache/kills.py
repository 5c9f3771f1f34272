"""Kill a process that fetches, at every step that touches the disk and at random moments, and see what it leaves.

After each kill the cache must show nothing or everything, the next run must end with the right arrays without bringing
bytes again that were there, and nothing of the killed process may stay behind.

    python tests/cache/kills.py [--random 60] [--seed 0]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from medmnist_np._progress import is_download, silent
from medmnist_np.cache import store
from medmnist_np.cache.prepare import prepare
from medmnist_np.cache.settings import Settings
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import make_archive, make_arrays, serve

SIZE = 28
PROGRESS_STEP = 4  # of the updates of a bar, each so many counts as a step
EVENTS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.move", "socket.connect"}
# So that a child starts in milliseconds.
PRELOADED = ["__main__", "medmnist_np.cache.prepare", "pooch", "requests", "filelock", "isal.isal_zlib"]
RANDOM_PARTS = re.compile(r"~\d+~[0-9a-f]{8}|\.[0-9a-f]{8}\b|(?<=/)tmp\w{8}\b")


@dataclass
class Counts:
    """What was found after the kills."""

    killed: int = 0
    finished_first: int = 0  # the process was done before it could be killed
    nothing: int = 0  # published, seen right after the kill
    everything: int = 0
    for_clean: int = 0  # archives that could not be removed any more after everything was published
    resumed: int = 0  # next runs that went on from bytes that were there
    wrong: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)


class Steps:
    """Counts the steps of this process that touch the cache, and kills it at one of them."""

    def __init__(self, cache: Path, fatal: int | str | None) -> None:
        self.cache, self.fatal = str(cache), fatal
        self.names: list[str] = []
        sys.addaudithook(self._audited)
        sync = os.fsync
        os.fsync = lambda file: (self._step("os.fsync", str(Path(f"/proc/self/fd/{file}").readlink())), sync(file))[1]

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            self._step(event, "")
        elif event in EVENTS and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            if path.startswith(self.cache):
                self._step(event, path)

    def _step(self, event: str, path: str) -> None:
        name = f"{event} {RANDOM_PARTS.sub('*', path.removeprefix(self.cache))}".strip()
        if self.fatal in (name, len(self.names)):
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)

    def progress(self, task: str, total: int | None, done: int = 0) -> Bar:
        """Count every fourth update of a bar as a step."""
        return Bar(lambda n: self._step("progress", task) if n % PROGRESS_STEP == 0 else None)


class Bar:
    """A bar that is told how often it was updated."""

    def __init__(self, seen: Callable[[int], object]) -> None:
        self._seen, self._updates = seen, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _n_bytes: int, /) -> None:
        self._updates += 1
        self._seen(self._updates)


@dataclass
class Site:
    """A made-up archive, served on loopback, and what must come out of it."""

    record: DatasetInfo
    expected: dict[str, Any]

    @property
    def key(self) -> str:
        return self.record.storage_key(SIZE)

    def prepare(self, cache: Path, **options: Any) -> store.ArrayFolder:
        options.setdefault("progress", silent)
        return prepare(self.record.archive(SIZE), self.key, Settings(cache, (cache,)), **options)

    def is_right(self, folder: store.ArrayFolder) -> bool:
        return all(np.array_equal(folder.open(name), array) for name, array in self.expected.items())


@contextmanager
def site(folder: Path, n_samples: int = 1200) -> Iterator[Site]:
    """Make an archive of about 2.3 kB a sample in a folder and serve it for the block."""
    folder.mkdir()
    with serve(folder) as url:
        counts = {"train": n_samples, "test": n_samples // 4}
        record = make_archive(folder, "pathmnist", n_samples=counts, base_url=url)
        yield Site(record, make_arrays(record))


def child(site: Site, cache: Path, fatal: int | str | None, ready: Any, names: Any) -> None:
    """Prepare the archive; die at the step of that number."""
    steps = Steps(cache, fatal)
    ready.set()
    site.prepare(cache, progress=steps.progress)
    if names is not None:
        names.put(steps.names[:])


def start(site: Site, cache: Path, fatal: int | str | None, names: Any = None) -> multiprocessing.process.BaseProcess:
    """Start a child that is about to prepare the archive; it dies at the step of that number, or first of that name."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    ready = context.Event()
    process = context.Process(target=child, args=(site, cache, fatal, ready, names))
    process.start()
    ready.wait()
    return process


def trace(site: Site, cache: Path) -> list[str]:
    """Return the names of the steps of an undisturbed run."""
    names = multiprocessing.get_context("forkserver").SimpleQueue()
    process = start(site, cache, None, names)
    found: list[str] = names.get()
    process.join()
    return found


def leftovers(site: Site, cache: Path) -> set[str]:
    """Return what lies in a cache beside the published arrays and the locks."""
    published = {f"{array}.npy" for array in site.expected} | {"manifest.json"}
    wanted = {f"{store.ARRAYS}/{site.key}/{name}" for name in published}
    found = {path.relative_to(cache).as_posix() for path in cache.rglob("*") if not path.is_dir()}
    staging = {path.relative_to(cache).as_posix() for path in cache.rglob("*.staging")}
    return {name for name in found - wanted if not name.startswith("locks/")} | staging


def examine(site: Site, cache: Path, counts: Counts, step: str) -> None:
    """Look at what a killed process left, and let the next run finish."""
    found = store.find(site.key, [cache])
    counts.nothing += found is None
    counts.everything += found is not None
    if found is not None and not site.is_right(found):
        counts.wrong.append(f"{step}: the cache shows other arrays")
    downloads = cache / "downloads"
    files = downloads.iterdir() if downloads.is_dir() else ()
    held = max((path.stat().st_size for path in files if path.is_file() and ".json" not in path.name), default=0)
    begun: list[int] = []

    def progress(task: str, total: int | None, done: int = 0) -> Any:
        if is_download(task):
            begun.append(done)
        return silent(task, total, done)

    try:
        if not site.is_right(site.prepare(cache, progress=progress)):
            counts.wrong.append(f"{step}: the next run made other arrays")
    except Exception as error:  # noqa: BLE001  (any failure is the finding)
        counts.wrong.append(f"{step}: the next run failed: {type(error).__name__}: {error}")
    if begun and begun[0] < held:
        counts.wrong.append(f"{step}: {held} bytes were there, and the next run began at {begun[0]}")
    counts.resumed += held > 0
    rest = leftovers(site, cache)
    if found is not None:
        # A complete cache is only read: what was not removed in time waits for `medmnist-np clean`.
        counts.for_clean += bool(rest)
    elif rest:
        counts.wrong.append(f"{step}: left behind {sorted(rest)}")


def kill_at_steps(site: Site, folder: Path, every: int = 1) -> Counts:
    """Kill a child at each step (or every so many), each in a new cache."""
    counts = Counts()
    names = trace(site, folder / "whole")
    for number in range(0, len(names), every):
        cache = folder / f"step-{number}"
        process = start(site, cache, number)
        process.join()
        counts.killed += process.exitcode == -signal.SIGKILL
        counts.finished_first += process.exitcode == 0
        counts.steps[names[number]] += 1
        examine(site, cache, counts, f"step {number} ({names[number]})")
    return counts


def kill_at_random(site: Site, folder: Path, count: int, seed: int) -> Counts:
    """Kill children at random moments of the time that an undisturbed one takes."""
    counts, random = Counts(), np.random.default_rng(seed)
    process = start(site, folder / "whole", None)
    begin = time.perf_counter()
    process.join()
    whole = time.perf_counter() - begin
    for number in range(count):
        cache = folder / f"moment-{number}"
        process = start(site, cache, None)
        moment = float(random.uniform(0, whole))
        time.sleep(moment)
        process.kill()
        process.join()
        counts.killed += process.exitcode == -signal.SIGKILL
        counts.finished_first += process.exitcode == 0
        examine(site, cache, counts, f"after {moment:.4f} s of {whole:.4f} s")
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill processes that fetch, and see what they leave.")
    parser.add_argument("--random", type=int, default=60, help="how many random moments")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with site(folder / "small") as small, site(folder / "large", 12_000) as large:
            for title, counts in (
                ("every step", kill_at_steps(small, folder / "steps")),
                (
                    f"{given.random} random moments, seed {given.seed}",
                    kill_at_random(large, folder / "moments", given.random, given.seed),
                ),
            ):
                wrong += len(counts.wrong)
                print(f"{title}: killed {counts.killed}, done before the kill {counts.finished_first}")
                print(f"  then the cache showed nothing {counts.nothing}, everything {counts.everything}")
                print(f"  next runs that found bytes {counts.resumed}, archives left for clean {counts.for_clean}")
                print(f"  wrong {len(counts.wrong)}")
                for step, n in counts.steps.items():
                    print(f"  {n:4d} {step}")
                for report in counts.wrong:
                    print(f"  WRONG {report}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
