"""Download archives, verify them and unpack them to memory-mapped arrays.

This package handles URLs, checksums and paths. It does not know splits, labels or tasks. The order of work:
``settings`` (which folders), ``download`` (resuming download), ``npz`` (strict streaming unpacking) and ``store``
(manifest, publishing, opening). ``prepare`` runs them in this order under a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach

if TYPE_CHECKING:
    from medmnist_np.cache.archive_pooch import pooch as pooch

__all__ = ["pooch"]

__getattr__, __dir__ = attach(__name__, {"archive_pooch": ["pooch"]})
