"""What batches cost: against bare NumPy, the official data set under PyTorch's DataLoader, and Grain."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.measuring import INTEROP_PYTHON, OFFICIAL_PYTHON, Pairs, elsewhere, heading, in_turn, process, row

# As PathMNIST at 28 px, and 803 MB of ChestMNIST at 224 px.
SETS = {"pathmnist": (28, 89_996), "chestmnist": (224, 16_000)}

N_PAIRS = 9
N_OFFICIAL_PAIRS = 3

EPOCH = """
import sys
import time
import medmnist_np as mm
name, size, prefetch, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
ds = mm.Dataset(name, split="train", size=size, download=False)[:n]
batches = ds.batches(128, shuffle=True, scale=1 / 255, channels="first", prefetch=prefetch)
seen = sum(len(batch.images) for batch in batches)
start = time.perf_counter()
seen = sum(len(batch.images) for batch in batches)
print(seen / (time.perf_counter() - start))
"""

OFFICIAL = """
import sys
import time
import medmnist
import numpy as np
import torch
name, size, folder, n = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
torch.set_num_threads(1)
def transform(image):  # what torchvision's ToTensor and Normalize([.5], [.5]) do
    array = np.array(image, copy=True)
    tensor = torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1).contiguous()
    return tensor.to(torch.get_default_dtype()).div(255).sub_(0.5).div_(0.5)
kind = getattr(medmnist, medmnist.INFO[name]["python_class"])
ds = torch.utils.data.Subset(kind(split="train", size=size, root=folder, transform=transform), range(n))
loader = torch.utils.data.DataLoader(ds, batch_size=128, shuffle=True)
next(iter(loader))
start = time.perf_counter()
seen = sum(len(images) for images, _ in loader)
print(seen / (time.perf_counter() - start))
"""

GRAIN = """
import sys
import time
import grain
import numpy as np
import medmnist_np as mm
name, size, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ds = mm.Dataset(name, split="train", size=size, download=False)[:n]
def scaled(sample):
    return sample[0] * np.float32(1 / 255), sample[1]
pipeline = grain.MapDataset.source(ds).shuffle(seed=0).map(scaled).batch(128)
pipeline[0]
start = time.perf_counter()
seen = sum(len(pipeline[number][0]) for number in range(len(pipeline)))
print(seen / (time.perf_counter() - start))
"""


def make(name: str, size: int, n: int, folder: str) -> str:
    """Publish a made-up set with one large split, write it as an .npz too, and return the folder of the first."""
    import numpy as np

    import medmnist_np as mm
    from benchmarks.sets import publish

    record = mm.info(name)
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in (("train", n), ("val", 16), ("test", 16)):
        arrays[f"{split}_images"] = random.integers(0, 256, (count, *record.image_shape(size)), dtype=np.uint8)
        arrays[f"{split}_labels"] = random.integers(0, 2, (count, record.label_width), dtype=np.uint8)
    np.savez(f"{folder}/{record.archive(size).file_name}", **arrays)
    return publish(name, size, arrays)


def _seconds(function: Callable[[], object]) -> float:
    start = perf_counter()
    function()
    return perf_counter() - start


def uint8_epoch(name: str, size: int, batch_size: int, prefetch: int, by: str) -> Pairs:
    """Seconds of one shuffled epoch, and of a bare loop over the same indices: ``images[i]`` or ``images.take(i)``."""
    import numpy as np

    import medmnist_np as mm

    ds = mm.Dataset(name, split="train", size=size, download=False)
    images, labels = np.asarray(ds.images), np.asarray(ds.labels)
    batches = ds.batches(batch_size, shuffle=True, prefetch=prefetch)
    order = batches.plan.order(0).indices

    def ours() -> None:
        for _ in batches:
            pass

    def bare() -> None:
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            batch = images[indices], labels[indices].astype(np.int64)  # noqa: F841 -- held, as a user does

    def bare_take() -> None:
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            batch = images.take(indices, axis=0), labels.take(indices, axis=0).astype(np.int64)  # noqa: F841

    other = {"index": bare, "take": bare_take}[by]
    return Pairs(*in_turn(lambda: _seconds(ours), lambda: _seconds(other), N_PAIRS))


def scaled_epoch(name: str, size: int, prefetch: int) -> Pairs:
    """The same for float32 in [0, 1]; the bare loop is the cast and the multiplication of NumPy."""
    import numpy as np

    import medmnist_np as mm

    ds = mm.Dataset(name, split="train", size=size, download=False)
    images, labels = np.asarray(ds.images), np.asarray(ds.labels)
    batches = ds.batches(128, shuffle=True, scale=1 / 255, prefetch=prefetch)
    order = batches.plan.order(0).indices

    def ours() -> None:
        for _ in batches:
            pass

    def bare() -> None:
        for start in range(0, len(order), 128):
            indices = order[start : start + 128]
            scaled = np.multiply(images.take(indices, axis=0), np.float32(1 / 255))
            batch = scaled, labels.take(indices, axis=0).astype(np.int64)  # noqa: F841

    return Pairs(*in_turn(lambda: _seconds(ours), lambda: _seconds(bare), N_PAIRS))


def items(name: str, size: int) -> Pairs:
    """Microseconds of one item, and of copying an image and casting a label by hand."""
    import numpy as np

    import medmnist_np as mm

    ds = mm.Dataset(name, split="train", size=size, download=False)
    view, labels = np.asarray(ds.images), np.asarray(ds.labels)
    indices = np.random.default_rng(0).integers(0, len(ds), 2000).tolist()

    def ours() -> None:
        for index in indices:
            ds[index]

    def bare() -> None:
        for index in indices:
            view[index].copy(), labels[index].astype(np.int64)

    return Pairs(*in_turn(lambda: _seconds(ours) * 500, lambda: _seconds(bare) * 500, 25))


def cold_epoch(name: str, size: int, way: str) -> Pairs:
    """Seconds of a first shuffled epoch after the file was dropped from memory: prepared in a way, and plainly."""
    import medmnist_np as mm

    ds = mm.Dataset(name, split="train", size=size, download=False)
    path = Path(str(ds.images.filename))  # type: ignore[attr-defined]

    def dropped() -> None:
        with path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def plainly() -> None:
        # A new map: pages that are mapped are not dropped.
        for _ in mm.Dataset(name, split="train", size=size, download=False).batches(128, shuffle=True):
            pass

    def warmed() -> None:
        fresh = mm.Dataset(name, split="train", size=size, download=False)
        if not fresh.warm():
            raise SystemExit("The file does not fit into memory here.")
        for _ in fresh.batches(128, shuffle=True):
            pass

    def in_blocks() -> None:
        fresh = mm.Dataset(name, split="train", size=size, download=False)
        for _ in fresh.batches(128, shuffle="blocks"):
            pass

    def cold(function: Callable[[], None]) -> float:
        dropped()
        return _seconds(function)

    del ds
    chosen = {"warm": warmed, "blocks": in_blocks}[way]
    return Pairs(*in_turn(lambda: cold(chosen), lambda: cold(plainly), 7))


def _rates(ours: list[str], theirs: list[str], python: str) -> Pairs:
    runs = in_turn(lambda: process("-c", *ours), lambda: process("-c", *theirs, python=python), N_OFFICIAL_PAIRS)
    return Pairs(*([float(run.printed) for run in series] for series in runs))


def main() -> None:
    heading("Batches, shuffled")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("MEDMNIST_NP_CACHE", None)
        os.environ["XDG_CACHE_HOME"] = folder
        for name, (size, n) in SETS.items():
            elsewhere(make, name, size, n, folder)
            what = f"{n:,} images of {size} px"
            for batch_size in (128, 256):
                for by, wording in (("index", "`images[i]`"), ("take", "`images.take(i)`")):
                    pairs = elsewhere(uint8_epoch, name, size, batch_size, 2, by)
                    speed = Pairs([1 / s for s in pairs.ours], [1 / s for s in pairs.theirs])
                    label = f"{what}: uint8, batches of {batch_size}, against a bare loop of {wording}"
                    row(label, speed, "epochs/s", at_least=0.9)
            for prefetch in (0, 1, 2):
                pairs = elsewhere(scaled_epoch, name, size, prefetch)
                speed = Pairs([1 / s for s in pairs.ours], [1 / s for s in pairs.theirs])
                row(f"{what}: float32, prefetch {prefetch}, against NumPy's cast and product", speed, "epochs/s")
            row(f"{what}: `ds[i]`, against copies by hand", elsewhere(items, name, size), "us", at_most=4)
        _cold()
        _peers(folder)


def _cold() -> None:
    for name, (size, _) in SETS.items():
        for way, least in (("warm", 1.8), ("blocks", None)):
            pairs = elsewhere(cold_epoch, name, size, way)
            speed = Pairs([1 / s for s in pairs.ours], [1 / s for s in pairs.theirs])
            row(f"first epoch from a cold disk, {size} px, {way}, against plainly", speed, "epochs/s", at_least=least)


def _peers(folder: str) -> None:
    for name, (size, n) in SETS.items():
        some = str(min(n, 12_800 if size == 28 else 2560))
        for prefetch, least in ((1, 30 if size == 28 else 2.3), (2, 30 if size == 28 else 3)):
            if OFFICIAL_PYTHON is not None:
                pairs = _rates(
                    [EPOCH, name, str(size), str(prefetch), some],
                    [OFFICIAL, name, str(size), folder, some],
                    OFFICIAL_PYTHON,
                )
                what = f"float32, {size} px, prefetch {prefetch}, against the official class under DataLoader"
                row(what, pairs, "images/s", at_least=least)
        if INTEROP_PYTHON is not None:
            pairs = _rates([EPOCH, name, str(size), "2", some], [GRAIN, name, str(size), some], INTEROP_PYTHON)
            row(
                f"float32, {size} px, against Grain item by item",
                pairs,
                "images/s",
                at_least=20 if size == 28 else None,
            )
    for variable, python in (
        ("MEDMNIST_OFFICIAL_PYTHON", OFFICIAL_PYTHON),
        ("MEDMNIST_INTEROP_PYTHON", INTEROP_PYTHON),
    ):
        if python is None:
            print(f"\nSome rows are missing: {variable} names no interpreter.")


if __name__ == "__main__":
    main()
