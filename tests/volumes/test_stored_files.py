"""Files in a tar, a zip and a folder: what is listed is what is there, and hostile archives are refused."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from medmnist_np.errors import ArchiveError
from medmnist_np.volumes import stored_files
from medmnist_np.volumes.stored_files import archive_files, folder_files
from tests.audit import Recording
from tests.volumes.making import opened, tar_of

RANDOM = np.random.default_rng(0)
FILES = {
    "Task/imagesTr/a.nii.gz": RANDOM.bytes(2000),
    "Task/imagesTr/b.nii.gz": RANDOM.bytes(512),
    "Task/labelsTr/a.nii.gz": b"",
    "Task/dataset.json": b"{}",
}
TAR = tar_of(FILES)
LONG = "Task/" + "a" * 150 + "/" + "ü" * 100 + ".nii.gz"


def listed(folder: Path, data: bytes, kind: str = "tar") -> dict[str, bytes]:
    """Return the names and the contents of an archive."""
    path = folder / f"archive.{kind}"
    path.write_bytes(data)
    with opened(path) as verified:
        found = archive_files(verified, kind)
    return {name: b"".join(file.chunks()) for name, file in found.items()}


def entry(name: str, data: bytes = b"", **attributes: Any) -> bytes:
    """Return a header and its data, as they lie in a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + data.ljust(-(-len(data) // 512) * 512, b"\0")


def test_a_tar_lists_its_files_without_companions(tmp_path: Path) -> None:
    assert listed(tmp_path, TAR) == FILES


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read(tmp_path: Path, tar_format: int) -> None:
    long = {LONG: b"1234", **FILES}
    assert long == listed(tmp_path, tar_of(long, tar_format))


def test_names_may_begin_at_the_place_itself(tmp_path: Path) -> None:
    data = entry("./", type=tarfile.DIRTYPE) + entry("./Task/a.nii.gz", b"12") + entry("b.nii", b"3") + bytes(1024)
    assert listed(tmp_path, data) == {"Task/a.nii.gz": b"12", "b.nii": b"3"}


def test_a_zip_lists_its_files_without_companions(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("Task/")
        for number, (name, data) in enumerate(FILES.items()):
            archive.writestr(name, data * 50, zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED)
            archive.writestr(f"__MACOSX/{name}", b"Mac OS X")
        archive.writestr("Task/.DS_Store", b"Mac OS X")
    assert {name: data * 50 for name, data in FILES.items()} == listed(tmp_path, buffer.getvalue(), "zip")


def test_a_folder_lists_its_files_through_links_without_companions(tmp_path: Path) -> None:
    for name, data in FILES.items():
        file = tmp_path / "real" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.with_name(f"._{file.name}").write_bytes(b"Mac OS X")
    (tmp_path / "seen").symlink_to("real")
    found = folder_files(tmp_path / "seen")
    assert {name: b"".join(file.chunks()) for name, file in found.items()} == FILES


def test_a_file_pickles_small_and_is_read_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(TAR)
    with opened(tmp_path / "a.tar") as verified:
        file = archive_files(verified, "tar")["Task/imagesTr/a.nii.gz"]
    sent = pickle.dumps(file)
    assert len(sent) < 400
    assert FILES[file.name] == b"".join(pickle.loads(sent).chunks())


def test_listing_writes_and_extracts_nothing(
    tmp_path: Path, audit: Callable[[], AbstractContextManager[Recording]]
) -> None:
    (tmp_path / "a.tar").write_bytes(TAR)
    with audit() as seen, opened(tmp_path / "a.tar") as verified:
        archive_files(verified, "tar")
    assert seen.writes == []


def test_a_file_that_changed_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"1234")
    file = folder_files(tmp_path)["a.nii"]
    (tmp_path / "a.nii").write_bytes(b"12345")
    with pytest.raises(ArchiveError, match="changed while it was read"):
        b"".join(file.chunks())


# Hostile tars

PAX = b"32 path=Task/imagesTr/c.nii.gz\n"
SPARSE = b"22 GNU.sparse.major=1\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (entry("/etc/passwd", b"1"), "a path outside the archive"),
        (entry("Task/../../a.nii", b"1"), "a path outside the archive"),
        (entry("..", b"1"), "a path outside the archive"),
        (entry("Task//a.nii", b"1"), "a path outside the archive"),
        (entry("C:/a.nii", b"1"), "a path outside the archive"),
        (entry("Task\\a.nii", b"1"), "a path outside the archive"),
        (entry("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (entry("a", type=tarfile.LNKTYPE, linkname="b"), "is a link"),
        (entry("a", type=tarfile.CHRTYPE), "a device"),
        (entry("a", type=tarfile.FIFOTYPE), "or the like"),
        (entry("a", type=tarfile.GNUTYPE_SPARSE), "or the like"),
        (entry("a", type=b"Z"), "or the like"),
        (entry("a", b"1") + entry("a", b"2"), "twice"),
        (entry("a", b"1") + entry("./a", b"2"), "twice"),
        (entry("a", b"1", size=10**12), "the archive ends earlier"),
        (entry("a", b"1", size=-(10**12)), "the archive ends earlier"),
        (entry("x", b"/etc/passwd\0", type=tarfile.GNUTYPE_LONGNAME) + entry("a", b"1"), "a path outside the archive"),
        (entry("x", bytes(2 << 20), type=tarfile.GNUTYPE_LONGNAME) + entry("a", b"1"), "a header of"),
        (entry("x", b"b\0", type=tarfile.GNUTYPE_LONGLINK) + entry("a", b"1"), "or the like"),
        (entry("x", SPARSE, type=tarfile.XHDTYPE) + entry("a", b"1"), "pax header with GNU"),
        (entry("x", PAX, type=tarfile.XGLTYPE) + entry("a", b"1"), "pax header with path"),
        (entry("x", b"12 size=1e5\n", type=tarfile.XHDTYPE) + entry("a", b"1"), "invalid literal"),
        (entry("x", b"9" * 600, type=tarfile.XHDTYPE) + entry("a", b"1"), "invalid pax header"),
        (entry("x", b"-5 a=b\n", type=tarfile.XHDTYPE) + entry("a", b"1"), "invalid pax header"),
        (entry("x", b"0 a=b\n", type=tarfile.XHDTYPE) + entry("a", b"1"), "invalid pax header"),
        (TAR[: TAR.rindex(b"{}") + 512], "truncated"),
        (TAR[:700], "truncated"),
        (b"", "truncated"),
        (b"PK\3\4" + bytes(2000), "bad checksum"),
    ],
)
def test_hostile_tars_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    if not data.startswith((TAR[:100], b"PK")) and data:
        data += bytes(1024)
    with pytest.raises(ArchiveError, match=said) as caught:
        listed(tmp_path, data)
    assert "archive.tar is damaged or hostile" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_tar_of_absurdly_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_files, "_MOST_FILES", 50)
    data = b"".join(entry(f"d{number}", type=tarfile.DIRTYPE) for number in range(60)) + bytes(1024)
    with pytest.raises(ArchiveError, match="more than 50 entries"):
        listed(tmp_path, data)


@given(st.lists(st.tuples(st.integers(0, len(TAR) - 1), st.integers(0, 255)), min_size=1, max_size=8), st.data())
@settings(max_examples=300)
def test_a_mutated_tar_is_read_or_refused_and_nothing_else(changes: list[tuple[int, int]], more: st.DataObject) -> None:
    data = bytearray(TAR)
    for position, value in changes:
        data[position] = value
    if more.draw(st.booleans()):  # checksums that fit what they stand in
        for start in range(0, len(data) - 512, 512):
            block = data[start : start + 512]
            if block[257:262] == b"ustar":
                total = sum(block[:148]) + sum(block[156:]) + 8 * 32
                data[start + 148 : start + 156] = f"{total:06o}\0 ".encode()
    with tempfile.TemporaryDirectory() as folder, suppress(ArchiveError):
        found = listed(Path(folder), bytes(data))
        assert all(".." not in name.split("/") and not name.startswith("/") for name in found)


# Hostile zips


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(("../a.nii", b"1")), "a path outside the archive"),
        (zipped(("/a.nii", b"1")), "a path outside the archive"),
        (zipped((link("a.nii"), b"/etc/passwd")), "is a link"),
        (zipped(("a.nii", b"1"))[:-5], "does not end"),
        (b"before" + zipped(("a.nii", b"1")), "before the zip"),
        (zipped(("a.nii", b"1")).replace(b"a.nii", b"b.nii", 1), "its own header"),
        (tar_of(FILES), "does not end"),
    ],
)
def test_hostile_zips_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(ArchiveError, match=said) as caught:
        listed(tmp_path, data, "zip")
    assert "archive.zip is damaged or hostile" in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="twice"):
        listed(tmp_path, zipped(("a.nii", b"1"), ("a.nii", b"2")), "zip")


def test_a_member_of_a_zip_that_is_not_what_it_states_is_refused(tmp_path: Path) -> None:
    content = RANDOM.bytes(5000)
    data = zipped(("a.nii", content))
    position = data.index(b"PK\1\2") + 16
    wrong_crc = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
    with pytest.raises(ArchiveError, match="CRC-32"):
        listed(tmp_path, wrong_crc, "zip")
    with pytest.raises(ArchiveError, match="damaged"):
        listed(tmp_path, data[:60] + b"\xff\xff\xff\xff" + data[64:], "zip")


# Folders


def test_a_link_to_nothing_and_a_circle_of_links_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.nii").symlink_to("nowhere")
    with pytest.raises(ArchiveError, match="a link to a missing file"):
        folder_files(tmp_path / "broken")
    (tmp_path / "circle").mkdir()
    (tmp_path / "circle" / "again").symlink_to(".")
    with pytest.raises(ArchiveError, match="nested too deeply"):
        folder_files(tmp_path / "circle")


def test_a_folder_of_absurdly_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_files, "_MOST_FILES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(ArchiveError, match="cannot be used: it has more than 3 entries"):
        folder_files(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no named pipes")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nii")
    assert folder_files(tmp_path) == {}
