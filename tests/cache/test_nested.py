"""A zip of .npz archives: read as strictly as one of them, in flat memory, and nothing written elsewhere."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.cache import nested
from medmnist_np.cache.nested import Window
from medmnist_np.errors import ArchiveError, NoSpaceError
from medmnist_np.registry import Archive, Member
from tests.corruptions.made_archives import npz, zipped

RANDOM = np.random.default_rng(0)
ARRAYS = {
    f"set/{name}.npz": {
        "images": RANDOM.integers(0, 256, (6, 8, 8), np.uint8),
        "labels": RANDOM.integers(0, 2, (6, 1)).astype(dtype),
    }
    for name, dtype in (("fog", np.uint8), ("rain", np.int64))
}
FILES = [(name, npz(arrays)) for name, arrays in ARRAYS.items()]
RECORD = Archive(
    "set.zip",
    "https://example.org/set.zip",
    f"md5:{0:032}",
    tuple(
        Member(f"{file}/{name}", array.shape, ("uint8", "int64"))
        for file, arrays in ARRAYS.items()
        for name, array in arrays.items()
    ),
    kind=nested.KIND,
)


def unpacked(path: Path, folder: Path) -> dict[str, np.ndarray]:
    folder.mkdir(exist_ok=True)
    with path.open("rb") as stream:
        stored = nested.unpack(stream, RECORD, folder)
    return {name: np.load(folder / array.file) for name, array in stored.items()}


def check(found: dict[str, np.ndarray]) -> None:
    expected = {f"{file}/{name}": array for file, arrays in ARRAYS.items() for name, array in arrays.items()}
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert array.dtype == found[name].dtype
        assert np.array_equal(array, found[name])


@pytest.mark.parametrize("outer", [False, True], ids=["stored", "deflated"])
@pytest.mark.parametrize("inner", [False, True], ids=["savez", "savez_compressed"])
def test_each_array_becomes_a_file_of_its_own(tmp_path: Path, outer: bool, inner: bool) -> None:
    path = tmp_path / "set.zip"
    zipped(path, ((name, npz(arrays, deflated=inner)) for name, arrays in ARRAYS.items()), deflated=outer)
    check(unpacked(path, tmp_path / "target"))
    expected = {f"{kind}-{array}.npy" for kind in ("fog", "rain") for array in ("images", "labels")}
    assert expected == {file.name for file in (tmp_path / "target").iterdir()}


def test_other_files_are_ignored(tmp_path: Path) -> None:
    litter = [("set/", b""), ("set/.DS_Store", b"notes"), ("__MACOSX/set/._fog.npz", b"notes")]
    others = [("README.txt", b"notes"), ("set/snow.npz", b""), ("../evil.npz", b""), ("other/fog.npz", b"")]
    zipped(tmp_path / "set.zip", [*litter, *others, *FILES])
    check(unpacked(tmp_path / "set.zip", tmp_path / "target"))
    assert len(list((tmp_path / "target").iterdir())) == 4


@pytest.mark.parametrize("level", ["release/2024/", "./"])
def test_archives_may_lie_in_more_folders(tmp_path: Path, level: str) -> None:
    zipped(tmp_path / "set.zip", [(f"{level}{name}", data) for name, data in FILES])
    check(unpacked(tmp_path / "set.zip", tmp_path / "target"))


def test_archives_may_lie_at_the_top(tmp_path: Path) -> None:
    zipped(tmp_path / "set.zip", [(name.removeprefix("set/"), data) for name, data in FILES])
    check(unpacked(tmp_path / "set.zip", tmp_path / "target"))


@pytest.mark.parametrize("below", ["", "set", "release/set"])
def test_a_folder_is_read_like_a_zip(tmp_path: Path, below: str) -> None:
    source = tmp_path / "source"
    (source / below).mkdir(parents=True)
    (source / "README.txt").write_text("notes")
    for name, data in FILES:
        (source / below / name.removeprefix("set/")).write_bytes(data)
    (tmp_path / "target").mkdir()
    stored = nested.unpack(source, RECORD, tmp_path / "target")
    check({name: np.load(tmp_path / "target" / array.file) for name, array in stored.items()})
    assert len(list(source.rglob("*.npz"))) == 2


def spoiled(arrays: dict[str, np.ndarray]) -> list[tuple[str, bytes]]:
    return [FILES[0], ("set/rain.npz", npz({**ARRAYS["set/rain.npz"], **arrays}))]


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (FILES[:1], "it lacks set/rain.npz"),
        ([FILES[0], ("../rain.npz", FILES[1][1])], "it lacks set/rain.npz"),
        ([FILES[0], ("other/rain.npz", FILES[1][1])], "it lacks set/rain.npz"),
        ([FILES[0], *((f"{k}/set/rain.npz", FILES[1][1]) for k in "ab")], "it holds set/rain.npz 2 times: 'a/set/"),
        ([FILES[0], ("set/rain.npz", b"no zip at all, but a text")], "set/rain.npz: it does not end as a zip does"),
        ([FILES[0], ("set/rain.npz", FILES[1][1][:-30])], "set/rain.npz: it does not end as a zip does"),
        ([FILES[0], ("set/rain.npz", b"x" + FILES[1][1])], "set/rain.npz: 1 bytes stand before the zip"),
        ([FILES[0], ("set/rain.npz", b"\0" * 10**6)], "set/rain.npz: it says to inflate to 1000000 bytes, and"),
        (spoiled({"images": np.zeros((5, 8, 8), np.uint8)}), r"set/rain.npz: images.npy: it is an array \(5, 8, 8\)"),
        (spoiled({"images": np.zeros((6, 8, 8), np.float32)}), "set/rain.npz: images.npy: .*of float32"),
        (spoiled({"more": np.zeros(3)}), "set/rain.npz: it holds images.npy, labels.npy, more.npy, not images.npy"),
        (spoiled({"labels": np.array([[{}]] * 6, object)}), "set/rain.npz: .*labels.npy"),
    ],
)  # fmt: skip
def test_what_is_not_as_the_record_says_is_refused(
    tmp_path: Path, files: Iterable[tuple[str, bytes]], reason: str, deflated: bool
) -> None:
    zipped(tmp_path / "set.zip", files, deflated=deflated)
    with pytest.raises(ArchiveError, match=f"^set.zip is damaged or not what its record says: {reason}"):
        unpacked(tmp_path / "set.zip", tmp_path / "target")
    assert {path.name for path in tmp_path.iterdir()} == {"set.zip", "target"}
    assert not (tmp_path / "target" / "inflated.npz").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    zipped(tmp_path / "set.zip", [*FILES, FILES[0]])
    with pytest.raises(ArchiveError, match=r"it holds set/fog.npz 2 times"):
        unpacked(tmp_path / "set.zip", tmp_path / "target")


@pytest.mark.parametrize("deflated", [False, True])
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_archive_that_is_cut_short_is_refused_wherever(
    tmp_path_factory: pytest.TempPathFactory, deflated: bool, share: float
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    zipped(folder / "set.zip", FILES, deflated=deflated)
    data = (folder / "set.zip").read_bytes()
    (folder / "set.zip").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ArchiveError):
        unpacked(folder / "set.zip", folder / "target")


@pytest.mark.parametrize("deflated", [False, True])
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, deflated: bool, share: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("flip")
    zipped(folder / "set.zip", FILES, deflated=deflated)
    data = bytearray((folder / "set.zip").read_bytes())
    data[int(share * len(data))] ^= 1 << bit
    (folder / "set.zip").write_bytes(data)
    try:
        found = unpacked(folder / "set.zip", folder / "target")
    except ArchiveError:
        return
    check(found)


def test_memory_stays_flat(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (400, 224, 224), np.uint8)  # 20 MB
    record = Archive(
        "set.zip", "https://example.org/set.zip", f"md5:{0:032}",
        (Member("set/fog.npz/images", images.shape, ("uint8",)),), kind=nested.KIND,
    )  # fmt: skip
    for deflated in (False, True):
        zipped(tmp_path / "set.zip", [("set/fog.npz", npz({"images": images}))], deflated=deflated)
        folder = tmp_path / f"target {deflated}"
        folder.mkdir()
        tracemalloc.start()
        with (tmp_path / "set.zip").open("rb") as stream:
            nested.unpack(stream, record, folder)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10 << 20


def test_a_deflated_archive_asks_for_the_room_that_it_needs_besides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(tmp_path / "set.zip", FILES, deflated=True)
    needed = RECORD.array_bytes + len(FILES[0][1])
    monkeypatch.setattr("medmnist_np._files.free_bytes", lambda _: (1 << 20) + needed - 1)
    with pytest.raises(NoSpaceError, match=f"unpack set.zip: .*{needed} bytes"):
        unpacked(tmp_path / "set.zip", tmp_path / "target")
    monkeypatch.setattr("medmnist_np._files.free_bytes", lambda _: (1 << 20) + needed)
    (tmp_path / "other").mkdir()
    with (tmp_path / "set.zip").open("rb") as stream:
        nested.unpack(stream, RECORD, tmp_path / "other")


def test_a_zip_within_a_zip_that_is_encrypted_or_oddly_compressed_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_BZIP2) as archive:
        for name, data in FILES:
            archive.writestr(name, data)
    with pytest.raises(ArchiveError, match="compressed by method 12, neither stored nor deflated"):
        unpacked(tmp_path / "set.zip", tmp_path / "target")


@given(
    st.binary(max_size=60),
    st.integers(0, 20),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 50), st.integers(-1, 30))),
)
def test_a_window_reads_as_the_bytes_in_it(data: bytes, start: int, n: int, reads: list[tuple[int, int]]) -> None:
    n = min(n, max(0, len(data) - start))
    plain, window = io.BytesIO(data[start : start + n]), Window(io.BytesIO(data), start, n)
    for position, size in reads:
        assert plain.seek(position) == window.seek(position)
        assert plain.read(size) == window.read(size)
        assert plain.tell() == window.tell()
    assert n == window.seek(0, 2)
    with pytest.raises(ValueError, match="no position -1"):
        window.seek(-n - 1, 2)
