"""Write docs/catalog.md, the catalog sorted by organ.

    python scripts/catalog_page.py

A test compares the page with the output of this script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from medmnist_np.registry.catalog import CatalogEntry, access_levels, known_sets

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"

HEAD = """\
# Catalog of medical image data sets

Which medical data sets exist for an organ, how do you get access, and which of them does this package load? This
catalog lists {n_sets} data sets, and {n_resources} websites where you can find more. Search it in a shell or in Python:

```console
$ medmnist-np catalog open brain MRI segmentation
$ medmnist-np catalog --organ lung --access open
$ medmnist-np catalog --name adni            # all facts about one data set
```

```pycon
>>> import medmnist_np as mm
>>> [entry.name for entry in mm.catalog(organ="brain", task="segmentation", modality="MRI", access="open")]
['synthstrip', 'msd/brain', 'msd/hippocampus']
>>> mm.catalog(organ="heart").filter("atrium").entry("msd_cardiac").license
'CC BY-SA 4.0'
```

A search also finds related words: *tumor* finds *tumour*, *MRI* finds its sequences such as *FLAIR*, *segmentation*
finds *skull-stripping*, and *lung* finds radiographs of the chest.

## How to read the tables

| access | requirement |
| --- | --- |
{levels}

The last column shows what this package offers. *Loads* means that it can open the same data. *Small form* names
a data set that others made from it, with smaller images. `medmnist-np catalog --name NAME` shows how to open each. For
example, use `mm.Dataset("medsegbench/kvasir", split="train")` for images, and for volumes
`mm.VolumeDataset("msd/liver", split="train")` after `medmnist-np fetch msd/liver`.

**Check facts before you rely on them.** They are from public documents, and no link was tried. *Partly checked* means
that some facts are general knowledge without a source. *Not checked* means that all are. `--name` tells you which, and
shows where public lists disagree. Read the license on the website of the data set. The organs of the sets of MedMNIST,
the Decathlon and MedSegBench are taken from their titles.

`make catalog` writes this page from the records of the package.
"""

TABLE = """\
| data set | made for | images | subjects | access | license | this package |
| --- | --- | --- | --- | --- | --- | --- |
"""

MOST_LOADED = 3


def page(entries: Iterable[CatalogEntry]) -> str:
    """Return the page in Markdown."""
    entries = tuple(entries)
    resources = [entry for entry in entries if entry.is_resource]
    levels = "\n".join(f"| {name} | {words} |" for name, words in access_levels().items())
    head = HEAD.format(n_sets=len(entries) - len(resources), n_resources=len(resources), levels=levels)
    return "\n".join([head, *_sections(entries), *_places(resources)])


def _sections(entries: tuple[CatalogEntry, ...]) -> Iterator[str]:
    organs = {entry.organ for entry in entries if entry.organ}
    for organ in sorted(organs, key=lambda organ: (organ == "many", organ)):
        title = "Many organs" if organ == "many" else organ.capitalize()
        rows = "\n".join(_row(entry) for entry in entries if entry.organ == organ)
        yield f"## {title}\n\n{TABLE}{rows}\n"


def _row(entry: CatalogEntry) -> str:
    doubt = "" if entry.certainty == "seen" else f" *{entry.certainty}*"
    cells = (
        f"[{entry.title}]({entry.link})<br>`{entry.name}`{doubt}",
        ", ".join(entry.tasks),
        ", ".join(entry.modality),
        entry.subjects,
        entry.access,
        entry.license or "not known here",
        _loaded(entry),
    )
    return f"| {' | '.join(cells)} |"


def _loaded(entry: CatalogEntry) -> str:
    names = [f"`{name}`" for name in entry.loads[:MOST_LOADED]]
    more = [f"and {len(entry.loads) - MOST_LOADED} more"] if len(entry.loads) > MOST_LOADED else []
    small = [f"small form `{name}`" for name in entry.small_forms]
    return ", ".join([*(["loads " + ", ".join(names)] if names else []), *more, *small])


def _places(resources: list[CatalogEntry]) -> Iterator[str]:
    yield "## Other websites and lists\n"
    yield from (f"- [{entry.title}]({entry.link}): {entry.description}" for entry in resources)
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(known_sets()), encoding="utf-8")
