"""Download archives, verify them and unpack them to memory-mapped arrays.

This package handles URLs, checksums and paths. It does not know splits, labels or tasks. The order of work:
``settings`` (which folders), ``download`` (resuming download), ``npz`` (strict streaming unpacking) and ``store``
(manifest, publishing, opening). ``prepare`` runs them in this order under a lock.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
