"""Saving images as files, against the official `save`, in a file system in memory.

    MEDMNIST_OFFICIAL_PYTHON=... MEDMNIST_NP_TEST_DATA=... python -m benchmarks.export

Each run is a process that imports first and then writes one split into a new folder; only the writing is timed. Images
are made up as those of `benchmarks.pictures`, cut to size; volumes are real where there are any.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.measuring import OFFICIAL_PYTHON, Pairs, elsewhere, heading, in_turn, process, row

N_PAIRS = 7
MEMORY = "/dev/shm"  # noqa: S108, made for such use

TEST_DATA = os.environ.get("MEDMNIST_NP_TEST_DATA")

OURS = """
import sys
from time import perf_counter

import numpy as np

import medmnist_np as mm
from medmnist_np.export import Plan, save
from medmnist_np.images.encoders import encode

images, folder, name, ending, workers = np.load(sys.argv[1]), *sys.argv[2:]
record = mm.info(name)
encode(images[0], ending, Plan(record, images.shape[1], "test").kind)  # imports Pillow where it is needed
labels = np.zeros((len(images), record.label_width), np.uint8)
start = perf_counter()
save(Plan(record, images.shape[1], "test", format=ending), images, labels, folder, workers=int(workers))
print(perf_counter() - start)
"""

OFFICIAL = """
import sys
from time import perf_counter

import numpy as np
from medmnist import utils

images, folder, name, ending = np.load(sys.argv[1]), *sys.argv[2:]
labels = np.zeros((len(images), 1), np.uint8)
write = utils.save3d if ending == "gif" else utils.save2d
write(images[:1], labels[:1], folder + "/first", "test", ending, None)
start = perf_counter()
write(images, labels, f"{folder}/{name}", "test", ending, f"{folder}/{name}.csv")
print(perf_counter() - start)
"""


def make_images(path: str, n: int, size: int, color: bool) -> None:
    """Write an .npy of images that are cut out of larger ones."""
    import numpy as np

    from benchmarks.pictures import natural_images

    per_side = 224 // size
    large = natural_images(-(-n // per_side**2))
    side = per_side * size
    tiles = large[:, :side, :side].reshape(-1, per_side, size, per_side, size, 3).swapaxes(2, 3)
    images = tiles.reshape(-1, size, size, 3)[:n]
    np.save(path, images if color else images[..., 0])


def take_volumes(path: str, name: str, n: int) -> None:
    """Write an .npy of real volumes."""
    import numpy as np

    with np.load(Path(str(TEST_DATA), "medmnist", f"{name}.npz")) as archive:
        np.save(path, archive["test_images"][:n])


def ours(images: str, name: str, ending: str, workers: int = 1, folder: str | None = None) -> float:
    """Save in a new folder, or in one that is given, and return the seconds."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as new:
        return float(process("-c", OURS, images, folder or new, name, ending, str(workers)).printed)


def official(images: str, name: str, ending: str) -> float:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        printed = process("-c", OFFICIAL, images, folder, name, ending, python=str(OFFICIAL_PYTHON)).printed
        return float(printed.splitlines()[-1])


def main() -> None:
    os.environ["TQDM_DISABLE"] = "1"  # the official loop would draw its bar among the rows
    heading(f"Saving in {MEMORY}: how many times as long the first takes", "the first", "the second")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        for name, n, size, color in (
            ("breastmnist", 3000, 28, False),
            ("pathmnist", 3000, 28, True),
            ("pathmnist", 100, 224, True),
        ):
            images = f"{folder}/{name}{size}.npy"
            elsewhere(make_images, images, n, size, color)
            kind = f"{n} {'RGB' if color else 'gray'} images of {size} px"
            _against_official(f"PNG, {kind}", images, name, "png", at_least=1)
            _with_workers(f"PNG, {kind}", images, name)
            _again(f"PNG, {kind}", images, name)
        for name, n in (("adrenalmnist3d", 298), ("adrenalmnist3d_64", 100)):
            if TEST_DATA is None:
                print("\nVolumes: not measured; set MEDMNIST_NP_TEST_DATA to a folder of archives.")
                return
            images = f"{folder}/{name}.npy"
            elsewhere(take_volumes, images, name, n)
            _against_official(f"GIF, {n} volumes of {name}", images, "adrenalmnist3d", "gif", at_least=2.5)


def _against_official(what: str, images: str, name: str, ending: str, *, at_least: float) -> None:
    if OFFICIAL_PYTHON is None:
        print("\nOfficial `save`: not measured; set MEDMNIST_OFFICIAL_PYTHON to an interpreter that has it.")
        return
    theirs, own = in_turn(lambda: official(images, name, ending), lambda: ours(images, name, ending), N_PAIRS)
    row(f"{what}: official / `save`", Pairs(theirs, own), "s", at_least=at_least)


def _with_workers(what: str, images: str, name: str) -> None:
    one, two = in_turn(lambda: ours(images, name, "png"), lambda: ours(images, name, "png", 2), N_PAIRS)
    row(f"{what}: one worker / two", Pairs(one, two), "s")


def _again(what: str, images: str, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        first, again = in_turn(
            lambda: ours(images, name, "png"), lambda: ours(images, name, "png", folder=folder), N_PAIRS
        )
    row(f"{what}: first run / again", Pairs(first, again), "s")


if __name__ == "__main__":
    main()
