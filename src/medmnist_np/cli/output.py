"""How commands print: tables, paragraphs, JSON; and the options that many commands share."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, NoReturn, TextIO

import click

from medmnist_np._text import escaped, escaped_line
from medmnist_np.cache.settings import configure
from medmnist_np.errors import MedMNISTError

workers_option = click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Threads. Default: one for each processor."
)


def n_processors() -> int:
    """Return how many processors this process may use; where they are allotted, fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_WIDEST_TEXT = 100  # longer lines are hard to read
_BEFORE_TEXT = re.compile(r" *[A-Z][a-z]+( [a-z]+)?: +")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
root_option = click.option(
    "--root", type=click.Path(file_okay=False), help="The only folder to look in, in place of the cache.", metavar="DIR"
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add options that say where data comes from, and hand them to :func:`medmnist_np.configure`."""

    @click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Base url tried first; may be given again.")
    @click.option("--shared", multiple=True, metavar="DIR", help="Cache that is looked in first, never written to.")
    @click.option("--offline", is_flag=True, help="Open no socket.")
    @wraps(command)
    def configured(mirrors: tuple[str, ...], shared: tuple[str, ...], offline: bool, **rest: Any) -> Any:
        try:
            configure(shared=shared or None, mirrors=mirrors or None, offline=offline or None)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        try:
            return command(**rest)
        finally:
            configure()

    return configured


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Say which file could not be written, if the block fails to."""
    try:
        yield
    except MedMNISTError:
        raise
    except OSError as error:
        raise click.ClickException(f"{os.fspath(path)} could not be written: {error.strerror or error}.") from error


def end_interrupted(text: str) -> NoReturn:
    """Say that Ctrl-C was pressed and end, with the exit code that shells expect then."""
    say(f"\n{text}", err=True)  # the terminal has put ^C on the line
    sys.exit(130)


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text; control characters in it, which may come from a file of others, are shown as escapes."""
    click.echo(escaped(str(text)), err=err, nl=nl)


def say_json(value: Any) -> None:
    """Print a value as JSON; in ASCII, so that it is whole whatever the encoding of the output."""
    click.echo(json.dumps(value, indent=2, default=str))


def say_paragraph(text: str, indent: str = "") -> None:
    """Print a text in lines that the terminal holds; ``indent`` comes before all but the first."""
    say("\n".join(_wrapped(escaped(text), min(_WIDEST_TEXT, terminal_width() or _WIDEST_TEXT), indent)))


def say_lines(text: str, red: str = "") -> None:
    """Print lines as they are; on a terminal, one that is too long goes on below its text, behind its ``Title:``.

    ``red`` is shown in that colour where the text begins with it.
    """
    width = terminal_width()
    lines: list[str] = []
    for line in escaped(text).splitlines():
        if width is None or len(line) <= width or " " not in line.strip():
            lines.append(line)
            continue
        before = _BEFORE_TEXT.match(line)
        indent = len(before[0]) if before else len(line) - len(line.lstrip()) + 2
        lines += _wrapped(line, min(_WIDEST_TEXT, width), " " * indent)
    shown = "\n".join(lines)
    if red and shown.startswith(red):
        shown = click.style(red, fg="red") + shown.removeprefix(red)
    click.echo(shown)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Return lines in which no address and no path is broken."""
    return wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def say_table(rows: Sequence[Sequence[object]], head: Sequence[str], right: Sequence[int] = ()) -> None:
    """Print rows in columns; those numbered in ``right`` are set flush right.

    On a terminal that is too narrow, cells take several lines; in a file or a pipe each row is one line.
    """
    cells = [[escaped_line(str(cell)) for cell in row] for row in (head, *rows)]
    for line in table_lines(cells, right, terminal_width()):
        say(line)


def table_lines(rows: Sequence[Sequence[str]], right: Sequence[int], width: int | None) -> Iterator[str]:
    """Yield the lines of a table whose first row is the head, no wider than ``width`` if it is given.

    What does not fit is wrapped at spaces, in the columns that are not in ``right``. Where even the longest words do
    not fit side by side, each cell has a line of its own, behind its head.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    gap = "  "
    if width is not None and sum(widths) + len(gap) * (len(widths) - 1) > width:
        gap = " "
        least = [
            size if number in right else max(len(word) for cell in column for word in cell.split() or [""])
            for number, (column, size) in enumerate(zip(columns, widths, strict=True))
        ]
        while sum(widths) + len(widths) - 1 > width:
            loose = [number for number, size in enumerate(widths) if size > least[number]]
            if not loose:
                yield from _one_cell_a_line(rows, width)
                return
            widths[max(loose, key=widths.__getitem__)] -= 1
    for row in rows:
        parts = [
            [cell] if len(cell) <= size else wrap(cell, size, break_on_hyphens=False)
            for cell, size in zip(row, widths, strict=True)
        ]
        for line in zip_longest(*parts, fillvalue=""):
            cells = (
                cell.rjust(size) if number in right else cell.ljust(size)
                for number, (cell, size) in enumerate(zip(line, widths, strict=True))
            )
            yield gap.join(cells).rstrip()


def _one_cell_a_line(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    head, *rest = rows
    indent = max(map(len, head)) + 1
    for number, row in enumerate(rest):
        if number:
            yield ""
        for name, cell in zip(head, row, strict=True):
            if cell:
                yield from wrap(f"{name.ljust(indent)}{cell}", max(width, 2 * indent), subsequent_indent=" " * indent)


def show_what_cannot_be_encoded(stream: TextIO | None) -> None:
    """Have it written as an escape: on Windows a pipe is often not in UTF-8, and names of files may be any bytes."""
    if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at what is written to a stream; it is None where it was closed, as by ``>&-``."""
    return stream is not None and stream.isatty()


def terminal_width() -> int | None:
    """Return the columns of the terminal; None where the output is none."""
    return get_terminal_size().columns if is_terminal(sys.stdout) else None
