"""A pair of arrays and a record in, files out: one for each image, and a table of labels."""

from medmnist_np.export.plan import LAYOUTS, Layout, Plan
from medmnist_np.export.saving import Saved, save

__all__ = ["LAYOUTS", "Layout", "Plan", "Saved", "save"]
