from .._progress import silent
from .arrays import adopt, fetch, load, load_labels
from .dataset import Dataset
from .identifiers import attach_ids
from .registration import register
from .scheme import Scheme, read_scheme
from .statistics import Statistics
from .subsets import Partitions
from .verification import VerifyReport, verify, verify_corrupted, verify_published

__all__ = [
    "Dataset",
    "Partitions",
    "Scheme",
    "Statistics",
    "VerifyReport",
    "adopt",
    "attach_ids",
    "fetch",
    "load",
    "load_labels",
    "read_scheme",
    "register",
    "silent",
    "verify",
    "verify_corrupted",
    "verify_published",
]
