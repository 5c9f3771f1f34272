"""Evaluation of scores: AUC and ACC with confidence intervals, result files, comparison of two models, leaderboards.

Only labels are needed, at any size. Reading a file never changes it.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
