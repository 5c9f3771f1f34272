"""Rows 16, 17, 23, 28, 29 and 30: bytes, archives, names and arrays that are not what they should be."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.errors import (
    ArchiveError,
    CacheError,
    DigestError,
    DownloadError,
    UnknownDatasetError,
    UnknownSizeError,
)
from medmnist_np.testing import make_arrays
from tests.cache.mutants import attack, npy, zipped
from tests.fault_server import Drop, Serve, Status
from tests.faults.lab import K, Lab, closed, names


@pytest.mark.fault(16)
def test_wrong_bytes(lab: Lab) -> None:
    """right size, wrong bytes:
    one clean restart, then an error with both checksums; nothing published
    """
    wrong = lab.fake.data[:-1] + b"!"
    found = f"md5:{hashlib.md5(wrong, usedforsecurity=False).hexdigest()}"
    lab.file.plan(then=Serve(data=wrong))
    lab.fails(
        DigestError,
        "breastmnist.npz was downloaded twice and has the wrong checksum",
        f"it should be {lab.archive.digest} and is {found}",
        "Nothing was kept",
        f"Download {lab.file.url} in another way and run `medmnist-np import` on it.",
    )
    assert lab.ranges == [None, None]
    assert lab.part_bytes == 0
    lab.file.plan(Serve(data=wrong))
    assert lab.loads_what_is_right()
    assert lab.ranges == [None] * 4


@pytest.mark.fault(17)
def test_gzip(lab: Lab) -> None:
    """gzip although identity was asked:
    refused
    """
    lab.file.plan(then=Serve(gzip=True))
    lab.fails(DownloadError, "it sends gzip, although plain bytes were asked for", "Check the network")
    assert [request.headers["accept-encoding"] for request in lab.file.requests] == ["identity"]


@pytest.mark.fault(23)
def test_a_part_that_is_damaged(lab: Lab) -> None:
    """part damaged on disk:
    the checksum detects it; one clean restart
    """
    lab.file.plan(Drop(after=K), Status(404))
    lab.fails(DownloadError, f"{K} bytes are kept")
    with lab.part.open("r+b") as part:
        part.seek(K // 2)
        part.write(b"damage")
    assert lab.loads_what_is_right()
    assert lab.ranges[2:] == [f"bytes={K}-", None]


@pytest.mark.fault(28)
def test_names_and_sizes_that_are_none(lab: Lab, audit) -> None:
    """names `../../etc/passwd`, `/abs`, with NUL, other case, look-alikes; size 23, True, "28":
    `ValueError` with the nearest names, no file touched; letter case in names is ignored; `"28"`, `True` and 23 are
    refused
    """
    refused = ["../../etc/passwd", "/abs", "breastmnist\0", "breastmnist\0.npz", "", ".", "breastmnist/../x", "nul"]
    alike = ["brеastmnist", "brestmnist", "breastmnist ", "breast_mnist", "ｂreastmnist", "breastmnist_"]  # noqa: RUF001
    with audit() as seen:
        for call in (mm.load, mm.fetch, mm.info, mm.verify):
            for name in [*refused, *alike]:
                with pytest.raises(UnknownDatasetError) as caught:
                    call(name)
                assert isinstance(caught.value, ValueError)
                assert repr(name) in str(caught.value)
                assert name not in alike or "'breastmnist'" in str(caught.value)
        for size in (23, True, "28", 28.0, -28, 0):
            with pytest.raises(UnknownSizeError, match="28"):
                mm.load("breastmnist", size=size)  # type: ignore[arg-type]
        for name in ("breastmnist_23", "breastmnist_-28", "breastmnist_٢٨"):
            with pytest.raises((UnknownDatasetError, UnknownSizeError)):
                mm.load(name)
    assert seen.writes == []
    assert seen.network == []
    assert seen.locks == []
    assert {Path(path).suffix for path in seen.opened} <= {".toml", ".py", ".pyc", ".so"}
    assert not lab.cache.exists()
    for name in ("BreastMNIST", "BREASTMNIST", "BreastMnist_28"):
        assert mm.fetch(name) == lab.published


def with_zip64_sizes(good: bytes, inflated: int, compressed: int) -> bytes:
    """Return a zip whose directory states the sizes of its first member in a zip64 field."""
    central, end = good.index(b"PK\x01\x02"), good.rindex(b"PK\x05\x06")
    head = bytearray(good[central : central + 46])
    name_bytes = int.from_bytes(head[28:30], "little")
    struct.pack_into("<LL", head, 20, 0xFFFF_FFFF, 0xFFFF_FFFF)
    struct.pack_into("<H", head, 30, 20)
    names = central + 46 + name_bytes
    tail = bytearray(good[end:])
    struct.pack_into("<L", tail, 12, int.from_bytes(tail[12:16], "little") + 20)
    extra = struct.pack("<HHQQ", 1, 16, inflated, compressed)
    return good[:central] + head + good[central + 46 : names] + extra + good[names:end] + tail


def hostile(arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, bytes]:
    """Return archives of every kind that must be refused, made of the right arrays."""
    files = {name: npy(array) for name, array in arrays.items()}
    good = zipped(files)
    images, labels = arrays["test_images"], arrays["test_labels"]
    central = good.index(b"PK\x01\x02")

    def with_member(array: np.ndarray[Any, Any], name: str = "test_images") -> bytes:
        return zipped(files | {name: npy(array)})

    def patched(at: int, form: str, value: int) -> bytes:
        data = bytearray(good)
        struct.pack_into(form, data, at, value)
        return bytes(data)

    doubled = io.BytesIO()
    with zipfile.ZipFile(doubled, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.npy", data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("test_labels.npy", files["test_labels"])
    pickled = io.BytesIO()
    np.save(pickled, np.array([b"x"] * len(labels), dtype=object)[:, None], allow_pickle=True)
    without = {name: data for name, data in files.items() if name != "test_labels"}
    huge = np.lib.format.header_data_from_array_1_0(images) | {"shape": (10**15, 28, 28)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, huge)
    second = good.index(b"PK\x01\x02", central + 4)
    return {
        "nothing in it": zipped({}),
        "a member missing": zipped(without),
        "another member": zipped(without | {"foo": b"bar"}),
        "one more member": zipped(files | {"extra": files["test_labels"]}),
        "duplicate": doubled.getvalue(),
        "overlapping": patched(second + 42, "<L", 0),
        "encrypted": patched(central + 8, "<H", 1),
        "absolute name": zipped(without | {"/etc/passwd": files["test_labels"]}),
        "name with ..": zipped(without | {"../test_labels": files["test_labels"]}),
        "huge shape": zipped(files | {"test_images": header.getvalue() + images.tobytes()}),
        "object dtype": zipped(files | {"test_labels": pickled.getvalue()}),
        "Fortran order": with_member(np.asfortranarray(images)),
        "another shape": with_member(images[:-1]),
        "another dtype": with_member(images.astype(np.uint16)),
        "bytes before the zip": b"#!/bin/sh\n" + good,
        "bytes after the zip": good + b"more",
        "truncated": good[:-100],
        "truncated data": good[:1000] + good[2000:],
        "wrong CRC": patched(central + 16, "<L", 0xDEAD),
        "bomb": with_member(np.zeros((50_000, 28, 28), np.uint8)),
        "zip64 lies": with_zip64_sizes(good, 1 << 50, 1 << 40),
    }


@pytest.mark.fault(29)
def test_hostile_archives(lab: Lab, tmp_path: Path) -> None:
    """hostile archives: wrong members, duplicate, overlapping, encrypted, absolute or `..` names, huge shapes, object
    dtype, Fortran order, bytes before or after the zip, truncated, CRC wrong, zip64 lies:
    one error type, flat memory; thousands of random mutants: never a silently wrong array
    """
    swollen = []
    for kind, data in hostile(make_arrays(lab.fake.record)).items():
        lab.file.plan(then=Serve(data=data))
        digest = f"md5:{hashlib.md5(data, usedforsecurity=False).hexdigest()}"
        lab.change(bytes=len(data), digest=digest)  # as if the record itself had been deceived
        tracemalloc.start()
        try:
            lab.fails(ArchiveError, "breastmnist.npz is damaged or not what its record says:", "Nothing of it was kept")
        except BaseException as error:
            raise AssertionError(kind) from error
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if peak > 30e6:
            swollen.append((kind, peak))
        shutil.rmtree(lab.cache)
    assert swollen == []
    counts = attack(2000, seed=29, scratch=tmp_path)
    assert counts.wrong == []
    assert counts.ok is True
    assert counts.refused > 1000


def truncated(folder: Path) -> None:
    os.truncate(folder / "test_images.npy", 1000)


def grown(folder: Path) -> None:
    with (folder / "test_labels.npy").open("ab") as stream:
        stream.write(b"x")


def garbage(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff{not json")


def of_an_older_version(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))


@pytest.mark.fault(30)
@pytest.mark.parametrize("damage", [truncated, grown, garbage, of_an_older_version], ids=lambda found: found.__name__)
def test_arrays_that_are_damaged(lab: Lab, damage: Callable[[Path], None]) -> None:
    """published .npy truncated, grown; manifest garbage or of an older version:
    found at load, rebuilt, or an error if the cache is read-only; flipped bits are found by `verify`
    """
    folder = mm.fetch("breastmnist")
    damage(folder)
    with closed(lab.cache):
        failed = lab.run("load", without_rights=True)
    assert failed.returncode == 1
    assert failed.stdout == ""
    last = failed.stderr.strip().splitlines()[-1]
    assert CacheError.__name__ in last, failed.stderr
    assert str(lab.cache) in last
    assert "MEDMNIST_NP_CACHE" in last

    assert lab.loads_what_is_right()
    assert [folder.name] == names(folder.parent)

    with (folder / "test_images.npy").open("r+b") as stream:
        stream.seek(5000)
        byte = stream.read(1)
        stream.seek(5000)
        stream.write(bytes([byte[0] ^ 1]))
    report = mm.verify("breastmnist")
    assert not report.ok
    assert len(report.damage) == 1
    assert "test_images.npy has changed: its SHA-256 should be" in report.damage[0]
    told = lab.program("verify", "breastmnist")
    assert told.returncode == 1
    assert "`medmnist-np clean breastmnist` and `medmnist-np fetch breastmnist` to download them again" in told.stderr
