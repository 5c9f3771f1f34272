"""Grid patches cover volumes, and predictions for them are assembled."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import medmnist_np as mm
from medmnist_np.registry import VolumeInfo
from medmnist_np.testing import make_cases
from medmnist_np.volumes.windows import Grid, assembled
from tests.volumes.published import publish

SIZES = st.tuples(*[st.integers(1, 9)] * 3)
WEIGHTS = st.sampled_from(["average", "gaussian"])


def dataset(name: str = "msd/hippocampus") -> mm.VolumeDataset:
    record = mm.info(name)
    assert isinstance(record, VolumeInfo)
    publish(record, list(make_cases(record, n_samples={"train": 3}, shape=(14, 12, 10))))
    return mm.VolumeDataset(record, download=False)


def grid_starts(size: int, length: int, overlap: float) -> list[int]:
    return sorted({corner[0] for corner in Grid((size, 1, 1), overlap).places(np.array([[length, 1, 1]])).corners})


@pytest.mark.parametrize(
    ("size", "length", "overlap", "starts"),
    [
        (4, 12, 0, [0, 4, 8]),
        (4, 13, 0, [0, 4, 8, 9]),
        (4, 8, 0.5, [0, 2, 4]),
        (4, 7, 0.25, [0, 3]),
        (4, 4, 0.5, [0]),
        (7, 4, 0.5, [-1]),
        (2, 4, 0.9, [0, 1, 2]),
    ],
)
def test_patches_lie_at_regular_steps_and_end_with_the_volume(
    size: int, length: int, overlap: float, starts: list[int]
) -> None:
    assert grid_starts(size, length, overlap) == starts


@given(st.lists(SIZES, min_size=1, max_size=3), SIZES, st.floats(0, 0.9), WEIGHTS)
@settings(deadline=None)
def test_constant_patches_give_the_constant(
    shapes: list[tuple[int, int, int]], size: tuple[int, int, int], overlap: float, weights: Any
) -> None:
    grid, volumes = Grid(size, overlap), np.array(shapes)
    n_patches = len(grid.places(volumes).cases)
    wholes = list(assembled(grid, volumes, [np.full((n_patches, 2, *size), 3.5)], weights, "first"))
    assert [whole.shape for whole in wholes] == [(2, *shape) for shape in shapes]
    assert all(np.allclose(whole, 3.5, rtol=1e-5) for whole in wholes)


@given(SIZES, SIZES, st.floats(0, 0.9), WEIGHTS, st.integers(0, 9))
@settings(deadline=None)
def test_the_identity_gives_the_volume(
    shape: tuple[int, int, int], size: tuple[int, int, int], overlap: float, weights: Any, seed: int
) -> None:
    volume, grid = np.random.default_rng(seed).random(shape, np.float32), Grid(size, overlap)
    margin = 9
    padded = np.pad(volume, margin)
    patches = [
        padded[
            tuple(slice(start + margin, start + margin + extent) for start, extent in zip(corner, size, strict=True))
        ]
        for corner in grid.places(np.array([shape])).corners.tolist()
    ]
    (whole,) = assembled(grid, np.array([shape]), [np.array(patches)], weights, "first")
    assert np.allclose(whole, volume, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["msd/hippocampus", "msd/prostate"])
@pytest.mark.parametrize("channels", ["first", "last"])
def test_batches_of_a_data_set_are_assembled_volume_by_volume(name: str, channels: Any) -> None:
    ds = dataset(name)
    patches = ds.grid_patches((16, 8, 8), overlap=0.5)
    batches = patches.batches(4, channels=channels, dtype="float32")
    wholes = list(patches.assemble((batch.images for batch in batches), weights="gaussian", channels=channels))
    for whole, volume in zip(wholes, ds.images, strict=True):
        turned = volume[..., None] if volume.ndim == 3 else volume
        assert np.allclose(whole, np.moveaxis(turned, -1, 0) if channels == "first" else turned, rtol=1e-4, atol=1e-3)


def test_one_volume_is_assembled_at_a_time() -> None:
    patches = dataset().grid_patches((8, 8, 8))
    seen = []

    def predictions() -> Iterator[np.ndarray]:
        for number, (image, _) in enumerate(patches):
            seen.append(number)
            yield image[None].astype(np.float32)

    wholes = patches.assemble(predictions())
    next(wholes)
    assert len(seen) == int((patches.case_numbers == 0).sum())


def test_masks_are_cut_like_images() -> None:
    ds = dataset()
    patches = ds.grid_patches((8, 8, 8), overlap=0.5)
    wholes = patches.assemble([mask[None].astype(np.float32)] for _, mask in patches)
    assert all((whole.round() == mask).all() for whole, mask in zip(wholes, ds.masks, strict=True))


def test_grid_patches_pickle_and_take_batches_again() -> None:
    patches = dataset().grid_patches((8, 8, 8), overlap=0.5)
    again = pickle.loads(pickle.dumps(patches))
    assert (again.corners == patches.corners).all()
    assert "grid patches of 8 x 8 x 8" in repr(again)


@pytest.mark.parametrize(
    ("predictions", "arguments", "message"),
    [
        ([np.zeros((1, 8, 8, 8))], {}, "fewer predictions than the"),
        ([np.zeros((999, 8, 8, 8))], {}, "more predictions than the"),
        ([np.zeros((999, 8, 8, 7))], {}, "A prediction has the shape"),
        ([np.zeros((999, 8, 8, 8, 2))], {}, "A prediction has the shape"),
        ([np.zeros((999, 8, 8, 8), np.uint8)], {}, "not class numbers"),
        ([np.zeros((1, 2, 8, 8, 8)), np.zeros((1, 3, 8, 8, 8))], {}, "different numbers of channels"),
        ([], {"weights": "mean"}, "weights"),
        ([], {"channels": "middle"}, "channels"),
    ],
)
def test_what_cannot_be_assembled_is_refused(
    predictions: list[np.ndarray], arguments: dict[str, Any], message: str
) -> None:
    patches = dataset().grid_patches((8, 8, 8))
    with pytest.raises(ValueError, match=message):
        list(patches.assemble(predictions, **arguments))


def test_only_a_whole_grid_is_assembled() -> None:
    ds = dataset()
    for patches in (ds.grid_patches((8, 8, 8))[:3], ds.patches((8, 8, 8)), ds.slices()):
        with pytest.raises(ValueError, match="Only all patches of grid_patches"):
            patches.assemble([])


@pytest.mark.parametrize("overlap", [-0.1, 1, True, "0.5", float("nan")])
def test_an_overlap_out_of_range_is_refused(overlap: Any) -> None:
    with pytest.raises(ValueError, match="overlap is"):
        dataset().grid_patches((8, 8, 8), overlap=overlap)


@pytest.mark.framework
@pytest.mark.parametrize("weights", ["average", "gaussian"])
@pytest.mark.parametrize(("size", "overlap"), [((8, 8, 8), 0.25), ((8, 6, 4), 0.5), ((16, 20, 9), 0.6), ((5, 5, 5), 0)])
def test_the_same_model_gives_the_same_as_with_monai(weights: Any, size: tuple[int, int, int], overlap: float) -> None:
    inferers = pytest.importorskip("monai.inferers")
    import torch

    model = torch.nn.Conv3d(1, 3, 3, padding=1)
    ds = dataset()
    patches = ds.grid_patches(size, overlap=overlap)
    batches = patches.batches(4, channels="first", dtype="float32")
    with torch.no_grad():
        ours = list(patches.assemble((model(torch.from_numpy(b.images)).numpy() for b in batches), weights=weights))
        for whole, volume in zip(ours, ds.images, strict=True):
            image = torch.from_numpy(np.array(volume, np.float32)[None, None])
            mode = {"average": "constant"}.get(weights, weights)
            theirs = inferers.sliding_window_inference(image, size, 4, model, overlap=overlap, mode=mode)
            np.testing.assert_allclose(whole, theirs[0].numpy(), rtol=1e-4, atol=1e-3)
