"""MedMNIST-C: corruption functions, corrupted data sets, augmentation and robustness.

The functions use NumPy, SciPy and Pillow; each image is corrupted from its own seed. The images are close to the
published ones but not identical: docs/corruptions.md says how close. Kinds and strengths are facts in
:mod:`medmnist_np.registry.corruption_facts`.
"""

from medmnist_np.corruptions.balanced_errors import CorruptionErrors, Robustness, RunName, parse_run, summarise_errors
from medmnist_np.corruptions.functions import CORRUPTIONS, CorruptionFunction, corrupt, image_seeds
from medmnist_np.corruptions.robustness import measure_robustness

__all__ = ["CORRUPTIONS", "CorruptionFunction", "corrupt", "image_seeds"]


__all__ = ["CorruptionErrors", "Robustness", "RunName", "measure_robustness", "parse_run", "summarise_errors"]
