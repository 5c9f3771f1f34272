"""How the commands say things: tables, JSON, sizes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
root_option = click.option(
    "--root", type=click.Path(file_okay=False), help="Folder to use in place of the cache.", metavar="DIR"
)


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
