"""Single splits and labels, taken out of a remote archive by Range."""

from __future__ import annotations

import logging
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np.cache import store
from medmnist_np.cache.http import Patience
from medmnist_np.cli import main as program
from medmnist_np.data.arrays import Arrays
from medmnist_np.errors import ArchiveError, DownloadError, NotCachedError, OfflineError, UnknownSplitError
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import make_archive, make_arrays
from tests.fault_server import Drop, FaultServer, Serve, ServedFile, Status

# The tail of the archive, its first byte and the local headers.
DIRECTORY_BYTES = 65_536 + 1 + 6 * 256


@dataclass
class Remote:
    """A data set on a server, and the cache of this machine."""

    record: DatasetInfo
    path: Path
    file: ServedFile
    cache: Path

    @property
    def partial(self) -> Path:
        return self.cache / "arrays" / f"{self.record.storage_key(28)}-partial"

    @property
    def whole(self) -> Path:
        return self.cache / "arrays" / self.record.storage_key(28)

    @property
    def parts(self) -> list[str]:
        return sorted(path.name for path in (self.cache / "downloads").glob("*"))

    def compressed(self, *names: str) -> int:
        with zipfile.ZipFile(self.path) as archive:
            return sum(archive.getinfo(f"{name}.npy").compress_size for name in names)

    def equals(self, arrays: Arrays, split: str) -> bool:
        expected = make_arrays(self.record)
        return all(np.array_equal(expected[f"{split}_{role}"], getattr(arrays, role)) for role in ("images", "labels"))


@pytest.fixture
def remote(tmp_path: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    patience = Patience(tries=3, connect=5, read=5, first_wait=0.02)
    values = tuple(getattr(patience, name) for name in Patience.__dataclass_fields__)
    monkeypatch.setattr(Patience.__init__, "__defaults__", values)
    with ExitStack() as stack:
        server = stack.enter_context(FaultServer())
        counts = {"train": 1000, "val": 100, "test": 200}
        record = make_archive(tmp_path, "breastmnist", n_samples=counts, base_url=server.url)
        path = tmp_path / "breastmnist.npz"
        stack.enter_context(registered(record))
        yield Remote(record, path, server.file(path.name, path.read_bytes()), sandbox / "cache")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What is fetched


def test_one_split_is_fetched_alone(remote: Remote) -> None:
    folder = mm.fetch("breastmnist", splits=["test"])
    assert folder == remote.partial
    assert files(folder) == ["manifest.json", "test_images.npy", "test_labels.npy"]
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    share = remote.file.body_bytes / remote.path.stat().st_size
    assert remote.file.body_bytes <= remote.compressed("test_images", "test_labels") + DIRECTORY_BYTES
    assert share < 0.3
    assert remote.parts == []


def test_labels_alone_cost_the_directory_and_little_more(remote: Remote) -> None:
    folder = mm.fetch("breastmnist", labels_only=True)
    assert files(folder) == ["manifest.json", "test_labels.npy", "train_labels.npy", "val_labels.npy"]
    labels = remote.compressed("train_labels", "val_labels", "test_labels")
    assert remote.file.body_bytes <= labels + DIRECTORY_BYTES
    assert labels < 1000


def test_labels_of_one_split(remote: Remote) -> None:
    assert files(mm.fetch("breastmnist", splits=["val"], labels_only=True)) == ["manifest.json", "val_labels.npy"]


def test_load_takes_only_its_split_if_it_may(remote: Remote) -> None:
    assert remote.equals(mm.load("breastmnist", "val", partial=True), "val")
    assert files(remote.partial) == ["manifest.json", "val_images.npy", "val_labels.npy"]
    assert remote.file.body_bytes < 0.3 * remote.path.stat().st_size


def test_a_second_call_asks_for_nothing(remote: Remote, audit) -> None:
    mm.fetch("breastmnist", splits=["test"])
    with audit() as seen:
        mm.fetch("breastmnist", splits=["test"])
        mm.load("breastmnist", "test", partial=True)
    assert seen.network == []
    assert seen.writes == []
    assert seen.locks == []


def test_further_splits_are_added(remote: Remote) -> None:
    mm.fetch("breastmnist", labels_only=True)
    before = remote.file.body_bytes
    mm.fetch("breastmnist", splits=["val"])
    assert remote.file.body_bytes - before <= remote.compressed("val_images") + DIRECTORY_BYTES
    assert len(files(remote.partial)) == 1 + 3 + 1
    mm.fetch("breastmnist", splits=["train", "test"])
    assert len(files(remote.partial)) == 1 + 6
    assert all(remote.equals(mm.load("breastmnist", split, partial=True), split) for split in remote.record.splits)


def test_the_command_does_the_same(remote: Remote) -> None:
    done = CliRunner().invoke(program, ["fetch", "breastmnist", "--split", "test", "--labels-only"])
    assert done.exit_code == 0
    assert files(remote.partial) == ["manifest.json", "test_labels.npy"]
    done = CliRunner().invoke(program, ["fetch", "breastmnist", "--split", "test", "--split", "val"])
    assert done.exit_code == 0
    assert len(files(remote.partial)) == 5


def test_an_unknown_split_is_refused_before_anything_is_asked(remote: Remote) -> None:
    with pytest.raises(UnknownSplitError, match="test"):
        mm.fetch("breastmnist", splits=["tets"])
    assert remote.file.requests == []
    assert not remote.cache.exists()


# What it is worth


def test_verify_says_that_only_the_crc_was_checked(remote: Remote) -> None:
    mm.fetch("breastmnist", splits=["test"])
    report = mm.verify("breastmnist")
    assert report.ok is True
    assert report.checked == "crc32"
    assert report.folder == remote.partial
    told = CliRunner().invoke(program, ["verify", "breastmnist"])
    assert told.exit_code == 0
    assert "parts verified by CRC-32, not by the checksum of the whole archive" in told.output


def test_a_flipped_bit_of_a_member_is_found_by_verify(remote: Remote) -> None:
    folder = mm.fetch("breastmnist", splits=["test"])
    data = bytearray((folder / "test_images.npy").read_bytes())
    data[-1] ^= 1
    (folder / "test_images.npy").write_bytes(data)
    assert [text.partition(":")[0] for text in mm.verify("breastmnist").damage] == ["test_images.npy has changed"]


def test_load_ignores_members_unless_it_is_told_to_take_them(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    mm.fetch("breastmnist", splits=["test"])
    with pytest.raises(NotCachedError):
        mm.load("breastmnist", "test", download=False)
    assert remote.equals(mm.load("breastmnist", "test", download=False, partial=True), "test")
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with pytest.raises(OfflineError):
        mm.load("breastmnist", "test")
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    with pytest.raises(OfflineError):
        mm.load("breastmnist", "val", partial=True)


def test_what_is_here_alone_is_told_where_the_whole_is_missing(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    mm.fetch("breastmnist", splits=["test"])
    told = f"Only test_images, test_labels were downloaded, to {remote.partial}: load(..., partial="
    with pytest.raises(NotCachedError) as caught:
        mm.load("breastmnist", "test", download=False)
    assert told in str(caught.value)
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with pytest.raises(OfflineError) as caught:
        mm.load("breastmnist", "test")
    assert told in str(caught.value)
    with pytest.raises(OfflineError) as caught:
        mm.load("pathmnist", "test")
    assert "taken alone" not in str(caught.value)


def test_a_whole_fetch_replaces_members(remote: Remote) -> None:
    mm.fetch("breastmnist", splits=["test"])
    assert remote.equals(mm.load("breastmnist", "test"), "test")
    assert files(remote.cache / "arrays" / "medmnist") == [remote.whole.name]
    assert mm.verify("breastmnist").checked == "digest"


def test_a_whole_set_is_used_where_it_is(remote: Remote) -> None:
    mm.fetch("breastmnist")
    asked = len(remote.file.requests)
    assert mm.fetch("breastmnist", splits=["test"]) == remote.whole
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    assert asked == len(remote.file.requests)
    assert not remote.partial.exists()


def test_an_archive_on_this_machine_is_used_in_whole(remote: Remote, sandbox: Path) -> None:
    official = sandbox / "home" / ".medmnist"
    official.mkdir()
    shutil.copy(remote.path, official)
    assert mm.fetch("breastmnist", splits=["test"]) == remote.whole
    assert remote.file.requests == []


def test_damaged_members_are_fetched_anew(remote: Remote) -> None:
    folder = mm.fetch("breastmnist", splits=["test"])
    (folder / "test_images.npy").write_bytes(b"short")
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")


def test_members_of_another_release_are_not_used(remote: Remote) -> None:
    mm.fetch("breastmnist", splits=["test"])
    manifest = remote.partial / "manifest.json"
    manifest.write_text(manifest.read_text().replace(remote.record.archive(28).digest, f"md5:{0:032}"))
    mm.fetch("breastmnist", splits=["val"])
    assert files(remote.partial) == ["manifest.json", "val_images.npy", "val_labels.npy"]


# What goes wrong


def test_a_member_that_breaks_is_resumed(remote: Remote) -> None:
    remote.file.plan(*[Serve()] * 4, then=Drop(after=10_000))
    mm.fetch("breastmnist", splits=["test"])
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    needed = remote.compressed("test_images", "test_labels") + DIRECTORY_BYTES
    assert remote.file.body_bytes <= 1.02 * needed


def test_the_next_call_goes_on_with_the_part(remote: Remote) -> None:
    remote.file.plan(*[Serve()] * 4, Drop(after=10_000), then=Status(404))
    with pytest.raises(DownloadError, match=r"10000 bytes are kept in .*test_images-[0-9a-f]{8}\.part"):
        mm.fetch("breastmnist", splits=["test"])
    remote.file.plan()
    before = remote.file.body_bytes
    mm.fetch("breastmnist", splits=["test"])
    needed = remote.compressed("test_images", "test_labels") + DIRECTORY_BYTES
    assert remote.file.body_bytes - before <= needed - 10_000
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    assert remote.parts == []


def left_without_the_lock(remote: Remote) -> Path:
    """Leave 10,000 bytes of a member as a process does that is killed while it works without the lock."""
    remote.file.plan(*[Serve()] * 4, Drop(after=10_000), then=Status(404))
    with pytest.raises(DownloadError):
        mm.fetch("breastmnist", splits=["test"])
    remote.file.plan()
    (part,) = (remote.cache / "downloads").glob("*.part")
    left = part.rename(part.with_name(f"{part.stem}.0123abcd.part"))
    Path(f"{part}.json").unlink()
    os.utime(left, (0, 0))
    return left


def test_what_a_process_without_the_lock_left_is_gone_on_from(remote: Remote) -> None:
    left_without_the_lock(remote)
    before = remote.file.body_bytes
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    needed = remote.compressed("test_images", "test_labels") + DIRECTORY_BYTES
    assert remote.file.body_bytes - before <= needed - 10_000
    assert remote.parts == []


def test_the_part_of_a_living_process_without_the_lock_is_left_alone(remote: Remote) -> None:
    left = left_without_the_lock(remote)
    os.utime(left)
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    assert [left.name] == remote.parts
    assert left.stat().st_size == 10_000


def test_the_whole_archive_makes_parts_of_members_superfluous(remote: Remote) -> None:
    left_without_the_lock(remote)
    mm.fetch("breastmnist")
    assert remote.parts == []


def test_members_are_looked_for_in_every_cache(remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mm.fetch("breastmnist", splits=["test"])
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "own"))
    mm.fetch("breastmnist", splits=["val"])
    monkeypatch.setenv("MEDMNIST_NP_SHARED", str(remote.cache))
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    for split in ("test", "val"):
        assert remote.equals(mm.load("breastmnist", split, partial=True), split)


def test_a_part_goes_on_where_the_same_file_has_another_validator_now(remote: Remote) -> None:
    remote.file.plan(*[Serve()] * 4, Drop(after=10_000), then=Status(404))
    with pytest.raises(DownloadError):
        mm.fetch("breastmnist", splits=["test"])
    remote.file.plan(then=Serve(etag='"moved to another disk"'))
    mm.fetch("breastmnist", splits=["test"])
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")


def test_members_that_are_complete_stay_when_another_fails(remote: Remote) -> None:
    mm.fetch("breastmnist", labels_only=True)
    remote.file.plan(*[Serve()] * 2, then=Status(404))
    with pytest.raises(DownloadError):
        mm.fetch("breastmnist", splits=["test"])
    assert files(remote.partial) == ["manifest.json", "test_labels.npy", "train_labels.npy", "val_labels.npy"]


def test_a_server_without_range_gives_the_whole_and_that_is_said(remote: Remote, caplog) -> None:
    remote.file.plan(then=Serve(honour_range=False))
    with caplog.at_level(logging.WARNING, "medmnist_np"):
        folder = mm.fetch("breastmnist", splits=["test"])
    assert folder == remote.whole
    assert remote.equals(mm.load("breastmnist", "test"), "test")
    assert "it sends the whole file, although a part of it was asked for" in caplog.text
    assert mm.verify("breastmnist").checked == "digest"
    assert not remote.partial.exists()


def test_the_next_mirror_that_does_range_is_taken(remote: Remote, tmp_path: Path) -> None:
    with FaultServer() as other:
        mirror = other.file("breastmnist.npz", remote.path.read_bytes()).plan(then=Serve(honour_range=False))
        mm.configure(mirrors=[other.url])
        try:
            assert mm.fetch("breastmnist", labels_only=True) == remote.partial
        finally:
            mm.configure()
        assert len(mirror.requests) == 1


def test_a_server_that_says_no_is_an_error_and_not_a_whole_download(remote: Remote) -> None:
    remote.file.plan(then=Status(403))
    with pytest.raises(DownloadError, match=r"Could not read the directory of breastmnist\.npz.*\n.*HTTP 403"):
        mm.fetch("breastmnist", splits=["test"])
    assert len(remote.file.requests) == 1


def with_wrong_crc(data: bytes, member: str) -> bytes:
    """Return an archive whose directory states another CRC-32 for a member."""
    changed = bytearray(data)
    at = data.rindex(f"{member}.npy".encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<L", changed, at + 16, 0xDEADBEEF)
    return bytes(changed)


def with_wrong_value(data: bytes, member: str) -> bytes:
    """Return an archive with a changed byte in a member's compressed data."""
    changed = bytearray(data)
    at = data.index(f"{member}.npy".encode()) + 2000
    changed[at] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize("spoil", [with_wrong_crc, with_wrong_value])
def test_wrong_bytes_are_refused_and_fetched_anew_by_the_next_call(remote: Remote, spoil: Any) -> None:
    remote.file.plan(then=Serve(data=spoil(remote.path.read_bytes(), "test_images"), etag='"x"'))
    with pytest.raises(ArchiveError, match=r"not what its record says: test_images\.npy"):
        mm.fetch("breastmnist", splits=["test"])
    assert "test_images.npy" not in files(remote.partial)
    assert remote.parts == []
    remote.file.plan()
    mm.fetch("breastmnist", splits=["test"])
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")


def test_what_a_killed_process_was_unpacking_is_removed(remote: Remote) -> None:
    folder = mm.fetch("breastmnist", splits=["test"])
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left = folder / f".scratch.{store._machine()}~{ended.pid}~01.staging"
    left.mkdir()
    (left / "train_images.npy").write_bytes(b"half")
    mm.fetch("breastmnist", splits=["val"])
    assert len(files(folder)) == 1 + 4


def test_what_another_process_is_making_is_left_alone(remote: Remote) -> None:
    theirs = remote.partial / f".scratch.{store._machine()}~{os.getppid()}~01.staging"
    theirs.mkdir(parents=True)
    (theirs / "train_images.npy").write_bytes(b"half")
    mm.fetch("breastmnist", splits=["test"])
    assert (theirs / "train_images.npy").read_bytes() == b"half"


def test_an_archive_of_other_members_is_refused(remote: Remote, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_archive(other, "breastmnist", n_samples={"train": 5, "val": 5, "test": 5})
    remote.file.plan(then=Serve(data=(other / "breastmnist.npz").read_bytes()))
    with pytest.raises(ArchiveError, match="which no array of shape"):
        mm.fetch("breastmnist", splits=["test"])


def test_a_file_that_changes_between_directory_and_member_is_never_mixed(remote: Remote) -> None:
    other = bytes(reversed(remote.path.read_bytes()))
    remote.file.plan(*[Serve()] * 4, then=Serve(data=other))
    with pytest.raises((ArchiveError, DownloadError)):
        mm.fetch("breastmnist", splits=["test"])
    remote.file.plan()
    mm.fetch("breastmnist", splits=["test"])
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")


def test_a_file_that_changes_while_its_directory_is_read_is_not_fetched_in_whole(remote: Remote) -> None:
    remote.file.plan(Serve(), then=Serve(etag='"replaced"'))
    with pytest.raises(DownloadError, match="the file on the server has changed"):
        mm.fetch("breastmnist", splits=["test"])


def test_offline_without_the_split_opens_no_socket(remote: Remote, monkeypatch: pytest.MonkeyPatch, audit) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with audit() as seen, pytest.raises(OfflineError, match="MEDMNIST_NP_OFFLINE is set, so nothing was downloaded"):
        mm.fetch("breastmnist", splits=["test"])
    assert seen.network == []


def test_a_link_in_the_place_of_a_member_is_not_followed(remote: Remote, tmp_path: Path) -> None:
    folder = mm.fetch("breastmnist", splits=["test"])
    moved = (folder / "test_images.npy").rename(tmp_path / "moved.npy")
    (folder / "test_images.npy").symlink_to(moved)
    before = moved.read_bytes()
    assert remote.equals(mm.load("breastmnist", "test", partial=True), "test")
    assert (folder / "test_images.npy").is_symlink() is False
    assert moved.read_bytes() == before
