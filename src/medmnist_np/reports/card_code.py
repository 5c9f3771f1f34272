"""A section of the card: how to load the data set in six frameworks."""

from __future__ import annotations

from medmnist_np._html import Html, element
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.user_records import LOCAL
from medmnist_np.reports.page import code


def loading(record: DatasetInfo, size: int, default_size: int) -> list[Html]:
    """Return how to load the data set: one block of code to copy for each framework."""
    content = [element("p", *_beforehand(record), "One click selects a block.")]
    for framework, lines in snippets(record, size, default_size).items():
        content += [element("h3", framework), code(lines, f"Code for {framework}")]
    return [
        *content,
        element("h3", "Then"),
        code(scoring(record, size, default_size), "Code for scoring"),
        element("h3", "On the command line"),
        code(_commands(record, size, default_size), "Commands"),
    ]


def _beforehand(record: DatasetInfo) -> list[str | Html]:
    """Return what to do before the code runs on a machine."""
    if record.collection.name != LOCAL.name:
        return ["Each block is complete: the first use downloads the data set, verifies its checksum and unpacks it. "]
    return [
        "This set is known where it was built or registered. ",
        "Another machine must register its record first, by its file or web address: ",
        element("code", f"medmnist-np register {record.name}.toml"),
        ". The first use verifies the checksum of the archive and unpacks it. ",
    ]


def snippets(record: DatasetInfo, size: int, default_size: int) -> dict[str, str]:
    """Return the Python code that loads a data set, by framework.

    Parameters
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Size of its images.
    default_size : int
        The size that the code need not name.
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
    """Return the arguments of ``mm.Dataset()``."""
    return f'"{record.qualified_name}", split="{split}"' + (f", size={size}" if size != default_size else "")


def _first_channels(record: DatasetInfo, size: int) -> str:
    return ", ".join(map(str, (record.n_channels, *record.image_shape(size)[: record.ndim])))


def scoring(record: DatasetInfo, size: int, default_size: int) -> str:
    """Return the code that evaluates predictions, the user's ``scores``; for a segmentation set, ``predicted``."""
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
