from .loader import Batch, Batches, Transform
from .order import block_order

__all__ = ["Batch", "Batches", "Transform", "block_order"]
