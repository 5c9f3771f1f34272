"""Metrics, confidence intervals and tests for the MedMNIST benchmark.

Each metric is a function of labels, scores and task. `Predictions` checks these once, for `measure`, for intervals and
for comparisons. The metrics of masks compare a reference and a prediction; `segmentation_table` measures many cases.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
