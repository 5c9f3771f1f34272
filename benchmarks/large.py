"""An archive of more than 6 GB raw, past the 4 GiB limit of old zips, from download to one sample: time and memory.

    python -m benchmarks.large [FOLDER]

It needs about 14 GB in FOLDER (a new temporary folder if none is given) and takes a few minutes.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

import medmnist_np as mm
from benchmarks.pictures import natural_images
from medmnist_np.data.arrays import locate, map_split
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import serve

N_TRAIN = 41_000  # times 150,528 bytes: 6.17 GB in one member
N_BLOCK = 500


def write_archive(path: Path, record: DatasetInfo) -> None:
    """Write a made-up archive piece by piece: the pictures repeat, at compression level 1, to be quick."""
    block = np.ascontiguousarray(natural_images(N_BLOCK))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member in record.archive(224).members:
            with archive.open(f"{member.name}.npy", "w", force_zip64=True) as stream:
                header = {"descr": "|u1", "fortran_order": False, "shape": member.shape}
                np.lib.format.write_array_header_1_0(stream, header)
                left = member.n_values
                values = block if len(member.shape) == 4 else np.zeros(member.n_values, np.uint8)
                while left:
                    left -= stream.write(memoryview(values).cast("B")[:left])


def record_of(path: Path, record: DatasetInfo, url: str) -> DatasetInfo:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    archive = replace(record.archive(224), digest=f"md5:{digest}", url=f"{url}/{path.name}", bytes=path.stat().st_size)
    return replace(record, archives={224: archive})


def child(folder: str, url: str) -> None:
    """Fetch and read one sample, in a process of its own; print what it took."""
    before = peak_mb()
    record = record_of(Path(folder, "archives", "pathmnist_224.npz"), small_record(), url)
    root = Path(folder, "cache")
    with registered(record):
        started = perf_counter()
        arrays = locate(record, 224, root=root)
        fetched = perf_counter()
        sample = int(map_split(arrays, record, "train").images[-1].sum())
        opened = perf_counter()
    print(
        f"download, verify, unpack: {fetched - started:.1f} s; open and read the last image: {opened - fetched:.4f} s"
    )
    print(f"peak memory {before:.0f} MB before, {peak_mb():.0f} MB after; sum of the last image {sample}")


def peak_mb() -> float:
    """Return the peak memory of this process; that of getrusage() starts at its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def small_record() -> DatasetInfo:
    record = mm.info("pathmnist")
    return replace(
        record, n_samples={"train": N_TRAIN, "test": 10}, archives={224: record.archive(224)}, enlarged_sizes=()
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else scratch)
        (folder / "archives").mkdir(parents=True, exist_ok=True)
        path = folder / "archives" / "pathmnist_224.npz"
        write_archive(path, small_record())
        raw = small_record().archive(224).array_bytes
        print(f"archive of {path.stat().st_size / 1e9:.2f} GB, {raw / 1e9:.2f} GB raw", flush=True)
        with serve(folder / "archives") as url:
            subprocess.run([sys.executable, "-m", "benchmarks.large", "--child", str(folder), url], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
