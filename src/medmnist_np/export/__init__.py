"""A pair of arrays and a record in, files out: one for each image, and a table of labels, or a mask for each image."""

from medmnist_np.export.plan import LAYOUTS, Layout, PairPlan, Plan
from medmnist_np.export.writer import Saved, save, save_pairs

__all__ = ["LAYOUTS", "Layout", "PairPlan", "Plan", "Saved", "save", "save_pairs"]
