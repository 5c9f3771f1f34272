"""Finding what is twice in a set of 5 GB: against reading the same memory map, and how much memory it takes.

    python -m benchmarks.hashing

A made-up file of 33,000 RGB images of 224 px, which stays in the cache of the system if that has room.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.measuring import Pairs, difference_row, elsewhere, heading, process, row

SHAPE = (33_000, 224, 224, 3)
N_PAIRS = 5
N_HASHES = 100_000

OPEN = "import numpy as np; images = np.load({path!r}, mmap_mode='r'); "
HASH = OPEN + "from medmnist_np.images.hashes import digests; digests(images)"
HASH_FEW = OPEN + "from medmnist_np.images.hashes import digests; digests(images[:1000])"


def write(path: str) -> None:
    import numpy as np

    random = np.random.default_rng(0)
    images = np.lib.format.open_memmap(path, "w+", np.uint8, SHAPE)
    for start in range(0, SHAPE[0], 1000):
        images[start : start + 1000] = random.integers(0, 256, images[start : start + 1000].shape, np.uint8)
    images.flush()


def speeds(path: str, what: str) -> Pairs:
    """Return GB/s of a function over the file, and of adding its words up as they are read."""
    import numpy as np

    from medmnist_np.images import hashes
    from medmnist_np.images.hashes import perceptual_hashes

    kernels: dict[str, Any] = {
        "digests": hashes.digests,
        "duplicates": lambda images: hashes.duplicates([images]),
        "constant": hashes.constant,
        "perceptual_hashes": perceptual_hashes,
    }

    def read(images: Any) -> None:
        for start in range(0, len(images), 28):
            images[start : start + 28].reshape(-1).view(np.uint64).sum()

    def speed(function: Any) -> float:
        images = np.load(path, mmap_mode="r")
        start = perf_counter()
        function(images)
        return images.nbytes / (perf_counter() - start) / 1e9

    speed(read)
    pairs = [(speed(kernels[what]), speed(read)) for _ in range(N_PAIRS)]
    return Pairs([ours for ours, _ in pairs], [theirs for _, theirs in pairs])


def search(max_distance: int) -> Pairs:
    """Return seconds for the search, and for comparing each with each in one block after another."""
    import numpy as np

    from medmnist_np.images.hashes import distance, near_pairs

    hashes = np.random.default_rng(0).integers(0, 2**64, N_HASHES, np.uint64)

    def seconds(function: Any) -> float:
        start = perf_counter()
        function()
        return perf_counter() - start

    def brute_force() -> None:
        for start in range(0, N_HASHES, 10):
            np.nonzero(distance(hashes[start : start + 10, None], hashes[start:]) <= max_distance)

    pairs = [(seconds(lambda: near_pairs(hashes, max_distance)), seconds(brute_force)) for _ in range(3)]
    return Pairs([ours for ours, _ in pairs], [theirs for _, theirs in pairs])


def main() -> None:
    heading("Finding duplicates in a set of 5 GB, against reading its memory map")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "images.npy")
        elsewhere(write, path)
        for what in ("digests", "duplicates"):
            row(f"`{what}` / reading", elsewhere(speeds, path, what), "GB/s", at_least=0.5)
        for what in ("constant", "perceptual_hashes"):
            row(f"`{what}` / reading", elsewhere(speeds, path, what), "GB/s")
        whole, few = (process("-c", code.format(path=path)).peak_mb for code in (HASH, HASH_FEW))
        difference_row("peak memory of `digests`: 5 GB, and the first 150 MB", Pairs([whole], [few]), "MB", at_most=10)
    for max_distance in (2, 4):
        what = f"near pairs of {N_HASHES:,} hashes, {max_distance} bits: `near_pairs` / each with each"
        row(what, elsewhere(search, max_distance), "s")


if __name__ == "__main__":
    main()
