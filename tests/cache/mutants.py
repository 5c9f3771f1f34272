"""Damage archives at random and hold the strict reader to its promise.

Every mutant must either be refused with ``ArchiveError`` or give exactly the right arrays, in bounded memory and time.
What is right: the arrays of the undamaged archive; where the damage was done before the zip was made, so that its
CRC-32 is true, what NumPy reads from the mutant.

    python tests/cache/mutants.py [--count 20000] [--seed 0]

Real archives take part where ``MEDMNIST_NP_TEST_DATA`` names a folder whose ``medmnist/`` holds them.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import io
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np.cache import npz, zips
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import Archive, Member

Arrays = Mapping[str, NDArray[Any]]
Random = np.random.Generator

# Real archives and their share of the mutants; the last one inflates to 400 MB, which takes a second each.
REAL = {"breastmnist_28": 0.05, "adrenalmnist3d_28": 0.02, "retinamnist_28": 0.01, "adrenalmnist3d_64": 0.001}

LONGEST_S = 120  # for one mutant, before the run is ended with a traceback
WORST_MEMORY = 40 << 20  # bytes above the level at which the first intact archives were read
KEPT_REPORTS = 20

LOCAL_FIELDS = ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))
CENTRAL_FIELDS = ((6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (42, 4))
END_FIELDS = ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))


@dataclass(frozen=True)
class Sample:
    """An intact archive, its record and what is in it, as digests of the raw values."""

    name: str
    data: bytes
    archive: Archive
    contents: Mapping[str, str]
    fields: tuple[tuple[int, int], ...]  # (offset, bytes) of the numbers in its headers
    headers: tuple[tuple[int, int], ...]  # (start, stop) of what is no payload
    arrays: Arrays | None = None  # of generated samples, to make archives anew


@dataclass
class Counts:
    """What became of the mutants."""

    refused: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)  # another outcome than the two that are allowed
    slowest_s: float = 0.0
    memory_bytes: int = 0  # growth of the peak resident set
    kinds: Counter[str] = field(default_factory=Counter)  # "kind refused" and "kind right"

    @property
    def ok(self) -> bool:
        return not self.wrong and self.memory_bytes <= WORST_MEMORY


def archive_of(arrays: Arrays, file_name: str = "fakemnist.npz", dtypes: tuple[str, ...] | None = None) -> Archive:
    """Return a record that describes arrays. Its digest is not used by the reader."""
    members = tuple(
        Member(name, array.shape, dtypes if dtypes and "labels" in name else (array.dtype.name,))
        for name, array in arrays.items()
    )
    return Archive(file_name, f"https://fake.invalid/{file_name}", f"md5:{0:032}", members)


def npy(array: NDArray[Any]) -> bytes:
    """Return an array as the bytes of a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, zip64: bool = False) -> bytes:
    """Return a zip with one member ``<name>.npy`` for each file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            with archive.open(f"{name}.npy", "w", force_zip64=zip64) as member:
                member.write(data)
    return stream.getvalue()


def digest(array: NDArray[Any]) -> str:
    """Return what an array is: its shape, type and values, whatever its memory order."""
    values = hashlib.sha256(np.ascontiguousarray(array).data)
    return f"{array.shape} {array.dtype.str} {values.hexdigest()}"


def generated(random: Random) -> list[Sample]:
    """Return small archives of the kinds that are found: deflated, stored, zip64, labels in Fortran order."""
    arrays: dict[str, NDArray[Any]] = {
        "train_images": random.integers(0, 256, (9, 5, 5), np.uint8),
        "test_images": np.repeat(random.integers(0, 256, (4, 1, 1), np.uint8), 400, axis=1).repeat(5, axis=2),
        "train_labels": np.asfortranarray(random.integers(0, 2, (9, 3), np.int64)),
        "test_labels": random.integers(0, 2, (4, 1), np.uint8),
    }
    files = {name: npy(array) for name, array in arrays.items()}
    kinds = {
        "deflated": zipped(files),
        "stored": zipped(files, method=zipfile.ZIP_STORED),
        "zip64": zipped(files, zip64=True),
        "stored zip64": zipped(files, method=zipfile.ZIP_STORED, zip64=True),
    }
    contents = {name: digest(array) for name, array in arrays.items()}
    record = archive_of(arrays, dtypes=("uint8", "int64"))
    return [Sample(name, data, record, contents, *layout(data), arrays) for name, data in kinds.items()]


def real(folder: Path) -> list[Sample]:
    """Return the official archives of a folder."""
    samples = []
    for name in REAL:
        flag, _, size = name.partition("_")
        archive = registry.info(flag).archive(int(size))
        data = (folder / archive.file_name).read_bytes()
        with np.load(io.BytesIO(data)) as arrays:
            contents = {member: digest(arrays[member]) for member in arrays.files}
        samples.append(Sample(name, data, archive, contents, *layout(data)))
    return samples


def layout(data: bytes) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Return where the numbers of the headers of a zip lie, and where anything but payload lies."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos, position = archive.infolist(), archive.start_dir
    fields = [(len(data) - 22 + offset, size) for offset, size in END_FIELDS]
    headers = [(position, len(data))]
    for info in infos:
        fields += [(info.header_offset + offset, size) for offset, size in LOCAL_FIELDS]
        fields += [(position + offset, size) for offset, size in CENTRAL_FIELDS]
        name, extra, comment = (
            int.from_bytes(data[position + at : position + at + 2], "little") for at in (28, 30, 32)
        )
        fields += [(position + 46 + name + at, 8) for at in range(4, extra, 8)]
        position += 46 + name + extra + comment
        # 160 bytes beyond the names: the .npy header, where it is stored, or the first codes of the deflate stream.
        headers.append((info.header_offset, info.header_offset + 30 + len(info.filename) + 160))
    if position + 98 == len(data):  # the end records of zip64
        fields += [(position + offset, 8) for offset in (4, 24, 32, 40, 48, 64)]
    return tuple(fields), tuple(headers)


def somewhere(random: Random, sample: Sample) -> int:
    """Return a position, four times of five in a header."""
    if random.random() < 0.2:
        return int(random.integers(len(sample.data)))
    start, stop = sample.headers[random.integers(len(sample.headers))]
    return int(random.integers(start, min(stop, len(sample.data))))


def bits(random: Random, sample: Sample, _: Sample) -> bytes:
    data = bytearray(sample.data)
    for _bit in range(random.integers(1, 5)):
        data[somewhere(random, sample)] ^= 1 << int(random.integers(8))
    return bytes(data)


def run_of_bytes(random: Random, sample: Sample, _: Sample) -> bytes:
    data, start, length = bytearray(sample.data), somewhere(random, sample), int(random.integers(1, 40))
    content = [bytes(length), b"\xff" * length, random.bytes(length)][random.integers(3)]
    data[start : start + length] = content[: len(data) - start]
    return bytes(data)


def truncation(random: Random, sample: Sample, _: Sample) -> bytes:
    return sample.data[: somewhere(random, sample)]


def splice(random: Random, sample: Sample, other: Sample) -> bytes:
    at, start, length = somewhere(random, sample), somewhere(random, other), int(random.integers(1, 600))
    piece = [b"", other.data[start : start + length], sample.data[at : at + length]][random.integers(3)]
    skipped = int(random.integers(length + 1))
    return sample.data[:at] + piece + sample.data[at + skipped :]


def ends(random: Random, sample: Sample, other: Sample) -> bytes:
    piece = [random.bytes(int(random.integers(1, 60))), other.data[:4096], other.data[-4096:]][random.integers(3)]
    return piece + sample.data if random.random() < 0.5 else sample.data + piece


def length_fields(random: Random, sample: Sample, _: Sample) -> bytes:
    data = bytearray(sample.data)
    for _field in range(random.integers(1, 3)):
        at, size = sample.fields[random.integers(len(sample.fields))]
        old, most = int.from_bytes(data[at : at + size], "little"), 256**size - 1
        near = old + int(random.integers(-3, 4))
        new = [0, 1, most, most - 1, near, old * 2, old // 2, len(data), int.from_bytes(random.bytes(size), "little")]
        data[at : at + size] = (new[random.integers(len(new))] & most).to_bytes(size, "little")
    return bytes(data)


def npy_header(random: Random, sample: Sample, _: Sample) -> bytes:
    """Damage the header of a .npy file and zip it again: all checksums are true."""
    if sample.arrays is None:
        raise ValueError(f"{sample.name} cannot be made anew")
    files = {name: bytearray(npy(array)) for name, array in sample.arrays.items()}
    victim = files[list(files)[random.integers(len(files))]]
    if random.random() < 0.5:
        victim[random.integers(128)] ^= 1 << int(random.integers(8))
    else:
        words = [
            b"True",
            b"False",
            b"'|u1'",
            b"'<i8'",
            b"'>i8'",
            b"'|O'",
            b"(",
            b")",
            b"9",
            b"4",
            b"3",
            b",",
            b"{",
            b"'",
        ]
        old, new = (words[random.integers(len(words))] for _ in range(2))
        victim[:128] = victim[:128].replace(old, new, 1)[:128].ljust(128)
    return zipped(
        {name: bytes(data) for name, data in files.items()},
        method=[zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][random.integers(2)],
        zip64=bool(random.random() < 0.5),
    )


Mutation = Callable[[Random, Sample, Sample], bytes]
MUTATIONS: tuple[Mutation, ...] = (bits, run_of_bytes, truncation, splice, ends, length_fields, npy_header)


def mutants(
    count: int, random: Random, made: list[Sample], official: list[Sample]
) -> Iterator[tuple[str, Sample, bytes]]:
    """Yield the name of a mutation, the sample and the damaged archive."""
    for _ in range(count):
        sample = made[random.integers(len(made))]
        for candidate in official:
            if random.random() < REAL[candidate.name]:
                sample = candidate
        known = MUTATIONS if sample.arrays else MUTATIONS[:-1]
        mutation = known[random.integers(len(known))]
        yield mutation.__name__, sample, mutation(random, sample, made[random.integers(len(made))])


def outcome(data: bytes, archive: Archive, contents: Mapping[str, str] | None, scratch: Path) -> str:
    """Unpack an archive and return ``"refused"``, ``"right"`` or what is wrong.

    Where no contents are given, those that NumPy reads are right.
    """
    (scratch / "mutant.npz").write_bytes(data)
    folder = scratch / "unpacked"
    folder.mkdir()
    try:
        with (scratch / "mutant.npz").open("rb") as stream:
            stored = npz.unpack(stream, archive, folder)
        found = ArrayFolder(folder, Manifest(archive.file_name, archive.digest, "digest", "", stored))
        if contents is None:
            with np.load(io.BytesIO(data)) as loaded:
                contents = {name: digest(loaded[name]) for name in loaded.files}
        unpacked = {name: digest(found.open(name)) for name in stored}
        return "right" if unpacked == contents else f"other arrays: {unpacked}, not {contents}"
    except ArchiveError:
        return "refused"
    except Exception as error:  # noqa: BLE001  (whatever else it raises is the finding)
        return f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)


def attack(count: int, seed: int, scratch: Path, data: Path | None = None) -> Counts:
    """Make mutants and see what becomes of each.

    Parameters
    ----------
    count, seed : int
        How many; the same numbers give the same mutants.
    scratch : Path
        An existing folder to unpack in, best on a memory file system: each file is synced.
    data : Path, optional
        Folder of official archives.
    """
    random = np.random.default_rng(seed)
    made, official = generated(random), real(data) if data else []
    for sample in (*made, *official):
        if (found := outcome(sample.data, sample.archive, sample.contents, scratch)) != "right":
            raise RuntimeError(f"The intact archive {sample.name} is not read: {found}")
    counts = Counts()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, (kind, sample, mutant) in enumerate(mutants(count, random, made, official)):
        faulthandler.dump_traceback_later(LONGEST_S, exit=True)
        start = time.perf_counter()
        signed = kind == "npy_header"
        found = outcome(mutant, sample.archive, None if signed else sample.contents, scratch)
        counts.slowest_s = max(counts.slowest_s, time.perf_counter() - start)
        counts.refused += found == "refused"
        counts.right += found == "right"
        counts.kinds[f"{kind} {found if found in ('refused', 'right') else 'wrong'}"] += 1
        if found not in ("refused", "right"):
            counts.wrong.append(f"mutant {number} ({kind} of {sample.name}): {found}")
    faulthandler.cancel_dump_traceback_later()
    # In KiB; in bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    counts.memory_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description="Damage archives at random and hold the strict reader to its promise.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--zlib", action="store_true", help="use the standard library even where isal is installed")
    parser.add_argument("--json", action="store_true", help="one line for programs")
    given = parser.parse_args()
    if given.zlib:
        import zlib

        zips.fast_zlib = zlib
    data = os.environ.get("MEDMNIST_NP_TEST_DATA")
    memory = Path("/dev/shm")  # noqa: S108  (a folder of our own is made in it)
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        start = time.perf_counter()
        counts = attack(given.count, given.seed, Path(scratch), Path(data) / "medmnist" if data else None)
    if given.json:
        print(json.dumps({**vars(counts), "ok": counts.ok, "inflater": zips.fast_zlib.__name__}))
        return 0
    print(f"{given.count} mutants, seed {given.seed}, {zips.fast_zlib.__name__}, {time.perf_counter() - start:.0f} s")
    print(f"  refused {counts.refused}, exactly right {counts.right}, anything else {len(counts.wrong)}")
    print(f"  slowest {counts.slowest_s:.2f} s, peak memory grew by {counts.memory_bytes / 1e6:.1f} MB")
    for kind, n in sorted(counts.kinds.items()):
        print(f"  {n:6d} {kind}")
    for report in counts.wrong[:KEPT_REPORTS]:
        print(f"  {report[:300]}")
    return 0 if counts.ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
