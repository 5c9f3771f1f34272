"""MedMNIST and its relatives as memory-mapped NumPy arrays, without a deep-learning framework.

>>> import medmnist_np as mm
>>> images, labels = mm.load("breastmnist", split="test")                   # doctest: +SKIP
>>> ds = mm.ChestMNIST(split="train", download=True, size=224)              # doctest: +SKIP

Nothing happens at import: names below are loaded when they are first used.
"""

from medmnist_np._lazy import attach
from medmnist_np._version import __version__ as __version__

__getattr__, __dir__, __all__ = attach(__name__, __file__)
