from __future__ import annotations

import pickle

import numpy as np
import pytest

from medmnist_np.metrics import Predictions, accuracy, auc, log_loss, measure
from medmnist_np.metrics.predictions import as_array

MULTI_LABEL = "multi-label, binary-class"


@pytest.mark.parametrize("metric", [auc, accuracy])
@pytest.mark.parametrize(
    ("labels", "scores", "task", "message"),
    [
        ([0, 1], [0.1, 0.2], "binary", "Unknown task 'binary'. Did you mean 'binary-class'"),
        ([0, 1], [0.1, 0.2], None, "Unknown task None"),
        ([0, 1], [0.1, 0.2, 0.3], "binary-class", "y_true has 2 samples and y_score has 3"),
        ([], [], "binary-class", "are empty"),
        (
            [0, 1],
            [0.1, np.nan],
            "binary-class",
            "1 of 2 values .* are not finite. The first is in row 1, column 0: nan",
        ),
        ([0, 1], [[0, 1], [np.inf, 1]], "multi-class", "row 1, column 0: inf"),
        ([0.0, 0.5], [0.1, 0.2], "binary-class", r"y_true must hold integers, and row 1, column 0 is 0\.5"),
        ([0.0, np.nan], [0.1, 0.2], "binary-class", "y_true must hold integers, and row 1, column 0 is nan"),
        (["a", "b"], [0.1, 0.2], "binary-class", "y_true has dtype <U1. It must hold integers"),
        ([0, 1], ["a", "b"], "binary-class", "y_score has dtype <U1. It must hold real numbers"),
        ([0, 1], [1j, 2j], "binary-class", "y_score has dtype complex128"),
        ([0, 1], [None, 1], "binary-class", "y_score has dtype object"),
        ([0, 1], [[1, 2], [3]], "multi-class", "a list, cannot be converted to a NumPy array: .* of equal length"),
        (1, [0.1], "binary-class", r"y_true has shape \(\)"),
        ([0, 1], np.ones((2, 2, 1)), "multi-class", r"y_score has shape \(2, 2, 1\)"),
        ([0, 1], np.ones((2, 0)), "multi-class", r"y_score has shape \(2, 0\)"),
        ([[0, 1], [1, 0]], [0.1, 0.2], "binary-class", "y_true has 2 columns. A binary-class task has one"),
        ([[0, 1], [1, 0]], np.eye(2), "multi-class", "y_true has 2 columns. A multi-class task has one"),
        ([0, 1], np.ones((2, 3)), "binary-class", "y_score has 3 columns. A binary-class task needs one"),
        ([0, 1], [0.1, 0.2], "multi-class", "y_score has one column. A multi-class task"),
        ([[0, 1], [1, 0]], np.ones((2, 3)), MULTI_LABEL, "y_true has 2 columns and y_score has 3"),
        (
            [0, 2],
            [0.1, 0.2],
            "binary-class",
            "y_true has labels from 0 to 2. With these scores they must be from 0 to 1",
        ),
        ([-1, 1], [0.1, 0.2], "binary-class", "labels from -1 to 1"),
        ([0, 3], np.ones((2, 3)), "ordinal-regression", "labels from 0 to 3. .* they must be from 0 to 2"),
        ([[0, 2], [1, 0]], np.eye(2), MULTI_LABEL, "labels from 0 to 2"),
    ],
)
def test_invalid_input_is_refused(metric, labels, scores, task, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(labels, scores, task)


@pytest.mark.parametrize(
    ("labels", "columns", "task"),
    [([0, 1], 3, "multi-class"), ([0, 1], 5, "ordinal-regression"), ([[0, 1, 1], [1, 0, 1]], 3, MULTI_LABEL)],
)
def test_a_wrong_number_of_columns_is_refused_where_the_number_of_classes_is_known(labels, columns, task) -> None:
    with pytest.raises(ValueError, match=rf"y_score has {columns} columns\. It needs 4, one for each"):
        Predictions(labels, np.ones((2, columns)), task, n_classes=4)


@pytest.mark.parametrize("scores", [[0.2, 0.7], [[0.2], [0.7]], [[0.8, 0.2], [0.3, 0.7]]])
def test_a_binary_set_takes_one_column_or_two_of_its_two_classes(scores) -> None:
    predictions = Predictions([0, 1], scores, "binary-class", n_classes=2)

    assert predictions.scores.tolist() == [[0.2], [0.7]]


def test_one_sample_keeps_its_columns() -> None:
    predictions = Predictions([[1]], [[0.2, 0.8]], "multi-class")

    assert predictions.labels.shape == (1,)
    assert predictions.scores.shape == (1, 2)


def test_scores_keep_their_dtype() -> None:
    assert np.float16 == Predictions([0, 1], np.array([0.1, 0.2], dtype=np.float16), "binary-class").scores.dtype


def test_zeros_and_ones_of_a_training_loop_are_labels() -> None:
    predictions = Predictions(np.array([[0.0, 1.0]], dtype=np.float32), [[0.1, 0.2]], MULTI_LABEL)

    assert predictions.labels.tolist() == [[0, 1]]
    assert predictions.labels.dtype.kind == "i"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("labels", "task"), [([0, 1], "multi-class"), ([[1, 0], [0, 1]], MULTI_LABEL)])
def test_scores_that_change_afterwards_do_not_change_the_predictions(labels, task: str, order) -> None:
    values = [[0.9, 0.1], [0.2, 0.8]]
    scores = np.array(values, order=order)
    predictions = Predictions(labels, scores, task)

    scores[:] = 0.5

    assert values == predictions.scores.tolist()
    assert log_loss(labels, values, task) == measure(predictions, "log_loss")


@pytest.mark.parametrize("columns", [1, 2])
def test_a_binary_task_copies_the_column_that_counts(columns: int) -> None:
    scores = np.array([[0.8, 0.2], [0.3, 0.7]])[:, -columns:]
    predictions = Predictions([0, 1], scores, "binary-class")

    scores[:] = 0.5

    assert predictions.scores.tolist() == [[0.2], [0.7]]


def test_labels_that_change_afterwards_do_not_change_the_predictions() -> None:
    labels = np.array([0, 1])
    predictions = Predictions(labels, [0.2, 0.7], "binary-class")

    labels[:] = 1 - labels

    assert measure(predictions, "auc") == 1.0


def test_predictions_cannot_be_written_to() -> None:
    predictions = Predictions(np.array([0, 1]), np.array([0.2, 0.7]), "binary-class")

    assert not predictions.labels.flags.writeable
    assert not predictions.scores.flags.writeable


def test_the_arrays_of_the_caller_stay_writable() -> None:
    labels, scores = np.array([0, 1]), np.array([0.2, 0.7])
    Predictions(labels, scores, "binary-class")

    assert labels.flags.writeable
    assert scores.flags.writeable


@pytest.mark.framework
def test_a_torch_tensor_that_is_filled_again_does_not_change_the_predictions() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'medmnist-np[interop]'")
    scores = torch.tensor([0.2, 0.7])
    predictions = Predictions([0, 1], scores, "binary-class")

    scores.fill_(0.5)

    assert measure(predictions, "auc") == 1.0


def test_input_is_not_changed() -> None:
    labels, scores = np.array([1, 0, 1]), np.array([0.4, 0.3, 0.1])
    labels.flags.writeable = scores.flags.writeable = False

    assert auc(labels, scores, "binary-class") == 0.5


def test_predictions_pickle() -> None:
    predictions = Predictions([0, 1], [0.1, 0.2], "binary-class", threshold=0.15)
    again = pickle.loads(pickle.dumps(predictions))

    assert predictions.task == again.task
    assert again.threshold == 0.15
    assert again.labels.tolist() == [0, 1]


# Arrays of other frameworks


class Exported:
    """An array that can be had by DLPack only."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __dlpack__(self, **options: object) -> object:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.values.__dlpack_device__()


class Refusing(Exported):
    """One whose other way fails."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise TypeError("not this way.")


class Elsewhere(Refusing):
    """One that lies on another device."""

    def __dlpack__(self, **options: object) -> object:
        raise BufferError("it lies on device 1.")


@pytest.mark.parametrize("kind", [Exported, Refusing])
def test_dlpack_is_used_if_there_is_no_other_conversion(kind: type) -> None:
    assert auc(kind(np.array([0, 1])), kind(np.array([0.1, 0.2])), "binary-class") == 1.0


def test_an_array_of_another_device_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"y_score, a Elsewhere, .*: not this way\. It must be on the CPU"):
        as_array(Elsewhere(np.ones(2)), "y_score")


@pytest.mark.framework
def test_torch_tensors_are_accepted() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'medmnist-np[interop]'")

    assert auc(torch.tensor([[0.0], [1.0]]), torch.tensor([0.1, 0.2]), "binary-class") == 1.0
    with pytest.raises(ValueError, match="without gradients"):
        auc([0, 1], torch.tensor([0.1, 0.2], requires_grad=True), "binary-class")


@pytest.mark.framework
def test_jax_arrays_are_accepted() -> None:
    numpy = pytest.importorskip("jax.numpy", reason="needs JAX: pip install 'medmnist-np[interop]'")

    assert auc(numpy.array([0, 1]), numpy.array([0.1, 0.2]), "binary-class") == 1.0


@pytest.mark.framework
def test_tensorflow_tensors_are_accepted() -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'medmnist-np[interop]'")

    assert auc(tensorflow.constant([0, 1]), tensorflow.constant([0.1, 0.2]), "binary-class") == 1.0


def test_data_frames_are_accepted() -> None:
    pandas = pytest.importorskip("pandas")

    assert auc(pandas.Series([0, 1]), pandas.DataFrame([[0.9, 0.1], [0.8, 0.2]]), "binary-class") == 1.0


def test_the_task_segmentation_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown task 'segmentation'"):
        Predictions([0, 1], [0.1, 0.9], "segmentation")
