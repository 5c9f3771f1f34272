"""One page for each data set, written from its record, and a table of all data sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from docs._ext.tables import cell, link, rows_of
from docs._ext.written import Pages
from medmnist_np import registry
from medmnist_np.images import recipe
from medmnist_np.registry import Archive, Collection, DatasetInfo, Record, VolumeInfo
from medmnist_np.registry.bundled_records import COLLECTIONS

_INDEX = """\
# Data sets

Look up labels, files, checksums, license and published results of a data set. These pages are written from the records.
The same on the command line: `medmnist-np list` and `medmnist-np info NAME`. The data is not for clinical use.

MedMNIST: {sets}.

A [notebook](/_generated/notebooks/index.md) introduces each of them, with pictures and a first model.
The [catalog](/catalog.md) also has sets that this package cannot load.

{rows}

```{{toctree}}
:hidden:

/_generated/notebooks/index
{tree}
```
"""
_COLLECTION = """\
# {title}

{count} of {link}. The data is not for clinical use.

{rows}

```{{toctree}}
:hidden:

{tree}
```
"""


def records() -> list[Record]:
    """Return the published sets, sorted by collection."""
    found = [record for collection in COLLECTIONS for record in registry.datasets(collection=collection)]
    return [record for record in found if not (isinstance(record, DatasetInfo) and record.part)]


def write(pages: Pages) -> None:
    """Write a page for each set, for each collection, and for all collections."""
    found = records()
    for record in found:
        pages.write(f"datasets/{record.qualified_name}.md", page(record))
    collections = [list(group) for _, group in groupby(found, key=lambda record: record.collection.name)]
    for members in collections:
        pages.write(f"datasets/collections/{members[0].collection.name}.md", page_of_collection(members))
    pages.write("datasets/index.md", index(collections))


def page(record: Record) -> str:
    """Return the page of one set in MyST Markdown."""
    return "\n".join(
        (
            f"# {record.python_class}",
            "",
            record.description,
            "",
            *_cautions(record),
            *_facts(record),
            *_use(record),
            *_classes(record),
            *_sizes(record),
            *_preparation(record),
            *_published_figures(record),
            *_citation(record),
        )
    )


def has_notebook(record: Record) -> bool:
    """Whether a set has an introduction: only MedMNIST sets, whose labels a first model can learn."""
    return record.collection.name == "medmnist"


def _cautions(record: Record) -> Iterator[str]:
    for note in record.notes:
        yield from (":::{warning}", note, ":::", "")
    if record.collection.not_for_clinical_use:
        yield from (":::{caution}", "The data is not for clinical use.", ":::", "")


def _facts(record: Record) -> Iterator[str]:
    facts = {
        "Collection": _collection(record.collection),
        "Modality": record.modality,
        "Task": record.task,
        **(_of_volumes(record) if isinstance(record, VolumeInfo) else _of_arrays(record)),
        "License": record.license,
        "Parts": ", ".join(f"`{name}`" for name in _parts(record)),
    }
    rows = [(name, cell(text)) for name, text in facts.items() if text]
    yield from (*rows_of(("Name", f"`{record.qualified_name}`"), rows), "")


def _parts(record: Record) -> list[str]:
    """Return the names to load the parts."""
    return [record.qualified_name.removesuffix(record.name) + part for part in record.parts]


def _of_arrays(record: Record) -> dict[str, str]:
    return {
        "Images": f"{record.ndim}D, {'RGB' if record.n_channels == 3 else 'gray'}, uint8 from 0 to 255",
        "Samples": f"{_counts(record)}; {sum(record.n_samples.values()):,} in all",
    }


def _of_volumes(record: VolumeInfo) -> dict[str, str]:
    return {
        "Volumes": f"NIfTI, {' and '.join(record.modalities)}, each with a mask; they differ in size",
        "Samples": _counts(record),
        "Voxels": _spread(record.size_voxels),
        "Spacing": _spread(record.spacing_mm, " mm"),
        "Access": f"{record.access}. {record.how_to_get}." if record.how_to_get else record.access,
    }


def _counts(record: Record) -> str:
    return ", ".join(
        f"{split} {count:,}" if count else f"{split} (not known)" for split, count in record.n_samples.items()
    )


def _spread(values: Mapping[str, tuple[float, ...]], unit: str = "") -> str:
    return "; ".join(f"{name} {' x '.join(map(str, value))}{unit}" for name, value in values.items())


def _collection(collection: Collection) -> str:
    title = f"{collection.title} {collection.version}".strip()
    return f"[{title}]({collection.homepage})" if collection.homepage else title


def _use(record: Record) -> Iterator[str]:
    if not record.same_shape:
        yield from _use_of_volumes(record)
        return
    # If parts share their images, only the parts have masks.
    name = _parts(record)[0] if record.shares_images else record.qualified_name
    split = "test" if "test" in record.splits else record.splits[-1]
    yield from (
        "## Use",
        "",
        "```python",
        "import medmnist_np as mm",
        "",
        f'images, {record.target} = mm.load("{name}", split="{split}")',
        "```",
        "",
        "```console",
        f"$ medmnist-np fetch {name}",
        "```",
        "",
    )
    if has_notebook(record):
        address = f"/_generated/notebooks/{record.name}"
        yield f"[Introduction to {record.python_class}]({address}.md): pictures, labels and a first model;"
        yield from (f"also {{download}}`as a notebook <{address}.ipynb>`.", "")


def _use_of_volumes(record: Record) -> Iterator[str]:
    name = record.qualified_name
    yield from (
        "## Use",
        "",
        "```python",
        "import medmnist_np as mm",
        "",
        f'ds = mm.VolumeDataset("{name}", split="{record.splits[0]}")',
        "volume, mask = ds[0]",
        "```",
        "",
        "```console",
        "$ pip install 'medmnist-np[nifti]'",
        f"$ medmnist-np fetch {name}" if record.can_be_fetched else f"$ medmnist-np import --as {name} FOLDER",
        "```",
        "",
        "[Volumes that differ in size](/volumes.md): cases, slices, patches, batches.",
        "",
    )


def _classes(record: Record) -> Iterator[str]:
    what = {
        "labels": "A label is one number.",
        "masks": f"A mask holds one number for each {'voxel' if record.ndim == 3 else 'pixel'}.",
    }[record.target]
    if record.multi_label:
        what = (
            f"A label is {record.n_classes} zeros and ones, one column for each finding. Any number of them can be 1."
        )
    elif record.task == "ordinal-regression":
        what = "A label is one number, and the numbers have an order."
    yield from ("## Labels", "", what, "", f"| {'column' if record.multi_label else 'number'} | meaning |")
    yield "| --- | --- |"
    numbers = range(record.n_classes) if record.multi_label else record.label_values
    yield from (f"| {number} | {cell(name)} |" for number, name in zip(numbers, record.class_names, strict=True))
    yield ""


def _sizes(record: Record) -> Iterator[str]:
    if isinstance(record, VolumeInfo):
        if archive := record.archive_file:
            heads, rows = (
                ("archive", "bytes to download", "checksum"),
                [(_file(archive), _size(archive), _digest(archive))],
            )
            yield from ("## Files", "", *rows_of(heads, rows), "")
        return
    heads = ("size", "one image", "archive", "bytes to download", "bytes unpacked", "checksum")
    rows = []
    for size in record.sizes:
        archive = record.archive(size)
        shape = " x ".join(map(str, record.image_shape(size)))
        enlarged = " (enlarged)" if size in record.enlarged_sizes else ""
        unpacked = f"{archive.array_bytes:,}"
        rows.append((f"{size}{enlarged}", shape, _file(archive), _size(archive), unpacked, _digest(archive)))
    yield from ("## Files", "", *rows_of(heads, rows), "")


def _file(archive: Archive) -> str:
    return f"[{archive.file_name}]({archive.url})"


def _size(archive: Archive) -> str:
    return f"{archive.bytes:,}" if archive.bytes else "not known"


def _digest(archive: Archive) -> str:
    return f"`{archive.digest}`"


def _preparation(record: Record) -> Iterator[str]:
    if isinstance(record, VolumeInfo):  # volumes are not prepared
        return
    yield from ("## Preparation", "")
    for title, text in (("Source", record.source_size), ("Steps", record.preparation)):
        if text:
            yield from (f"{title}: {text}.", "")
    if record.sources:
        yield from ("Sources of the images: " + ", ".join(map(link, record.sources)) + ".", "")
    try:
        steps = recipe(record.name)
    except ValueError:
        return
    yield from (
        "```text",
        str(steps),
        "```",
        "",
        "[Recipes](/recipes.md) describes what is known and what is assumed.",
        "",
    )


def _published_figures(record: Record) -> Iterator[str]:
    table = registry.baselines(record)
    if not table.rows:
        return
    yield from ("## Published results", "", "On the test split.", "", "| method | AUC | ACC |", "| --- | --- | --- |")
    yield from (f"| {cell(row.method)} | {row.AUC:.3f} | {row.ACC:.3f} |" for row in table.rows)
    yield ""
    yield from (f"- {note}" for note in table.notes)
    source = f"Results from {link(table.paper.removeprefix('doi:'))}, copied from {table.copied_from}."
    yield from ("", source, "", f"`medmnist-np leaderboard {record.name} FILE` compares your own with them.", "")


def _citation(record: Record) -> Iterator[str]:
    yield from ("## Cite", "", "```bibtex", registry.cite(record), "```", "")


def index(collections: Sequence[Sequence[Record]]) -> str:
    """Return the page that lists the collections."""
    rows = []
    for members in collections:
        collection = members[0].collection
        title = f"**[{collection.title}](collections/{collection.name}.md)**"
        tasks = "; ".join(sorted({f"{record.task} in {record.ndim}D" for record in members}))
        rows.append((title, str(len(members)), tasks))
    return _INDEX.format(
        sets=", ".join(f"[{record.python_class}]({record.name}.md)" for record in collections[0]),
        rows="\n".join(rows_of(("collection", "sets", "tasks"), rows)),
        tree="\n".join(f"collections/{members[0].collection.name}" for members in collections),
    )


def page_of_collection(members: Sequence[Record]) -> str:
    """Return the page of one collection."""
    collection = members[0].collection
    return _COLLECTION.format(
        title=collection.title,
        count=f"{len(members)} set{'s' * (len(members) > 1)}",
        link=_collection(collection),
        rows="\n".join(rows_of(("", "modality", "task", "samples", "sizes", "license"), map(_line, members))),
        tree="\n".join(f"/_generated/datasets/{record.qualified_name}" for record in members),
    )


def _line(record: Record) -> tuple[str, ...]:
    return (
        f"[{record.python_class}](/_generated/datasets/{record.qualified_name}.md)",
        cell(record.modality),
        record.task,
        f"{sum(record.n_samples.values()):,}" if all(record.n_samples.values()) else "not known",
        ", ".join(map(str, record.sizes)) or "differ",
        cell(record.license),
    )
