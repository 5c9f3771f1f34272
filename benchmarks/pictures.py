"""Made-up pictures that compress as badly as real ones do; and what a montage of 400 of them costs.

    python -m benchmarks.pictures

A montage is compared with gathering the same number of images, each time others, out of a mapped file in memory.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Pairs, elsewhere, heading, row

_SIZE = 224
_DISTINCT = 48
_CONTRAST = 45  # gray levels, standard deviation of what is seen
_NOISE = 0.8  # gray levels, standard deviation of a sensor


def natural_images(n: int) -> NDArray[np.uint8]:
    """Make RGB images ``(n, 224, 224, 3)`` whose amplitudes fall as 1 / frequency, as in photographs, plus noise.

    They repeat after 48 images: 7 MB, which is far beyond the 32 KiB that deflate looks back.
    """
    random = np.random.default_rng(0)
    rows, columns = np.fft.fftfreq(_SIZE)[:, None], np.fft.rfftfreq(_SIZE)
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    gray = np.fft.irfft2(np.fft.rfft2(random.standard_normal((_DISTINCT, _SIZE, _SIZE))) / frequency, s=(_SIZE, _SIZE))
    gray *= _CONTRAST / gray.std(axis=(1, 2), keepdims=True)
    tint = random.uniform(0.6, 1, (_DISTINCT, 1, 1, 3))
    values = 128 + gray[..., None] * tint + _NOISE * random.standard_normal((_DISTINCT, _SIZE, _SIZE, 3))
    images = values.clip(0, 255).astype(np.uint8)
    return images[np.arange(n) % _DISTINCT]


N_PAIRS = 101
SHAPES = (
    (165_466, 28, 28),
    (546, 28, 28),
    (89_996, 28, 28, 3),
    (10_000, 64, 64, 3),
    (1500, 224, 224),
    (1500, 224, 224, 3),
)
VOLUMES = (1188, 28, 28, 28)


def cost(shape: tuple[int, ...], way: str) -> tuple[Pairs, Pairs, float]:
    """Return times in us, without and with choosing, against gathering; and bytes allocated for one of the picture."""
    from medmnist_np.images import choose, draw
    from medmnist_np.images.encoders import kind_of

    is_volume = len(shape) == 4 and shape[-1] != 3
    kind = kind_of(3 if is_volume else 2, 1 if is_volume or len(shape) == 3 else 3)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        stored = np.lib.format.open_memmap(f"{folder}/images.npy", "w+", np.uint8, shape)
        stored[:] = np.random.default_rng(0).integers(0, 256, shape[1:], dtype=np.uint8)
        images = np.asarray(stored)

        def gather(places: NDArray[np.intp]) -> Any:
            return images.take(places, axis=0) if way == "take" else images[places]

        drawn, gathered, chosen = [], [], []
        for seed in range(2 * N_PAIRS):
            start = perf_counter()
            places = choose(range(len(images)), 20, 20, seed=seed)
            middle = perf_counter()
            if seed % 2:
                draw(images, places, kind)
                drawn.append((perf_counter() - middle) * 1e6)
                chosen.append((perf_counter() - start) * 1e6)
            else:
                gather(places.ravel())
                gathered.append((perf_counter() - middle) * 1e6)
        tracemalloc.start()
        picture = draw(images, choose(range(len(images)), 20, 20), kind)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return Pairs(drawn, gathered), Pairs(chosen, gathered), peak / picture.array.nbytes


def main() -> None:
    heading("A montage of 400 images")
    allocated = {}
    for shape in (*SHAPES, VOLUMES):
        what = " x ".join(map(str, shape))
        for way in ("images[places]", "take"):
            alone, with_choice, allocated[what] = elsewhere(cost, shape, way)
            row(f"{what}: `draw`, against `{way}`", alone, "us", at_most=2)
        row(f"{what}: `choose` and `draw`, against `take`", with_choice, "us")
    for what, ratio in allocated.items():
        print(f"\n{what}: at the most {ratio:.2f} times the bytes of the picture are allocated (target: 2.2)")


if __name__ == "__main__":
    main()
