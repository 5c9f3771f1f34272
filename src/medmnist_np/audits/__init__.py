"""Audits of data sets: duplicates, near duplicates, leaks between splits, contradictory labels, blank images."""

from medmnist_np.audits.audit_result import Audit
from medmnist_np.audits.findings import ExactDuplicates, NearPair, Place, SharedGroup, SplitSummary
from medmnist_np.audits.search import audit

__all__ = ["Audit", "ExactDuplicates", "NearPair", "Place", "SharedGroup", "SplitSummary", "audit"]
