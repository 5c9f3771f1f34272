"""Read files into the file cache of the system, and find out how much memory is available."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._parallel import spread, threads
from medmnist_np._progress import Bar

# Runs of rows with a smaller gap are read together, because a seek costs as much as reading the gap.
_GAP_BYTES = 1 << 18

_CHUNK_BYTES = 1 << 20
# Several requests at a time keep a disk or server busy: four needed a third of the time of one.
_READERS = 4

_MACHINE = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def read_rows(array: np.memmap[Any, np.dtype[Any]], rows: NDArray[np.intp], bar: Bar | None = None) -> int:
    """Read rows of a mapped file once, in the order of the file, so that the system keeps them in memory.

    Parameters
    ----------
    array : np.memmap
        A whole map from :meth:`~medmnist_np.cache.store.ArrayFolder.open`, not a slice.
    rows : (k,) intp, ascending
        Indices of the rows.
    bar : Bar, optional
        Shows the progress in bytes.

    Returns
    -------
    int
        Number of bytes that were read.
    """
    if not len(rows) or not len(array):
        return 0
    row_bytes = array.nbytes // len(array)
    gaps = np.flatnonzero(np.diff(rows) * row_bytes > _GAP_BYTES + row_bytes)
    firsts = rows[np.concatenate([[0], gaps + 1])]
    lasts = rows[np.concatenate([gaps, [len(rows) - 1]])]
    runs = (array.offset + firsts * row_bytes, array.offset + (lasts + 1) * row_bytes)
    chunks = [
        (position, min(_CHUNK_BYTES, stop - position))
        for start, stop in zip(*(ends.tolist() for ends in runs), strict=True)
        for position in range(start, stop, _CHUNK_BYTES)
    ]
    total = 0
    path = Path(str(array.filename))
    with threads(_READERS) as pool:
        for n_read in spread(lambda chunk: _read(path, *chunk), chunks, pool):
            total += n_read
            if bar is not None:
                bar.update(n_read)
    return total


def _read(path: Path, position: int, length: int) -> int:
    # Each read opens the file: threads that share a descriptor would need os.pread, which Windows does not have.
    with path.open("rb", buffering=0) as stream:
        stream.seek(position)
        return len(stream.read(length))


def available_bytes() -> int | None:
    """Return how many bytes of memory can be used without swapping; None if unknown, as outside Linux.

    The machine and the control group of this process both set a limit; the smaller one applies.
    """
    found = []
    try:
        found.append(_table(_MACHINE)["MemAvailable:"] * 1024)
        limit = (_CONTROL_GROUP / "memory.max").read_text("ascii").strip()
        if limit != "max":
            used = int((_CONTROL_GROUP / "memory.current").read_text("ascii"))
            # Cached files count as used, but are dropped when memory is needed.
            pages = _table(_CONTROL_GROUP / "memory.stat")
            found.append(int(limit) - used + pages["inactive_file"] + pages["active_file"])
    except (OSError, ValueError, LookupError):
        pass
    return min(found, default=None)


def memory_bytes() -> int | None:
    """Return how many bytes of memory this machine has; None if unknown, as on Windows."""
    sysconf = getattr(os, "sysconf", None)
    try:
        return int(sysconf("SC_PHYS_PAGES") * sysconf("SC_PAGE_SIZE")) if sysconf is not None else None
    except (ValueError, OSError):
        return None


def _table(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text("ascii").splitlines())
    return {name: int(number) for name, number, *_ in lines}
