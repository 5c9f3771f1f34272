"""``catalog``: search public data sets of medical images."""

from __future__ import annotations

from collections.abc import Sequence

import click

from medmnist_np.cli.options import json_option
from medmnist_np.cli.output import say, say_json, say_lines, say_paragraph, table_rows, value_errors
from medmnist_np.registry.catalog import Catalog, CatalogEntry, access_levels, catalog as search

_HEAD = ("name", "organ", "modality", "tasks", "access")
_MOST_LOADED = 3  # sets whose lines of code are shown


@click.command
@click.argument("words", nargs=-1, metavar="[WORDS...]")
@click.option("--organ", metavar="WORD", help="Only this organ, e.g. brain.")
@click.option("--task", metavar="WORD", help="Only this task, e.g. segmentation.")
@click.option("--modality", metavar="WORD", help="Only this modality, e.g. MRI.")
@click.option("--access", metavar="WORD", help="Only this access: open, registration or application.")
@click.option("--name", metavar="NAME", help="Show everything about one entry.")
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
    """Search public data sets of medical images.

    The search includes data sets that this program cannot load. Every one of WORDS must occur in the name,
    description, task, modality, labels, organ or access of an entry.

    \b
      medmnist-np catalog open brain MRI segmentation
      medmnist-np catalog --organ lung --access open
      medmnist-np catalog --name adni
    """
    if name is not None and (words or organ or task or modality or access):
        raise click.UsageError("--name shows one entry. Leave out the search words and filters.")
    with value_errors():
        found = search(*words, organ=organ, task=task, modality=modality, access=access)
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
    say_paragraph("`medmnist-np catalog --name NAME` shows one entry in full: license, papers, what was checked.")
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
    head, *lines = table_rows(rows, _HEAD)
    if head:
        say(head)
    for entry, line in zip(entries, lines, strict=True):
        say(f"{line}\n    {entry.link}")
        for load_line in _lines_to_load(entry):
            say(f"    {load_line}")
    if any(marked):
        say("\n? not checked, or only partly.")


def _lines_to_load(entry: CatalogEntry) -> Sequence[str]:
    if len(entry.loads) > _MOST_LOADED:
        return [f"{len(entry.loads)} sets that this program loads: `medmnist-np catalog --name {entry.name}`"]
    return [*entry.load_lines(), *(f'a small form: mm.Dataset("{name}", split="train")' for name in entry.small_forms)]
