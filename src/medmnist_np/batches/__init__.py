"""Batches: fresh arrays out of mapped ones. Works on any pair of arrays and knows no data set.

``order`` says which samples come when, ``layout`` what their images look like; ``making`` makes, delivers and resumes,
with ``ahead`` (work done by threads before its turn) and ``buffers`` (memory that is used again).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medmnist_np.batches.loader import Batch as Batch
    from medmnist_np.batches.loader import Batches as Batches
    from medmnist_np.batches.loader import Transform as Transform

__all__ = ["Batch", "Batches", "Transform"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'medmnist_np.batches' has no attribute {name!r}")
    from medmnist_np.batches import loader  # loads threads, which those do without who want an order

    return getattr(loader, name)
