"""Open data sets by name: arrays and samples, subsets, corrected splits, ids and groups, statistics, verification.

``arrays`` turns a name into memory-mapped arrays, ``samples`` selects samples of these arrays, and ``dataset`` is the
interface for users.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
