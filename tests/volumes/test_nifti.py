"""NIfTI files: what the header says and what voxels mean, as NiBabel has it, and what damaged ones bring about."""

from __future__ import annotations

import tempfile
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from medmnist_np.cache import zips
from medmnist_np.errors import ArchiveError
from medmnist_np.volumes import voxels
from medmnist_np.volumes.decoder import common_dtype
from medmnist_np.volumes.nifti import read_header
from medmnist_np.volumes.voxels import Copy, copy_voxels
from tests.volumes.making import AFFINE, nifti, packed, stored

DTYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
ARRAY = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5, order="F")


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test of this file runs with both."""
    module = pytest.importorskip("isal.isal_zlib") if request.param == "isal" else zlib
    monkeypatch.setattr(zips, "fast_zlib", module)
    return str(request.param)


def decoded(
    folder: Path, name: str, data: bytes, dtype: Any = None, labels: tuple[int, ...] | None = None
) -> np.ndarray:
    """Return the voxels of a file, decoded as one of a set of some dtype."""
    file = stored(folder, name, data)
    header = read_header(file)
    dtype = common_dtype([header]) if dtype is None else np.dtype(dtype)
    target = folder / "flat.npy"
    target.unlink(missing_ok=True)
    n_values = int(np.prod(header.shape))
    voxels.make(target, dtype, n_values + 2)
    copy_voxels(Copy(file, header, str(target), voxels.DATA_START + dtype.itemsize, dtype.str, labels))
    values = np.load(target)
    assert [0, 0] == values[[0, -1]].tolist()  # nothing is written beside the place
    return values[1:-1].reshape(header.shape, order="F")


@st.composite
def files(draw: st.DrawFn) -> tuple[str, np.ndarray, dict[str, Any]]:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(st.lists(st.integers(1, 6), min_size=3, max_size=4))
    shape += [1] * draw(st.integers(0, 2))
    seed = draw(st.integers(0, 99))
    values = np.random.default_rng(seed).bytes(int(np.prod(shape)) * dtype.itemsize)
    array = np.frombuffer(values, dtype).reshape(shape)
    scaling = draw(st.sampled_from([{}, {"slope": 2.5, "inter": -7}, {"slope": np.nan}, {"slope": 0, "inter": 4}]))
    others = {
        "order": draw(st.sampled_from("<>")),
        "version": draw(st.sampled_from([1, 2])),
        "extra": draw(st.sampled_from([b"", b"behind"])),
    }
    if draw(st.booleans()):
        others["sform"] = None
        if draw(st.booleans()):
            others["qform_code"] = 0
    return draw(st.sampled_from(["a.nii", "a.nii.gz"])), array, others | scaling


@given(files(), st.sampled_from([None, "f8"]))
@settings(max_examples=150)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NiBabel: random bytes as floats
def test_voxels_are_those_of_nibabel(file: tuple[str, np.ndarray, dict[str, Any]], dtype: Any) -> None:
    name, array, fields = file
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        data = nifti(array, **fields)
        folder = Path(place)
        ours = decoded(folder, name, packed(data) if name.endswith(".gz") else data, dtype)
        theirs: Any = nibabel.load(folder / name)
        values = np.asanyarray(theirs.dataobj)
        header = read_header(stored(folder, name, (folder / name).read_bytes()))
    values = values.reshape(ours.shape, order="F")
    np.testing.assert_array_equal(values.astype(ours.dtype), ours)
    np.testing.assert_array_equal(theirs.affine, header.affine)
    np.testing.assert_array_equal(theirs.header.get_zooms()[:3], header.spacing)
    if dtype is None and not header.is_scaled:
        assert array.dtype == ours.dtype


@pytest.mark.parametrize(("stored_as", "meant"), [("i1", "f4"), ("u2", "f4"), ("i4", "f8"), ("f4", "f8")])
def test_scaled_voxels_are_floats(tmp_path: Path, stored_as: str, meant: str) -> None:
    header = read_header(stored(tmp_path, "a.nii", nifti(ARRAY.astype(stored_as), slope=2)))
    assert np.dtype(meant) == header.value_dtype


def test_numbers_that_are_none_stay(tmp_path: Path) -> None:
    array = np.full((2, 2, 2), np.nan, np.float32)
    array[0, 0] = np.inf, -np.inf
    np.testing.assert_array_equal(array, decoded(tmp_path, "a.nii.gz", packed(nifti(array))))


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    data = nifti(ARRAY)
    cut = packed(data[:100]) + packed(data[100:400]) + b"\0" * 512 + packed(data[400:]) + b"\0" * 512
    np.testing.assert_array_equal(ARRAY, decoded(tmp_path, "a.nii.gz", cut))
    np.testing.assert_array_equal(ARRAY, decoded(tmp_path, "a.nii.gz", packed(data) + b"garbage"))


def test_a_file_that_inflates_a_thousand_times_is_read(tmp_path: Path) -> None:
    array = np.zeros((128, 128, 400), np.int16)
    array[-1, -1, -1] = 7
    np.testing.assert_array_equal(array, decoded(tmp_path, "a.nii.gz", packed(nifti(array))))


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    file = stored(tmp_path, "a.nii.gz", packed(nifti(np.ones((200, 200, 400), ">i2"))))
    header = read_header(file)
    voxels.make(tmp_path / "flat.npy", np.dtype("f4"), 16_000_000)
    tracemalloc.start()
    copy_voxels(Copy(file, header, str(tmp_path / "flat.npy"), voxels.DATA_START, "<f4"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # of 32 MB in the file and 64 MB in the array
    assert (np.load(tmp_path / "flat.npy", mmap_mode="r") == 1).all()


def test_masks_become_uint8_if_their_values_are_labels(tmp_path: Path) -> None:
    for dtype in DTYPES:
        mask = np.array([0, 1, 2, 4, 4, 0, 1, 2]).reshape(2, 2, 2).astype(dtype)
        ours = decoded(tmp_path, "a.nii.gz", packed(nifti(mask)), "u1", (0, 1, 2, 4))
        assert (mask == ours).all()
        assert np.dtype("u1") == ours.dtype


@pytest.mark.parametrize(
    ("dtype", "values", "said"),
    [
        ("u1", [0, 3, 1, 1], "the value 3,"),
        ("i2", [0, 256, -1, 1], "values -1, 256,"),
        ("f4", [0, 0.5, np.nan, 1], "values 0.5, nan,"),
        ("f8", [0, np.inf, 1, 2**40], "inf"),
        ("i8", [0, 5, 6, 2**62], "but a mask may only have 0, 1, 2, 4"),
    ],
)
def test_values_that_are_no_labels_are_named(tmp_path: Path, dtype: str, values: list[float], said: str) -> None:
    mask = np.array(values).reshape(2, 2, 1).astype(dtype)
    with pytest.raises(ArchiveError, match=said):
        decoded(tmp_path, "a.nii.gz", packed(nifti(mask)), "u1", (0, 1, 2, 4))


# Damage


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    data = packed(nifti(np.random.default_rng(0).integers(0, 99, (5, 5, 5), np.int16)))
    for length in range(0, len(data), 7):
        with pytest.raises(ArchiveError, match=r"a\.nii\.gz"):
            decoded(tmp_path, "a.nii.gz", data[:length])


def test_any_changed_byte_of_the_stream_is_noticed(tmp_path: Path) -> None:
    data = packed(nifti(np.random.default_rng(0).integers(0, 99, (5, 5, 5), np.int16)))
    for position in range(10, len(data), 5):  # behind the gzip header, which has a time that is not checked
        broken = data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :]
        with pytest.raises(ArchiveError, match=r"a\.nii\.gz"):
            decoded(tmp_path, "a.nii.gz", broken)


@given(position=st.integers(0, 351), value=st.integers(0, 255))
@settings(max_examples=300)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a scaling of 1e38
def test_no_header_brings_about_another_error(position: int, value: int) -> None:
    data = bytearray(nifti(ARRAY))
    data[position] = value
    with tempfile.TemporaryDirectory() as place, suppress(ArchiveError):
        decoded(Path(place), "a.nii", bytes(data))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, "but has only"),
        ({"dim": [3, 3, -4, 5, 1, 1, 1, 1]}, "its shape is"),
        ({"dim": [2, 3, 4, 1, 1, 1, 1, 1]}, "its shape is"),
        ({"dim": [5, 3, 4, 5, 1, 2, 1, 1]}, "its shape is"),
        ({"datatype": 32, "bitpix": 64}, "holds complex64"),
        ({"datatype": 128, "bitpix": 24}, "holds"),
        ({"datatype": 999}, "invalid header"),
        ({"scl_slope": 2, "scl_inter": np.inf}, "invalid intercept"),
        ({"srow_x": [np.nan, 0, 0, 0]}, "affine"),
        ({"vox_offset": 1e9}, "but has only"),
        ({"vox_offset": np.inf}, "invalid header"),
        ({"magic": b"ni1"}, "not a NIfTI file"),
    ],
)
def test_headers_that_cannot_be_are_refused(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        read_header(stored(tmp_path, "a.nii", nifti(ARRAY, **fields)))


def test_a_header_of_more_voxels_than_gzip_could_hold_is_refused_before_inflating(tmp_path: Path) -> None:
    data = packed(nifti(ARRAY, dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]))
    with pytest.raises(ArchiveError, match="but has only"):
        read_header(stored(tmp_path, "a.nii.gz", data))


def test_what_nibabel_corrects_is_not_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    header = read_header(stored(tmp_path, "a.nii", nifti(ARRAY, sform=None, pixdim=[0, 1, 0, -2, 1, 1, 1, 1])))
    assert header.spacing.tolist() == [1, 1, 2]
    assert tuple(capfd.readouterr()) == ("", "")


def test_the_affine_is_the_sform_the_qform_or_the_spacing(tmp_path: Path) -> None:
    found = [
        read_header(stored(tmp_path, "a.nii", nifti(ARRAY, **fields))).affine
        for fields in ({}, {"sform": None}, {"sform": None, "qform_code": 0})
    ]
    np.testing.assert_allclose(AFFINE, found[0], atol=1e-5)
    np.testing.assert_allclose(AFFINE, found[1], atol=1e-5)
    np.testing.assert_allclose([0.7, 0.7, 3, 1], np.abs(np.diag(found[2])), atol=1e-6)


@pytest.mark.parametrize(("units", "mm"), [(0, 1), (2, 1), (10, 1), (1, 1e3), (9, 1e3), (3, 1e-3)])
def test_lengths_are_in_mm_whatever_unit_the_file_states(tmp_path: Path, units: int, mm: float) -> None:
    header = read_header(stored(tmp_path, "a.nii", nifti(ARRAY, xyzt_units=units)))
    np.testing.assert_allclose(np.array([0.7, 0.7, 3]) * mm, header.spacing, rtol=1e-6)
    np.testing.assert_allclose(AFFINE[:3] * mm, header.affine[:3], rtol=1e-5, atol=1e-5 * mm)
    assert header.affine[3].tolist() == [0, 0, 0, 1]


def test_an_unknown_unit_of_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"a\.nii has an invalid header: its unit of length has the unknown code 7"):
        read_header(stored(tmp_path, "a.nii", nifti(ARRAY, xyzt_units=7)))


def test_only_the_first_bytes_are_inflated_for_a_header(tmp_path: Path) -> None:
    data = packed(nifti(np.random.default_rng(0).integers(0, 9999, (80, 80, 80), np.int16)))
    assert read_header(stored(tmp_path, "a.nii.gz", data[:300_000])).shape == (80, 80, 80)
