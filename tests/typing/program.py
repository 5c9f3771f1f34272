"""What a user writes who has types checked: it must pass strict checkers, and run.

The functions are called by the test beside this file, with a made-up data set in place of the named one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.interop import to_sklearn
from medmnist_np.metrics import Interval, Predictions, balanced_accuracy, interval

Images = npt.NDArray[np.uint8]


def read() -> tuple[tuple[int, ...], int]:
    images, labels = mm.load("breastmnist", split="test")
    image: Images = images[0]
    return image.shape, int(labels[0, 0])


def describe() -> str:
    record: registry.Record = mm.info("breastmnist")
    names: tuple[str, ...] = record.class_names
    return f"{record.name}: {names[0]}, {record.n_samples['train']}, {mm.cite(record.name)[:1]}"


def select() -> dict[str, int]:
    ds = mm.Dataset("breastmnist", "train")
    chosen: mm.Dataset = ds[ds.labels[:, 0] == 0]
    image, label = chosen[0]
    assert image.dtype == np.uint8
    assert label.ndim == 1
    for train, val in ds.folds(2, seed=1):
        assert len(train) + len(val) == len(ds)
    return ds.take_per_class(2).class_counts()


def batches() -> Iterator[float]:
    ds = mm.BreastMNIST(split="train", download=True)
    for batch in mm.Dataset("breastmnist", "train").batches(8, shuffle=True, seed=0, channels="last", scale=1 / 255):
        yield float(batch.images.mean()) + int(batch.labels.sum()) * 0.0
    yield float(len(ds))


def evaluate(folder: Path) -> float:
    evaluator = mm.Evaluator("breastmnist", "test")
    scores = evaluator.get_dummy_prediction()
    result = evaluator.evaluate(scores, save_folder=str(folder), run="dummy")
    found: Interval = result.intervals(n_resamples=20)["auc"]
    labels = mm.Dataset("breastmnist", "test").labels
    value: float = balanced_accuracy(labels, scores, "binary-class")
    assert found.low <= found.high
    return result.AUC + result.ACC + value


def measure() -> Interval:
    labels = np.array([[0], [1], [1], [0]])
    scores = np.array([0.1, 0.9, 0.4, 0.3])
    return interval(Predictions(labels, scores, "binary-class"), "auc", n_resamples=50)


def tell(folder: Path) -> list[str]:
    page: str = mm.card("breastmnist")
    audit = mm.audit("breastmnist")
    ds = mm.Dataset("breastmnist", "train").without(audit.leaks)
    picture = ds.montage(2, 2, seed=0).save(folder / "montage.png")
    return [page[:9], audit.in_words(), str(picture)]


def hand_over() -> tuple[int, ...]:
    features, targets = to_sklearn(mm.Dataset("breastmnist", "train"), scale=1 / 255)
    return (*features.shape, *targets.shape)


def refuse() -> str:
    try:
        mm.load("breastmnst")
    except mm.MedMNISTError as error:
        return str(error)
    return ""
