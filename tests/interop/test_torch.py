"""PyTorch: under the real DataLoader, with and without spawned workers."""

from __future__ import annotations

import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_torch, to_torch_iterable
from tests.interop.cases import CASES, expected

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]
data = torch.utils.data


# Map-style


@pytest.mark.parametrize("case", CASES)
def test_samples_are_tensors(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    samples = to_torch(ds)
    assert len(ds) == len(samples)
    for index in (0, len(ds) - 1, -1):
        image, label = samples[index]
        assert torch.uint8 == image.dtype
        assert torch.int64 == label.dtype
        assert images[index].tolist() == image.tolist()
        assert labels[index].tolist() == label.tolist()


@pytest.mark.parametrize("case", CASES)
def test_a_loader_gives_every_sample_once(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    samples = to_torch(ds)
    found = list(data.DataLoader(samples, batch_size=4, collate_fn=samples.collate))
    assert images.tolist() == torch.cat([image for image, _ in found]).tolist()
    assert labels.tolist() == torch.cat([label for _, label in found]).tolist()


@pytest.mark.parametrize("collated", [False, True])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda samples: samples,
        lambda samples: data.Subset(samples, range(37)),
        lambda samples: data.ConcatDataset([samples]),
    ],
    ids=["itself", "Subset", "ConcatDataset"],
)
def test_a_loader_needs_no_collate_and_collate_takes_what_wrappers_give(wrapped, collated: bool) -> None:
    ds = mm.Dataset("retinamnist")
    images, labels = expected(ds)
    samples = to_torch(ds)
    options = {"collate_fn": samples.collate} if collated else {}
    found = list(data.DataLoader(wrapped(samples), batch_size=4, **options))
    assert images.tolist() == torch.cat([image for image, _ in found]).tolist()
    assert labels.tolist() == torch.cat([label for _, label in found]).tolist()


def test_a_batch_is_read_in_one_go(monkeypatch) -> None:
    ds = mm.Dataset("breastmnist")
    samples = to_torch(ds)  # which gathers no image, to see how they lie
    asked = []
    monkeypatch.setattr(type(ds), "gather", counted(type(ds).gather, asked))
    list(data.DataLoader(samples, batch_size=16, shuffle=True, collate_fn=samples.collate))
    assert asked == [16, 16, 5]


def counted(gather, asked):
    def counting(self, indices):
        asked.append(len(indices))
        return gather(self, indices)

    return counting


@pytest.mark.parametrize(
    ("name", "channels", "shape"),
    [
        ("breastmnist", "first", (1, 28, 28)),
        ("breastmnist", "last", (28, 28, 1)),
        ("retinamnist", "first", (3, 28, 28)),
        ("adrenalmnist3d", "first", (1, 28, 28, 28)),
    ],
)
def test_channels_may_come_first(name: str, channels: str, shape: tuple[int, ...]) -> None:
    ds = mm.Dataset(name)
    image, _ = to_torch(ds, channels=channels, scale=1 / 255)[3]
    stored = np.array(ds.images[3])
    moved = stored.transpose(2, 0, 1) if shape[0] == 3 else stored.reshape(shape)
    assert shape == tuple(image.shape)
    assert torch.float32 == image.dtype
    np.testing.assert_allclose(moved / 255, image.numpy(), rtol=1e-6)


def test_tensors_may_be_written_to() -> None:
    samples = to_torch(mm.Dataset("breastmnist"))
    before = samples[0][0].clone()
    samples[0][0].zero_()
    assert before.tolist() == samples[0][0].tolist()


@pytest.mark.parametrize("index", [37, -38])
def test_an_index_outside_is_an_index_error(index: int) -> None:
    with pytest.raises(IndexError, match=f"Index {index} is out of range for a data set of 37 samples"):
        to_torch(mm.Dataset("breastmnist"))[index]


@pytest.mark.parametrize(
    "options", [{"channels": "middle"}, {"scale": np.nan}, {"dtype": "uint8", "scale": 2}], ids=repr
)
def test_a_wrong_layout_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"channels|scale|float"):
        to_torch(mm.Dataset("breastmnist"), **options)


def test_it_pickles_small() -> None:
    assert len(pickle.dumps(to_torch(mm.Dataset("adrenalmnist3d")))) < 3000
    assert len(pickle.dumps(to_torch_iterable(mm.Dataset("adrenalmnist3d"), 4))) < 3000


def test_spawned_workers_read_the_same() -> None:
    samples = to_torch(mm.Dataset("retinamnist"))
    options = {"batch_size": 8, "collate_fn": samples.collate}
    here = list(data.DataLoader(samples, **options))
    there = list(data.DataLoader(samples, **options, num_workers=2, multiprocessing_context="spawn"))
    assert_equal_batches(here, there)


# With a transform


def halved(image):
    return np.asarray(image, np.float32)[np.newaxis] / 2


def negated(label):
    return -label


@pytest.mark.parametrize(
    "make", [lambda **how: mm.Dataset("breastmnist", **how), lambda **how: mm.BreastMNIST("train", **how)]
)
def test_samples_are_transformed(make) -> None:
    ds = make(transform=halved, target_transform=negated)
    samples = to_torch(ds)
    images, labels = expected(make())
    loader = data.DataLoader(samples, batch_size=8, collate_fn=samples.collate)
    found_images, found_labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert found_images.dtype == torch.float32
    assert found_images.tolist() == (images[:, np.newaxis] / 2).tolist()
    assert found_labels.tolist() == (-labels).tolist()
    assert samples[-1][0].tolist() == found_images[-1].tolist()


def test_spawned_workers_transform_alike() -> None:
    samples = to_torch(mm.Dataset("breastmnist", transform=halved))
    here = list(data.DataLoader(samples, batch_size=16))
    there = list(data.DataLoader(samples, batch_size=16, num_workers=2, multiprocessing_context="spawn"))
    assert_equal_batches(here, there)


def test_a_layout_is_refused_where_a_transform_makes_the_image() -> None:
    with pytest.raises(ValueError, match="channels, dtype and scale cannot be used"):
        to_torch(mm.Dataset("breastmnist", transform=halved), channels="first")


# What else it is


def test_everything_else_is_that_of_the_data_set(tmp_path) -> None:
    ds = mm.BreastMNIST("train")
    samples = pickle.loads(pickle.dumps(to_torch(ds)))
    assert np.array_equal(samples.imgs, ds.imgs)
    assert np.array_equal(samples.labels, ds.labels)
    assert samples.info == ds.info
    assert samples.montage(2).size == ds.montage(2).size
    samples.save(tmp_path)
    assert (tmp_path / "breastmnist").is_dir()
    assert repr(samples) == f"TorchSamples of {ds!r}"


def test_what_would_not_change_the_samples_is_not_set() -> None:
    samples = to_torch(mm.BreastMNIST("train"))
    with pytest.raises(AttributeError, match="labels cannot be set here"):
        samples.labels = np.zeros((37, 1), np.uint8)
    samples.note = "of the user"
    assert samples.note == "of the user"


def test_an_attribute_that_nothing_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="imgz"):
        _ = to_torch(mm.BreastMNIST("train")).imgz


def test_samples_of_different_sets_are_chained() -> None:
    gray, color = to_torch(mm.Dataset("breastmnist")), to_torch(mm.Dataset("retinamnist"))
    chained = gray + color
    assert isinstance(chained, data.ConcatDataset)
    assert len(chained) == 74
    assert torch.equal(chained[40][0], color[3][0])


# Iterable


def test_batches_are_those_of_the_data_set() -> None:
    ds = mm.Dataset("retinamnist")
    options = {"shuffle": True, "seed": 3, "channels": "first", "scale": 1 / 255}
    found = list(data.DataLoader(to_torch_iterable(ds, 8, **options), batch_size=None))
    assert_equal_batches([(batch.images, batch.labels) for batch in ds.batches(8, **options)], found)
    assert len(found) == 5
    assert torch.float32 == found[0][0].dtype


def test_each_pass_is_the_next_epoch() -> None:
    ds = mm.Dataset("breastmnist")
    loader = data.DataLoader(to_torch_iterable(ds, 8, shuffle=True, epoch=4), batch_size=None)
    batches = ds.batches(8, shuffle=True, epoch=4)
    for _ in range(2):
        assert_equal_batches([(batch.images, batch.labels) for batch in batches], list(loader))


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_give_the_same_batches_in_the_same_order(persistent: bool) -> None:
    batches = to_torch_iterable(mm.Dataset("breastmnist"), 8, shuffle=True)
    loader = data.DataLoader(
        batches, batch_size=None, num_workers=2, multiprocessing_context="spawn", persistent_workers=persistent
    )
    for epoch in (3, 1):
        batches.set_epoch(epoch)
        there = list(loader)
        batches.set_epoch(epoch)
        assert_equal_batches(list(batches), there)
        assert len(loader) == len(there)


def test_the_epoch_may_be_set_after_a_worker_got_its_copy() -> None:
    ds = mm.Dataset("breastmnist")
    batches = to_torch_iterable(ds, 8, shuffle=True)
    copy = pickle.loads(ForkingPickler.dumps(batches))  # as a worker gets it, which keeps it as long as it persists
    for epoch, is_set in [(0, False), (5, True), (2, True), (2, True), (3, False)]:
        if is_set:
            batches.set_epoch(epoch)
        expected = [(batch.images, batch.labels) for batch in ds.batches(8, shuffle=True, epoch=epoch)]
        assert_equal_batches(expected, list(copy))


@pytest.mark.parametrize("n_workers", [0, 2])
def test_weights_that_the_caller_changes_later_change_nothing(n_workers: int) -> None:
    ds = mm.Dataset("breastmnist")
    weights, shard = np.arange(37.0), [0, 2]
    batches = to_torch_iterable(ds, 8, shuffle=True, weights=weights, shard=shard)
    expected = ds.batches(8, shuffle=True, weights=weights.copy(), shard=(0, 2))
    weights[:], shard[:] = 1, [1, 2]
    context = "spawn" if n_workers else None
    loader = data.DataLoader(batches, batch_size=None, num_workers=n_workers, multiprocessing_context=context)
    assert_equal_batches([(batch.images, batch.labels) for batch in expected], list(loader))


def test_what_is_assigned_to_the_data_set_later_does_not_change_batches() -> None:
    ds = mm.BreastMNIST("train")
    batches, samples = to_torch_iterable(ds, 37), to_torch(ds)
    images = torch.tensor(np.array(ds.imgs))
    ds.imgs = np.zeros((3, 28, 28), np.uint8)
    assert torch.equal(images, next(iter(batches))[0])
    assert torch.equal(images, next(iter(pickle.loads(pickle.dumps(batches))))[0])
    assert torch.equal(images[5], samples[5][0])


@pytest.mark.parametrize("dtype", [">f4", "longdouble"])
def test_a_dtype_that_pytorch_does_not_have_is_refused_at_once(dtype: str) -> None:
    with pytest.raises(ValueError, match="PyTorch has no tensors of dtype"):
        to_torch(mm.Dataset("breastmnist"), dtype=dtype)
    with pytest.raises(ValueError, match="PyTorch has no tensors of dtype"):
        to_torch_iterable(mm.Dataset("breastmnist"), 8, dtype=dtype)


def test_an_empty_selection_gives_no_batch() -> None:
    empty = mm.Dataset("breastmnist")[:0]
    samples = to_torch(empty)
    assert list(data.DataLoader(samples, batch_size=4, collate_fn=samples.collate)) == []
    assert list(data.DataLoader(to_torch_iterable(empty, 4), batch_size=None)) == []


def test_ranks_divide_the_set() -> None:
    ds = mm.Dataset("breastmnist")
    parts = [to_torch_iterable(ds, 4, shuffle=True, shard=(rank, 3)) for rank in range(3)]
    images = torch.cat([images for part in parts for images, _ in part])
    assert sorted(np.array(ds.images).tolist()) == sorted(images.tolist())


def test_samples_that_fill_up_weigh_nothing() -> None:
    *_, (images, labels, weights) = to_torch_iterable(mm.Dataset("breastmnist"), 16, last="pad")
    assert len(images) == 16
    assert len(labels) == 16
    assert [1.0] * 5 + [0.0] * 11 == weights.tolist()


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": 4, "shard": (2, 2)}], ids=repr)
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"batch_size|shard"):
        to_torch_iterable(mm.Dataset("breastmnist"), **options)


def assert_equal_batches(expected, found) -> None:
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        assert [np.asarray(part).tolist() for part in one] == [np.asarray(part).tolist() for part in other]
