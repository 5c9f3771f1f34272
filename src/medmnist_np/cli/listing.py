"""What there is: ``list``, ``info``, ``cite`` and the official ``available``."""

from __future__ import annotations

from typing import Any

import click

from medmnist_np import registry
from medmnist_np.cache import settings, store
from medmnist_np.cli.output import json_option, say_json, say_table
from medmnist_np.registry import DatasetInfo

_SPLITS = ("train", "val", "test")


@click.command("list")
@click.option("--task", help="Only those of one task, e.g. multi-class.")
@click.option("--ndim", type=click.IntRange(2, 3), help="Only images (2) or volumes (3).")
@click.option("--size", type=int, help="Only those that come in this size.")
@json_option
def list_(task: str | None, ndim: int | None, size: int | None, as_json: bool) -> None:
    """List the data sets, their sizes, and which are on this machine."""
    try:
        records = registry.datasets(task=task, ndim=ndim, size=size)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    sizes = sorted({one for record in registry.datasets() for one in record.sizes})
    if size is not None and size not in sizes:
        raise click.UsageError(f"No data set comes in size {size}. The sizes are {', '.join(map(str, sizes))}.")
    places = settings.current()
    here = {r.name: [s for s in r.sizes if store.find(r.storage_key(s), places.searched)] for r in records}
    if as_json:
        say_json([{**_summary(record), "here": here[record.name]} for record in records])
        return
    say_table(
        [
            [
                record.name,
                record.task,
                record.n_classes,
                *(f"{record.n_samples[split]:,}" if split in record.n_samples else "-" for split in _SPLITS),
                ", ".join(f"{size}{'*' if size in here[record.name] else ''}" for size in record.sizes),
            ]
            for record in records
        ],
        head=["name", "task", "classes", *_SPLITS, "sizes"],
        right=[2, 3, 4, 5],
    )
    click.echo("\n* on this machine. `medmnist-np info NAME` says more, `medmnist-np fetch NAME` gets one.")


@click.command
@click.argument("name", required=False)
@click.option("--flag", help="The name, as the official program takes it.", hidden=True)
@json_option
def info(name: str | None, flag: str | None, as_json: bool) -> None:
    """Say everything known about the data set NAME."""
    if name is not None and flag is not None:
        raise click.UsageError(f"{name!r} and --flag {flag} name the data set twice: leave one out.")
    name = name or flag
    if name is None:
        raise click.UsageError("Which data set? `medmnist-np list` lists them.")
    record = registry.info(name)
    if as_json:
        say_json(_details(record))
    else:
        click.echo(repr(record))


@click.command
@click.argument("name")
def cite(name: str) -> None:
    """Print BibTeX for the data set NAME and the papers that its images come from."""
    click.echo(registry.cite(name) or f"No papers of {registry.info(name).name} are known.")


@click.command(hidden=True)
def available() -> None:
    """List the data sets in the official program's form."""
    for record in registry.datasets():
        sizes = ", ".join(f"{size} (default)" if size == 28 else str(size) for size in record.sizes)
        click.echo(f"\t{record.name:<15} | {record.python_class:<15} | Size: {sizes}.")


def _summary(record: DatasetInfo) -> dict[str, Any]:
    return {
        "name": record.name,
        "python_class": record.python_class,
        "task": record.task,
        "ndim": record.ndim,
        "n_channels": record.n_channels,
        "n_classes": record.n_classes,
        "n_samples": dict(record.n_samples),
        "sizes": list(record.sizes),
        "license": record.license,
    }


def _details(record: DatasetInfo) -> dict[str, Any]:
    archives = {
        str(size): {
            "file_name": archive.file_name,
            "url": archive.url,
            "digest": archive.digest,
            "bytes": archive.bytes,
            "array_bytes": archive.array_bytes,
            "enlarged": size in record.enlarged_sizes,
        }
        for size, archive in sorted(record.archives.items())
    }
    return {
        **_summary(record),
        "collection": record.collection.name,
        "description": record.description,
        "modality": record.modality,
        "class_names": list(record.class_names),
        "source_size": record.source_size,
        "preparation": record.preparation,
        "notes": list(record.notes),
        "citations": [*record.collection.citations, *record.citations],
        "archives": archives,
    }
