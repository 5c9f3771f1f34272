"""Look for what is wrong in a data set: copies, leaks between splits, contradicting labels, blank images."""

from medmnist_np.audits.audit_result import Audit
from medmnist_np.audits.findings import Copies, NearPair, Place, SharedGroup, SplitSummary
from medmnist_np.audits.search import audit

__all__ = ["Audit", "Copies", "NearPair", "Place", "SharedGroup", "SplitSummary", "audit"]
