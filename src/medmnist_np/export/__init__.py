"""Export a data set as files: one for each image, with a table of labels or a mask file for each image."""

from medmnist_np.export.plan import LAYOUTS, Layout, PairPlan, Plan
from medmnist_np.export.writer import Saved, save, save_pairs

__all__ = ["LAYOUTS", "Layout", "PairPlan", "Plan", "Saved", "save", "save_pairs"]
