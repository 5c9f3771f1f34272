"""Progress of long tasks: a bar that appears after two seconds, or an object that the caller passes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, Self, cast

from medmnist_np._text import escaped_line

# Shorter work shows no bar.
_DELAY_S = 2.0


class Bar(Protocol):
    """The progress of one task. ``total``, in bytes, may become known only during the task."""

    total: int | None

    def update(self, n_bytes: int, /) -> object:
        """Add finished bytes. A negative number means bytes that must be done again."""


class Progress(Protocol):
    """Starts a bar: ``with progress("pathmnist.npz", total=205_615_438, done=1024) as bar: bar.update(4096)``.

    Implementers can rely on this: only one thread calls it at a time, possibly not the main thread. ``total`` is in
    bytes, or ``None`` if unknown.
    """

    def __call__(self, task: str, total: int | None, done: int = 0) -> AbstractContextManager[Bar]:
        """Return a context manager that shows the bar until it exits."""


def bars(task: str, total: int | None, done: int = 0) -> AbstractContextManager[Bar]:
    """Show a tqdm bar on stderr, or in a notebook; nothing if stderr is not a terminal or ``TQDM_DISABLE=1``."""
    from tqdm.auto import tqdm

    bar = tqdm(
        desc=escaped_line(task),
        total=total,
        initial=done,
        unit="B",
        unit_scale=True,
        delay=_DELAY_S,
        disable=None,
        leave=False,
    )
    return cast("AbstractContextManager[Bar]", bar)


class _NoBar:
    total: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n_bytes: int, /) -> None:
        pass


def silent(task: str, total: int | None, done: int = 0) -> AbstractContextManager[Bar]:
    """Show no progress bar: ``progress=mm.data.silent``, for every function that takes ``progress``.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> images, labels = mm.load("breastmnist", "test", progress=mm.data.silent)
    """
    return _NoBar()


# Prefixes of the file name in tasks that are not downloads.
CHECKING = "checking "
UNPACKING = "unpacking "


def is_download(task: str) -> bool:
    """Return whether a task, as given to a :class:`Progress`, is a download."""
    return not task.startswith((CHECKING, UNPACKING))
