"""TensorFlow: batches as a tf.data.Dataset."""

from __future__ import annotations

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_tensorflow
from tests.interop.cases import CASES, expected

tf = pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


@pytest.mark.parametrize("case", CASES)
def test_batches_are_those_of_the_data_set(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    found = list(to_tensorflow(ds, 4))
    assert tf.uint8 == found[0][0].dtype
    assert tf.int64 == found[0][1].dtype
    assert np.array_equal(images, np.concatenate([image.numpy() for image, _ in found]))
    assert np.array_equal(labels, np.concatenate([label.numpy() for _, label in found]))


def test_each_pass_is_the_next_epoch() -> None:
    ds = mm.Dataset("breastmnist")
    data, batches = to_tensorflow(ds, 8, shuffle=True, seed=5), ds.batches(8, shuffle=True, seed=5)
    for _ in range(2):
        expected_labels = [batch.labels.tolist() for batch in batches]
        assert expected_labels == [labels.numpy().tolist() for _, labels in data]


def test_shapes_are_stated() -> None:
    data = to_tensorflow(mm.Dataset("breastmnist"), 8, channels="last", scale=1 / 255)
    images, labels = data.element_spec
    assert images.shape.as_list() == [None, 28, 28, 1]
    assert tf.float32 == images.dtype
    assert labels.shape.as_list() == [None, 1]
    assert int(data.cardinality()) == 5


@pytest.mark.parametrize(("last", "parts", "n"), [("drop", 2, 4), ("pad", 3, 5)])
def test_the_length_of_a_batch_is_stated_where_all_have_the_same(last: str, parts: int, n: int) -> None:
    data = to_tensorflow(mm.Dataset("breastmnist"), 8, last=last)
    assert [8] * parts == [spec.shape[0] for spec in data.element_spec]
    assert n == len(list(data))


def test_samples_that_fill_up_weigh_nothing() -> None:
    *_, (_, _, weights) = to_tensorflow(mm.Dataset("breastmnist"), 8, last="pad")
    assert [1.0] * 5 + [0.0] * 3 == weights.numpy().tolist()


def test_a_transform_may_change_the_shape() -> None:
    def halve(batch, rng):
        return batch._replace(images=batch.images[:, ::2, ::2].astype(np.float32))

    data = to_tensorflow(mm.Dataset("breastmnist"), 8, transform=halve)
    assert data.element_spec[0].shape.as_list() == [None, 14, 14]
    assert tf.float32 == data.element_spec[0].dtype
    assert len(list(data)) == 5


def test_no_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="are too few for a batch of 64"):
        to_tensorflow(mm.Dataset("breastmnist"), 64, last="drop")


def test_images_are_no_part_of_the_graph() -> None:
    data = to_tensorflow(mm.Dataset("adrenalmnist3d"), 8)
    graph = tf.raw_ops.DatasetToGraphV2(
        input_dataset=data._variant_tensor, strip_device_assignment=True, external_state_policy=1
    )
    assert len(graph.numpy()) < 100_000 < mm.Dataset("adrenalmnist3d").images.nbytes
