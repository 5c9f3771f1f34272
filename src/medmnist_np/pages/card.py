"""The card of a data set: what it is, what it looks like, and how to use and cite it."""

from __future__ import annotations

from medmnist_np._html import cautions_of
from medmnist_np.pages.card_data import CardData
from medmnist_np.pages.card_examples import SCRUBBER_SCRIPT, examples
from medmnist_np.pages.card_labels import balance, most_frequent
from medmnist_np.pages.card_masks import shares
from medmnist_np.pages.markup import Html, element, join
from medmnist_np.pages.naming import class_titles, things_of
from medmnist_np.reports.card_code import loading
from medmnist_np.reports.card_sections import values
from medmnist_np.reports.page import aside, code, facts, figures, link, note, number, page, table

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
