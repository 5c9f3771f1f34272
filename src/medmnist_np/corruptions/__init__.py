"""MedMNIST-C: corruption functions, corrupted data sets, augmentation and robustness.

The functions use NumPy, SciPy and Pillow. Each image has its own random seed. The results are close to the published
images, but not identical (measured in docs/corruptions.md). :mod:`medmnist_np.registry.corruption_facts` has the
definitions and strengths.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
