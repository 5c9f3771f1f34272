"""``catalog``: what data sets there are at large, and how each is had."""

from __future__ import annotations

from collections.abc import Sequence

import click

from medmnist_np.cli.output import json_option, say, say_json, say_lines, say_paragraph, terminal_width
from medmnist_np.registry.catalog import Catalog, CatalogEntry, access_levels
from medmnist_np.registry.catalog import catalog as search

_HEAD = ("name", "organ", "modality", "tasks", "access")
_NARROWEST = 8  # characters, of a column that is cut
_UNLIMITED = 10_000  # characters a line, in a file or a pipe
_GAP = 2
_MOST_LOADED = 3


@click.command
@click.argument("words", nargs=-1, metavar="[WORDS...]")
@click.option("--organ", metavar="WORD", help="Only those of one organ, e.g. brain.")
@click.option("--task", metavar="WORD", help="Only those made for a task, e.g. segmentation.")
@click.option("--modality", metavar="WORD", help="Only those taken in a way, e.g. MRI.")
@click.option("--access", metavar="WORD", help="Only those of one access: open, registration or application.")
@click.option("--name", metavar="NAME", help="Say everything known about one entry.")
@json_option
def catalog(
    words: tuple[str, ...],
    organ: str | None,
    task: str | None,
    modality: str | None,
    access: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Search data sets of medical images at large.

    Also those that this program cannot load are found. All WORDS must occur in a name, a description, a task, a
    modality, a label, an organ or the access.

    \b
      medmnist-np catalog open brain MRI segmentation
      medmnist-np catalog --organ lung --access open
      medmnist-np catalog --name adni
    """
    if name is not None and (words or organ or task or modality or access):
        raise click.UsageError("--name shows one entry: leave the search out.")
    try:
        found = search(*words, organ=organ, task=task, modality=modality, access=access)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if name is not None:
        entry = found.entry(name)
        if as_json:
            say_json(entry.to_dict())
        else:
            say_lines(repr(entry))
    elif as_json:
        say_json(found.to_dicts())
    else:
        _say_found(found)


def _say_found(found: Catalog) -> None:
    if not found:
        say(found.advice, err=True)
        return
    if found.sets:
        _say_sets(found.sets)
        say()
    if found.resources:
        say("Archives and lists of data sets:")
        for entry in found.resources:
            say_lines(f"    {entry.title} ({entry.name}): {entry.description}\n    {entry.link}")
        say()
    say_paragraph("`medmnist-np catalog --name NAME` says everything known about one: licence, papers, how sure it is.")
    for access in dict.fromkeys(entry.access for entry in found):
        say_lines(f"{access}: {access_levels()[access]}.")


def _say_sets(entries: Sequence[CatalogEntry]) -> None:
    marked = [entry.certainty != "seen" for entry in entries]
    rows = [
        (
            f"{entry.name}{' ?' if mark else ''}",
            entry.organ,
            ", ".join(entry.modality),
            ", ".join(entry.tasks),
            entry.access,
        )
        for entry, mark in zip(entries, marked, strict=True)
    ]
    head, *lines = fitted([_HEAD, *rows], terminal_width() or _UNLIMITED)
    say(head)
    for entry, line in zip(entries, lines, strict=True):
        say(f"{line}\n    {entry.link}")
        for load_line in _lines_to_load(entry):
            say(f"    {load_line}")
    if any(marked):
        say("\n? not checked, or only in part.")


def _lines_to_load(entry: CatalogEntry) -> Sequence[str]:
    if len(entry.loads) > _MOST_LOADED:
        return [f"{len(entry.loads)} sets that this program loads: `medmnist-np catalog --name {entry.name}`"]
    return [*entry.load_lines(), *(f'a small form: mm.Dataset("{name}", split="train")' for name in entry.small_forms)]


def fitted(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return rows in columns, no wider than ``width`` characters if possible.

    The widest columns are cut first; the first and the last stay whole.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    inner = range(1, len(widths) - 1)
    while sum(widths) + _GAP * (len(widths) - 1) > width:
        widest = max(inner, key=lambda column: widths[column])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return [(" " * _GAP).join(map(_cut, row, widths)).rstrip() for row in rows]


def _cut(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}\N{HORIZONTAL ELLIPSIS}"
