"""From an address and a checksum to verified, unpacked, memory-mapped arrays on disk.

This package handles urls, checksums and paths. It has no notion of splits, labels or tasks. The order of work:
``settings`` (which folders), ``download`` (resuming download), ``npz`` (strict streaming unpacking) and ``store``
(manifest, publishing, opening). ``prepare`` runs them in this order under a lock.
"""
