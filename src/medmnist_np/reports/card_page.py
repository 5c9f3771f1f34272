"""The card of a data set: one page with images, class balance, values, license and code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._html import Html, element, join
from medmnist_np._progress import Progress, bars
from medmnist_np._version import __version__
from medmnist_np.audits._audit import Audit
from medmnist_np.audits.findings import groups_of
from medmnist_np.cache import settings
from medmnist_np.data.arrays import load_labels
from medmnist_np.data.dataset import Dataset
from medmnist_np.errors import NotCachedError, UnknownSizeError
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.registry.bundled_records import recipe_facts
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.reports.audit_page import audit_sections
from medmnist_np.reports.card_code import loading
from medmnist_np.reports.card_sections import SCRUBBER_SCRIPT, balance, examples, most_frequent, shares, values
from medmnist_np.reports.page import aside, code, facts, figures, link, note, number, page, table

_TASKS = {
    "multi-class": "each has one of {n} classes",
    "binary-class": "each has one of two classes",
    "multi-label, binary-class": "{n} findings, each present or absent",
    "ordinal-regression": "each has one of {n} ordered grades",
    "segmentation": "each pixel has one of {n} classes",
}
_DEEDS = {
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-NC 4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
}
_NO_LICENSE = "not stated"
_LONGEST_NAME = 24  # characters, of a license


def card(  # noqa: PLR0913 -- all but the name have a default
    name: str | Record,
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
    seed: int = 0,
    audit: Audit | None = None,
    remarks: Sequence[str] = (),
    executor: Executor | None = None,
    progress: Progress = bars,
) -> str:
    """Return the card of a data set: one HTML page with pictures, class balance, preparation, license and code.

    Parameters
    ----------
    name : str or DatasetInfo
        See :func:`~medmnist_np.load`.
    size : int, optional
        Size of the images to show and to count. None means the size in the name, else 28 pixels, else the smallest
        size on this machine.
    root : path, optional
        See :func:`~medmnist_np.load`.
    download : bool
        Whether to download the data set if it is not on this machine. Otherwise the card has no pictures.
    seed : int
        Random seed for the choice of samples to show.
    audit : Audit, optional
        The result of :func:`~medmnist_np.audit` for the same data set. Its sections follow those of the card, and a
        section lists what is not known, such as whether a patient is in two splits.
    remarks : sequence of str
        Sentences about the source, such as the notes of :class:`~medmnist_np.builder.Built`.
    executor : concurrent.futures.Executor, optional
        Counts the pixel values, see :meth:`Dataset.statistics`.
    progress : Progress
        Shows the progress of the counting: a bar by default.

    Returns
    -------
    str
        A self-contained HTML document that needs no network. The same data, arguments and versions give the same
        document. Only the card of a volume set has a script, for its sliders.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        If there is no such data set or size. The message names the available sizes and similar names.
    MedMNISTError
        If the download fails, see :func:`~medmnist_np.load`.

    Notes
    -----
    All samples and all pixels are counted; the pictures show a few samples of each class. The card of a segmentation
    set shows masks over images, and the pixels of each class in place of a class balance.

    Examples
    --------
    >>> from medmnist_np.reports import card
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
    splits = _opened(name, size, root=root, download=download, progress=progress)
    things, segmented = things_of(record), record.target == "masks"
    first = splits.get(record.splits[0])
    labels: Mapping[str, NDArray[np.integer]] = {}
    if first is not None:
        shown_size = first.size
    if not segmented:
        labels = {split: ds.labels for split, ds in splits.items()} if splits else _labels_here(record, root)
    masks = {split: _pixels_of_classes(ds, progress) for split, ds in splits.items()} if segmented else {}
    statistics = {split: ds.statistics(executor=executor, progress=progress) for split, ds in splits.items() if len(ds)}
    missing = [] if splits else [_missing(record, shown_size, labels_counted=bool(labels))]
    origin = {
        "Size of the images": str(shown_size) if splits else "",
        "Archive": record.archive(shown_size).digest if splits else "",
        "Counted": "all samples and all pixels" if splits else "all samples" if labels else "nothing",
        "Seed of the pictures": str(seed) if splits else "",
        "Program": f"medmnist-np {__version__}",
    }
    kind = "Findings" if record.multi_label else "Classes"
    sections = {
        "Description": [*missing, *_description(record, shown_size)],
        things.capitalize(): [] if first is None else examples(first, masks.get(first.split), seed),
        kind: balance(record, labels) if labels else [],
        "Masks": shares(record, shown_size, masks) if masks else [],
        "Voxels" if record.ndim == 3 else "Pixels": values(record, shown_size, statistics) if statistics else [],
        "Splits": _splits(record),
        "Sizes and preparation": _sizes(record),
        "Published results": [] if segmented else _baselines(record, labels),
        "How to load it": loading(record, shown_size, record.edition(None)),
        "License and citation": _citation(record),
        "How this card was made": [facts(origin)],
        **_audited(record, audit, remarks),
    }
    counts = f"{sum(record.n_samples.values()):,} {things}, {record.n_classes} {kind.lower()}"
    return page(
        record.python_class,
        f"{record.modality}: {counts}" if record.modality else counts,
        {heading: content for heading, content in sections.items() if content},
        script=SCRUBBER_SCRIPT if splits and record.ndim == 3 else "",
    )


def _audited(record: DatasetInfo, audit: Audit | None, remarks: Sequence[str]) -> dict[str, list[Html]]:
    """Return sections about the source and what is not known, and those of an audit."""
    unknown = []
    if audit is not None and (not_checked := groups_of(audit.grouped_by)[2]):
        unknown.append(f"Patients in several splits: {not_checked}.")
    if audit is not None and record.enlarged_sizes:
        sizes = ", ".join(map(str, record.enlarged_sizes))
        unknown.append(f"Some source images are smaller than size {sizes}. They were enlarged, without more detail.")
    sections = {} if audit is None else audit_sections(audit)
    return {
        "Notes on the source": _listed(remarks),
        "What is not known": _listed(unknown),
        **{f"Audit: {heading[0].lower()}{heading[1:]}": content for heading, content in sections.items()},
    }


def _listed(sentences: Sequence[str]) -> list[Html]:
    return [element("ul", *(element("li", sentence) for sentence in sentences))] if sentences else []


def _opened(
    name: str | Record, size: int | None, *, root: str | os.PathLike[str] | None, download: bool, progress: Progress
) -> dict[str, Dataset]:
    """Return the available splits of a data set, in the requested size or, if none is named, in another size."""
    record, meant = registry.resolve_dataset(name, size)
    named = size is not None or registry.find(name)[1] is not None
    settings.current(root, make=download)  # a root that is missing is an error, a set that is missing is not
    others = [] if named or download else [other for other in record.sizes if other != meant]
    for candidate in (meant, *others):
        with suppress(NotCachedError):
            return {
                split: Dataset(record, split, size=candidate, root=root, download=download, progress=progress)
                for split in record.splits
            }
    return {}


def _labels_here(record: DatasetInfo, root: str | os.PathLike[str] | None) -> dict[str, NDArray[np.integer]]:
    """Return the labels of the splits that are on this machine without their images."""
    labels: dict[str, NDArray[np.integer]] = {}
    for split in record.splits:
        with suppress(NotCachedError):
            labels[split] = load_labels(record, split, root=root, download=False)
    return labels


def _pixels_of_classes(ds: Dataset, progress: Progress) -> NDArray[np.int64]:
    """Count the pixels of each class in each mask, ``(n, classes)``."""
    n_classes, masks = ds.record.n_classes, ds.masks
    counts = np.zeros((len(masks), n_classes), np.int64)
    with progress(f"counting masks of {ds.split}", total=masks.nbytes) as bar:
        for number, mask in enumerate(masks):
            pixels = np.bincount(mask.reshape(-1), minlength=n_classes)
            if len(pixels) > n_classes:
                raise ValueError(
                    f"Mask {number} of {ds.record.qualified_name} {ds.split} has the value {len(pixels) - 1}, and the "
                    f"classes are 0 to {n_classes - 1}."
                )
            counts[number] = pixels
            bar.update(mask.nbytes)
    return counts


def _description(record: DatasetInfo, size: int) -> list[Html]:
    things = things_of(record)
    enlarged = record.enlarged_sizes
    colours = "RGB" if record.n_channels == 3 else "gray"
    counts = ", ".join(f"{split} {n:,}" for split, n in record.n_samples.items())
    labels = class_titles(record)
    if record.multi_label:
        labels = tuple(f"{k} {name}" for k, name in enumerate(labels))
    key = {
        things.capitalize(): (number(sum(record.n_samples.values())), counts),
        "Findings" if record.multi_label else "Classes": (number(record.n_classes), record.task),
        f"One {things[:-1]}": (_shape(record, size), f"{colours}, uint8, 0 to 255"),
        "License": (
            _NO_LICENSE if not record.license else "see below" if _is_long(record.license) else record.license,
            record.collection.title if record.license else "",
        ),
    }
    return [
        *([element("p", record.description)] if record.description else []),
        figures(key),
        *map(note, record.cautions(enlarged)),
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
    """Whether a license is a sentence, which is not shown in large letters."""
    return len(terms) > _LONGEST_NAME


def _missing(record: DatasetInfo, size: int, *, labels_counted: bool) -> Html:
    things = things_of(record)
    counted = "only labels were counted" if labels_counted else f"the {things} were not counted either"
    return note(
        f"This card has no pictures, because the {things} were not on the machine that made it, and {counted}. ",
        "To download them first, run ",
        element("code", f"medmnist-np card {record.qualified_name} --size {size} --download -o PAGE.html"),
        ".",
    )


def _splits(record: DatasetInfo) -> list[Html]:
    total = sum(record.n_samples.values())
    rows = [[split, number(n), f"{n / total:.1%}" if total else ""] for split, n in record.n_samples.items()]
    return [
        table("Samples of each split", ["split", things_of(record), "share"], rows),
        # For other collections this is unknown.
        *([aside("Samples, their order and their splits are the same at every size.")] * record.collection.own_names),
    ]


def _sizes(record: DatasetInfo) -> list[Html]:
    rows = [
        [
            f"{size}, enlarged" if size in record.enlarged_sizes else number(size),
            _shape(record, size),
            _megabytes(archive.bytes),
            _megabytes(archive.array_bytes),
            join([archive.file_name, element("br"), element("code", archive.digest)]),
        ]
        for size, archive in sorted(record.archives.items())
    ]
    head = ["size", f"one {things_of(record)[:-1]}", "download", "arrays on disk", "file and checksum"]
    content = [
        facts({"Size of the source images": record.source_size, "Preparation": record.preparation}),
        table("Available sizes", head, rows, text={4}),
    ]
    if record.enlarged_sizes:
        content.append(
            aside("Enlarged: the images are larger than the source images. They have more pixels, but no more detail.")
        )
    if (preparation := recipe_facts(record)) is not None and preparation.notes:
        notes = element("ul", *(element("li", sentence) for sentence in preparation.notes))
        content += [element("h3", "Known and unknown facts about the preparation"), notes]
    return content


def _baselines(record: DatasetInfo, labels: Mapping[str, NDArray[np.integer]]) -> list[Html]:
    published = registry.baselines(record)
    if not published.rows:
        content = [element("p", "No published results are known.")]
    else:
        rows = [[row.method, number(row.AUC), number(row.ACC)] for row in published.rows]
        content = [table("Published results on the test split", ["method", "AUC", "ACC"], rows)]
    if (frequent := most_frequent(record, labels)) is not None:
        name, share = frequent
        each = " as the mean over findings" if record.multi_label else ""
        content.append(
            element("p", f"For comparison: always predicting “{name}” gives ACC {number(share)}{each} and AUC 0.500.")
        )
    if published.rows:
        content.append(element("ul", *(element("li", sentence) for sentence in published.notes)))
        doi = published.paper.removeprefix("doi:")
        paper = link(f"https://doi.org/{doi}", published.paper) if doi != published.paper else published.paper
        content.append(aside("From ", paper, f"; copied from {published.copied_from}."))
    return content


def _citation(record: DatasetInfo) -> list[Html]:
    collection, terms = record.collection, record.license
    content = [
        facts(
            {
                "License": link(_DEEDS[terms], terms) if terms in _DEEDS else terms or _NO_LICENSE,
                "Collection": f"{collection.title} {collection.version}".strip(),
                "DOI": link(f"https://doi.org/{collection.doi}", collection.doi) if collection.doi else "",
                "Home": link(collection.homepage, collection.homepage) if collection.homepage else "",
            }
        )
    ]
    if citations := _citations(record):
        papers = "Cite the papers of the collection and of the source images. A click selects the whole block."
        content += [element("p", papers), code(citations, "BibTeX")]
    return content


def _shape(record: DatasetInfo, size: int) -> str:
    return " x ".join(map(str, record.image_shape(size)))


def _megabytes(n_bytes: int | None) -> str:
    return "not known" if n_bytes is None else f"{n_bytes / 1e6:,.1f} MB"


def _citations(record: DatasetInfo) -> str:
    try:
        return registry.cite(record)
    except (KeyError, OSError):  # a record of the user's own may name papers that no file of the registry describes
        return ""
