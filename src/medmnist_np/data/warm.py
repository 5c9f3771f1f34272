"""Reading files before they are needed, so that what follows comes from memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._parallel import spread, threads
from medmnist_np._progress import Bar

# Runs of rows that are closer than this are read as one: a seek costs as much as reading on.
_GAP_BYTES = 1 << 18

_CHUNK_BYTES = 1 << 20
# A disk or a server is kept busy by several requests at a time: four took a third of the time of one.
_READERS = 4

_MACHINE = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def read_rows(array: np.memmap[Any, np.dtype[Any]], rows: NDArray[np.intp], bar: Bar | None = None) -> int:
    """Read rows of a mapped file once, in the order of the file, and forget them; the system keeps them in memory.

    Parameters
    ----------
    array : np.memmap
        A whole map as :meth:`~medmnist_np.cache.store.ArrayFolder.open` returns it, not a slice of one.
    rows : (k,) intp, ascending
        Which rows.
    bar : Bar, optional
        What shows the bytes.

    Returns
    -------
    int
        Bytes that were read.
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
    with Path(str(array.filename)).open("rb", buffering=0) as stream, threads(_READERS) as pool:
        for n_read in spread(lambda chunk: _read(stream.fileno(), *chunk), chunks, pool):
            total += n_read
            if bar is not None:
                bar.update(n_read)
    return total


def _read(file: int, position: int, length: int) -> int:
    return len(os.pread(file, length, position))


def available_bytes() -> int | None:
    """Return how much memory can still be filled without swapping; None where the system does not say.

    On Linux the smaller of what the machine and what the control group of this process has left.
    """
    found = []
    try:
        found.append(_table(_MACHINE)["MemAvailable:"] * 1024)
        limit = (_CONTROL_GROUP / "memory.max").read_text("ascii").strip()
        if limit != "max":
            used = int((_CONTROL_GROUP / "memory.current").read_text("ascii"))
            # Pages of files count as used, and make room for others.
            pages = _table(_CONTROL_GROUP / "memory.stat")
            found.append(int(limit) - used + pages["inactive_file"] + pages["active_file"])
    except (OSError, ValueError, LookupError):
        pass
    if not found and hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def _table(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text("ascii").splitlines())
    return {name: int(number) for name, number, *_ in lines}
