"""Made-up pictures that compress as badly as real ones do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
