"""Unpacking: what comes out is what NumPy reads, whatever wrote the zip, in flat memory."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np.cache import npz, zips
from medmnist_np.cache.manifest import Manifest, StoredArray
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.registry import Archive
from tests.cache import mutants
from tests.cache.mutants import archive_of, npy, zipped

RANDOM = np.random.default_rng(0)
ARRAYS: dict[str, NDArray[Any]] = {
    "train_images": RANDOM.integers(0, 256, (50, 28, 28, 3), np.uint8),
    "test_images": np.zeros((9, 28, 28, 3), np.uint8),
    "train_labels": RANDOM.integers(0, 2, (50, 14), np.uint8),
    "test_labels": RANDOM.integers(0, 2, (9, 14), np.uint8),
}
FILES = {name: npy(array) for name, array in ARRAYS.items()}


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test of this file runs with both."""
    module: ModuleType = pytest.importorskip("isal.isal_zlib") if request.param == "isal" else zlib
    monkeypatch.setattr(zips, "fast_zlib", module)
    return str(request.param)


def unpack(data: bytes | Path, archive: Archive, folder: Path) -> dict[str, StoredArray]:
    path = folder / "x.npz" if isinstance(data, bytes) else data
    if isinstance(data, bytes):
        path.write_bytes(data)
    target = folder / "arrays"
    target.mkdir()
    with path.open("rb") as stream:
        return npz.unpack(stream, archive, target)


def mapped(stored: dict[str, StoredArray], folder: Path) -> dict[str, NDArray[Any]]:
    arrays = ArrayFolder(folder / "arrays", Manifest("x.npz", "", "digest", "", stored))
    return {name: arrays.open(name) for name in stored}


def check_equal(data: bytes, arrays: dict[str, NDArray[Any]], folder: Path) -> dict[str, StoredArray]:
    """Hold what is unpacked against NumPy's own reader and the arrays themselves."""
    stored = unpack(data, archive_of(arrays), folder)
    found = mapped(stored, folder)
    with np.load(io.BytesIO(data)) as expected:
        assert set(arrays) == set(expected.files) == set(found)
        for name, array in arrays.items():
            assert array.dtype == found[name].dtype
            assert array.shape == found[name].shape
            np.testing.assert_array_equal(expected[name], found[name])
            np.testing.assert_array_equal(array, found[name])
    return stored


@pytest.mark.parametrize("zip64", [False, True], ids=["zip32", "zip64"])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED], ids=["deflated", "stored"])
def test_all_kinds_of_zip_unpack_as_numpy_reads_them(tmp_path: Path, method: int, zip64: bool) -> None:
    check_equal(zipped(FILES, method=method, zip64=zip64), ARRAYS, tmp_path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path: Path, save: Any) -> None:
    stream = io.BytesIO()
    save(stream, **ARRAYS)
    check_equal(stream.getvalue(), ARRAYS, tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED], ids=["deflated", "stored"])
def test_sizes_that_stand_behind_the_data_are_no_obstacle(tmp_path: Path, method: int) -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in FILES.items():
            archive.writestr(f"{name}.npy", data)
        assert {info.flag_bits & 8 for info in archive.infolist()} == {8}
    check_equal(stream.getvalue(), ARRAYS, tmp_path)


def test_the_order_of_members_is_free(tmp_path: Path) -> None:
    names = sorted(FILES)
    stored = unpack(zipped({name: FILES[name] for name in names}), archive_of(ARRAYS), tmp_path)
    assert names == list(stored)
    for name, array in mapped(stored, tmp_path).items():
        np.testing.assert_array_equal(ARRAYS[name], array)


@pytest.mark.parametrize("system", [0, 3, 10, 19], ids=["fat", "unix", "ntfs", "mac"])
def test_the_creator_of_the_zip_does_not_matter(tmp_path: Path, system: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            info = zipfile.ZipInfo(f"{name}.npy", (2021, 5, 6, 7, 8, 9))
            info.create_system, info.create_version, info.extract_version = system, 63, 45
            info.compress_type = zipfile.ZIP_DEFLATED
            info.extra = b"UT\x05\x00\x03abcd"  # a timestamp, as Info-ZIP writes
            archive.writestr(info, data)
    check_equal(stream.getvalue(), ARRAYS, tmp_path)


@pytest.mark.parametrize("level", range(10))
def test_every_level_of_compression_is_inflated(tmp_path: Path, level: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in FILES.items():
            archive.writestr(f"{name}.npy", data)
    check_equal(stream.getvalue(), ARRAYS, tmp_path)


def test_labels_in_column_order_keep_their_places(tmp_path: Path) -> None:
    arrays = {**ARRAYS, "train_labels": np.asfortranarray(ARRAYS["train_labels"])}
    stored = check_equal(zipped({name: npy(array) for name, array in arrays.items()}), arrays, tmp_path)
    assert stored["train_labels"].order == "F"
    assert stored["test_labels"].order == "C"


@pytest.mark.parametrize("dtype", ["int8", "<i8", ">i8", "<u4", "int16"])
def test_labels_of_other_integer_types_are_kept_as_they_are(tmp_path: Path, dtype: str) -> None:
    arrays = {**ARRAYS, "train_labels": ARRAYS["train_labels"].astype(dtype)}
    stored = check_equal(zipped({name: npy(array) for name, array in arrays.items()}), arrays, tmp_path)
    assert np.dtype(dtype).str == stored["train_labels"].dtype


def test_the_second_version_of_the_npy_header_is_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, ARRAYS["train_images"], version=(2, 0))
    check_equal(zipped({**FILES, "train_images": stream.getvalue()}), ARRAYS, tmp_path)


def test_a_split_without_samples_is_unpacked(tmp_path: Path) -> None:
    arrays = {**ARRAYS, "val_images": np.zeros((0, 28, 28), np.uint8), "val_labels": np.zeros((0, 1), np.uint8)}
    check_equal(zipped({name: npy(array) for name, array in arrays.items()}), arrays, tmp_path)


@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED], ids=["deflated", "stored"])
@pytest.mark.parametrize("block", [128 << 10, 1 << 20], ids=["128 KiB", "1 MiB"])
def test_files_of_about_a_block_are_whole(tmp_path: Path, block: int, method: int, extra: int) -> None:
    array = RANDOM.integers(0, 256, (1, block - 128 + extra), np.uint8)
    assert block + extra == len(npy(array))
    check_equal(zipped({"test_images": npy(array)}, method=method), {"test_images": array}, tmp_path)


@given(
    arrays=st.lists(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=4, max_side=6)), min_size=1, max_size=3),
    method=st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]),
    zip64=st.booleans(),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_unpacking_gives_back_what_was_packed(
    tmp_path_factory: pytest.TempPathFactory, arrays: list[NDArray[Any]], method: int, zip64: bool
) -> None:
    named = {f"a{number}_images": array for number, array in enumerate(arrays)}
    data = zipped({name: npy(array) for name, array in named.items()}, method=method, zip64=zip64)
    check_equal(data, named, tmp_path_factory.mktemp("law"))


@pytest.mark.parametrize("extra", [-1, 0, 1, 50, 130, 258, 300])
@pytest.mark.parametrize("value", [0, 1])
def test_an_even_end_behind_a_full_piece_is_not_lost(tmp_path: Path, value: int, extra: int) -> None:
    """The inflater then holds the last bytes, and has taken all that there was to take."""
    array = np.full((1, (1 << 20) + extra), value, np.uint8)
    check_equal(zipped({"test_images": npy(array)}), {"test_images": array}, tmp_path)


def test_what_is_noted_of_a_file_is_true_of_it(tmp_path: Path) -> None:
    stored = unpack(zipped(FILES), archive_of(ARRAYS), tmp_path)
    for name, array in stored.items():
        data = (tmp_path / "arrays" / array.file).read_bytes()
        assert FILES[name] == data
        expected = StoredArray(
            file=f"{name}.npy",
            shape=ARRAYS[name].shape,
            dtype="|u1",
            order="C",
            offset=128,
            bytes=len(data),
            crc32=f"{zlib.crc32(data):08x}",
            sha256=hashlib.sha256(data).hexdigest(),
        )
        assert expected == array


def test_the_bytes_that_are_announced_are_those_that_are_written(tmp_path: Path) -> None:
    announced: list[int] = []
    with io.BytesIO(zipped(FILES)) as stream:
        npz.unpack(stream, archive_of(ARRAYS), tmp_path, announced.append)
    assert sum(map(len, FILES.values())) == sum(announced)


def test_what_was_unpacked_is_readable_by_all_that_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        unpack(zipped(FILES), archive_of(ARRAYS), tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "arrays").iterdir()} == {0o644}


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "test_images.npy").write_bytes(b"mine")
    with io.BytesIO(zipped(FILES)) as stream, pytest.raises(FileExistsError):
        npz.unpack(stream, archive_of(ARRAYS), tmp_path)
    assert (tmp_path / "test_images.npy").read_bytes() == b"mine"


def test_the_directory_is_read_without_inflating_anything() -> None:
    data = zipped(FILES)
    entries = npz.read_directory(io.BytesIO(data), archive_of(ARRAYS))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = [(f"{info.filename}", info.compress_size, info.file_size, info.CRC) for info in archive.infolist()]
    found = [(f"{e.member.name}.npy", e.compressed_bytes, e.inflated_bytes, e.crc32) for e in entries]
    assert expected == found


CHILD = """
import json, pathlib, resource, sys, zlib
from medmnist_np.cache import npz, zips
from medmnist_np.registry import Archive, Member
if sys.argv[1] == "zlib":
    zips.fast_zlib = zlib
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
file, shape = sys.argv[2], tuple(json.loads(sys.argv[3]))
archive = Archive("x.npz", "https://fake.invalid/x.npz", "md5:" + 32 * "0", (Member("a_images", shape, ("uint8",)),))
before = peak()
with open(file, "rb") as stream:
    stored = npz.unpack(stream, archive, pathlib.Path(sys.argv[4]))
print(peak() - before, stored["a_images"].bytes)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource measures it, which Windows does not have")
def test_an_archive_that_inflates_220_times_needs_little_memory(tmp_path: Path, inflater: str) -> None:
    shape = (100, 1 << 20)
    row = np.zeros(1 << 20, np.uint8)
    row[:: 1 << 10] = np.arange(1 << 10)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a_images.npy", "w") as member:
            np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for _ in range(shape[0]):
                member.write(row.tobytes())
        assert archive.infolist()[0].file_size > 220 * archive.infolist()[0].compress_size
    command = [sys.executable, "-c", CHILD, inflater, str(tmp_path / "x.npz"), json.dumps(shape), str(tmp_path)]
    output = subprocess.check_output(command, text=True)  # noqa: S603
    grown, written = map(int, output.split())
    assert 100 * (1 << 20) + 128 == written
    assert grown < 40 << 20


@pytest.fixture
def official(real_archives: Path, request: pytest.FixtureRequest) -> tuple[Path, Archive]:
    name, size = request.param
    archive = registry.info(name).archive(size)
    return real_archives / archive.file_name, archive


# adrenalmnist3d_64 is by another zip creator, with its members in another order, and inflates to 415 MB.
@pytest.mark.parametrize(
    ("official", "inflater"),
    [
        (("breastmnist", 28), "isal"),
        (("breastmnist", 28), "zlib"),
        (("retinamnist", 28), "isal"),
        (("retinamnist", 28), "zlib"),
        (("adrenalmnist3d", 28), "isal"),
        (("adrenalmnist3d", 28), "zlib"),
        (("adrenalmnist3d", 64), "isal"),
    ],
    indirect=True,
)
def test_an_official_archive_is_unpacked_as_numpy_reads_it(tmp_path: Path, official: tuple[Path, Archive]) -> None:
    path, archive = official
    found = mapped(unpack(path, archive, tmp_path), tmp_path)
    with np.load(path) as expected:
        assert set(expected.files) == set(found)
        for name in expected.files:
            np.testing.assert_array_equal(expected[name], found[name])


def test_a_mutant_is_refused_or_right(tmp_path: Path, inflater: str) -> None:
    count = 2000 if inflater == "isal" else 1000
    command = [sys.executable, "-W", "ignore", mutants.__file__, "--count", str(count), "--json"]
    environment = {name: value for name, value in os.environ.items() if name != "MEDMNIST_NP_TEST_DATA"}
    if inflater == "zlib":
        command += ["--zlib", "--seed", "1"]
    output = subprocess.check_output(command, text=True, env=environment, cwd=tmp_path)  # noqa: S603
    counts = json.loads(output)
    assert inflater in counts["inflater"]
    assert counts["wrong"][:5] == []
    assert count == counts["refused"] + counts["right"]
    assert counts["memory_bytes"] < mutants.WORST_MEMORY
