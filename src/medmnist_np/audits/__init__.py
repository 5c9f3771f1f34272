"""Audits of data sets: duplicates, near duplicates, leaks between splits, contradictory labels, blank images."""

from medmnist_np.audits._audit import Audit, audit
from medmnist_np.audits.findings import ExactDuplicates, NearPair, Place, SharedGroup, SplitSummary

__all__ = ["Audit", "ExactDuplicates", "NearPair", "Place", "SharedGroup", "SplitSummary", "audit"]
