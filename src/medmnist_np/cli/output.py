"""Print text, tables and JSON, and report errors, for all commands."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from medmnist_np._text import escaped, escaped_line
from medmnist_np.errors import MedMNISTError

if TYPE_CHECKING:
    from medmnist_np.metrics import Interval

_WIDEST_TEXT = 100  # longer lines are hard to read
_BEFORE_TEXT = re.compile(r" *[A-Z][a-z]+( [a-z]+)?: +")


def n_processors() -> int:
    """Return how many processors this process may use, which a scheduler may have limited."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def value_errors(
    kind: type[click.ClickException] = click.UsageError, passing: type[Exception] | tuple[()] = MedMNISTError
) -> Iterator[None]:
    """Report a ValueError of the library as wrong usage (exit code 2), or a failure (1) with ``click.ClickException``.

    Errors in ``passing`` are not changed; ``cli/__init__.py`` reports them.
    """
    try:
        yield
    except passing:
        raise
    except ValueError as error:
        raise kind(str(error)) from error


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file if the block cannot write it."""
    try:
        yield
    except MedMNISTError:
        raise
    except OSError as error:
        raise click.ClickException(f"{os.fspath(path)} could not be written: {error.strerror or error}.") from error


def end_interrupted(text: str) -> NoReturn:
    """Print a message and exit with the code that shells expect after Ctrl-C."""
    say(f"\n{text}", err=True)  # the terminal has put ^C on the line
    sys.exit(130)


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text. Control characters, which may come from untrusted files, are escaped."""
    shown = escaped(str(text))
    click.echo(wrapped_message(shown) if err else shown, err=err, nl=nl)


def say_json(value: Any) -> None:
    """Print a value as JSON, in ASCII, which every encoding of the output can represent."""
    click.echo(json.dumps(value, indent=2, default=str))


def say_paragraph(text: str, indent: str = "") -> None:
    """Print text wrapped at the width of the terminal; ``indent`` precedes all lines except the first."""
    say("\n".join(_wrapped(escaped(text), min(_WIDEST_TEXT, terminal_width() or _WIDEST_TEXT), indent)))


def say_lines(text: str, red: str = "") -> None:
    """Print lines. On a terminal, long lines are wrapped and continue below their text, after their ``Title:``.

    ``red`` is a prefix of the text to print in red.
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


def wrapped_message(text: str, before: str = "") -> str:
    """Return a message for stderr, wrapped at the width of the terminal; ``before`` will precede it."""
    if not is_terminal(sys.stderr):
        return text
    width = min(_WIDEST_TEXT, get_terminal_size().columns)
    lines = [part for line in f"{before}{text}".split("\n") for part in _wrapped(line, width, "") or [""]]
    return "\n".join(lines).removeprefix(before)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Return lines in which URLs and paths are not broken."""
    return wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def say_table(rows: Sequence[Sequence[object]], head: Sequence[str], right: Sequence[int] = ()) -> None:
    """Print a table; the columns with the numbers in ``right`` are right-aligned.

    On a narrow terminal, cells take several lines. In a file or a pipe, each row is one line.
    """
    for row in filter(None, table_rows(rows, head, right)):
        say(row)


def table_rows(rows: Sequence[Sequence[object]], head: Sequence[str], right: Sequence[int] = ()) -> list[str]:
    """Return the head and the rows of a table as text, each as wide as the terminal allows."""
    cells = [[escaped_line(str(cell)) for cell in row] for row in (head, *rows)]
    return list(fitted(cells, right, terminal_width()))


def fitted(rows: Sequence[Sequence[str]], right: Sequence[int], width: int | None) -> Iterator[str]:
    """Yield each row of a table, whose first row is the head, in lines no wider than ``width``, if given.

    Cells that do not fit are wrapped at spaces, in the columns that are not in ``right``. If even the longest words do
    not fit side by side, each cell is on its own line, after its head, and the first row is empty.
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
        lines = (
            gap.join(
                cell.rjust(size) if number in right else cell.ljust(size)
                for number, (cell, size) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in zip_longest(*parts, fillvalue="")
        )
        yield "\n".join(lines)


def _one_cell_a_line(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    head, *rest = rows
    indent = max(map(len, head)) + 1
    yield ""
    for number, row in enumerate(rest):
        lines = [
            line
            for name, cell in zip(head, row, strict=True)
            if cell
            for line in wrap(f"{name.ljust(indent)}{cell}", max(width, 2 * indent), subsequent_indent=" " * indent)
        ]
        yield "\n".join(["", *lines] if number else lines)


def interval_ends(interval: Interval) -> str:
    """Return the ends of a confidence interval as text."""
    return "(no interval)" if math.isnan(interval.low) else f"({interval.low:.3f} to {interval.high:.3f})"


def show_what_cannot_be_encoded(stream: TextIO | None) -> None:
    """Print other characters as escapes: pipes on Windows are often not UTF-8, and file names may be any bytes."""
    if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; it is None if it was closed, for example with ``>&-``."""
    return stream is not None and stream.isatty()


def terminal_width() -> int | None:
    """Return the width of the terminal, or None if the output is not a terminal."""
    return get_terminal_size().columns if is_terminal(sys.stdout) else None


# Arguments of the library -> parameters of commands with another name.
_ARGUMENTS = {"max_distance": "near"}
_CALL_OR_ARGUMENT = re.compile(
    r"\w+\([^()]*\)|\b(?P<name>[a-z_]+)=(?:True|['\"](?P<text>[^'\"]*)['\"]|(?P<value>[\w.]*\w))?"
    r"|^(?P<first>[a-z_]+)(?= (?:is|are|has|must|names) )"
)


def with_options(text: str, command: click.Command) -> str:
    """Return a message of the library with the options of a command in place of Python arguments.

    ``recipe='crop'`` becomes ``--recipe crop``, ``channels='gray'`` becomes ``--gray`` (an option with that value), and
    ``ratio must be`` at the start becomes ``--split must be``. Calls
    such as ``configure(offline=True)`` are not changed.
    """
    options = {
        str(parameter.name): next((option for option in parameter.opts if option.startswith("--")), "")
        for parameter in command.params
        if isinstance(parameter, click.Option)
    }
    flags = {
        (str(parameter.name), parameter.flag_value): parameter.opts[0]
        for parameter in command.params
        if isinstance(parameter, click.Option) and isinstance(parameter.flag_value, str)
    }

    def option(match: re.Match[str]) -> str:
        name = match["name"] or match["first"] or ""
        found = options.get(name) or options.get(_ARGUMENTS.get(name, ""))
        if (name, match["text"]) in flags:
            return flags[name, match["text"]]
        value = "''" if match["text"] == "" else match["text"] or match["value"] or ""
        return f"{found} {value}".rstrip() if found else match[0]

    return _CALL_OR_ARGUMENT.sub(option, text)
