from .augmentation import Augmentation, augment
from .computed import Corruption
from .functions import CORRUPTIONS, CorruptionFunction, corrupt, image_seeds
from .published import PublishedCorruption, adopt_own, adopt_published, fetch_published
from .robustness import CorruptionErrors, Robustness, RunName, measure_robustness, parse_run, summarise_errors
from .stored import StoredCorruption, make_corrupted

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
    "fetch_published",
    "image_seeds",
    "make_corrupted",
    "measure_robustness",
    "parse_run",
    "summarise_errors",
]
