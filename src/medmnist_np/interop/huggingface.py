"""Export a data set to Hugging Face ``datasets``, with named columns and classes."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._optional import require
from medmnist_np.data.dataset import Dataset
from medmnist_np.interop.reader import without_transform
from medmnist_np.registry.records import Record

_BLOCK_BYTES = 16_000_000  # of images, in memory at once


def to_huggingface(ds: Dataset, *, cache_dir: str | os.PathLike[str] | None = None) -> Any:
    """Export a data set as a ``datasets.Dataset``. Images are written to disk block by block, so memory use is small.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.
    cache_dir : path, optional
        Folder for the files of ``datasets``. None means its own cache folder.

    Returns
    -------
    datasets.Dataset
        2D images are in a column ``image`` of PNG files, volumes in a column ``volume`` of uint8 arrays ``(d, h, w)``
        or ``(d, h, w, 3)``. Class numbers are in a column ``label`` (a ``ClassLabel`` with names). In a multi-label set
        the column ``labels`` lists the positive labels, possibly none. Masks are in a column ``mask`` of PNG files with
        class numbers as values. Its ``info`` has description, license and citation.

    Raises
    ------
    ValueError
        If the data set is empty, which ``datasets`` cannot write.
    ModuleNotFoundError
        If ``datasets`` is not installed.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_huggingface
    >>> exported = to_huggingface(mm.Dataset("breastmnist", split="test"))  # doctest: +SKIP
    >>> exported[0]  # doctest: +SKIP
    {'image': <PIL.PngImagePlugin.PngImageFile ...>, 'label': 1}
    """
    datasets = require("datasets")
    if not len(without_transform(ds)):
        raise ValueError(
            f"No samples of {ds.record.name} {ds.split} are selected, and `datasets` cannot write an empty set."
        )
    record = ds.record
    classes = datasets.ClassLabel(names=list(record.class_names))
    shape = ds.gather([0]).shape[1:]
    if record.ndim == 2:
        images = {"image": datasets.Image()}
    else:
        array = datasets.Array3D if len(shape) == 3 else datasets.Array4D
        images = {"volume": array(shape, "uint8")}
    labels = {"labels": datasets.Sequence(classes)} if record.multi_label else {"label": classes}
    if record.target == "masks":
        labels = {"mask": datasets.Image()}
    exported = datasets.Dataset.from_generator(
        _rows,
        features=datasets.Features(images | labels),
        gen_kwargs={"ds": ds, "columns": (*images, *labels)},  # `datasets` would split a list into shards
        cache_dir=None if cache_dir is None else os.fspath(cache_dir),
        split=datasets.NamedSplit(ds.split.replace("val", "validation").replace("+", "_")),
        writer_batch_size=_block_length(shape),
    )
    exported.info.description = record.description
    exported.info.license = record.license
    exported.info.homepage = record.collection.homepage
    exported.info.citation = registry.cite(record)
    return exported


_TASKS = {False: "image-classification", True: "image-segmentation"}


def huggingface_card(record: Record) -> str:
    """Return a dataset card: the ``README.md`` of a repository on the Hugging Face hub, with its metadata.

    Parameters
    ----------
    record : Record
        The record of the data set, from :func:`medmnist_np.info`.

    Returns
    -------
    str
        Markdown below a YAML header with license, task and size.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop.huggingface import huggingface_card
    >>> huggingface_card(mm.info("breastmnist")).splitlines()[1:3]
    ['pretty_name: "BreastMNIST"', 'license: cc-by-4.0']
    """
    n_samples = sum(record.n_samples.values())
    decades = next(size for size, n in _SIZES.items() if n_samples < n)
    is_creative_commons = re.fullmatch(r"CC (BY[A-Z-]*) (\d\.\d)", record.license)
    header = [
        f"pretty_name: {json.dumps(record.python_class)}",
        f"license: {record.license.lower().replace(' ', '-') if is_creative_commons else 'other'}",
        *([] if is_creative_commons else [f"license_name: {json.dumps(record.license)}"]),
        f"task_categories: [{_TASKS[record.target == 'masks']}]",
        f"size_categories: [{decades}]",
        "tags: [medical]",
    ]
    classes = "\n".join(f"| {number} | {name} |" for number, name in enumerate(record.class_names))
    splits = "\n".join(f"| {split} | {count:,} |" for split, count in record.n_samples.items())
    notes = "\n".join(f"- {note}" for note in record.notes)
    parts = {
        record.python_class: record.description,
        "Splits": f"| split | samples |\n| --- | --- |\n{splits}",
        "Classes": f"| label | name |\n| --- | --- |\n{classes}",
        "Common pitfalls": notes,
        "Licence": f"{record.license}. Not for clinical use."
        if record.collection.not_for_clinical_use
        else record.license,
        "Citation": f"```bibtex\n{registry.cite(record)}\n```" if registry.cite(record) else "",
    }
    texts = [f"# {title}\n\n{text}" for title, text in parts.items() if text]
    return "---\n" + "\n".join(header) + "\n---\n\n" + "\n\n#".join(texts) + "\n"


# Categories of the hub, by the number of samples that is too large for each.
_SIZES = {"n<1K": 1_000, "1K<n<10K": 10_000, "10K<n<100K": 100_000, "100K<n<1M": 1_000_000, "n>1M": math.inf}


def _rows(ds: Dataset, columns: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """Yield samples, read in blocks."""
    length = _block_length(ds.gather([0]).shape[1:])
    for start in range(0, len(ds), length):
        block = ds[start : start + length]
        images = block.gather(np.arange(len(block)))
        for image, label in zip(images, block.labels, strict=True):
            yield dict(zip(columns, (image, _value(ds, label)), strict=True))


def _value(ds: Dataset, label: NDArray[Any]) -> Any:
    if ds.record.target == "masks":
        return label.astype(np.uint8)
    return np.flatnonzero(label).tolist() if ds.record.multi_label else int(label[0])


def _block_length(shape: tuple[int, ...]) -> int:
    return max(1, _BLOCK_BYTES // int(np.prod(shape)))
