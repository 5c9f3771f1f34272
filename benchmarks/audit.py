"""The audit of a set of 5 GB: against reading the same memory maps, and how much memory it takes.

    python -m benchmarks.audit

Two made-up sets of RGB images of 224 px, of 33,000 and 1,000 images, which stay in the cache of the system if that has
room.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.measuring import Pairs, difference_row, elsewhere, heading, process, row

SPLITS = {"train": 0.7, "val": 0.1, "test": 0.2}
LARGE, SMALL = ("pathmnist", 33_000), ("bloodmnist", 1_000)
N_PAIRS = 5

AUDIT = (
    "from medmnist_np.audits import audit; from medmnist_np._progress import silent; "
    "audit({name!r}, size=224, max_distance={distance}, progress=silent)"
)


def publish_noise(name: str, n_images: int) -> None:
    """Publish noise under the name of a set; an image of train is also in test."""
    import numpy as np

    from benchmarks.sets import publish

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        arrays: dict[str, Any] = {}
        for split, share in SPLITS.items():
            n = int(share * n_images)
            images = np.lib.format.open_memmap(str(Path(folder) / f"{split}.npy"), "w+", np.uint8, (n, 224, 224, 3))
            for start in range(0, n, 500):
                images[start : start + 500] = random.integers(0, 256, images[start : start + 500].shape, np.uint8)
            arrays[f"{split}_images"] = images
            arrays[f"{split}_labels"] = np.arange(n, dtype=np.uint8)[:, None] % 8
        arrays["test_images"][7] = arrays["train_images"][3]
        publish(name, 224, arrays)


def speeds(distance: int | None) -> Pairs:
    """Return GB/s of the audit, and of adding the words of the same maps up as they are read."""
    import numpy as np

    import medmnist_np as mm
    from medmnist_np._progress import silent
    from medmnist_np.audits import audit

    name, _ = LARGE
    n_bytes = sum(mm.load(name, split, size=224).images.nbytes for split in SPLITS)

    def read() -> None:
        for split in SPLITS:
            images = mm.load(name, split, size=224).images
            for start in range(0, len(images), 28):
                images[start : start + 28].reshape(-1).view(np.uint64).sum()

    def look() -> None:
        found = audit(name, size=224, max_distance=distance, progress=silent)
        if [list(group.places) for group in found.duplicates] != [[("train", 3), ("test", 7)]]:
            raise SystemExit(f"The copy that was planted was not found: {found.duplicates}.")

    def speed(function: Any) -> float:
        start = perf_counter()
        function()
        return n_bytes / (perf_counter() - start) / 1e9

    speed(read)
    pairs = [(speed(look), speed(read)) for _ in range(N_PAIRS)]
    return Pairs([ours for ours, _ in pairs], [theirs for _, theirs in pairs])


def main() -> None:
    heading("The audit of a set of 5 GB, against reading its memory maps")
    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"XDG_CACHE_HOME": cache, "MEDMNIST_NP_OFFLINE": "1"}
        for name, n_images in (LARGE, SMALL):
            elsewhere(publish_noise, name, n_images)
        row("exact duplicates and blank images / reading", elsewhere(speeds, None), "GB/s", at_least=0.5)
        row("- near duplicates too / reading", elsewhere(speeds, 4), "GB/s")
        for distance in (None, 4):
            peaks = [process("-c", AUDIT.format(name=name, distance=distance)).peak_mb for name, _ in (LARGE, SMALL)]
            what = "exact" if distance is None else "near duplicates too"
            difference_row(
                f"peak memory, {what}: 5 GB, and 150 MB",
                Pairs(*([peak] for peak in peaks)),
                "MB",
                at_most=10 if distance is None else 40,
            )


if __name__ == "__main__":
    main()
