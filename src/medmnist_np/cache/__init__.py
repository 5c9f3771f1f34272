"""Bytes: from an address and a digest to verified, unpacked, memory-mapped arrays on disk.

Knows urls, digests and paths; knows nothing of splits, labels or tasks. In the order of the flow:
``settings`` (where), ``transport`` (resuming download), ``npz`` (strict streaming unpack), ``store`` (manifest,
publish, open) and ``prepare``, which leads through them under a lock.
"""
