"""Made-up data sets in the cache, as if they had been fetched."""

from __future__ import annotations

import hashlib
import os
from typing import Any


def publish(name: str, size: int, arrays: dict[str, Any]) -> str:
    """Publish made-up arrays under the name of a data set, in a cache below XDG_CACHE_HOME; return their folder."""
    import numpy as np

    import medmnist_np as mm
    from medmnist_np.cache import settings, store
    from medmnist_np.cache.manifest import Manifest, StoredArray

    record = mm.info(name)
    cache = settings.current().cache
    if not cache.is_relative_to(os.environ["XDG_CACHE_HOME"]):
        raise SystemExit(f"XDG_CACHE_HOME does not move the cache here, and {cache} is not for made-up data.")
    stored = {}
    with store.staging(cache, record.storage_key(size)) as folder:
        for member, array in arrays.items():
            path = folder / f"{member}.npy"
            np.save(path, array)
            with path.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            n_bytes = path.stat().st_size
            stored[member] = StoredArray(
                path.name, array.shape, array.dtype.str, "C", n_bytes - array.nbytes, n_bytes, "00000000", sha256
            )
        archive = record.archive(size)
        manifest = Manifest(archive.file_name, archive.digest, "digest", mm.__version__, stored)
        return str(store.publish(folder, cache, record.storage_key(size), manifest).path)
