"""Windows of volumes: what they hold, what they are padded with, and where slices and patches lie."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np._progress import silent
from medmnist_np.volumes.ragged import Ragged, count_labelled, labelled_voxel
from medmnist_np.volumes.windows import Patches, Places, Slices, Windows, draw_patches

SHAPES = [(7, 5, 40), (9, 40, 3), (4, 6, 5)]
PAD = 12


def ragged(channels: int | None = None, shapes: list[tuple[int, int, int]] = SHAPES) -> Ragged:
    rng = np.random.default_rng(0)
    whole = [shape if channels is None else (*shape, channels) for shape in shapes]
    arrays = [rng.integers(-300, 300, shape, dtype=np.int16) for shape in whole]
    return Ragged(np.concatenate([array.ravel(order="F") for array in arrays]), np.array(whole))


def padded_and_cut(volume: np.ndarray, corner: list[int], extent: list[int], value: float) -> np.ndarray:
    """Pad on all sides with NumPy, by more than any window reaches out, and slice."""
    margin = 60
    widths = [(margin, margin)] * 3 + [(0, 0)] * (volume.ndim - 3)
    padded = np.pad(volume, widths, constant_values=value)
    return padded[tuple(slice(c + margin, c + margin + e) for c, e in zip(corner, extent, strict=True))]


@st.composite
def places(draw: st.DrawFn, *, one_size: bool = True, axis: int | None = None) -> Places:
    extent = st.tuples(*[st.just(1) if one == axis else st.integers(1, 12) for one in range(3)])
    corners = draw(st.lists(st.tuples(*[st.integers(-15, 45)] * 3), min_size=1, max_size=5))
    extents = [draw(extent)] * len(corners) if one_size else [draw(extent) for _ in corners]
    cases = [draw(st.integers(0, len(SHAPES) - 1)) for _ in corners]
    return Places(np.array(cases), np.array(corners), np.array(extents))


# NumPy pads much more than a window holds, which may take its time.
@given(st.data(), st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, 1, 3]))
def test_windows_equal_padding_and_slicing(data: st.DataObject, axis: int | None, channels: int | None) -> None:
    volumes, where = ragged(channels), data.draw(places(axis=axis))
    windows = Windows(volumes, where, axis=axis, pad_value=PAD)
    expected = [
        padded_and_cut(volumes[case], corner, extent, PAD)
        for case, corner, extent in zip(*(values.tolist() for values in where), strict=True)
    ]
    if axis is not None:
        expected = [window.squeeze(axis) for window in expected]
    assert np.stack(expected).shape == windows.shape
    assert all(np.array_equal(window, found) for window, found in zip(expected, windows, strict=True))
    numbers = data.draw(st.lists(st.integers(0, len(windows) - 1), max_size=6))
    found = windows.take(np.array(numbers, dtype=np.intp), axis=0)
    assert (len(numbers), *windows.shape[1:]) == found.shape
    assert all(np.array_equal(expected[number], row) for number, row in zip(numbers, found, strict=True))
    out = np.full_like(found, 99)
    assert windows.take(np.array(numbers, dtype=np.intp), axis=0, out=out, mode="clip") is out
    assert np.array_equal(found, out)


@given(places(one_size=False))
def test_windows_of_several_sizes_are_read_one_by_one(where: Places) -> None:
    volumes = ragged()
    windows = Windows(volumes, where)
    for number, (case, corner, extent) in enumerate(zip(*(values.tolist() for values in where), strict=True)):
        assert np.array_equal(padded_and_cut(volumes[case], corner, extent, 0), windows[number])
    if len({tuple(extent) for extent in where.extents.tolist()}) > 1:
        assert windows.row_shape is None
        with pytest.raises(ValueError, match="differ in size"):
            windows.take(np.array([0]))


def test_rows_are_fresh_writable_and_in_the_order_of_the_volume() -> None:
    volumes = ragged()
    windows = Windows(volumes, Slices(2, (4, 4)).places(volumes.shapes), axis=2)
    row, rows = windows[0], windows.take(np.array([0, 1]))
    row[...] = 0
    rows[...] = 0
    assert not np.array_equal(row, windows[0])
    assert row.flags.f_contiguous is True
    assert rows.flags.c_contiguous is True
    assert type(row) is np.ndarray


def test_slices_and_negative_numbers_count_as_in_an_array() -> None:
    volumes = ragged()
    windows = Windows(volumes, Slices(2, (4, 4)).places(volumes.shapes), axis=2)
    everything = windows.take(np.arange(len(windows)))
    assert np.array_equal(everything[3:20:4], windows[3:20:4])
    assert np.array_equal(everything[-2], windows[-2])
    with pytest.raises(IndexError, match=f"Index 48 is out of range for {len(windows)} windows"):
        windows[48]


def test_threads_take_the_same_rows() -> None:
    volumes = ragged()
    windows = Windows(volumes, Slices(1, (9, 9)).places(volumes.shapes), axis=1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: windows.take(np.arange(len(windows))).tobytes(), range(32)))
    assert len(set(found)) == 1


@pytest.mark.parametrize("value", [0.5, 40_000, np.nan, "0", [1, 2]])
def test_a_pad_value_that_the_volumes_cannot_hold_is_refused(value: object) -> None:
    volumes = ragged()
    with pytest.raises(ValueError, match="pad_value is"):
        Windows(volumes, Slices(2).places(volumes.shapes), pad_value=value)


def test_channels_that_differ_are_refused() -> None:
    volumes = Ragged(np.zeros(12), np.array([[2, 2, 1, 2], [2, 2, 1, 1]]))
    with pytest.raises(ValueError, match="different numbers of channels"):
        Windows(volumes, Slices(2).places(volumes.shapes[:, :3]))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_every_slice_in_order(axis: int) -> None:
    volumes = ragged()
    windows = Windows(volumes, Slices(axis).places(volumes.shapes), axis=axis)
    expected = [volume.take(k, axis=axis) for volume in volumes for k in range(volume.shape[axis])]
    assert len(expected) == len(windows)
    assert all(np.array_equal(one, found) for one, found in zip(expected, windows, strict=True))


def test_a_shape_cuts_and_pads_around_the_middle() -> None:
    volumes = Ragged(np.arange(1, 16), np.array([[5, 3, 1]]))
    windows = Windows(volumes, Slices(2, (2, 6)).places(volumes.shapes), axis=2)
    # Of five rows, one goes before and two behind; to three columns, two come before and one behind.
    assert windows[0].tolist() == [[0, 0, 2, 7, 12, 0], [0, 0, 3, 8, 13, 0]]


@given(
    st.lists(st.tuples(*[st.integers(1, 30)] * 3), min_size=1, max_size=4),
    st.tuples(*[st.integers(1, 12)] * 3),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_patches_lie_inside_where_there_is_room_and_around_the_volume_where_there_is_none(
    shapes: list[tuple[int, int, int]], shape: tuple[int, int, int], per_volume: int, seed: int
) -> None:
    patches = draw_patches(np.array(shapes), shape, per_volume, seed)
    cases, corners, extents = patches.places(np.array(shapes))
    assert np.repeat(range(len(shapes)), per_volume).tolist() == cases.tolist()
    assert (extents == shape).all()
    room = np.array(shapes)[cases] - shape
    for axis in range(3):
        roomy = room[:, axis] >= 0
        assert ((corners[:, axis] >= 0) & (corners[:, axis] <= room[:, axis]))[roomy].all()
        assert (corners[:, axis] == room[:, axis] // 2)[~roomy].all()


def drawn(n: int, seed: int = 0) -> Patches:
    return draw_patches(np.array([[30, 30, 30]] * n), (8, 8, 8), 2, seed)


def test_patches_depend_on_the_seed_and_their_number_alone() -> None:
    assert np.array_equal(drawn(5).corners, drawn(9).corners[:10])
    assert not np.array_equal(drawn(5).corners, drawn(5, seed=1).corners)
    assert len(np.unique(drawn(9).corners, axis=0)) == 18


def test_patches_reach_every_place() -> None:
    corners = draw_patches(np.array([[5, 4, 3]]), (2, 2, 2), 2000, 0).corners
    assert [4 * 3 * 2] == [len(np.unique(corners, axis=0))]


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_patch_on_the_foreground_holds_the_voxel_that_was_found(seed: int, share: float) -> None:
    voxels = []

    def find(case: int, rng: np.random.Generator) -> tuple[int, int, int]:
        voxels.append(tuple(rng.integers(0, 20, 3).tolist()))
        return voxels[-1]

    patches = draw_patches(np.array([[20, 20, 20]]), (6, 7, 8), 20, seed, share, find)
    inside = sum(
        any(all(c <= v < c + e for c, v, e in zip(corner, voxel, patches.shape, strict=True)) for voxel in voxels)
        for corner in patches.corners.tolist()
    )
    assert inside >= len(voxels)
    assert {0.0: 0, 1.0: 20}.get(share, len(voxels)) == len(voxels)


def test_the_share_of_patches_on_the_foreground_is_the_probability() -> None:
    calls = []
    draw_patches(np.array([[20, 20, 20]]), (4, 4, 4), 1000, 0, 0.25, lambda case, _: calls.append(case))
    assert 200 < len(calls) < 300


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"shape": (8, 8)}, "shape is"),
        ({"shape": 8}, "shape is 8"),
        ({"shape": (8, 8, 0)}, "shape must be .*, not 0"),
        ({"per_volume": 0}, "per_volume must be .*, not 0"),
        ({"seed": -1}, "seed must be .*, not -1"),
        ({"foreground": 1.5}, "foreground is 1.5"),
        ({"foreground": True}, "foreground is True"),
        ({"foreground": float("nan")}, "foreground is nan"),
    ],
)
def test_patches_that_cannot_be_drawn_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        draw_patches(np.array([[9, 9, 9]]), **{"shape": (4, 4, 4), "per_volume": 1, "seed": 0, **arguments})


@pytest.mark.parametrize(("axis", "shape"), [(3, None), (-1, None), (2, (4,)), (2, (4, 0)), (2, "ab")])
def test_slices_that_cannot_be_cut_are_refused(axis: int, shape: object) -> None:
    with pytest.raises(ValueError, match=r"(axis|shape) (must be|is)"):
        Slices(axis, shape)


@st.composite
def masks(draw: st.DrawFn) -> Ragged:
    shapes = draw(st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    flat = rng.integers(0, 4, sum(int(np.prod(shape)) for shape in shapes), dtype=np.uint8)
    return Ragged(
        flat * (rng.random(len(flat)) < draw(st.sampled_from([0, 0.1, 0.8]))).astype(np.uint8), np.array(shapes)
    )


@given(masks(), st.integers(0, 2))
def test_labelled_voxels_are_counted_in_every_slice(found: Ragged, axis: int) -> None:
    others = tuple(one for one in range(3) if one != axis)
    expected = [np.count_nonzero(mask, axis=others).tolist() for mask in found]
    assert expected == [counts.tolist() for counts in count_labelled(found, axis, silent)]


@given(masks())
def test_every_labelled_voxel_is_found_once(found: Ragged) -> None:
    for mask, counts in zip(found, count_labelled(found, 2, silent), strict=True):
        voxels = [labelled_voxel(mask, counts, number) for number in range(int(counts.sum()))]
        assert sorted(voxels) == sorted(map(tuple, np.argwhere(mask).tolist()))


def test_a_pad_value_beyond_the_floats_of_the_volumes_is_refused() -> None:
    volumes = Ragged(np.zeros(8, np.float32), np.array([[2, 2, 2]]))
    with pytest.raises(ValueError, match="pad_value is 1e"):
        Windows(volumes, Slices(2).places(volumes.shapes), pad_value=1e39)
