"""Sets of volumes as data sets: cases, selections, slices, patches and batches of them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.batches import Batch
from medmnist_np.errors import CorruptCacheError, NotCachedError, UnknownSplitError
from medmnist_np.testing import FakeCase, make_cases
from medmnist_np.volumes.publish import adopt
from medmnist_np.volumes.volume_dataset import VolumeDataset
from medmnist_np.volumes.window_dataset import WindowDataset
from tests.conftest import TEST_DATA
from tests.volumes.published import publish

HIPPOCAMPUS = mm.info("msd/hippocampus")
BRAIN = mm.info("msd/brain")
N_CASES = {"train": 6, "test": 2}


def silently(*_: Any, **__: Any) -> Any:
    """Fail where something is worked on that was worked on before."""
    raise AssertionError("the masks were read again")


@pytest.fixture
def cases(sandbox: Path) -> list[FakeCase]:
    """Six cases to train on, in the cache, and two to test with."""
    return publish(HIPPOCAMPUS, list(make_cases(HIPPOCAMPUS, n_samples=N_CASES)))


@pytest.fixture
def train(cases: list[FakeCase]) -> VolumeDataset:
    return VolumeDataset("msd/hippocampus", "train", download=False)


@pytest.fixture
def brain(sandbox: Path) -> VolumeDataset:
    """Four modalities."""
    publish(BRAIN, list(make_cases(BRAIN, n_samples={"train": 3}, shape=(9, 8, 7))))
    return VolumeDataset("msd/brain", download=False)


def test_items_are_the_volumes_and_masks_that_were_stored(cases: list[FakeCase], train: VolumeDataset) -> None:
    assert len(train) == 6
    for case, (volume, mask) in zip(cases, train, strict=False):
        assert np.array_equal(case.image, volume)
        assert np.array_equal(case.mask, mask)
        assert np.int16 == volume.dtype
        assert np.uint8 == mask.dtype


def test_items_are_plain_read_only_views_and_a_copy_may_be_written(train: VolumeDataset) -> None:
    for array in train[0]:
        assert type(array) is np.ndarray
        assert array.flags.writeable is False
        assert array.flags.f_contiguous is True
        copy = np.array(array)
        copy[...] = 0
        assert array.any()
    assert np.shares_memory(train[0][0], train[0][0])


def test_facts_of_the_cases_are_given_in_their_order(cases: list[FakeCase], train: VolumeDataset) -> None:
    assert [case.name for case in cases[:6]] == train.cases.tolist()
    assert [case.image.shape for case in cases[:6]] == [tuple(shape) for shape in train.shapes.tolist()]
    assert np.array_equal([case.affine for case in cases[:6]], train.affines)
    assert np.array_equal(np.abs([np.diag(case.affine)[:3] for case in cases[:6]]), train.spacing_mm)
    assert train.modalities == ("MRI",)
    assert train.label_values == (0, 1, 2)
    assert train.class_names == ("background", "Anterior", "Posterior")
    assert HIPPOCAMPUS is train.record
    assert (train.folder / "train_images.npy").is_file()
    part = train[[4, 1]]
    assert train.cases[[4, 1]].tolist() == part.cases.tolist()
    assert part.positions.tolist() == [4, 1]
    assert np.array_equal(train.affines[[4, 1]], part.affines)


def test_the_test_split_has_no_masks(cases: list[FakeCase]) -> None:
    test = VolumeDataset("msd/hippocampus", "test", download=False, target_transform=np.sum)
    assert len(test) == 2
    assert test.has_masks is False
    assert test.masks is None
    volume, mask = test[1]
    assert mask is None
    assert np.array_equal(cases[7].image, volume)


def test_selections_are_data_sets_of_the_same_cases(train: VolumeDataset) -> None:
    names = train.cases
    mask = np.array([True, False, False, True, False, True])
    for index in (slice(1, 5, 2), slice(None, None, -1), [5, 0, 0], np.array([-1, 2]), mask, [], slice(3, 3)):
        part = train[index]
        expected = names[index if len(part) else slice(0)]
        assert isinstance(part, VolumeDataset)
        assert expected.tolist() == part.cases.tolist()
    again = train[2:][[0, 3]]
    assert names[[2, 5]].tolist() == again.cases.tolist()
    assert np.array_equal(train[-1][0], train[5][0])


@pytest.mark.parametrize("index", [6, -7])
def test_a_case_that_is_not_there_is_refused(index: int, train: VolumeDataset) -> None:
    with pytest.raises(IndexError, match=f"Index {index} is out of range for a data set of 6 samples"):
        train[index]


def test_what_names_no_cases_is_refused(train: VolumeDataset) -> None:
    for index in (0.5, "a", [[0]], True):
        with pytest.raises(TypeError, match="The index of a data set must be"):
            train[index]
    with pytest.raises(IndexError, match="2 values, but the data set has 6"):
        train[[True, False]]
    with pytest.raises(TypeError, match="cannot compare"):
        _ = train[0] in train
    for ask in (train.index, train.count):
        with pytest.raises(TypeError, match="cannot compare"):
            ask(train[0])


def test_transforms_are_applied_to_volume_and_mask(cases: list[FakeCase]) -> None:
    ds = VolumeDataset("msd/hippocampus", transform=np.mean, target_transform=np.max, download=False)
    assert (cases[1].image.mean(), 2) == ds[1]
    for cut in (ds.slices, ds.patches):
        with pytest.raises(ValueError, match="transform for whole volumes"):
            cut()


def test_sets_of_images_of_one_size_and_unknown_splits_are_refused(cases: list[FakeCase]) -> None:
    with pytest.raises(ValueError, match="Use Dataset instead of VolumeDataset"):
        VolumeDataset("breastmnist")
    with pytest.raises(UnknownSplitError, match="'val'"):
        VolumeDataset("msd/hippocampus", "val")


def test_a_split_that_was_not_in_the_files_is_named(sandbox: Path) -> None:
    publish(HIPPOCAMPUS, list(make_cases(HIPPOCAMPUS, n_samples={"train": 3})))
    with pytest.raises(NotCachedError, match=r"without its test split: .*hippocampus.* of train alone.*clean msd/hip"):
        VolumeDataset("msd/hippocampus", "test", download=False)
    assert len(VolumeDataset("msd/hippocampus", "train", download=False)) == 3


def test_a_folder_that_does_not_add_up_is_named(sandbox: Path) -> None:
    publish(HIPPOCAMPUS, list(make_cases(HIPPOCAMPUS, n_samples=N_CASES)), train_shapes=np.ones((6, 3), np.int64))
    with pytest.raises(CorruptCacheError, match=r"(?s)hippocampus.*add up to 6 voxels.*verify"):
        VolumeDataset("msd/hippocampus", download=False)


def test_opening_reads_the_manifest_and_three_headers(
    cases: list[FakeCase], audit: Callable[[], AbstractContextManager[Any]]
) -> None:
    with audit() as seen:
        VolumeDataset("msd/hippocampus", download=False)
    arrays = {path.name for path in map(Path, seen.opened) if path.suffix == ".npy"}
    assert arrays == {"train_images.npy", "train_masks.npy", "train_shapes.npy"}


def test_opening_and_cutting_write_nothing_and_reach_nobody(
    cases: list[FakeCase], audit: Callable[[], AbstractContextManager[Any]]
) -> None:
    with audit() as seen:
        ds = VolumeDataset("msd/hippocampus", download=False)
        _ = ds.slices(), ds.patches((8, 8, 8), foreground=1.0)[0], ds.cases, ds.spacing_mm
    assert seen.writes == []
    assert seen.network == []
    assert seen.locks == []


# Pickles


def test_it_pickles_as_a_path_and_a_selection(train: VolumeDataset) -> None:
    for ds in (train, train[2:], train[[5, 1]]):
        data = pickle.dumps(ds)
        back = pickle.loads(data)
        assert len(data) < 2_000
        assert ds.cases.tolist() == back.cases.tolist()
        assert np.array_equal(ds[0][0], back[0][0])


def test_slices_and_patches_pickle_small(train: VolumeDataset) -> None:
    every, labelled = train.slices(skip_empty=False), train.slices(shape=(9, 9))
    for windows in (every, labelled, train.patches((8, 8, 8), foreground=0.5)):
        data = pickle.dumps(windows)
        back = pickle.loads(data)
        assert len(data) < 2_500
        assert np.array_equal(windows.corners, back.corners)
        for number in range(0, len(windows), 5):
            assert all(np.array_equal(a, b) for a, b in zip(windows[number], back[number], strict=True))


def bytes_of(items: WindowDataset) -> list[bytes]:
    return [image.tobytes("F") + mask.tobytes("F") for image, mask in items]


def drawn_anew(folder: str) -> list[bytes]:
    """Return the bytes of patches, in another process."""
    ds = VolumeDataset("msd/hippocampus", root=folder, download=False)
    return bytes_of(ds.patches((8, 8, 8), seed=3, foreground=0.5))


def test_patches_are_the_same_alone_in_batches_and_in_any_process(sandbox: Path, train: VolumeDataset) -> None:
    patches = train.patches((8, 8, 8), seed=3, foreground=0.5)
    alone = bytes_of(patches)
    batched: dict[int, bytes] = {}
    for batch in patches.batches(5, shuffle=True):
        for number, image, mask in zip(batch.indices.tolist(), batch.images, batch.masks, strict=True):
            batched[number] = image.tobytes("F") + mask.tobytes("F")
    assert alone == [batched[number] for number in range(24)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert alone == pool.submit(drawn_anew, str(sandbox / "cache")).result()
    assert alone[:8] == bytes_of(train[:2].patches((8, 8, 8), seed=3, foreground=0.5))


# Divisions


def test_a_share_is_split_off_by_seed(train: VolumeDataset) -> None:
    rest, val = train.split_off(0.3, seed=0)
    assert len(rest) == 4
    assert len(val) == 2
    assert sorted(train.cases) == sorted([*rest.cases, *val.cases])
    assert val.cases.tolist() == sorted(val.cases)
    assert val.cases.tolist() == train.split_off(0.3, seed=0)[1].cases.tolist()
    assert len({tuple(train.split_off(0.3, seed=seed)[1].positions) for seed in range(9)}) > 1
    assert [tuple(map(len, train.split_off(share))) for share in (0.01, 0.99)] == [(5, 1), (1, 5)]


def test_folds_hold_each_case_once(train: VolumeDataset) -> None:
    folds = train.folds(4, seed=1)
    assert [len(fold) for _, fold in folds] == [2, 2, 1, 1]
    assert sorted(train.cases) == sorted(name for _, fold in folds for name in fold.cases)
    assert all(sorted(train.cases) == sorted([*rest.cases, *fold.cases]) for rest, fold in folds)


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_that_leaves_nothing_is_refused(share: float, train: VolumeDataset) -> None:
    with pytest.raises(ValueError, match="cannot be split off"):
        train.split_off(share)
    with pytest.raises(ValueError, match="1 cases cannot be split off"):
        train[:1].split_off()
    for k in (1, 7):
        with pytest.raises(ValueError, match="k must be"):
            train.folds(k)


# Slices


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_those_of_the_volumes(axis: int, train: VolumeDataset) -> None:
    slices = train.slices(axis, skip_empty=False)
    assert train.shapes[:, axis].sum() == len(slices)
    numbers, corners = slices.case_numbers, slices.corners
    for k in range(0, len(slices), 7):
        image, mask = slices[k]
        volume, whole_mask = train[int(numbers[k])]
        assert np.array_equal(volume.take(corners[k, axis], axis=axis), image)
        assert np.array_equal(whole_mask.take(corners[k, axis], axis=axis), mask)
        assert image.flags.writeable
        assert mask.flags.writeable
    assert train.cases[numbers].tolist() == slices.cases.tolist()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_empty_slices_are_left_out(axis: int, train: VolumeDataset) -> None:
    everything = train.slices(axis, skip_empty=False)
    labelled = [k for k in range(len(everything)) if everything[k][1].any()]
    slices = train.slices(axis)
    assert 0 < len(labelled) < len(everything)
    assert everything.corners[labelled].tolist() == slices.corners.tolist()
    assert everything.case_numbers[labelled].tolist() == slices.case_numbers.tolist()


def test_masks_are_read_once(train: VolumeDataset) -> None:
    train.slices()
    train.slices(progress=silently)
    train.patches((8, 8, 8), foreground=0.5, progress=silently)


def test_without_masks_every_slice_is_there(cases: list[FakeCase]) -> None:
    test = VolumeDataset("msd/hippocampus", "test", download=False)
    slices = test.slices(shape=(20, 20))
    assert test.shapes[:, 2].sum() == len(slices)
    assert slices[0][1] is None
    batch = next(iter(slices.batches(4)))
    assert batch.images.shape == (4, 20, 20)
    assert batch.masks.shape == (4, 0)
    with pytest.raises(ValueError, match="has no masks"):
        test.patches((8, 8, 8), foreground=0.5)


def test_selections_of_slices_are_the_same_slices(train: VolumeDataset) -> None:
    slices = train.slices(shape=(20, 24))
    for part, numbers in ((slices[3:9:2], [3, 5, 7]), (slices[[9, -1]], [9, len(slices) - 1]), (slices[3:][[1]], [4])):
        assert all(np.array_equal(slices[k][0], item[0]) for k, item in zip(numbers, part, strict=True))
        assert slices.corners[numbers].tolist() == part.corners.tolist()


def test_volumes_without_a_labelled_voxel_have_no_slices_and_patches_anywhere(sandbox: Path) -> None:
    made = [case for case in make_cases(HIPPOCAMPUS, n_samples=N_CASES) if case.split == "train"]
    for case in made[1:]:
        case.mask[...] = 0
    publish(HIPPOCAMPUS, made)
    ds = VolumeDataset("msd/hippocampus", download=False)
    assert set(ds.slices().case_numbers.tolist()) == {0}
    patches = ds.patches((4, 4, 4), per_volume=20, foreground=1.0)
    labelled = [bool(mask.any()) for _, mask in patches]
    assert [True] * 20 == labelled[:20]
    assert not any(labelled[20:])
    assert len(ds[1:].slices()) == 0


# Batches


def test_batches_of_slices_need_one_size(train: VolumeDataset) -> None:
    with pytest.raises(ValueError, match=r"sizes, from \d+ x \d+ to \d+ x \d+\. .*Use slices\(shape=\(\d+, \d+\)\)"):
        train.slices().batches(4)
    assert len(train[:1].slices().batches(100)) == 1


@pytest.mark.parametrize("shuffle", [False, True, "blocks"])
def test_batches_hold_the_items(shuffle: Any, train: VolumeDataset) -> None:
    slices = train.slices(shape=(16, 30), pad_value=np.int16(-7))
    seen = []
    batches = slices.batches(16, shuffle=shuffle, seed=4)
    assert json.dumps(batches.state_dict())
    for batch in batches:
        assert np.int16 == batch.images.dtype
        assert np.uint8 == batch.masks.dtype
        assert batch.images.flags.c_contiguous is True
        assert batch.images.flags.writeable is True
        for number, image, mask in zip(batch.indices.tolist(), batch.images, batch.masks, strict=True):
            assert np.array_equal(slices[number][0], image)
            assert np.array_equal(slices[number][1], mask)
            seen.append(number)
    assert list(range(len(slices))) == sorted(seen)
    assert any((image == -7).any() for image, _ in slices)
    assert all(set(np.unique(mask)) <= {0, 1, 2} for _, mask in slices)


def test_batches_take_the_form_that_a_model_takes(brain: VolumeDataset) -> None:
    volume, mask = brain[0]
    assert volume.shape[3] == 4
    assert volume.shape[:3] == mask.shape
    slices = brain.slices(shape=(8, 9))
    batch = next(iter(slices.batches(2, channels="first", scale=0.5)))
    assert batch.images.shape == (2, 4, 8, 9)
    assert np.float32 == batch.images.dtype
    assert batch.masks.shape == (2, 8, 9)
    assert np.array_equal(np.moveaxis(slices[1][0], -1, 0) * np.float32(0.5), batch.images[1])
    patches = brain.patches((6, 5, 4))
    assert tuple(array.shape for array in patches[0]) == ((6, 5, 4, 4), (6, 5, 4))
    batch = next(iter(patches.batches(3, dtype="float32")))
    assert batch.images.shape == (3, 6, 5, 4, 4)
    assert np.array_equal(patches[2][0], batch.images[2])
    with pytest.raises(ValueError, match="uint8 cannot hold images of dtype int16"):
        patches.batches(3, dtype="uint8")


def test_gray_batches_gain_a_channel_where_it_is_asked_for(train: VolumeDataset) -> None:
    patches = train.patches((8, 9, 10))
    shapes = [next(iter(patches.batches(2, channels=channels))).images.shape for channels in (None, "first", "last")]
    assert shapes == [(2, 8, 9, 10), (2, 1, 8, 9, 10), (2, 8, 9, 10, 1)]


def test_an_interrupted_pass_goes_on_and_another_cut_is_refused(train: VolumeDataset) -> None:
    patches = train.patches((8, 8, 8), per_volume=3)
    batches = patches.batches(4, shuffle=True, seed=1)
    passing = iter(batches)
    next(passing)
    state = json.loads(json.dumps(batches.state_dict()))
    resumed = patches.batches(4, shuffle=True, seed=1)
    resumed.load_state_dict(state)
    assert all(np.array_equal(a.images, b.images) for a, b in zip(passing, resumed, strict=True))
    others = (
        train.patches((8, 8, 8), per_volume=3, seed=1),
        train.patches((8, 8, 9), per_volume=3),
        train.patches((8, 8, 8), per_volume=3, foreground=0.5),
        train[::-1].patches((8, 8, 8), per_volume=3),
        patches[::-1],
    )
    for other in others:
        with pytest.raises(ValueError, match="other batches"):
            other.batches(4, shuffle=True, seed=1).load_state_dict(state)


def test_a_transform_gets_images_and_masks_together(train: VolumeDataset) -> None:
    def flipped(batch: Batch, rng: np.random.Generator) -> Batch:
        return batch._replace(images=batch.images[:, ::-1], labels=batch.masks[:, ::-1])

    slices = train.slices(shape=(20, 20))
    batch = next(iter(slices.batches(4, transform=flipped)))
    assert np.array_equal(slices[0][0][::-1], batch.images[0])
    assert np.array_equal(slices[0][1][::-1], batch.masks[0])


def test_shards_and_weights_are_those_of_batches(train: VolumeDataset) -> None:
    slices = train.slices(shape=(20, 20))
    parts = [slices.batches(7, shard=(which, 3)) for which in range(3)]
    found = sorted(int(number) for part in parts for batch in part for number in batch.indices)
    assert list(range(len(slices))) == found
    weights = np.zeros(len(slices))
    weights[5] = 1
    drawn = next(iter(slices.batches(7, shuffle=True, weights=weights)))
    assert [5] * 7 == drawn.indices.tolist()


# What it says


def test_it_says_what_it_is(train: VolumeDataset) -> None:
    text = repr(train)
    for words in ("VolumeDataset msd/hippocampus", "6 of train, with masks", "int16", "1 Anterior", str(train.folder)):
        assert words in text
    assert repr(train[:0])
    html = train._repr_html_()
    assert "6 of train, with masks" in html
    assert len(html) < 4_000
    slices = train.slices()
    assert f"WindowDataset({len(slices)} slices along axis 2; msd/hippocampus train, 6 volumes, int16)" == repr(slices)
    assert "24 patches of 8 x 8 x 8" in repr(train.patches((8, 8, 8)))
    assert "slices of 9 x 8 along axis 0" in repr(train.slices(0, shape=(9, 8)))


# The real thing


@pytest.fixture
def pairs() -> Path:
    """The folder of the pairs of the Decathlon that are here."""
    folder = Path(TEST_DATA or "") / "msd" / "hippocampus"
    if not TEST_DATA or not folder.is_dir():
        pytest.skip("MEDMNIST_NP_TEST_DATA is not set, or has no msd/hippocampus: pairs of NIfTI files")
    return folder


def test_real_pairs_are_what_nibabel_gives_and_are_sliced_and_batched(pairs: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="the extra nifti")
    adopt(pairs, HIPPOCAMPUS, skip=True)  # 14 of 260
    ds = VolumeDataset("msd/hippocampus", download=False)
    names = sorted(path.name for path in (pairs / "imagesTr").glob("*.nii.gz"))
    assert [name.removesuffix(".nii.gz") for name in names] == ds.cases.tolist()
    n_labelled = n_voxels = 0
    for number, (name, (volume, mask)) in enumerate(zip(names, ds, strict=True)):
        image = nibabel.load(pairs / "imagesTr" / name)
        expected = np.asarray(nibabel.load(pairs / "labelsTr" / name).dataobj)
        assert np.array_equal(np.asarray(image.dataobj), volume)
        assert np.array_equal(expected, mask)
        assert np.array_equal(image.affine, ds.affines[number])
        n_labelled += int(expected.any(axis=(0, 1)).sum())
        n_voxels += int(np.count_nonzero(expected))
    slices = ds.slices(shape=(48, 64))
    assert n_labelled == len(slices)
    # No slice of these is larger, so no voxel of a mask is lost.
    assert n_voxels == sum(int(np.count_nonzero(batch.masks)) for batch in slices.batches(32))
    assert all(mask.any() for _, mask in ds.patches((16, 16, 16), per_volume=3, foreground=1.0))
