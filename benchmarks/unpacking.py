"""How fast an archive is unpacked, against `zipfile` and `shutil.copyfileobj`, and how much memory that takes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.measuring import Pairs, Run, difference_row, elsewhere, heading, in_turn, process, row

N_PAIRS = 7
N_MEMORY_PAIRS = 3

# Real archives, where there are any: the folder that the tests use.
TEST_DATA = os.environ.get("MEDMNIST_NP_TEST_DATA")
REAL = ("adrenalmnist3d_64", 415.2)  # and MB when unpacked

TARGETS = {"zlib": 1.1, "isal": 1.5}
AT_MOST_MB = 40


def make_archive(path: str, n: int) -> None:
    """Write an archive like that of PathMNIST at 224 px, with ``n`` made-up training images."""
    import numpy as np

    from benchmarks.pictures import natural_images

    arrays = {}
    for split, count in {"train": n, "val": 1, "test": 1}.items():
        arrays[f"{split}_images"] = natural_images(count)
        arrays[f"{split}_labels"] = np.zeros((count, 1), np.uint8)
    np.savez_compressed(path, **arrays)


def unpack(way: str, archive: str, *record: str) -> Run:
    """Unpack beside the archive, on the same file system."""
    with tempfile.TemporaryDirectory(dir=Path(archive).parent) as folder:
        return process("-m", "benchmarks.unpack_once", way, archive, folder, *record)


def main() -> None:
    for place in dict.fromkeys((tempfile.gettempdir(), "/dev/shm")):  # noqa: S108, made for such use
        if Path(place).is_dir():
            with tempfile.TemporaryDirectory(dir=place) as folder:
                heading(f"Unpacking in {place}, against `zipfile` and `shutil.copyfileobj`")
                _measure(folder)


def _measure(folder: str) -> None:
    # Memory is measured at two sizes, to show that it does not grow.
    for n, n_mb in ((400, 60), (1660, 250)):
        archive = f"{folder}/{n}.npz"
        elsewhere(make_archive, archive, n)
        if n_mb == 250:
            _compare_speed(
                f"made-up RGB images, 250 MB from {_mb(archive):.0f}", n_mb, archive, "pathmnist_224", str(n)
            )
        _compare_memory(f"made-up RGB images, {n_mb} MB", archive, "pathmnist_224", str(n))
    if TEST_DATA is None:
        print("\nReal archives: not measured; set MEDMNIST_NP_TEST_DATA to a folder of them.")
        return
    name, n_mb = REAL
    archive = f"{folder}/{name}.npz"
    Path(archive).write_bytes(Path(TEST_DATA, "medmnist", f"{name}.npz").read_bytes())
    _compare_speed(f"{name}, {n_mb:.0f} MB from {_mb(archive):.0f}", n_mb, archive, name)
    _compare_memory(f"{name}, {n_mb:.0f} MB", archive, name)


def _compare_speed(what: str, n_mb: float, archive: str, *record: str) -> None:
    for way, target in TARGETS.items():
        results = in_turn(
            lambda way=way: unpack(way, archive, *record), lambda: unpack("zipfile", archive, *record), N_PAIRS
        )
        speeds = Pairs(*([n_mb / float(run.printed) for run in runs] for runs in results))
        row(f"{what}, with {way}", speeds, "MB/s", at_least=target)


def _compare_memory(what: str, archive: str, *record: str) -> None:
    for way in TARGETS:
        results = in_turn(
            lambda way=way: unpack(way, archive, *record), lambda: unpack("nothing", archive, *record), N_MEMORY_PAIRS
        )
        memory = Pairs(*([run.peak_mb for run in runs] for runs in results))
        difference_row(f"{what}, with {way}, peak memory against `import numpy`", memory, "MB", at_most=AT_MOST_MB)


def _mb(path: str) -> float:
    return Path(path).stat().st_size / 1e6


if __name__ == "__main__":
    main()
