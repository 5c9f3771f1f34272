"""Progress of several files at once: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, cast

from medmnist_np._controls import escaped, escaped_line
from medmnist_np._files import readable
from medmnist_np._progress import Bar, is_download
from medmnist_np.cli.output import say

# Between two lines about one file, where stderr is no terminal.
_LINES_EVERY_S = 10.0


class Cancelled(BaseException):
    """Raised in a worker at its next step of progress, after the user pressed Ctrl-C."""


class Display(Protocol):
    """Shows the progress of files that are fetched in several threads. Safe to call from any of them."""

    def progress(self, task: str, total: int | None, done: int = 0) -> AbstractContextManager[Bar]:
        """Show one piece of work; it is a :class:`~medmnist_np._progress.Progress`."""

    def say(self, text: str) -> None:
        """Print a line between the bars."""

    def close(self) -> None:
        """Take the bars away."""


class _Work:
    """One piece of work, and whether it should stop."""

    total: int | None = None

    def __init__(self, cancel: threading.Event) -> None:
        self.cancel = cancel

    def update(self, n_bytes: int, /) -> None:
        if self.cancel.is_set():
            raise Cancelled


class Silent:
    """Shows nothing."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel

    @contextmanager
    def progress(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Show nothing of a piece of work."""
        yield _Work(self._cancel)

    def say(self, text: str) -> None:
        """Print nothing."""

    def close(self) -> None:
        """Do nothing."""


class Bars:
    """A bar for each file at work and one for the bytes of all downloads, on a terminal.

    The total of all is known, and with it the time left, only once the size of every file is.
    """

    def __init__(self, cancel: threading.Event, expected: dict[str, int | None]) -> None:
        from tqdm import tqdm

        self._cancel = cancel
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
        """Show a bar while a piece of work goes on."""
        download = is_download(task)
        with self._bar(task, total, done) as bar, self._among_open(bar):
            if download and self._all is not None:
                self._expect(task, total)
                self._advance_all(done)
            yield _BarWork(self, task, bar, download=download)

    @contextmanager
    def _among_open(self, bar: Any) -> Iterator[None]:
        with self._lock:
            self._open.append(bar)
        try:
            yield
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
        """Take all bars away, also those of workers that still wait for a server."""
        with self._lock:
            for bar in [*self._open, *([self._all] if self._all is not None else [])]:
                bar.close()


class _BarWork:
    def __init__(self, display: Bars, task: str, bar: Any, *, download: bool) -> None:
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
        if self._display._cancel.is_set():
            raise Cancelled
        self._bar.update(n_bytes)
        if self._download:
            self._display._advance_all(n_bytes)


class Lines:
    """A line about each piece of work now and then: for log files."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel

    @contextmanager
    def progress(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Print lines while a piece of work goes on; none if it is short."""
        yield _LineWork(self._cancel, task, total, done)

    def say(self, text: str) -> None:
        """Print a line."""
        say(text)

    def close(self) -> None:
        """Do nothing."""


class _LineWork(_Work):
    def __init__(self, cancel: threading.Event, task: str, total: int | None, done: int) -> None:
        super().__init__(cancel)
        self._task, self.total, self._first, self._done = task, total, done, done
        self._started = self._told = time.monotonic()

    def update(self, n_bytes: int, /) -> None:
        super().update(n_bytes)
        self._done += n_bytes
        now = time.monotonic()
        if now - self._told >= _LINES_EVERY_S:
            self._told = now
            say(f"{self._task}: {self._state(now - self._started)}", err=True)

    def _state(self, elapsed: float) -> str:
        rate = max(0.0, (self._done - self._first) / elapsed)
        if self.total is None:
            return f"{readable(self._done)}, {readable(rate)}/s"
        left = f", {(self.total - self._done) / rate:.0f} s left" if rate else ""
        return f"{readable(self._done)} of {readable(self.total)}, {readable(rate)}/s{left}"
