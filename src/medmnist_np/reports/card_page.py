"""The card of a data set: one page with images, class balance, values, licence and code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._html import Html, cautions_of, element, join
from medmnist_np._progress import Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import settings
from medmnist_np.data.arrays import load_labels
from medmnist_np.data.dataset import Dataset
from medmnist_np.errors import NotCachedError, UnknownSizeError
from medmnist_np.images import choose, class_colors, montage, overlay
from medmnist_np.images.captions import add_legend
from medmnist_np.images.grid import EMPTY
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.registry.recipe_facts import recipe_facts
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.reports.card_code import CardData, Examples, Values, loading
from medmnist_np.reports.card_sections import (
    SCRUBBER_SCRIPT,
    balance,
    examples,
    most_frequent,
    presence,
    shares,
    values,
)
from medmnist_np.reports.page import (
    aside,
    code,
    facts,
    figures,
    link,
    note,
    number,
    page,
    table,
)

_TASKS = {
    "multi-class": "one class of {n} for each",
    "binary-class": "one class of two for each",
    "multi-label, binary-class": "{n} findings, each there or not",
    "ordinal-regression": "one grade of {n} for each, in their order",
    "segmentation": "one class of {n} for each pixel",
}
_DEEDS = {
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-NC 4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
}
_NO_LICENCE = "not stated"
_LONGEST_NAME = 24  # characters, of a licence


def card_page(data: CardData) -> str:
    """Return the card of a data set.

    Parameters
    ----------
    data : CardData
        What to show. Sections of what is not there are left out.

    Returns
    -------
    str
        An HTML document that needs nothing else. With volumes it has one script, for their sliders.
    """
    record, things = data.record, things_of(data.record)
    sections = {
        "What it is": _description(data),
        things.capitalize(): examples(data) if data.examples else [],
        "Findings" if record.multi_label else "Classes": balance(data) if data.labels else [],
        "Masks": shares(data) if data.masks else [],
        "Voxels" if record.ndim == 3 else "Pixels": values(data) if data.values else [],
        "Splits": _splits(data),
        "Sizes and preparation": _sizes(data),
        "Published results": _baselines(data) if record.target == "labels" else [],
        "How to load it": loading(data),
        "Licence and citation": _citation(data),
        "How this card was made": [facts(data.origin)],
    }
    total = sum(record.n_samples.values())
    kinds = f"{record.n_classes} {'findings' if record.multi_label else 'classes'}"
    return page(
        record.python_class,
        f"{record.modality}{': ' if record.modality else ''}{total:,} {things}, {kinds}",
        {heading: content for heading, content in sections.items() if content},
        script=SCRUBBER_SCRIPT if record.ndim == 3 and data.examples else "",
    )


def _description(data: CardData) -> list[Html]:
    record, things = data.record, things_of(data.record)
    enlarged = record.enlarged_sizes
    cautions = cautions_of(
        record.notes, record.license, enlarged, not_for_clinical_use=record.collection.not_for_clinical_use
    )
    colours = "RGB" if record.n_channels == 3 else "gray"
    counts = ", ".join(f"{split} {n:,}" for split, n in record.n_samples.items())
    labels = class_titles(record)
    if record.multi_label:
        labels = tuple(f"{k} {name}" for k, name in enumerate(labels))
    key = {
        things.capitalize(): (number(sum(record.n_samples.values())), counts),
        "Findings" if record.multi_label else "Classes": (number(record.n_classes), record.task),
        f"One {things[:-1]}": (_shape(data, data.size), f"{colours}, uint8, 0 to 255"),
        "Licence": (
            _NO_LICENCE if not record.license else "in words, below" if _is_long(record.license) else record.license,
            record.collection.title if record.license else "",
        ),
    }
    return [
        *([] if data.examples else [_missing(data)]),
        *([element("p", record.description)] if record.description else []),
        figures(key),
        *map(note, cautions),
        facts(
            {
                "Name": element("code", record.qualified_name),
                "Modality": record.modality,
                "Task": f"{record.task}: {_TASKS[record.task].format(n=record.n_classes)}",
                "Labels": "; ".join(labels),
                "Terms of use": record.license if _is_long(record.license) else "",
                "Sizes": ", ".join(f"{size}{' (enlarged)' if size in enlarged else ''}" for size in record.sizes),
            }
        ),
    ]


def _is_long(terms: str) -> bool:
    """Whether a licence is no name but a sentence, which is not written in large letters."""
    return len(terms) > _LONGEST_NAME


def _missing(data: CardData) -> Html:
    things = things_of(data.record)
    counted = f"the {things} were not counted either" if not data.labels else "only labels were counted"
    name = data.record.qualified_name
    return note(
        f"The {things} are not on the machine that made this card: there are no pictures, and {counted}. ",
        element("code", f"medmnist-np card {name} --size {data.size} --download -o PAGE.html"),
        " fetches them first.",
    )


def _splits(data: CardData) -> list[Html]:
    record = data.record
    total = sum(record.n_samples.values())
    rows = [[split, number(n), f"{n / total:.1%}" if total else ""] for split, n in record.n_samples.items()]
    return [
        table("Samples of each split", ["split", things_of(record), "share"], rows),
        # Whether it is so in other collections is not known.
        *([aside("Samples, their order and their splits are the same at every size.")] * record.collection.own_names),
    ]


def _sizes(data: CardData) -> list[Html]:
    record = data.record
    rows = [
        [
            f"{size}, enlarged" if size in record.enlarged_sizes else number(size),
            _shape(data, size),
            _megabytes(archive.bytes),
            _megabytes(archive.array_bytes),
            join([archive.file_name, element("br"), element("code", archive.digest)]),
        ]
        for size, archive in sorted(record.archives.items())
    ]
    head = ["size", f"one {things_of(record)[:-1]}", "download", "arrays on disk", "file and its digest"]
    content = [
        facts({"At the source": record.source_size, "What was done": record.preparation}),
        table("Sizes that it comes in", head, rows, text={4}),
    ]
    if record.enlarged_sizes:
        content.append(
            aside("Enlarged: images are larger than those of the source. They have more pixels, not more detail.")
        )
    if data.preparation:
        known = [element("li", one) for one in data.preparation]
        content += [element("h3", "What is known of the preparation, and what is not"), element("ul", *known)]
    return content


def _baselines(data: CardData) -> list[Html]:
    found = data.baselines
    if not found.rows:
        content = [element("p", "None are known here.")]
    else:
        rows = [[row.method, number(row.AUC), number(row.ACC)] for row in found.rows]
        content = [table("Figures on the test split, as published", ["method", "AUC", "ACC"], rows)]
    if (frequent := most_frequent(data)) is not None:
        said, share = frequent
        each = " in the mean over findings" if data.record.multi_label else ""
        content.append(
            element("p", f"For comparison: to say “{said}” always gives ACC {number(share)}{each} and AUC 0.500.")
        )
    if found.rows:
        content.append(element("ul", *(element("li", one) for one in found.notes)))
        doi = found.paper.removeprefix("doi:")
        paper = link(f"https://doi.org/{doi}", found.paper) if doi != found.paper else found.paper
        content.append(aside("From ", paper, f"; copied from {found.copied_from}."))
    return content


def _citation(data: CardData) -> list[Html]:
    collection, terms = data.record.collection, data.record.license
    content = [
        facts(
            {
                "Licence": link(_DEEDS[terms], terms) if terms in _DEEDS else terms or _NO_LICENCE,
                "Collection": f"{collection.title} {collection.version}".strip(),
                "DOI": link(f"https://doi.org/{collection.doi}", collection.doi) if collection.doi else "",
                "Home": link(collection.homepage, collection.homepage) if collection.homepage else "",
            }
        )
    ]
    if data.citations:
        papers = "Cite the papers of the collection and those of the source images. One click selects all."
        content += [element("p", papers), code(data.citations, "BibTeX")]
    return content


def _shape(data: CardData, size: int) -> str:
    return " x ".join(map(str, data.record.image_shape(size)))


def _megabytes(n_bytes: int | None) -> str:
    return "not known" if n_bytes is None else f"{n_bytes / 1e6:,.1f} MB"


_WIDTH = 512  # pixels, of the images of a class side by side, if that makes a number of them between the next two
_FEWEST, _MOST = 3, 6
_SMALL = 64  # pixels: of images up to this size there are two rows
_SMALL_VOLUME = 32  # voxels: all slices of volumes go into the page


def card(
    name: str | Record,
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> str:
    """Return a page that tells all about a data set: pictures, class balance, values, preparation, papers, code.

    Parameters
    ----------
    name : str or DatasetInfo
        As of :func:`~medmnist_np.load`.
    size : int, optional
        Of the images to show and to measure. None means the one in the name, else that of 28 pixels, else the smallest
        that is on this machine.
    root : path, optional
        As of :func:`~medmnist_np.load`.
    download : bool
        Whether to fetch the data set if it is not on this machine. Otherwise its card has no pictures, and says so.
    seed : int
        Another one draws other samples to show.
    executor : concurrent.futures.Executor, optional
        Who counts the values of the pixels, see :meth:`Dataset.statistics`.
    progress : Progress
        What to show while they are counted; a bar, by default.

    Returns
    -------
    str
        An HTML document that needs nothing else and no network. The same data, arguments and versions give the same
        document.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        With what there is and the nearest name.
    MedMNISTError
        As :func:`~medmnist_np.load`, where it is to be downloaded.

    Notes
    -----
    Samples and pixels are all counted, and none is sampled; pictures are of a few samples of each class. The card of a
    segmentation set shows masks over images, and how many pixels each class has, in place of a balance of labels.

    Examples
    --------
    >>> from medmnist_np.reports.card_page import card
    >>> page = card("retinamnist", download=True)
    >>> page.splitlines()[0], page.count("<img")
    ('<!DOCTYPE html>', 5)
    """
    if not (named := registry.info(name)).same_shape:
        raise UnknownSizeError(
            f"The volumes of {named.qualified_name} differ in size, so they have no card. "
            f"`medmnist-np info {named.qualified_name}` and `medmnist-np montage {named.qualified_name}` show them."
        )
    record, shown_size = registry.resolve_dataset(name, size)
    splits = _opened(name, size, root=root, download=download)
    segmented = record.target == "masks"
    labels: Mapping[str, NDArray[np.integer]] = {}
    if splits:
        shown_size = splits[record.splits[0]].size
    if not segmented:
        labels = {split: ds.labels for split, ds in splits.items()} if splits else _labels_here(record, root)
    masks = {split: _pixels_of_classes(ds, progress) for split, ds in splits.items()} if segmented else {}
    known = recipe_facts(record)
    return card_page(
        CardData(
            record=record,
            size=shown_size,
            default_size=record.edition(None),
            preparation=() if known is None else known.notes,
            labels=labels,
            examples=_examples(splits[record.splits[0]], masks.get(record.splits[0]), seed) if splits else (),
            values={split: _values(ds, executor, progress) for split, ds in splits.items() if len(ds)},
            baselines=registry.baselines(record),
            citations=_citations(record),
            masks=masks,
            origin={
                "Size of the images": str(shown_size) if splits else "",
                "Archive": record.archive(shown_size).digest if splits else "",
                "Counted": "all samples and all pixels" if splits else "all samples" if labels else "nothing",
                "Seed of the pictures": str(seed) if splits else "",
                "Program": f"medmnist-np {__version__}",
            },
        )
    )


def _opened(
    name: str | Record, size: int | None, *, root: str | os.PathLike[str] | None, download: bool
) -> dict[str, Dataset]:
    """Return the splits of a data set, of the size that is meant or of another one that is here; none if none is."""
    record, meant = registry.resolve_dataset(name, size)
    named = size is not None or registry.find(name)[1] is not None
    settings.current(root, make=download)  # a root that is missing is an error, a set that is missing is not
    others = [] if named or download else [other for other in record.sizes if other != meant]
    for candidate in (meant, *others):
        with suppress(NotCachedError):
            return {
                split: Dataset(record, split, size=candidate, root=root, download=download) for split in record.splits
            }
    return {}


def _labels_here(record: DatasetInfo, root: str | os.PathLike[str] | None) -> dict[str, NDArray[np.integer]]:
    """Return the labels of those splits whose labels alone are on this machine."""
    found: dict[str, NDArray[np.integer]] = {}
    for split in record.splits:
        with suppress(NotCachedError):
            found[split] = load_labels(record, split, root=root, download=False)
    return found


def _values(ds: Dataset, executor: Executor | None, progress: Progress) -> Values:
    found = ds.statistics(executor=executor, progress=progress)
    return Values(found.mean, found.std, found.histogram)


def _pixels_of_classes(ds: Dataset, progress: Progress) -> NDArray[np.int64]:
    """Count the pixels of each class in each mask, ``(n, classes)``."""
    n_classes, masks = ds.record.n_classes, ds.masks
    counts = np.zeros((len(masks), n_classes), np.int64)
    with progress(f"counting masks of {ds.split}", total=masks.nbytes) as bar:
        for number, mask in enumerate(masks):
            found = np.bincount(mask.reshape(-1), minlength=n_classes)
            if len(found) > n_classes:
                raise ValueError(
                    f"Mask {number} of {ds.record.qualified_name} {ds.split} has the value {len(found) - 1}, and the "
                    f"classes are 0 to {n_classes - 1}."
                )
            counts[number] = found
            bar.update(mask.nbytes)
    return counts


def _examples(ds: Dataset, pixels: NDArray[np.int64] | None, seed: int) -> list[Examples]:
    """Draw some samples of each class; of a multi-label set also some without any finding.

    Of a segmentation set, some that show each class; ``pixels`` says which.
    """
    record = ds.record
    if pixels is not None:
        groups = zip(class_titles(record)[1:], (pixels > 0).T[1:], strict=True)
        return [_drawn(ds, title, np.flatnonzero(members), seed) for title, members in groups]
    present = presence(ds.labels, record)
    of_class = list(zip(class_titles(record), present.T, strict=True))
    if record.multi_label:
        of_class.append(("no finding", ~present.any(axis=1)))
    return [_drawn(ds, title, np.flatnonzero(members), seed) for title, members in of_class]


def _drawn(ds: Dataset, title: str, members: NDArray[np.intp], seed: int) -> Examples:
    if not len(members):
        return Examples(title)
    volumes = ds.record.ndim == 3
    if volumes:
        rows, columns = (2, 4) if ds.size <= _SMALL_VOLUME else (1, _FEWEST)
    else:
        rows, columns = 2 if ds.size <= _SMALL else 1, min(max(_WIDTH // ds.size, _FEWEST), _MOST)
        if ds.record.target == "masks" and ds.record.n_classes == 2:
            rows += 2  # all there is to see is of one class
    places = choose(members, rows, columns, seed=seed)
    chosen = np.sort(places[places != EMPTY])
    images = ds.gather(chosen)
    if volumes:
        slices = [montage(images[:, number], columns=columns) for number in range(images.shape[1])]
        picture = np.stack(slices)
    elif ds.record.target == "masks":
        names = ds.class_names
        drawn = montage(overlay(images, ds.gather_labels(chosen)), columns=columns)
        picture = add_legend(drawn, names, color=True, swatches=class_colors(len(names)))
    else:
        picture = montage(images, columns=columns)
    return Examples(title, tuple(chosen.tolist()), picture)


def _citations(record: DatasetInfo) -> str:
    try:
        return registry.cite(record)
    except (KeyError, OSError):  # a record of the user's own may name papers that no file of the registry describes
        return ""
