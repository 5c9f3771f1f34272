"""``demo``: run the whole pipeline, from an archive to a score, on synthetic data and offline."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from medmnist_np.cli.options import seed_option
from medmnist_np.cli.output import say, say_paragraph, say_table
from medmnist_np.data.arrays import Arrays, load
from medmnist_np.images import montage
from medmnist_np.metrics import accuracy, auc
from medmnist_np.registry import Record
from medmnist_np.testing import fake_datasets

# Gray and binary, RGB and multi-class, multi-label, volumes.
_NAMES = ("breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d")
_PENALTY = 3.0  # of the ridge regression, relative to a mean squared pixel of 1
_SHOWN = 10  # images of each set in the picture


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for all files; default: a new temporary folder, which is kept.",
)
@seed_option
def demo(folder: Path | None, seed: int) -> None:
    """Try the whole pipeline on synthetic data, offline.

    The demo takes a few seconds. It makes four small archives like those of MedMNIST, serves them on this machine,
    downloads, verifies, unpacks and memory-maps them, trains a small classifier with NumPy, and writes a picture.

    \b
      medmnist-np demo
      medmnist-np demo --folder demo
    """
    import imageio.v3 as imageio

    folder = (folder or Path(tempfile.mkdtemp(prefix="medmnist-np-demo-"))).resolve()
    say_paragraph("Synthetic images in the shape of four MedMNIST sets. The scores mean nothing for the real sets.")
    say()
    started = time.perf_counter()
    with fake_datasets(folder, *_NAMES, seed=seed) as records:
        made = time.perf_counter()
        say(f"Made and served four archives          {made - started:5.1f} s")
        splits = [(record, load(record, "train"), load(record, "test")) for record in records]
        loaded = time.perf_counter()
        say(f"Downloaded, verified, unpacked, mapped {loaded - made:5.1f} s")
    rows = [_row(record, train, test) for record, train, test in splits]
    say(f"Trained a ridge regression on each     {time.perf_counter() - loaded:5.1f} s\n")

    say_table(rows, ["data set", "task", "image", "train", "test", "AUC", "ACC"], [3, 4, 5, 6])

    picture = folder / "demo.png"
    shown = [_as_rgb(test.images[:_SHOWN], record) for record, _, test in splits]
    imageio.imwrite(picture, montage(np.concatenate(shown), columns=_SHOWN))
    say(f"\nPicture   {picture}  (test images, one data set per row)")
    say(f"Archives  {folder / 'archives'}")
    say(f"Arrays    {folder / 'cache' / 'arrays'}")
    say("Nothing was written anywhere else. Delete the folder when you are done.")


def _row(record: Record, train: Arrays, test: Arrays) -> list[object]:
    scores = _ridge_scores(train, test.images, record)
    shape = " x ".join(map(str, test.images.shape[1:]))
    measured = [f"{metric(test.labels, scores, record.task):.3f}" for metric in (auc, accuracy)]
    return [record.name, record.task, shape, len(train.images), len(test.images), *measured]


def _ridge_scores(train: Arrays, images: NDArray[np.uint8], record: Record) -> NDArray[Any]:
    """Return scores ``(n, classes)`` of a ridge regression from standardised pixels to zeros and ones.

    It is solved in dual form, with one equation for each training image.
    """
    targets = train.labels if record.multi_label else train.labels == np.arange(record.n_classes)
    known = train.images.reshape(len(train.images), -1).astype(np.float32)
    asked = images.reshape(len(images), -1).astype(np.float32)
    mean, deviation = known.mean(axis=0), known.std(axis=0) + 1e-6
    known, asked = (known - mean) / deviation, (asked - mean) / deviation

    share = targets.mean(axis=0)
    kernel = known @ known.T / known.shape[1] + _PENALTY * np.eye(len(known))
    values = asked @ known.T / known.shape[1] @ np.linalg.solve(kernel, targets - share) + share
    # From 0 to 1, in the same order and on the same side of 0.5.
    scores: NDArray[Any] = 1 / (1 + np.exp(0.5 - values))
    return scores


def _as_rgb(images: NDArray[np.uint8], record: Record) -> NDArray[np.uint8]:
    """Return ``(n, h, w, 3)`` for images of any kind, and for volumes their middle slice."""
    if record.n_channels == 3:
        return images
    if record.ndim == 3:
        images = images[:, images.shape[1] // 2]
    return np.repeat(images[..., None], 3, axis=-1)
