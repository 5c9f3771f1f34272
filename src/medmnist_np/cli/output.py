"""How the commands say things: tables, JSON, sizes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NoReturn

import click

from medmnist_np.cache.settings import configure

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
root_option = click.option(
    "--root", type=click.Path(file_okay=False), help="Folder to use in place of the cache.", metavar="DIR"
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


def end_interrupted(text: str) -> NoReturn:
    """Say that Ctrl-C was pressed and end, with the exit code that shells expect then."""
    click.echo(f"\n{text}", err=True)  # the terminal has put ^C on the line
    sys.exit(130)


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say_table(rows: Sequence[Sequence[object]], head: Sequence[str], right: Sequence[int] = ()) -> None:
    """Print rows in columns; those numbered in ``right`` are set flush right."""
    cells = [list(map(str, row)) for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = (
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join(line).rstrip())
