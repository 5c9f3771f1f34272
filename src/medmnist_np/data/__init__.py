"""Open data sets by name: arrays and samples, subsets, corrected splits, ids and groups, statistics, verification.

``arrays`` turns a name into memory-mapped arrays, ``samples`` selects samples of these arrays, and ``dataset`` is the
interface for users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach

if TYPE_CHECKING:
    from medmnist_np._progress import silent as silent
    from medmnist_np.data.arrays import adopt as adopt
    from medmnist_np.data.arrays import fetch as fetch
    from medmnist_np.data.arrays import load as load
    from medmnist_np.data.arrays import load_labels as load_labels
    from medmnist_np.data.dataset import Dataset as Dataset
    from medmnist_np.data.identifiers import attach_ids as attach_ids
    from medmnist_np.data.registration import register as register
    from medmnist_np.data.scheme import Scheme as Scheme
    from medmnist_np.data.scheme import read_scheme as read_scheme
    from medmnist_np.data.statistics import Statistics as Statistics
    from medmnist_np.data.subsets import Partitions as Partitions
    from medmnist_np.data.verification import VerifyReport as VerifyReport
    from medmnist_np.data.verification import verify as verify
    from medmnist_np.data.verification import verify_corrupted as verify_corrupted
    from medmnist_np.data.verification import verify_published as verify_published

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

__getattr__, __dir__ = attach(
    __name__,
    {
        "arrays": ["adopt", "fetch", "load", "load_labels", "silent"],
        "dataset": ["Dataset"],
        "identifiers": ["attach_ids"],
        "registration": ["register"],
        "scheme": ["Scheme", "read_scheme"],
        "statistics": ["Statistics"],
        "subsets": ["Partitions"],
        "verification": ["VerifyReport", "verify", "verify_corrupted", "verify_published"],
    },
)
