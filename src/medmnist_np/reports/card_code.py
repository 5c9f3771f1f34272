"""A section of the card: how to load the data set in six frameworks; and the records a card is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np.registry import Baselines, DatasetInfo
from medmnist_np.registry.user_records import LOCAL
from medmnist_np.reports.page import code


class Values(NamedTuple):
    """What the pixels (voxels) of a split are like.

    Attributes
    ----------
    mean, std : (channels,) float64
        0 to 255.
    histogram : (channels, 256) int64
        How often each value occurs.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    histogram: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """Some samples of one class, or with one finding.

    Attributes
    ----------
    title : str
        What they have in common.
    numbers : sequence of int
        Their places in the split.
    picture : (h, w), (h, w, 3) or (d, h, w) uint8, 0-255
        The samples side by side; of volumes one picture for each slice. None if the split has no such sample.
    """

    title: str
    numbers: Sequence[int] = ()
    picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class CardData:
    """A data set as plain data. What is not on this machine is empty.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Of the images that are shown and measured, in pixels or voxels.
    default_size : int
        The size that is meant where none is named.
    preparation : sequence of str
        What is known, and what is not, about how the images were made of those of the source.
    labels : Mapping of str to (n, l) integers
        By split.
    examples : sequence of Examples
        Of the first split.
    values : Mapping of str to Values
        By split.
    baselines : Baselines
        Published figures.
    masks : Mapping of str to (n, classes) int64
        By split: the pixels of each class in each mask of a segmentation set.
    citations : str
        BibTeX.
    origin : Mapping of str to str
        Where all this comes from, by name.
    """

    record: DatasetInfo
    size: int
    default_size: int
    preparation: Sequence[str]
    labels: Mapping[str, NDArray[np.integer]]
    examples: Sequence[Examples]
    values: Mapping[str, Values]
    baselines: Baselines
    citations: str
    origin: Mapping[str, str]
    masks: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


def loading(data: CardData) -> list[Html]:
    """Return how to load the data set, one block of lines to copy for each framework."""
    content = [element("p", *_beforehand(data.record), "One click selects a block.")]
    for framework, lines in snippets(data.record, data.size, data.default_size).items():
        content += [element("h3", framework), code(lines, f"Code for {framework}")]
    return [
        *content,
        element("h3", "Then"),
        code(scoring(data.record, data.size, data.default_size), "Code for scoring"),
        element("h3", "On the command line"),
        code(_commands(data.record, data.size, data.default_size), "Commands"),
    ]


def _beforehand(record: DatasetInfo) -> list[str | Html]:
    """Say what a machine needs before a block runs there."""
    if record.collection.name != LOCAL.name:
        return ["Each block is complete: the first use downloads the data set, checks its digest and unpacks it. "]
    return [
        "This set is known where it was built or registered. ",
        "Another machine must register its record first, by its file or web address: ",
        element("code", f"medmnist-np register {record.name}.toml"),
        ". The first use checks the digest of the archive and unpacks it. ",
    ]


def snippets(record: DatasetInfo, size: int, default_size: int) -> dict[str, str]:
    """Return for each framework the lines of Python that load a data set and hand over a batch, or all of it.

    Parameters
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Of its images.
    default_size : int
        This size need not be named.
    """
    if record.target == "masks":
        return _with_masks(record, size, default_size)
    split = record.splits[0]
    named = _named(record, split, size, default_size)
    shape = ", ".join(map(str, record.image_shape(size)))
    n = record.n_samples[split]
    first = _first_channels(record, size)
    last = ", ".join(map(str, (*record.image_shape(size), *(() if record.n_channels == 3 else (1,)))))
    labels = f"(128, {record.label_width})"
    targets = f"({n}, {record.label_width})" if record.multi_label else f"({n},)"
    return {
        "NumPy": f"""\
import medmnist_np as mm

train = mm.Dataset({named})
train.images, train.labels  # ({n}, {shape}) and ({n}, {record.label_width}), mapped from disk

for images, labels, indices, mask in train.batches(128, shuffle=True, seed=0):
    ...  # uint8 (128, {shape}) and int64 {labels}, fresh and writable
""",
        "scikit-learn": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_sklearn

train = mm.Dataset({named})
X, y = to_sklearn(train, scale=1 / 255)
X, y  # float32, a row for each sample, and int64 {targets}
""",
        "PyTorch": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_torch
from torch.utils.data import DataLoader

train = mm.Dataset({named})
data = to_torch(train, channels="first", scale=1 / 255)
loader = DataLoader(data, batch_size=128, shuffle=True, collate_fn=data.collate)

for images, labels in loader:
    ...  # float32 (128, {first}) and int64 {labels}
""",
        "TensorFlow": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_tensorflow

train = mm.Dataset({named})
data = to_tensorflow(train, 128, shuffle=True, channels="last", scale=1 / 255)

for images, labels in data:
    ...  # float32 (128, {last}) and int64 {labels}
""",
        "JAX": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_jax

train = mm.Dataset({named})
data = to_jax(train, 128, shuffle=True, last="pad", channels="last", scale=1 / 255)

for batch in data:
    batch.images, batch.labels  # on the device: (128, {last}) and {labels}
    batch.mask  # (128,): False for what only fills up the last batch
""",
        "Keras": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_keras

train = mm.Dataset({named})
data = to_keras(train, 128, shuffle=True, channels="last", scale=1 / 255)

images, labels = data[0]  # float32 (128, {last}) and int64 {labels}
# model.fit(data, epochs=5, shuffle=False)  # it is shuffled already
""",
    }


def _with_masks(record: DatasetInfo, size: int, default_size: int) -> dict[str, str]:
    split = record.splits[0]
    named = _named(record, split, size, default_size)
    shape = ", ".join(map(str, record.image_shape(size)))
    n = record.n_samples[split]
    first = _first_channels(record, size)
    last = ", ".join(map(str, (*record.image_shape(size), *(() if record.n_channels == 3 else (1,)))))
    mask = ", ".join(map(str, record.target_shape(size)))
    return {
        "NumPy": f"""\
import medmnist_np as mm

train = mm.Dataset({named})
train.images, train.masks  # ({n}, {shape}) and ({n}, {mask})

for images, masks, indices, filled in train.batches(16, shuffle=True, seed=0):
    ...  # uint8 (16, {shape}) and uint8 (16, {mask}), fresh and writable
""",
        "PyTorch": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_torch
from torch.utils.data import DataLoader

train = mm.Dataset({named})
data = to_torch(train, channels="first", scale=1 / 255)
loader = DataLoader(data, batch_size=16, shuffle=True, collate_fn=data.collate)

for images, masks in loader:
    ...  # float32 (16, {first}) and uint8 (16, {mask})
""",
        "TensorFlow": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_tensorflow

train = mm.Dataset({named})
data = to_tensorflow(train, 16, shuffle=True, channels="last", scale=1 / 255)

for images, masks in data:
    ...  # float32 (16, {last}) and uint8 (16, {mask})
""",
        "JAX": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_jax

train = mm.Dataset({named})
data = to_jax(train, 16, shuffle=True, last="pad", channels="last", scale=1 / 255)

for batch in data:
    batch.images, batch.labels  # on the device: (16, {last}) and (16, {mask})
    batch.mask  # (16,): False for what only fills up the last batch
""",
        "Keras": f"""\
import medmnist_np as mm
from medmnist_np.interop import to_keras

train = mm.Dataset({named})
data = to_keras(train, 16, shuffle=True, channels="last", scale=1 / 255)

images, masks = data[0]  # float32 (16, {last}) and uint8 (16, {mask})
# model.fit(data, epochs=5, shuffle=False)  # it is shuffled already
""",
    }


def _named(record: DatasetInfo, split: str, size: int, default_size: int) -> str:
    """Return what is written in the brackets of ``mm.Dataset()``."""
    return f'"{record.qualified_name}", split="{split}"' + (f", size={size}" if size != default_size else "")


def _first_channels(record: DatasetInfo, size: int) -> str:
    return ", ".join(map(str, (record.n_channels, *record.image_shape(size)[: record.ndim])))


def scoring(record: DatasetInfo, size: int, default_size: int) -> str:
    """Return the lines that measure predictions, in a name of the user's own: ``scores``, or of masks ``predicted``."""
    split = record.splits[-1]
    n = record.n_samples[split]
    if record.target == "masks":
        shape = ", ".join(map(str, record.target_shape(size)))
        return f"""\
import medmnist_np as mm
from medmnist_np.metrics import segmentation_table

test = mm.Dataset({_named(record, split, size, default_size)})
areas = {{name: number for number, name in enumerate(test.class_names) if number}}
overlap = ["dice", "iou"]
# of predicted, ({n}, {shape}) numbers of classes
print(segmentation_table(test.masks, predicted, spacing_mm=1, labels=areas, metrics=overlap))
"""
    width = 2 if record.task == "binary-class" else record.n_classes
    return f"""\
import medmnist_np as mm

evaluator = mm.Evaluator("{record.qualified_name}", "{split}")
evaluator.evaluate(scores)  # AUC and ACC of ({n}, {width}) scores
"""


def _commands(record: DatasetInfo, size: int, default_size: int) -> str:
    sized = f" --size {size}" if size != default_size else ""
    registering = f"medmnist-np register {record.name}.toml\n" if record.collection.name == LOCAL.name else ""
    return f"""\
pip install 'medmnist-np[interop]'
{registering}medmnist-np fetch {record.qualified_name}{sized}
"""
