"""``list`` data sets, show ``info`` on one, ``cite`` it, write its ``card``; search the ``catalog``; ``available``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from medmnist_np import registry
from medmnist_np.cache import settings, store
from medmnist_np.cli import options
from medmnist_np.cli.output import say, say_json, say_lines, say_paragraph, say_table, table_rows, value_errors, writing
from medmnist_np.registry import Record, bundled_records
from medmnist_np.registry.catalog import Catalog, CatalogEntry, access_levels, catalog as search
from medmnist_np.registry.user_records import LOCAL

_SPLITS = ("train", "val", "test")


@click.command("list")
@click.argument("names", nargs=-1, metavar="")
@click.option("--task", metavar="TASK", help="Only this task, e.g. multi-class.", shell_complete=options.tasks)
@click.option("--ndim", type=click.IntRange(2, 3), metavar="2|3", help="Only images (2) or volumes (3).")
@options.size_option("Only data sets of this size.")
@click.option(
    "--collection",
    metavar="NAME",
    help="Another collection: medsegbench, msd, amos, brats, or local (your own).",
    shell_complete=options.collections,
)
@options.json_option
def list_(
    names: tuple[str, ...], task: str | None, ndim: int | None, size: int | None, collection: str | None, as_json: bool
) -> None:
    """List data sets, their sizes, and which are downloaded.

    \b
      medmnist-np list
      medmnist-np list --task binary-class --ndim 3
      medmnist-np list --collection msd
    """
    if names:
        raise click.UsageError(
            f"list takes no names. Use `medmnist-np info {names[0]}` for one data set, or --collection for others."
        )
    with value_errors():
        records = registry.datasets(task=task, ndim=ndim, size=size, collection=collection)
        every = registry.datasets(collection=collection)
    sizes = sorted({each for record in every for each in record.sizes})
    if size is not None and size not in sizes:
        raise click.UsageError(f"No data set has size {size}. Sizes: {', '.join(map(str, sizes))}.")
    places = settings.current()
    here = {record.name: [each for each in record.editions if _is_here(record, each, places)] for record in records}
    if as_json:
        say_json([{**_summary(record), "here": here[record.name]} for record in records])
        return
    if not records:
        advice = " Make one with `medmnist-np build` or `medmnist-np register`." if collection == LOCAL.name else ""
        say(f"No data sets found.{advice}")
        return
    say_table(
        [
            [
                record.qualified_name,
                record.task,
                record.n_classes,
                *(_count(record, split) for split in _SPLITS),
                " ".join(f"{size or 'own'}{'*' if size in here[record.name] else ''}" for size in record.editions),
            ]
            for record in records
        ],
        head=["name", "task", "classes", *_SPLITS, "sizes"],
        right=[2, 3, 4, 5],
    )
    say()
    say_paragraph("* on this machine. `medmnist-np info NAME` shows more, `medmnist-np fetch NAME` downloads a set.")
    if collection is None:
        others = ", ".join(bundled_records.COLLECTIONS[1:])
        say_paragraph(f"Other collections (--collection): {others}. `medmnist-np catalog` lists many more data sets.")


@click.command
@click.argument("name", required=False, metavar="NAME", shell_complete=options.names)
@click.option("--flag", help="The same as NAME; the official option.", hidden=True)
@click.option("--croissant", "as_croissant", is_flag=True, help="Print a Croissant (JSON-LD) description.")
@options.json_option
def info(name: str | None, flag: str | None, as_croissant: bool, as_json: bool) -> None:
    """Show what is known about a data set.

    \b
      medmnist-np info pathmnist
      medmnist-np info pathmnist --json
      medmnist-np info pathmnist --croissant > croissant.json
    """
    if as_croissant and as_json:
        raise click.UsageError("--croissant and --json are two formats. Use one of them.")
    if name is not None and flag is not None:
        raise click.UsageError("Use either NAME or --flag, not both.")
    name = name or flag
    if name is None:
        raise click.UsageError("Name a data set. `medmnist-np list` lists them.")
    record, _ = registry.resolve_size(name)  # raises for an unknown size in the name
    if as_json or as_croissant:
        say_json(record.to_croissant() if as_croissant else _details(record))
    else:
        say_lines(repr(record))


@click.command
@options.name_argument
def cite(name: str) -> None:
    """Show the BibTeX entries to cite for a data set.

    \b
      medmnist-np cite pathmnist > pathmnist.bib
    """
    record, _ = registry.resolve_size(name)  # raises for an unknown size in the name
    say(registry.cite(record) or f"No papers are known for {record.qualified_name}.")


@click.command
@options.name_argument
@options.page_option("Where to write the page; replaces an existing page.", required=True)
@options.size_option("Image size; default: 28, or the smallest on this machine.")
@options.download_option
@options.seed_option
@options.root_option
def card(name: str, page: Path, size: int | None, download: bool, seed: int, root: str | None) -> None:
    """Write a page about a data set: pictures, counts, code.

    The page shows images of each class of NAME, pixel values, how the set was prepared, and code to load it. It is one
    self-contained HTML file. It has no pictures if the data set is not on this machine.

    \b
      medmnist-np card pathmnist -o pathmnist.html --download
      medmnist-np card organmnist3d -o organ.html --size 64
    """
    from medmnist_np.reports import write_page
    from medmnist_np.reports.card_page import card as card_of

    document = card_of(name, size=size, root=root, download=download, seed=seed)
    with writing(page):
        write_page(page, document)
    say(page)
    if "<img " not in document:
        say("The page has no pictures, since the data set is not on this machine. Use --download to get it.", err=True)


@click.command(hidden=True)
def available() -> None:
    """List data sets as the official program does."""
    for record in registry.datasets():
        sizes = ", ".join(f"{size} (default)" if size == 28 else str(size) for size in record.sizes)
        say(f"\t{record.name:<15} | {record.python_class:<15} | Size: {sizes}.")


def _is_here(record: Record, size: int, places: settings.Settings) -> bool:
    return any(store.find(key, places.searched) is not None for key in record.storage_keys(size))


def _count(record: Record, split: str) -> str:
    """Return how many samples a split has, ``"?"`` where that is not known."""
    if split not in record.n_samples:
        return "-"
    return f"{record.n_samples[split]:,}" if record.n_samples[split] else "?"


def _summary(record: Record) -> dict[str, Any]:
    return {
        "name": record.qualified_name,
        "python_class": record.python_class,
        "task": record.task,
        "ndim": record.ndim,
        "n_channels": record.n_channels,
        "n_classes": record.n_classes,
        "n_samples": dict(record.n_samples),
        "sizes": list(record.sizes),
        "license": record.license,
    }


def _details(record: Record) -> dict[str, Any]:
    return {
        **_summary(record),
        "collection": record.collection.name,
        "description": record.description,
        "modality": record.modality,
        "class_names": list(record.class_names),
        "notes": list(record.notes),
        "citations": [*record.collection.citations, *record.citations],
        **record.details(),
    }


_HEAD = ("name", "organ", "modality", "tasks", "access")
_MOST_LOADED = 3  # sets whose lines of code are shown


@click.command
@click.argument("words", nargs=-1, metavar="[WORDS...]")
@click.option("--organ", metavar="WORD", help="Only this organ, e.g. brain.")
@click.option("--task", metavar="WORD", help="Only this task, e.g. segmentation.")
@click.option("--modality", metavar="WORD", help="Only this modality, e.g. MRI.")
@click.option("--access", metavar="WORD", help="Only this access: open, registration or application.")
@click.option("--name", metavar="NAME", help="Show everything about one entry.")
@options.json_option
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
