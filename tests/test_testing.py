from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
import zipfile
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np import configure, registry
from medmnist_np.cache import settings
from medmnist_np.data.arrays import load
from medmnist_np.errors import DownloadError, UnknownDatasetError, UnknownSizeError
from medmnist_np.metrics import auc
from medmnist_np.testing import fake_datasets, fake_record, make_archive, make_arrays, serve

NAMES = [record.name for record in registry.datasets()]
FEW = {"train": 6, "val": 2, "test": 3}


def request(base_url: str, path: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(base_url.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


# make_arrays


@pytest.mark.parametrize("name", NAMES)
def test_arrays_have_the_names_shapes_and_dtypes_of_the_record(name: str) -> None:
    record = fake_record(name, n_samples=FEW)

    arrays = make_arrays(record)

    expected = {member.name: (member.shape, "uint8") for member in record.archive(28).members}
    assert expected == {key: (array.shape, array.dtype.name) for key, array in arrays.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_class_occurs_in_every_split(name: str) -> None:
    record = fake_record(name)

    arrays = make_arrays(record)

    for split in record.splits:
        labels = arrays[f"{split}_labels"]
        if record.multi_label:
            assert {tuple(np.unique(column)) for column in labels.T} == {(0, 1)}
        else:
            assert list(range(record.n_classes)) == np.unique(labels).tolist()


@pytest.mark.parametrize("name", ["breastmnist", "pathmnist", "chestmnist", "retinamnist", "adrenalmnist3d"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_small_classifier_learns_them_but_not_to_perfection(name: str, seed: int) -> None:
    record = fake_record(name, n_samples={"train": 400, "test": 400})
    arrays = make_arrays(record, seed=seed)
    train, test = (arrays[f"{split}_images"].reshape(400, -1) / 255 for split in ("train", "test"))
    labels = arrays["train_labels"]
    targets = labels if record.multi_label else labels == np.arange(record.n_classes)

    center = train.mean(axis=0)
    kernel = (train - center) @ (train - center).T
    weights = np.linalg.solve(kernel + 0.1 * np.trace(kernel) / 400 * np.eye(400), targets - targets.mean(axis=0))
    scores = (test - center) @ (train - center).T @ weights

    assert 0.85 < auc(arrays["test_labels"], scores, record.task) < 1


def test_the_same_seed_gives_the_same_arrays_and_another_seed_others() -> None:
    record = fake_record("pathmnist", n_samples=FEW)
    first, again, other = make_arrays(record), make_arrays(record, seed=0), make_arrays(record, seed=1)

    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert not np.array_equal(first["train_images"], other["train_images"])


def test_sets_of_one_shape_differ() -> None:
    one, two = (make_arrays(fake_record(name, n_samples=FEW)) for name in ("organcmnist", "organsmnist"))

    assert not np.array_equal(one["train_images"], two["train_images"])


def test_splits_of_one_length_differ() -> None:
    arrays = make_arrays(fake_record("octmnist", n_samples={"train": 8, "test": 8}))

    assert not np.array_equal(arrays["train_images"], arrays["test_images"])


def test_labels_are_the_same_at_every_size() -> None:
    at_28, at_64 = (make_arrays(fake_record("bloodmnist", size=size)) for size in (28, 64))

    assert at_64["train_images"].shape == (200, 64, 64, 3)
    assert np.array_equal(at_28["train_labels"], at_64["train_labels"])


def test_findings_are_independent() -> None:
    labels = make_arrays(fake_record("chestmnist", n_samples={"train": 2000}))["train_labels"]

    correlations = np.corrcoef(labels.T)[~np.eye(14, dtype=bool)]

    assert np.abs(correlations).max() < 0.1
    assert labels.sum(axis=0).tolist() == [600] * 14


def test_longer_splits_than_are_made_at_once_are_whole() -> None:
    images = make_arrays(fake_record("octmnist", n_samples={"train": 600}))["train_images"]

    assert images.reshape(600, -1).std(axis=1).min() > 10


def test_a_split_may_be_empty() -> None:
    arrays = make_arrays(fake_record("dermamnist", n_samples={"train": 2, "val": 0}))

    assert arrays["val_images"].shape == (0, 28, 28, 3)
    assert arrays["val_labels"].shape == (0, 1)


# fake_record


def test_a_fake_record_is_small_and_otherwise_like_the_real_one() -> None:
    real, fake = registry.info("tissuemnist"), fake_record("tissuemnist")

    assert dict(fake.n_samples) == {"train": 200, "val": 40, "test": 60}
    assert fake.sizes == (28,)
    assert real.name == fake.name
    assert real.task == fake.task
    assert real.class_names == fake.class_names


def test_the_size_may_stand_in_the_name() -> None:
    fake = fake_record("TissueMNIST_64")

    assert (64,) == fake.sizes == fake.enlarged_sizes
    assert fake.archive(64).file_name == "tissuemnist_64.npz"


def test_a_fake_record_cannot_lead_to_the_official_file() -> None:
    archive = fake_record("nodulemnist3d").archive(28)

    assert archive.url == "https://fake.invalid/nodulemnist3d.npz"
    assert f"md5:{'0' * 32}" == archive.digest
    assert archive.bytes is None
    assert archive.sha256 is None
    assert archive.superseded == ()


def test_unknown_names_and_sizes_are_refused() -> None:
    with pytest.raises(UnknownDatasetError, match="pathmnist"):
        fake_record("pathmnst")
    with pytest.raises(UnknownSizeError, match="28, 64, 128, 224"):
        fake_record("pathmnist", size=32)


# make_archive


def test_the_record_of_an_archive_states_its_digest_its_length_and_its_address(tmp_path: Path) -> None:
    record = make_archive(tmp_path, "pathmnist", n_samples=FEW)

    archive, content = record.archive(28), (tmp_path / "pathmnist.npz").read_bytes()
    assert f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}" == archive.digest
    assert len(content) == archive.bytes
    assert (tmp_path / "pathmnist.npz").as_uri() == archive.url


def test_a_base_url_gives_the_address(tmp_path: Path) -> None:
    record = make_archive(tmp_path, "pathmnist_64", n_samples=FEW, base_url="http://localhost:1/")

    assert record.archive(64).url == "http://localhost:1/pathmnist_64.npz"


def test_an_archive_holds_the_arrays(tmp_path: Path) -> None:
    record = make_archive(tmp_path, "adrenalmnist3d", n_samples=FEW, seed=3)

    expected = make_arrays(record, seed=3)
    with np.load(tmp_path / "adrenalmnist3d.npz") as found:
        assert list(expected) == found.files
        assert all(np.array_equal(expected[key], found[key]) for key in expected)


def test_archives_are_equal_to_the_byte_whenever_they_are_written(tmp_path: Path, monkeypatch) -> None:
    first = make_archive(tmp_path, "octmnist", n_samples=FEW)
    monkeypatch.setattr(time, "time", lambda: 2e9)

    assert first == make_archive(tmp_path, "octmnist", n_samples=FEW)


def test_members_are_deflated_in_the_official_order(tmp_path: Path) -> None:
    make_archive(tmp_path, "octmnist", n_samples=FEW)

    with zipfile.ZipFile(tmp_path / "octmnist.npz") as archive:
        members = archive.infolist()
    assert [f"{split}_{role}.npy" for role in ("images", "labels") for split in FEW] == [m.filename for m in members]
    assert {(zipfile.ZIP_DEFLATED, (1980, 1, 1, 0, 0, 0))} == {(m.compress_type, m.date_time) for m in members}


def test_a_record_is_taken_as_it_is_and_keeps_its_other_sizes(tmp_path: Path) -> None:
    record = replace(registry.info("octmnist"), n_samples={"train": 4})

    written = make_archive(tmp_path, record)

    assert dict(written.n_samples) == {"train": 4}
    assert record.archive(64) == written.archive(64)
    assert record.archive(28) != written.archive(28)


def test_a_record_with_n_samples_is_made_small_first(tmp_path: Path) -> None:
    written = make_archive(tmp_path, registry.info("octmnist"), n_samples={"test": 2})

    assert dict(written.n_samples) == {"test": 2}


# serve


@pytest.fixture
def base_url(tmp_path: Path):
    (tmp_path / "ten.npz").write_bytes(b"0123456789")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "secret").write_bytes(b"secret")
    with serve(tmp_path) as url:
        yield url


def test_a_file_is_served_whole(base_url: str) -> None:
    status, headers, body = request(base_url, "/ten.npz?download=1")

    assert status == 200
    assert body == b"0123456789"
    assert headers["Content-Length"] == "10"
    assert headers["Accept-Ranges"] == "bytes"


def test_head_gives_the_headers_alone(base_url: str) -> None:
    status, headers, body = request(base_url, "/ten.npz", method="HEAD")

    assert status == 200
    assert body == b""
    assert headers["Content-Length"] == "10"


@given(start=st.integers(0, 9), last=st.none() | st.integers(0, 12))
def test_a_range_is_what_slicing_gives(base_url_of_module: str, start: int, last: int | None) -> None:
    if last is not None and last < start:
        last = start
    status, headers, body = request(
        base_url_of_module, "/ten.npz", Range=f"bytes={start}-{'' if last is None else last}"
    )

    expected = b"0123456789"[start : None if last is None else last + 1]
    assert status == 206
    assert expected == body
    assert f"bytes {start}-{start + len(expected) - 1}/10" == headers["Content-Range"]
    assert str(len(expected)) == headers["Content-Length"]


@pytest.fixture(scope="module")
def base_url_of_module(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "ten.npz").write_bytes(b"0123456789")
    with serve(folder) as url:
        yield url


def test_a_range_behind_the_end_is_refused(base_url: str) -> None:
    status, headers, body = request(base_url, "/ten.npz", Range="bytes=10-")

    assert status == 416
    assert body == b""
    assert headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("asked", ["bytes=5-4", "bytes=-3", "bytes=0-1,3-4", "items=0-1", "bytes=x-"])
def test_other_ranges_give_the_whole_file(base_url: str, asked: str) -> None:
    status, _, body = request(base_url, "/ten.npz", Range=asked)

    assert status == 200
    assert body == b"0123456789"


def test_a_range_is_given_only_of_the_file_that_was_begun(base_url: str, tmp_path: Path) -> None:
    tag = request(base_url, "/ten.npz", method="HEAD")[1]["ETag"]
    assert request(base_url, "/ten.npz", Range="bytes=8-", If_Range=tag)[::2] == (206, b"89")

    (tmp_path / "ten.npz").write_bytes(b"abcdefghijkl")

    assert request(base_url, "/ten.npz", Range="bytes=8-", If_Range=tag)[::2] == (200, b"abcdefghijkl")


@pytest.mark.parametrize(
    "path", ["/", "/other.npz", "/inner", "/inner/secret", "/..", "/../ten.npz", "/%2e%2e/x", "//etc/passwd", "/%00"]
)
def test_only_files_directly_in_the_folder_are_served(base_url: str, path: str) -> None:
    assert request(base_url, path)[0] == 404


def test_nothing_is_left_when_the_block_ends(tmp_path: Path) -> None:
    before = threading.active_count()
    with serve(tmp_path) as url:
        assert request(url, "/x")[0] == 404

    assert before == threading.active_count()
    with pytest.raises(ConnectionRefusedError):
        request(url, "/x")


def test_a_client_that_hangs_up_is_no_error_and_nothing_is_printed(tmp_path: Path, capfd) -> None:
    (tmp_path / "large").write_bytes(bytes(20_000_000))
    with serve(tmp_path) as url:
        host, port = url.removeprefix("http://").split(":")
        for wish in (b"GET /large HTTP/1.1\r\n\r\n", b"rubbish\r\n\r\n", b""):
            with socket.create_connection((host, int(port)), timeout=5) as client:
                client.sendall(wish)
                if wish:
                    client.recv(100)

    assert tuple(capfd.readouterr()) == ("", "")


# fake_datasets


def test_fakes_stand_in_for_real_sets_inside_the_block_only(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "pathmnist", "chestmnist", n_samples=FEW) as records:
        assert records == (registry.info("pathmnist"), registry.info("chestmnist"))
        assert dict(registry.info("pathmnist").n_samples) == FEW

    assert registry.info("pathmnist").n_samples["train"] == 89_996


def test_the_environment_is_set_inside_the_block_and_restored_after_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    monkeypatch.delenv("MEDMNIST_NP_MIRRORS", raising=False)
    before = dict(os.environ)

    with fake_datasets(tmp_path, "octmnist", n_samples=FEW) as (record,):
        assert str(tmp_path.resolve() / "cache") == os.environ["MEDMNIST_NP_CACHE"]
        assert record.archive(28).url == f"{os.environ['MEDMNIST_NP_MIRRORS']}/octmnist.npz"
        assert "MEDMNIST_NP_OFFLINE" not in os.environ

    assert before == dict(os.environ)


def test_what_was_configured_is_put_aside_for_the_block(tmp_path: Path) -> None:
    configure(cache=tmp_path / "mine", offline=True)
    try:
        with fake_datasets(tmp_path / "fakes", "octmnist", n_samples=FEW):
            load("octmnist")
        assert tmp_path / "mine" == settings.current().cache
        assert settings.current().offline is True
        assert not (tmp_path / "mine").exists()
    finally:
        configure()


@pytest.mark.parametrize("name", ["medsegbench/wbc", "medsegbench/idrib"])
def test_parts_of_sets_are_not_at_their_real_addresses(tmp_path: Path, name: str) -> None:
    with fake_datasets(tmp_path, name, n_samples=FEW, size=128) as (fake,):
        found = [
            archive.url for part in fake.parts for archive in registry.info(f"medsegbench/{part}").archives.values()
        ]
        assert found
        assert all(url.startswith("http://127.0.0.1:") for url in found)


def test_an_error_in_the_block_passes_and_everything_is_restored(tmp_path: Path) -> None:
    before = dict(os.environ), threading.active_count()

    with pytest.raises(KeyError, match="mine"), fake_datasets(tmp_path, "octmnist", n_samples=FEW):
        raise KeyError("mine")

    assert before == (dict(os.environ), threading.active_count())


def test_an_unknown_name_leaves_everything_as_it_was(tmp_path: Path) -> None:
    before = dict(os.environ), threading.active_count()

    with pytest.raises(UnknownDatasetError), fake_datasets(tmp_path, "octmnst"):
        pass

    assert before == (dict(os.environ), threading.active_count())


@pytest.mark.parametrize(("name", "size"), [("pathmnist", 28), ("chestmnist", 64), ("adrenalmnist3d", 28)])
def test_a_fake_is_loaded_by_the_true_path(tmp_path: Path, name: str, size: int) -> None:
    with fake_datasets(tmp_path, name, n_samples=FEW, size=size, seed=5) as (record,):
        loaded = {split: load(name, split, size=size) for split in FEW}

    expected = make_arrays(record, seed=5)
    for split, (images, labels) in loaded.items():
        assert np.array_equal(expected[f"{split}_images"], images)
        assert np.array_equal(expected[f"{split}_labels"], labels)
        assert Path(images.filename).is_relative_to(tmp_path.resolve() / "cache")


def test_a_fake_is_loaded_where_a_proxy_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    with fake_datasets(tmp_path, "octmnist", n_samples=FEW):
        assert load("octmnist", "val").images.shape == (2, 28, 28)


def test_a_set_that_no_fake_stands_in_for_is_not_asked_for_elsewhere(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "pathmnist"), pytest.raises(DownloadError, match=r"http://127\.0\.0\.1.*404"):
        load("breastmnist")
