"""One image of 1024 px at 224, 128, 64 and 28 px, against a call of Pillow for each.

    python -m benchmarks.resize

Made-up images: waves of several lengths and noise.
"""

from __future__ import annotations

from typing import Any

from benchmarks.measuring import Pairs, elsewhere, heading, row
from benchmarks.metrics import measured

SIZES = (224, 128, 64, 28)
N_PAIRS = 31


def make(rgb: bool) -> Any:
    """Return an image of 1024 x 1024 pixels."""
    import numpy as np

    y, x = np.mgrid[:1024, :1024]
    waves = 128 + 60 * np.sin(x / 37) * np.cos(y / 53) + 30 * np.sin((x + y) / 5)
    noise = np.random.default_rng(0).normal(0, 20, (1024, 1024, 3))
    image = np.clip(waves[..., None] + noise, 0, 255).astype(np.uint8)
    return image if rgb else image[..., 0].copy()


def by_pillow(image: Any) -> list[Any]:
    import numpy as np
    from PIL import Image

    return [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)) for size in SIZES]


def exact(rgb: bool) -> Pairs:
    from medmnist_np.images.interpolation import resize_each

    image = make(rgb)
    return measured(lambda: by_pillow(image), lambda: resize_each(image, SIZES), N_PAIRS)


def approximate(rgb: bool) -> Pairs:
    from medmnist_np.images.interpolation import resize_each

    image = make(rgb)
    return measured(lambda: by_pillow(image), lambda: resize_each(image, SIZES, approximate=True), N_PAIRS)


def largest_differences(rgb: bool) -> tuple[int, int]:
    """Return by how many levels pixels differ from those of Pillow, exactly and approximately."""
    import numpy as np

    from medmnist_np.images.interpolation import resize_each

    image = make(rgb)
    expected = by_pillow(image)
    found = [resize_each(image, SIZES, approximate=allowed) for allowed in (False, True)]
    differences = [
        max(int(np.abs(images[size].astype(int) - theirs).max()) for size, theirs in zip(SIZES, expected, strict=True))
        for images in found
    ]
    return differences[0], differences[1]


def main() -> None:
    heading("Resizing 1024 px to 224, 128, 64 and 28 px, against four calls of Pillow", "Pillow", "this")
    for kind, rgb in (("gray", False), ("RGB", True)):
        off, roughly_off = elsewhere(largest_differences, rgb)
        row(f"{kind}: Pillow bicubic / `resize_each`, {off} levels off", elsewhere(exact, rgb), "ms", at_least=1)
        what = f"{kind}: Pillow bicubic / `resize_each(approximate=True)`, at most {roughly_off} levels off"
        row(what, elsewhere(approximate, rgb), "ms", at_least=2)


if __name__ == "__main__":
    main()
