"""MedMNIST-C: corruption functions, corrupted data sets, augmentation and robustness.

The functions use NumPy, SciPy and Pillow. Each image has its own random seed. The results are close to the published
images, but not identical (measured in docs/corruptions.md). :mod:`medmnist_np.registry.corruption_facts` has the
definitions and strengths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach

if TYPE_CHECKING:
    from medmnist_np.corruptions.augmentation import Augmentation as Augmentation
    from medmnist_np.corruptions.augmentation import augment as augment
    from medmnist_np.corruptions.computed import Corruption as Corruption
    from medmnist_np.corruptions.figure import corruption_figure as corruption_figure
    from medmnist_np.corruptions.functions import CORRUPTIONS as CORRUPTIONS
    from medmnist_np.corruptions.functions import CorruptionFunction as CorruptionFunction
    from medmnist_np.corruptions.functions import corrupt as corrupt
    from medmnist_np.corruptions.functions import image_seeds as image_seeds
    from medmnist_np.corruptions.published import PublishedCorruption as PublishedCorruption
    from medmnist_np.corruptions.published import adopt_own as adopt_own
    from medmnist_np.corruptions.published import adopt_published as adopt_published
    from medmnist_np.corruptions.published import fetch_published as fetch_published
    from medmnist_np.corruptions.robustness import CorruptionErrors as CorruptionErrors
    from medmnist_np.corruptions.robustness import Robustness as Robustness
    from medmnist_np.corruptions.robustness import RunName as RunName
    from medmnist_np.corruptions.robustness import measure_robustness as measure_robustness
    from medmnist_np.corruptions.robustness import parse_run as parse_run
    from medmnist_np.corruptions.robustness import summarise_errors as summarise_errors
    from medmnist_np.corruptions.stored import StoredCorruption as StoredCorruption
    from medmnist_np.corruptions.stored import make_corrupted as make_corrupted

__all__ = [
    "Augmentation",
    "CORRUPTIONS",
    "Corruption",
    "CorruptionErrors",
    "CorruptionFunction",
    "PublishedCorruption",
    "Robustness",
    "RunName",
    "StoredCorruption",
    "adopt_own",
    "adopt_published",
    "augment",
    "corrupt",
    "corruption_figure",
    "fetch_published",
    "image_seeds",
    "make_corrupted",
    "measure_robustness",
    "parse_run",
    "summarise_errors",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "functions": ["CORRUPTIONS", "CorruptionFunction", "corrupt", "image_seeds"],
        "computed": ["Corruption"],
        "stored": ["StoredCorruption", "make_corrupted"],
        "published": ["PublishedCorruption", "adopt_own", "adopt_published", "fetch_published"],
        "augmentation": ["Augmentation", "augment"],
        "figure": ["corruption_figure"],
        "robustness": [
            "CorruptionErrors",
            "Robustness",
            "RunName",
            "measure_robustness",
            "parse_run",
            "summarise_errors",
        ],
    },
)
