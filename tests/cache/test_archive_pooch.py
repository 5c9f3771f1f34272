"""The archives of the registry as a :class:`pooch.Pooch`, with a server on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
import pytest

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np._progress import CHECKING, Bar, silent
from medmnist_np.cache.archive_pooch import ArchivePooch
from medmnist_np.cache.prepare import prepare
from medmnist_np.cache.settings import Settings, current
from medmnist_np.errors import CacheError, OfflineError
from medmnist_np.registry import Archive, registered
from medmnist_np.testing import make_archive
from tests.fault_server import Drop, FaultServer, Serve, ServedFile, Status
from tests.test_files import in_child, posix

NAME = "breastmnist.npz"


@dataclass
class Shop:
    """A small BreastMNIST on a server, which is known by its name."""

    archive: Archive
    file: ServedFile
    key: str

    @property
    def ranges(self) -> list[str | None]:
        return [request.range for request in self.file.requests]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "made").mkdir()
    with FaultServer() as server:
        record = make_archive(tmp_path / "made", "breastmnist", n_samples={"train": 200}, base_url=server.url)
        file = server.file(NAME, (tmp_path / "made" / NAME).read_bytes())
        with registered(record):
            yield Shop(record.archive(28), file, record.storage_key(28))


class Tasks:
    """A progress display that notes its tasks and their sizes in bytes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None]] = []

    @property
    def checked(self) -> list[int | None]:
        return [total for task, total in self.seen if task.startswith(CHECKING)]

    @contextmanager
    def __call__(self, task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        self.seen.append((task, total))
        with silent(task, total, done) as bar:
            yield bar


def test_it_is_a_pooch_with_the_folder_for_archives() -> None:
    archives = mm.cache.pooch()
    assert isinstance(archives, pooch.Pooch)
    assert archives.path == current().downloads


def test_it_holds_the_checksum_and_url_of_every_published_archive() -> None:
    archives = mm.cache.pooch()
    published = {archive.file_name: archive for _, _, archive in registry.known_archives()}
    assert archives.registry == {name: archive.digest for name, archive in published.items()}
    assert archives.urls == {name: archive.url for name, archive in published.items()}
    assert archives.get_url(NAME) == mm.info("breastmnist").archive(28).url


def test_fetch_downloads_an_archive_once_and_keeps_it(
    shop: Shop, audit: Callable[[], AbstractContextManager[Any]]
) -> None:
    archives = mm.cache.pooch()
    path = Path(archives.fetch(NAME))
    assert path == current().downloads / NAME
    assert path.read_bytes() == shop.file.data
    with audit() as seen:
        assert archives.fetch(NAME) == str(path)
    assert seen.network == []
    assert shop.ranges == [None]
    assert list(path.parent.iterdir()) == [path]


def test_fetch_resumes_an_unfinished_download(shop: Shop) -> None:
    part = current().downloads / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(shop.file.data[:1000])
    path = mm.cache.pooch().fetch(NAME)
    assert Path(path).read_bytes() == shop.file.data
    assert shop.ranges == ["bytes=1000-"]


def test_fetch_replaces_a_damaged_archive(shop: Shop) -> None:
    path = current().downloads / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    mm.cache.pooch().fetch(NAME)
    assert path.read_bytes() == shop.file.data


def test_fetch_uses_the_folder_of_a_named_root(shop: Shop, tmp_path: Path) -> None:
    path = mm.cache.pooch(tmp_path / "root").fetch(NAME)
    assert path == str(tmp_path / "root" / "downloads" / NAME)


def test_an_archive_that_was_fetched_serves_load_without_a_request(shop: Shop) -> None:
    mm.cache.pooch().fetch(NAME)
    mm.load("breastmnist")
    assert shop.ranges == [None]


def test_a_processor_gets_the_path_and_what_was_done(shop: Shop) -> None:
    def processor(path: str, action: str, archives: Any) -> tuple[str, str]:
        return Path(path).name, action

    archives = mm.cache.pooch()
    assert archives.fetch(NAME, processor) == (NAME, "download")
    assert archives.fetch(NAME, processor) == (NAME, "fetch")
    (current().downloads / NAME).write_bytes(b"damaged")
    assert archives.fetch(NAME, processor) == (NAME, "update")


def test_a_downloader_of_pooch_can_be_used_instead(shop: Shop) -> None:
    path = mm.cache.pooch().fetch(NAME, downloader=pooch.HTTPDownloader())
    assert Path(path).read_bytes() == shop.file.data


def test_a_file_that_is_added_to_the_registry_is_downloaded(shop: Shop) -> None:
    archives = mm.cache.pooch()
    archives.registry["mine.npz"] = shop.archive.digest
    archives.urls["mine.npz"] = shop.file.url
    shop.file.plan(Drop(after=1000))
    assert Path(archives.fetch("mine.npz")).read_bytes() == shop.file.data
    assert shop.ranges == [None, "bytes=1000-"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'x\.npz' is not in the registry"):
        mm.cache.pooch().fetch("x.npz")


def test_an_archive_on_the_server_is_available(shop: Shop) -> None:
    assert mm.cache.pooch().is_available(NAME) is True


def test_an_archive_that_the_server_does_not_have_is_not_available(shop: Shop) -> None:
    shop.file.plan(then=Status(404))
    assert mm.cache.pooch().is_available(NAME) is False


def test_offline_no_archive_is_available_and_no_socket_is_opened(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, audit: Callable[[], AbstractContextManager[Any]]
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with audit() as seen:
        assert mm.cache.pooch().is_available(NAME) is False
        with pytest.raises(OfflineError, match=f"{NAME} is not on this machine"):
            mm.cache.pooch().fetch(NAME)
    assert seen.network == []


def test_offline_a_file_that_was_added_to_the_registry_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, audit: Callable[[], AbstractContextManager[Any]]
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    archives = mm.cache.pooch()
    archives.registry["mine.npz"] = shop.archive.digest
    archives.urls["mine.npz"] = shop.file.url
    with audit() as seen, pytest.raises(OfflineError, match="MEDMNIST_NP_OFFLINE is set, so nothing was downloaded"):
        archives.fetch("mine.npz")
    assert seen.network == []


def test_a_checksum_that_the_user_changed_is_the_one_that_counts(shop: Shop) -> None:
    other = shop.file.data + b"of another release"
    shop.file.plan(then=Serve(data=other))
    archives = mm.cache.pooch()
    archives.registry[NAME] = f"md5:{hashlib.md5(other, usedforsecurity=False).hexdigest()}"
    assert Path(archives.fetch(NAME)).read_bytes() == other


def test_without_progress_nothing_is_shown(shop: Shop) -> None:
    tasks = Tasks()
    mm.cache.pooch(progress=tasks).fetch(NAME, progressbar=False)
    assert tasks.seen == []


@posix
def test_a_root_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(CacheError, match=f"{tmp_path} cannot be written to"):
            in_child(mm.cache.pooch, tmp_path, rights=False)
    finally:
        tmp_path.chmod(0o755)


# What is hashed while it arrives is not read again


def prepared(shop: Shop, cache: Path) -> Tasks:
    tasks = Tasks()
    prepare(shop.archive, shop.key, Settings(cache, (cache,)), progress=tasks)
    return tasks


def test_a_download_is_hashed_while_it_arrives(shop: Shop, tmp_path: Path) -> None:
    assert prepared(shop, tmp_path / "cache").checked == []


def test_a_download_that_breaks_off_is_hashed_while_it_arrives(shop: Shop, tmp_path: Path) -> None:
    shop.file.plan(Drop(after=1000), Drop(after=2000))
    assert prepared(shop, tmp_path / "cache").checked == []
    assert shop.ranges == [None, "bytes=1000-", "bytes=3000-"]


def test_only_the_bytes_of_an_earlier_run_are_read_and_hashed(shop: Shop, tmp_path: Path) -> None:
    part = tmp_path / "cache" / "downloads" / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(shop.file.data[:1000])
    assert prepared(shop, tmp_path / "cache").checked == [1000]


def test_a_download_that_starts_again_is_hashed_from_its_start(shop: Shop, tmp_path: Path) -> None:
    shop.file.plan(Serve(data=shop.file.data[:-1] + b"!"), Drop(after=1000))
    assert prepared(shop, tmp_path / "cache").checked == []
    assert shop.ranges == [None, None, "bytes=1000-"]


def test_an_archive_without_a_known_checksum_is_accepted_and_hashed_while_it_arrives(
    shop: Shop, tmp_path: Path
) -> None:
    tasks, places = Tasks(), Settings(tmp_path, (tmp_path,))
    archives = ArchivePooch({shop.key: shop.archive}, places, progress=tasks)
    archives.registry[NAME] = None
    with archives.opened(NAME, locked=True, keep=False) as verified:
        assert verified.digest == f"sha256:{hashlib.sha256(shop.file.data).hexdigest()}"
    assert tasks.checked == []
