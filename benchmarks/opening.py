"""What opening costs: one sample of a split of 803 MB, against NumPy on the bare file and the official way."""

from __future__ import annotations

import json
import os
import tempfile
from time import perf_counter
from typing import Any

from benchmarks.measuring import OFFICIAL_PYTHON, Pairs, elsewhere, heading, in_turn, process, process_rows, row

N_PAIRS = 31
N_OFFICIAL_PAIRS = 3
N_SERIES = 25
CALLS_IN_A_SERIES = 200

# The train split takes 803 MB. The other splits are there because the real archive has them.
N_SAMPLES = {"train": 5335, "val": 16, "test": 16}

LOAD = """
import medmnist_np as mm
images, labels = mm.load("pathmnist", split="train", size=224)
images[2000].sum(), labels[2000].sum()
"""

BARE = """
import sys
import numpy as np
images = np.load(sys.argv[1] + "/train_images.npy", mmap_mode="r")
labels = np.load(sys.argv[1] + "/train_labels.npy", mmap_mode="r")
images[2000].sum(), labels[2000].sum()
"""

ARCHIVE = """
import sys
import numpy as np
with np.load(sys.argv[1], mmap_mode="r") as archive:
    images, labels = archive["train_images"], archive["train_labels"]
images[2000].sum(), labels[2000].sum()
"""

OFFICIAL = """
import os
import sys
from medmnist import PathMNIST
split = PathMNIST(split="train", size=224, root=os.path.dirname(sys.argv[1]))
split.imgs[2000].sum(), split.labels[2000].sum()
"""


def make_cache(archive: str) -> str:
    """Publish made-up arrays as PathMNIST at 224 px, write them as an .npz too, and return the folder of the first."""
    import numpy as np

    import medmnist_np as mm
    from benchmarks.pictures import natural_images
    from benchmarks.sets import publish

    n_classes = mm.info("pathmnist").n_classes
    arrays: dict[str, Any] = {}
    for split, n in N_SAMPLES.items():
        arrays[f"{split}_images"] = natural_images(n)
        arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % n_classes)[:, None]
    np.savez_compressed(archive, **arrays)
    return publish("pathmnist", 224, arrays)


def second_load(folder: str) -> Pairs:
    """Time series of calls, in microseconds a call, in a process that has called ``load`` before."""
    import numpy as np

    import medmnist_np as mm

    def load() -> float:
        start = perf_counter()
        for _ in range(CALLS_IN_A_SERIES):
            mm.load("pathmnist", split="train", size=224)
        return (perf_counter() - start) / CALLS_IN_A_SERIES * 1e6

    def by_hand() -> float:
        start = perf_counter()
        for _ in range(CALLS_IN_A_SERIES):
            with open(f"{folder}/manifest.json", "rb") as stream:  # noqa: PTH123, pathlib would cost more
                manifest = json.loads(stream.read())
            for name in ("train_images", "train_labels"):
                np.load(f"{folder}/{manifest['arrays'][name]['file']}", mmap_mode="r")
        return (perf_counter() - start) / CALLS_IN_A_SERIES * 1e6

    return Pairs(*in_turn(load, by_hand, N_SERIES))


def main() -> None:
    heading("Opening: a process that reads one sample of a split of 803 MB")
    with tempfile.TemporaryDirectory() as folder:
        # Where the cache lies by default, as most users have it, is asked of platformdirs: that is part of the cost.
        os.environ.pop("MEDMNIST_NP_CACHE", None)
        os.environ["XDG_CACHE_HOME"] = folder
        archive = f"{folder}/pathmnist_224.npz"
        arrays = elsewhere(make_cache, archive)
        _compare("`mm.load`, against `np.load` of the bare .npy", [BARE, arrays], N_PAIRS, 1.25, 5)
        _compare("against `np.load` of the .npz", [ARCHIVE, archive], N_OFFICIAL_PAIRS)
        row(
            "a second `mm.load` in a process, against the manifest and `np.load` by hand",
            elsewhere(second_load, arrays),
            "us",
            at_most=1.1,
        )
        if OFFICIAL_PYTHON is None:
            print("\nOfficial class: not measured; set MEDMNIST_OFFICIAL_PYTHON to an interpreter that has it.")
        else:
            _compare("against the official `PathMNIST`", [OFFICIAL, archive], N_OFFICIAL_PAIRS, python=OFFICIAL_PYTHON)


def _compare(
    what: str,
    other: list[str],
    n_pairs: int,
    at_most: float | None = None,
    at_most_mb: float | None = None,
    **options: str,
) -> None:
    ours, theirs = in_turn(lambda: process("-c", LOAD), lambda: process("-c", *other, **options), n_pairs)
    process_rows(what, ours, theirs, at_most=at_most, at_most_mb=at_most_mb)


if __name__ == "__main__":
    main()
