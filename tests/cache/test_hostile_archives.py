"""Archives that lie, overlap, swell or carry code: one error type with the reason, and nothing written elsewhere."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medmnist_np.cache import npz, zips
from medmnist_np.errors import ArchiveError
from tests.audit import Recording
from tests.cache.mutants import archive_of, npy, zipped

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 28, 28), np.uint8)
LABELS = RANDOM.integers(0, 2, (6, 1), np.uint8)
FILES = {"test_images": npy(IMAGES), "test_labels": npy(LABELS)}
RECORD = archive_of({"test_images": IMAGES, "test_labels": LABELS}, dtypes=("uint8", "int64"))

STORED, DEFLATED, BZIP2 = 0, 8, 12
ENCRYPTED, BEHIND, STRONG, PATCHED = 1 << 0, 1 << 3, 1 << 6, 1 << 5


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test of this file runs with both."""
    module = pytest.importorskip("isal.isal_zlib") if request.param == "isal" else zlib
    monkeypatch.setattr(zips, "fast_zlib", module)
    return str(request.param)


def deflated(data: bytes, *, finished: bool = True) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(data) + (deflater.flush() if finished else deflater.flush(zlib.Z_SYNC_FLUSH))


@dataclass(frozen=True, kw_only=True)
class Part:
    """One member of a hand-made zip. What is stated defaults to what is true."""

    name: bytes
    payload: bytes  # as it lies in the zip
    inflated: int  # stated in the directory
    crc: int
    method: int = DEFLATED
    flags: int = 0
    compressed: int | None = None  # stated in the directory
    local_name: bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    offset: int | None = None  # stated in the directory
    zip64: bool = False
    before: bytes = b""  # bytes in front of the local header

    def __post_init__(self) -> None:
        if self.compressed is None:
            object.__setattr__(self, "compressed", len(self.payload))


def part(name: str, data: bytes, /, **lies: Any) -> Part:
    """Return an honest member, deflated, but for what is given."""
    return replace(
        Part(name=f"{name}.npy".encode(), payload=deflated(data), inflated=len(data), crc=zlib.crc32(data)), **lies
    )


def zip_of(parts: Iterable[Part], *, between: bytes = b"") -> bytes:
    """Return a zip of hand-made members, with bytes between the last of them and the directory."""
    body, directory, count = b"", b"", 0
    for each in parts:
        body += each.before
        offset = len(body) if each.offset is None else each.offset
        compressed = len(each.payload) if each.compressed is None else each.compressed
        extra, sizes = b"", (compressed, each.inflated)
        if each.zip64:
            extra = struct.pack("<HHQQ", 1, 16, each.inflated, compressed)
            sizes = (0xFFFF_FFFF, 0xFFFF_FFFF)
        local_name = each.name if each.local_name is None else each.local_name
        method = each.method if each.local_method is None else each.local_method
        flags = each.flags if each.local_flags is None else each.local_flags
        body += struct.pack(
            "<4s5H3L2H", b"PK\3\4", 45, flags, method, 0, 33, each.crc, *sizes, len(local_name), len(extra)
        )
        body += local_name + extra + each.payload
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 45, 45, each.flags, each.method, 0, 33, each.crc, *sizes, len(each.name),
            len(extra), 0, 0, 0, 0, offset,
        )  # fmt: skip
        directory += each.name + extra
        count += 1
    body += between
    return body + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)


def parts_with(liar: str = "test_labels", /, **lies: Any) -> list[Part]:
    """Return the two honest members, one of them with lies."""
    return [part(key, data, **(lies if key == liar else {})) for key, data in FILES.items()]


def refused(data: bytes, folder: Path, reason: str) -> ArchiveError:
    """Check that an archive is refused for that reason (a regular expression), and return the error."""
    source, target = folder / "source.npz", folder / "target"
    source.write_bytes(data)
    target.mkdir(exist_ok=True)
    with source.open("rb") as stream, pytest.raises(ArchiveError, match=reason) as caught:
        npz.unpack(stream, RECORD, target)
    assert {path.name for path in folder.iterdir()} == {"source.npz", "target"}
    assert {path.name for path in target.iterdir()} <= {"test_images.npy", "test_labels.npy"}
    assert data == source.read_bytes()
    return caught.value


def test_the_hand_made_zip_is_right_where_it_does_not_lie(tmp_path: Path) -> None:
    for zip64 in (False, True):
        target = tmp_path / str(zip64)
        target.mkdir()
        stored = npz.unpack(io.BytesIO(zip_of(parts_with(zip64=zip64))), RECORD, target)
        assert {"test_images": FILES["test_images"], "test_labels": FILES["test_labels"]} == {
            name: (target / array.file).read_bytes() for name, array in stored.items()
        }


def test_the_message_says_what_to_do(tmp_path: Path) -> None:
    error = refused(zipped({}), tmp_path, "it holds nothing, not test_images.npy, test_labels.npy")
    expected = (
        "fakemnist.npz is damaged or not what its record says: it holds nothing, not test_images.npy, test_labels.npy. "
        "Nothing of it was kept. Get it again, or compare its checksum with"
        f" {RECORD.digest}."
    )
    assert expected == str(error)


# Members


def test_a_missing_member_is_refused(tmp_path: Path) -> None:
    refused(zip_of(parts_with()[:1]), tmp_path, r"it holds test_images\.npy, not test_images\.npy, test_labels\.npy")


def test_a_further_member_is_refused(tmp_path: Path) -> None:
    refused(zip_of([*parts_with(), part("val_labels", FILES["test_labels"])]), tmp_path, r"it holds .*val_labels\.npy")


def test_another_member_is_refused(tmp_path: Path) -> None:
    lie = part("val_labels", FILES["test_labels"])
    refused(zip_of([parts_with()[0], lie]), tmp_path, r"it holds test_images\.npy, val_labels\.npy, not")


def test_a_doubled_member_is_refused(tmp_path: Path) -> None:
    refused(
        zip_of([*parts_with(), parts_with()[1]]),
        tmp_path,
        r"it holds test_images\.npy, test_labels\.npy, test_labels\.npy",
    )


@pytest.mark.parametrize(
    "name",
    [
        b"/etc/test_labels.npy",
        b"../test_labels.npy",
        b"../../../../../../tmp/test_labels.npy",
        b"folder/test_labels.npy",
        b"C:\\test_labels.npy",
        b"TEST_LABELS.npy",
        b"test_labels.npy/",
        b"test_labels",
        b"",
        b"test_labels.npy ",
        "test_l\u0430bels.npy".encode(),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: bytes) -> None:
    refused(zip_of(parts_with(name=name)), tmp_path, "it holds .* not test_images")


def test_a_name_with_a_null_byte_is_refused(tmp_path: Path) -> None:
    lie = part("test_labels", FILES["test_labels"], name=b"test_labels.npy\0/../../x")
    refused(zip_of([parts_with()[0], lie]), tmp_path, "test_labels.npy")


# The zip


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    first, second = parts_with()
    refused(zip_of([first, replace(second, offset=10)]), tmp_path, r"test_images\.npy: it reaches into what follows it")


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    first, second = parts_with()
    refused(zip_of([first, replace(second, offset=0)]), tmp_path, "it reaches into what follows it")


def test_a_member_that_reaches_into_the_next_is_refused(tmp_path: Path) -> None:
    first, second = parts_with()
    longer = replace(first, compressed=len(first.payload) + 20)
    refused(zip_of([longer, second]), tmp_path, r"test_images\.npy: it reaches into what follows it")


def test_a_member_that_reaches_into_the_directory_is_refused(tmp_path: Path) -> None:
    first, second = parts_with()
    longer = replace(second, compressed=len(second.payload) + 20)
    refused(zip_of([first, longer]), tmp_path, r"test_labels\.npy: it reaches into what follows it")


@pytest.mark.parametrize("flag", [ENCRYPTED, STRONG, PATCHED, 1 << 13])
@pytest.mark.parametrize("where", ["flags", "local_flags"])
def test_an_encrypted_or_patched_member_is_refused(tmp_path: Path, where: str, flag: int) -> None:
    lie = {"flags": flag} if where == "flags" else {"local_flags": flag}
    refused(zip_of(parts_with(**lie)), tmp_path, r"it is encrypted, or uses features that no \.npz has")


@pytest.mark.parametrize("method", [1, 9, BZIP2, 14, 93, 99])
def test_another_compression_is_refused(tmp_path: Path, method: int) -> None:
    refused(zip_of(parts_with(method=method)), tmp_path, f"compressed by method {method}, neither stored nor deflated")


def test_two_statements_of_the_compression_are_refused(tmp_path: Path) -> None:
    refused(zip_of(parts_with(local_method=STORED)), tmp_path, "compressed by method 0")


def test_another_name_in_the_local_header_is_refused(tmp_path: Path) -> None:
    lie = parts_with(local_name=b"test_labelz.npy")
    refused(zip_of(lie), tmp_path, "its own header is not the one in the directory")


def test_an_offset_that_leads_to_no_header_is_refused(tmp_path: Path) -> None:
    first, second = parts_with()
    lie = replace(second, offset=len(first.payload) + 50)
    refused(zip_of([first, lie]), tmp_path, "its own header|reaches into")


@pytest.mark.parametrize("junk", [b"x", b"MZ" + bytes(500), b"PK\3\4" + bytes(26)])
def test_bytes_before_the_zip_are_refused(tmp_path: Path, junk: bytes) -> None:
    refused(junk + zip_of(parts_with()), tmp_path, f"{len(junk)} bytes stand before the zip")


@pytest.mark.parametrize("junk", [b"x", bytes(22), b"PK\5\6", zip_of([])[:-1]])
def test_bytes_behind_the_zip_are_refused(tmp_path: Path, junk: bytes) -> None:
    refused(
        zip_of(parts_with()) + junk, tmp_path, "it does not end as a zip does: it is cut short, or something follows"
    )


def test_a_second_zip_behind_the_first_is_refused(tmp_path: Path) -> None:
    data = zip_of(parts_with())
    refused(data * 2, tmp_path, f"{len(data)} bytes stand before the zip")


def test_a_comment_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO(zip_of(parts_with()))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"with regards"
    refused(stream.getvalue(), tmp_path, "something follows it")


@pytest.mark.parametrize(
    "junk", [b"", b"x" * 21, b"x" * 22, b"PK\5\6" + bytes(18), b"<!doctype html><title>No</title>" * 9]
)
def test_what_is_no_zip_is_refused(tmp_path: Path, junk: bytes) -> None:
    refused(junk, tmp_path, "it does not end as a zip does|it holds nothing")


@pytest.mark.parametrize("tenth", range(10))
def test_a_zip_that_is_cut_short_is_refused(tmp_path: Path, tenth: int) -> None:
    data = zip_of(parts_with())
    refused(data[: len(data) * tenth // 10], tmp_path, "it does not end as a zip does")


def test_a_zip_that_is_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    data = zip_of(parts_with())
    for length in {*range(len(data) - 200, len(data)), *range(0, len(data), 97)}:
        with pytest.raises(ArchiveError, match="cut short"):
            npz.read_directory(io.BytesIO(data[:length]), RECORD)


@pytest.mark.timeout(3)
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_a_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path, method: int) -> None:
    images = RANDOM.integers(0, 256, (600, 28, 28), np.uint8)
    source = tmp_path / "x.npz"
    source.write_bytes(zipped({"test_images": npy(images)}, method=method))
    with source.open("rb") as stream, pytest.raises(ArchiveError, match=r"test_images\.npy: "):
        npz.unpack(stream, archive_of({"test_images": images}), tmp_path, lambda _: os.truncate(source, 150_000))


def test_a_vast_directory_costs_no_memory(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    directory = entry * 30_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 30_000, 30_000, len(directory), 0, 0)
    (tmp_path / "x.npz").write_bytes(directory + end)
    tracemalloc.start()
    try:
        with (tmp_path / "x.npz").open("rb") as stream, pytest.raises(ArchiveError):
            npz.read_directory(stream, RECORD)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


# Sizes and checksums


@pytest.mark.parametrize("zip64", [False, True], ids=["zip32", "zip64"])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_a_wrong_checksum_is_refused(tmp_path: Path, method: int, zip64: bool) -> None:
    data = FILES["test_labels"]
    payload = data if method == STORED else deflated(data)
    lie = {
        "crc": zlib.crc32(data) ^ 1,
        "method": method,
        "payload": payload,
        "compressed": len(payload),
        "zip64": zip64,
    }
    expected = f"its CRC-32 is {zlib.crc32(data):08x}, and {zlib.crc32(data) ^ 1:08x} is what the zip states"
    refused(zip_of(parts_with(**lie)), tmp_path, expected)


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_a_flipped_value_is_refused(tmp_path: Path, method: int) -> None:
    data = bytearray(FILES["test_images"])
    data[1000] ^= 1
    payload = bytes(data) if method == STORED else deflated(bytes(data))
    lie = parts_with("test_images", method=method, payload=payload, compressed=len(payload))
    refused(zip_of(lie), tmp_path, "its CRC-32 is")


@pytest.mark.parametrize("zip64", [False, True], ids=["zip32", "zip64"])
@pytest.mark.parametrize("inflated", [0, 5, 133, 135, 8000, 1 << 31, (1 << 32) - 2])
def test_a_false_inflated_size_is_refused(tmp_path: Path, inflated: int, zip64: bool) -> None:
    reason = "it says to inflate to|it has .* bytes, and not what|it holds more bytes|too soon"
    refused(zip_of(parts_with(inflated=inflated, zip64=zip64)), tmp_path, reason)


@pytest.mark.parametrize("inflated", [1 << 32, 1 << 40, (1 << 64) - 1])
def test_a_vast_size_by_zip64_is_refused_before_it_is_inflated(
    tmp_path: Path, inflated: int, audit: Callable[[], AbstractContextManager[Recording]]
) -> None:
    (tmp_path / "x.npz").write_bytes(zip_of(parts_with(inflated=inflated, zip64=True)))
    expected = f"it says to inflate to {inflated} bytes, which no array of shape"
    with (tmp_path / "x.npz").open("rb") as stream, audit() as seen, pytest.raises(ArchiveError, match=expected):
        npz.unpack(stream, RECORD, tmp_path)
    assert seen.writes == []


@pytest.mark.parametrize("zip64", [False, True], ids=["zip32", "zip64"])
@pytest.mark.parametrize("compressed", [0, 1, 30])
def test_too_small_a_compressed_size_is_refused(tmp_path: Path, compressed: int, zip64: bool) -> None:
    reason = "its data ends [0-9]+ bytes too soon|magic string|EOF"
    refused(zip_of(parts_with("test_images", compressed=compressed, zip64=zip64)), tmp_path, reason)


@pytest.mark.parametrize("compressed", [1 << 32, 1 << 62, (1 << 64) - 1])
def test_too_large_a_compressed_size_by_zip64_is_refused(tmp_path: Path, compressed: int) -> None:
    refused(zip_of(parts_with(compressed=compressed, zip64=True)), tmp_path, "it reaches into what follows it")


@pytest.mark.parametrize("rest", [1, 5000], ids=["one byte", "many"])
def test_a_stored_member_with_more_bytes_than_it_states_is_refused(tmp_path: Path, rest: int) -> None:
    payload = FILES["test_labels"] + bytes(rest)
    lie = parts_with(method=STORED, payload=payload, compressed=len(payload))
    refused(zip_of(lie), tmp_path, "it holds more bytes than it states")


def test_a_stored_member_with_more_blocks_than_it_states_is_refused(tmp_path: Path) -> None:
    array = np.zeros((1, (128 << 10) - 128), np.uint8)
    data = npy(array)
    lie = part("test_images", data, method=STORED, payload=data + bytes(10), compressed=len(data) + 10)
    with pytest.raises(ArchiveError, match="it holds more bytes than it states"):
        npz.unpack(io.BytesIO(zip_of([lie])), archive_of({"test_images": array}), tmp_path)


@pytest.mark.parametrize("more", [1, 5000, 2 << 20])
def test_a_deflated_member_that_swells_beyond_its_size_is_refused(tmp_path: Path, more: int) -> None:
    payload = deflated(FILES["test_labels"] + bytes(more))
    refused(
        zip_of(parts_with(payload=payload, compressed=len(payload))), tmp_path, "it holds more bytes than it states"
    )


def test_a_bomb_is_refused_in_flat_memory(tmp_path: Path) -> None:
    payload = deflated(FILES["test_labels"] + bytes(200 << 20))
    tracemalloc.start()
    try:
        lie = zip_of(parts_with(payload=payload, compressed=len(payload)))
        refused(lie, tmp_path, "it holds more bytes than it states")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_deflated_member_that_stops_too_soon_is_refused(tmp_path: Path) -> None:
    payload = deflated(FILES["test_images"][:3000])
    lie = parts_with("test_images", payload=payload, compressed=len(payload))
    refused(zip_of(lie), tmp_path, f"its data ends {len(FILES['test_images']) - 3000} bytes too soon")


def test_a_deflated_member_without_an_end_is_refused(tmp_path: Path) -> None:
    payload = deflated(FILES["test_labels"], finished=False)
    refused(
        zip_of(parts_with(payload=payload, compressed=len(payload))), tmp_path, "it holds more bytes than it states|end"
    )


@pytest.mark.parametrize("rest", [b"\0", b"PK\3\4", bytes(5000), deflated(b"hidden")], ids=["1", "4", "5000", "stream"])
def test_bytes_behind_the_end_of_the_deflate_stream_are_refused(tmp_path: Path, rest: bytes) -> None:
    payload = deflated(FILES["test_labels"]) + rest
    refused(
        zip_of(parts_with(payload=payload, compressed=len(payload))), tmp_path, "it holds more bytes than it states"
    )


def test_a_long_tail_of_empty_blocks_costs_no_memory(tmp_path: Path) -> None:
    payload = deflated(FILES["test_labels"], finished=False) + b"\0\0\0\xff\xff" * (4 << 20) + b"\3\0"
    data = zip_of(
        [parts_with()[0], part("test_labels", FILES["test_labels"], payload=payload, compressed=len(payload))]
    )
    (tmp_path / "x.npz").write_bytes(data)
    del data, payload
    tracemalloc.start()
    try:
        # Refused or read: both are right.
        with (tmp_path / "x.npz").open("rb") as stream, suppress(ArchiveError):
            npz.unpack(stream, RECORD, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("offset", [0, 1, 7, 40])
def test_a_broken_deflate_stream_is_refused(tmp_path: Path, offset: int) -> None:
    payload = bytearray(deflated(np.arange(4704, dtype=np.uint8).tobytes() + FILES["test_images"]))
    payload[offset : offset + 30] = b"\xff" * 30
    lie = parts_with("test_images", payload=bytes(payload), compressed=len(payload))
    refused(zip_of(lie), tmp_path, r"test_images\.npy: ")


# The .npy header


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """Return a .npy header with that dictionary, padded as NumPy does."""
    length_bytes = 2 if version == (1, 0) else 4
    body = text.encode()
    body += b" " * (-(len(body) + 9 + length_bytes) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + len(body).to_bytes(length_bytes, "little") + body


def table(shape: Sequence[int] = LABELS.shape, descr: str = "|u1", fortran: bool = False) -> str:
    return repr({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)})


def with_labels(data: bytes) -> bytes:
    return zipped({**FILES, "test_labels": data})


def test_an_honest_header_is_accepted(tmp_path: Path) -> None:
    npz.unpack(io.BytesIO(with_labels(header(table()) + LABELS.tobytes())), RECORD, tmp_path)


@pytest.mark.parametrize(
    "shape",
    [
        (6,),
        (6, 2),
        (1, 6),
        (7, 1),
        (6, 1, 1),
        (),
        (6, -1),
        (-6, -1),
        (1 << 62, 4),
        (1 << 40, 1 << 40),
        (6, 1 << 31),
        (0, 1),
    ],
)
def test_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = header(table(shape)) + LABELS.tobytes()
    reason = re.escape(f"it is an array {shape} of uint8, and the record says (6, 1) of uint8 or int64")
    refused(with_labels(data), tmp_path, reason)


def test_a_huge_array_that_is_there_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    data = header(table((1 << 20, 1))) + bytes(1 << 20)
    refused(with_labels(data), tmp_path, "it says to inflate to 1048704 bytes, which no array of shape")
    assert not (tmp_path / "target" / "test_labels.npy").exists()


@pytest.mark.parametrize("descr", ["|b1", "<f8", "<u2", "|i1", "|S1", "<U1", "<c16", "|V1", "<M8[s]", "<f2"])
def test_another_dtype_is_refused(tmp_path: Path, descr: str) -> None:
    data = header(table(descr=descr)) + bytes(6 * np.dtype(descr).itemsize)
    refused(with_labels(data), tmp_path, "it is an array .* and the record says|it says to inflate")


def test_images_of_a_label_type_are_refused(tmp_path: Path) -> None:
    data = zipped({**FILES, "test_images": npy(IMAGES.astype(np.int8))})
    refused(data, tmp_path, "of int8, and the record says")


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return open, (str(self.path), "x")


@pytest.mark.parametrize("descr", ["|O", "|u1"])
def test_a_pickle_is_never_executed(tmp_path: Path, descr: str) -> None:
    trap = tmp_path / "sprung"
    data = header(table(descr=descr)) + pickle.dumps(np.array([Trap(trap)] * 6, dtype=object))
    refused(with_labels(data), tmp_path, "of object, and the record says" if descr == "|O" else "not what its header")
    assert not trap.exists()


def test_a_bare_pickle_is_never_executed(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    refused(with_labels(pickle.dumps([Trap(trap)] * 2)), tmp_path, "magic string")
    assert not trap.exists()


def test_an_object_array_by_numpy_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([[None]] * 6, dtype=object), allow_pickle=True)
    refused(with_labels(stream.getvalue()), tmp_path, "of object, and the record says")


def test_images_in_fortran_order_are_refused(tmp_path: Path) -> None:
    data = zipped({**FILES, "test_images": npy(np.asfortranarray(IMAGES))})
    refused(data, tmp_path, "its values are in Fortran order")


@pytest.mark.parametrize("version", [(3, 0), (0, 1), (1, 1), (2, 1), (255, 255)])
def test_another_version_of_the_header_is_refused(tmp_path: Path, version: tuple[int, int]) -> None:
    data = header(table(), version) + LABELS.tobytes()
    expected = rf"its \.npy format is version \({version[0]}, {version[1]}\); 1\.0 and 2\.0 are known"
    refused(with_labels(data), tmp_path, expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{'descr': (",
        "'''",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 1)",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 1), 'more': 1}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (6, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': [6, 1]}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6.0, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 1)} + {}",
        "{'descr': (), 'fortran_order': False, 'shape': (6, 1)}",
        "{'descr': {}, 'fortran_order': False, 'shape': (6, 1)}",
        "{'descr': ('|u1',), 'fortran_order': False, 'shape': (6, 1)}",
        "{'descr': '|x9', 'fortran_order': False, 'shape': (6, 1)}",
        "{'descr': None, 'fortran_order': False, 'shape': (6, 1)}",
        "{1: 2, 'descr': '|u1', 'fortran_order': False, 'shape': (6, 1)}",
        "['descr', 'fortran_order', 'shape']",
        "__import__('os').system('true')",
        "\0" * 100,
        "\xff\xfe" * 50,
        "(" * 3000,
        "-" * 3000 + "1",
        "9" * 9000,
        "  x\n y\n  z",
    ],
)
def test_garbage_in_the_header_is_refused(tmp_path: Path, text: str) -> None:
    refused(with_labels(header(text) + LABELS.tobytes()), tmp_path, r"test_labels\.npy: ")


def test_a_header_that_is_too_long_to_be_true_is_refused(tmp_path: Path) -> None:
    data = header(table() + " " * 20_000) + LABELS.tobytes()
    refused(with_labels(data), tmp_path, "it says to inflate to")


@pytest.mark.parametrize("length", [0, 1, 60_000, 65_535])
def test_a_false_length_of_the_header_is_refused(tmp_path: Path, length: int) -> None:
    data = header(table()) + LABELS.tobytes()
    refused(with_labels(data[:8] + length.to_bytes(2, "little") + data[10:]), tmp_path, r"test_labels\.npy: ")


@pytest.mark.parametrize("length", [6, 7, 9, 10, 50, 127])
def test_a_header_that_is_cut_short_is_refused(tmp_path: Path, length: int) -> None:
    refused(with_labels((header(table()) + LABELS.tobytes())[:length]), tmp_path, r"test_labels\.npy: ")


@pytest.mark.parametrize("values", [b"", b"\0" * 5, b"\0" * 7, b"\0" * 600])
def test_too_few_or_too_many_values_are_refused(tmp_path: Path, values: bytes) -> None:
    data = header(table()) + values
    refused(
        with_labels(data), tmp_path, f"it has {len(data)} bytes, and not what its header and shape add up to|it says to"
    )


# Where files go


def test_a_link_in_the_place_of_an_array_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    outside = tmp_path / "outside"
    (target / "test_images.npy").symlink_to(outside)
    with pytest.raises(OSError, match="test_images"):
        npz.unpack(io.BytesIO(zip_of(parts_with())), RECORD, target)
    assert not outside.exists()


def test_only_the_folder_that_was_given_is_written_to(
    tmp_path: Path, audit: Callable[[], AbstractContextManager[Recording]]
) -> None:
    with audit() as seen:
        npz.unpack(io.BytesIO(zip_of(parts_with())), RECORD, tmp_path)
    assert {f"open {tmp_path / 'test_images.npy'}", f"open {tmp_path / 'test_labels.npy'}"} == set(seen.writes)
