"""Corruptions of images, by the definitions of MedMNIST-C: NumPy, SciPy and Pillow, each image from a seed of its own.

The images are near to those of the publication, and not the published files: docs/corruptions.md says how near.
"""

from medmnist_np.corruptions.functions import CORRUPTIONS, CorruptionFunction, corrupt, image_seeds

__all__ = ["CORRUPTIONS", "CorruptionFunction", "corrupt", "image_seeds"]
