"""A section of the card: how to load the data set in six frameworks."""

from __future__ import annotations

from collections.abc import Iterable

from medmnist_np._html import Html, element
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.user_records import LOCAL
from medmnist_np.reports.page import code


def loading(record: DatasetInfo, size: int, default_size: int) -> list[Html]:
    """Return code that loads the data set: a block to copy for each framework."""
    content = [element("p", *_beforehand(record), "A click selects the whole block.")]
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
    """Return what to do on a machine before the code runs there."""
    if record.collection.name != LOCAL.name:
        return ["Each block is complete. The first use downloads the data set, verifies its checksum and unpacks it. "]
    return [
        "This data set is available on machines on which it was built or registered. ",
        "On other machines, first register the file of its record, or its URL: ",
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
        The size for which the code needs no ``size=``.
    """
    split, segmented = record.splits[0], record.target == "masks"
    n, batch, shape = record.n_samples[split], 16 if segmented else 128, record.image_shape(size)
    targets = "masks" if segmented else "labels"
    target_shape = _listed(record.target_shape(size) if segmented else (record.label_width,))
    target = f"{'uint8' if segmented else 'int64'} ({batch}, {target_shape})"
    channels_last = _listed(shape if record.n_channels == 3 else (*shape, 1))
    channels_first = _listed((record.n_channels, *shape[: record.ndim]))
    named = _named(record, split, size, default_size)

    def block(body: str, *imports: str) -> str:
        return "\n".join(["import medmnist_np as mm", *imports, "", f"train = mm.Dataset({named})", body])

    def adapted(framework: str, body: str, *imports: str) -> str:
        return block(body, f"from medmnist_np.interop import to_{framework}", *imports)

    blocks = {
        "NumPy": block(f"""\
train.images, train.{targets}  # ({n}, {_listed(shape)}) and ({n}, {target_shape}), mapped from disk

for images, {targets}, indices, {"filled" if segmented else "mask"} in train.batches({batch}, shuffle=True, seed=0):
    ...  # uint8 ({batch}, {_listed(shape)}) and {target}, new and writable
"""),
        "scikit-learn": adapted(
            "sklearn",
            f"""\
X, y = to_sklearn(train, scale=1 / 255)
X, y  # float32, a row for each sample, and int64 {f"({n}, {target_shape})" if record.multi_label else f"({n},)"}
""",
        ),
        "PyTorch": adapted(
            "torch",
            f"""\
data = to_torch(train, channels="first", scale=1 / 255)
loader = DataLoader(data, batch_size={batch}, shuffle=True, collate_fn=data.collate)

for images, {targets} in loader:
    ...  # float32 ({batch}, {channels_first}) and {target}
""",
            "from torch.utils.data import DataLoader",
        ),
        "TensorFlow": adapted(
            "tensorflow",
            f"""\
data = to_tensorflow(train, {batch}, shuffle=True, channels="last", scale=1 / 255)

for images, {targets} in data:
    ...  # float32 ({batch}, {channels_last}) and {target}
""",
        ),
        "JAX": adapted(
            "jax",
            f"""\
data = to_jax(train, {batch}, shuffle=True, last="pad", channels="last", scale=1 / 255)

for batch in data:
    batch.images, batch.labels  # on the device: ({batch}, {channels_last}) and ({batch}, {target_shape})
    batch.mask  # ({batch},): False for samples that only pad the last batch
""",
        ),
        "Keras": adapted(
            "keras",
            f"""\
data = to_keras(train, {batch}, shuffle=True, channels="last", scale=1 / 255)

images, {targets} = data[0]  # float32 ({batch}, {channels_last}) and {target}
# model.fit(data, epochs=5, shuffle=False)  # the data is already shuffled
""",
        ),
    }
    if segmented:
        del blocks["scikit-learn"]
    return blocks


def _listed(shape: Iterable[int]) -> str:
    return ", ".join(map(str, shape))


def _named(record: DatasetInfo, split: str, size: int, default_size: int) -> str:
    """Return the arguments of ``mm.Dataset()``."""
    return f'"{record.qualified_name}", split="{split}"' + (f", size={size}" if size != default_size else "")


def scoring(record: DatasetInfo, size: int, default_size: int) -> str:
    """Return the code that evaluates predictions, the user's ``scores``; for a segmentation set, ``predicted``."""
    split = record.splits[-1]
    n = record.n_samples[split]
    if record.target == "masks":
        return f"""\
import medmnist_np as mm
from medmnist_np.metrics import segmentation_table

test = mm.Dataset({_named(record, split, size, default_size)})
areas = {{name: number for number, name in enumerate(test.class_names) if number}}
overlap = ["dice", "iou"]
# predicted: class numbers, ({n}, {_listed(record.target_shape(size))})
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
