"""How fast values are counted on one core, against reading the same memory map once."""

from __future__ import annotations

import tempfile
from time import perf_counter

from benchmarks.measuring import Pairs, elsewhere, heading, in_turn, row

N_IMAGES = 8000  # 401 MB


def speeds(folder: str) -> Pairs:
    """GB a second of `statistics`, and of the largest value of the map."""
    import numpy as np

    from medmnist_np._progress import silent
    from medmnist_np.data.statistics import of_mapped

    path = f"{folder}/images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (N_IMAGES, 224, 224), dtype=np.uint8))
    images = np.load(path, mmap_mode="r")
    runs = iter(range(100))

    def count() -> float:
        start = perf_counter()
        # Another digest each time, so that counts which are kept are not taken.
        of_mapped(images, np.arange(N_IMAGES), 1, sha256=str(next(runs)), executor=None, progress=silent)
        return images.nbytes / 1e9 / (perf_counter() - start)

    def read() -> float:
        start = perf_counter()
        images.max()
        return images.nbytes / 1e9 / (perf_counter() - start)

    return Pairs(*in_turn(count, read, 7))


def main() -> None:
    heading("Counting the values of 401 MB on one core")
    with tempfile.TemporaryDirectory() as folder:
        row("`statistics`, against the largest value of the map", elsewhere(speeds, folder), "GB/s")


if __name__ == "__main__":
    main()
