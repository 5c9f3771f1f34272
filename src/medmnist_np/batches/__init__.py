"""Make batches as new arrays from any pair of arrays.

``order`` determines the order of samples, ``layout`` the layout of images, and ``loader`` makes and resumes batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach

if TYPE_CHECKING:
    from medmnist_np.batches.loader import Batch as Batch
    from medmnist_np.batches.loader import Batches as Batches
    from medmnist_np.batches.loader import Transform as Transform
    from medmnist_np.batches.order import block_order as block_order

__all__ = ["Batch", "Batches", "Transform", "block_order"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "loader": ["Batch", "Batches", "Transform"],
        "order": ["block_order"],
    },
)
