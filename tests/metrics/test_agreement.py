"""10,000 random cases against the loop of the official evaluator over scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.evaluation import getACC, getAUC
from medmnist_np.metrics import Predictions, measure

sklearn = pytest.importorskip("sklearn")

from sklearn import metrics as reference  # noqa: E402 - after it is known to be there

MULTI_LABEL = "multi-label, binary-class"

# In each round: eight binary cases, the eight together as a multi-label case, and one of four classes.
N_ROUNDS, N_LABELS, N_CLASSES = 1000, 8, 4


def findings(random: np.random.Generator, n: int) -> np.ndarray:
    """Zeros and ones, rare or common, of which each column has both."""
    labels = random.random((n, N_LABELS)) < random.uniform(0.05, 0.95, N_LABELS)
    labels[0], labels[1] = False, True
    return labels.astype(np.uint8)


def columns_of_scores(random: np.random.Generator, n: int, columns: int) -> np.ndarray:
    """Scores of any size, or with many or a few ties, in one of two dtypes."""
    scores = random.normal(size=(n, columns)) * 10.0 ** random.integers(-20, 5)
    if levels := random.choice([0, 0, 3, 20]):
        scores = np.floor(random.random((n, columns)) * levels) / levels
    return scores.astype(random.choice([np.float32, np.float64]))


@pytest.mark.timeout(1200)  # scikit-learn works for half a minute, and for longer where others work too
def test_ten_thousand_random_cases_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(20)
    off = []
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for _ in range(N_ROUNDS):
            n = int(random.integers(5, 40))
            labels, scores = findings(random, n), columns_of_scores(random, n, N_LABELS)
            classes = random.permutation(np.append(np.arange(N_CLASSES), random.integers(0, N_CLASSES, n - N_CLASSES)))
            of_classes = columns_of_scores(random, n, N_CLASSES).astype(scores.dtype)
            task = random.choice(["multi-class", "ordinal-regression"])
            # One call for all columns, as scikit-learn takes milliseconds for each call.
            expected = reference.roc_auc_score(
                np.hstack([labels, classes[:, None] == np.arange(N_CLASSES)]),
                np.hstack([scores, of_classes]),
                average=None,
            )
            found = [getAUC(labels[:, k], scores[:, k], "binary-class") for k in range(N_LABELS)]
            off += np.abs(np.subtract(found, expected[:N_LABELS])).tolist()
            off.append(abs(getAUC(labels, scores, MULTI_LABEL) - expected[:N_LABELS].mean()))
            off.append(abs(getAUC(classes[:, None], of_classes, task) - expected[N_LABELS:].mean()))

    assert len(off) == 10_000
    assert max(off) < 1e-12


@pytest.mark.filterwarnings("ignore:Scores are from")
def test_random_accuracies_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(21)
    for _ in range(100):
        n = int(random.integers(5, 40))
        labels, scores = findings(random, n), columns_of_scores(random, n, N_LABELS)
        expected = [reference.accuracy_score(labels[:, k], scores[:, k] > 0.5) for k in range(N_LABELS)]
        classes = random.integers(0, N_LABELS, n)

        assert abs(getACC(labels[:, 0], scores[:, :1], "binary-class") - expected[0]) < 1e-12
        assert abs(getACC(labels, scores, MULTI_LABEL) - np.mean(expected)) < 1e-12
        assert (
            abs(getACC(classes, scores, "multi-class") - reference.accuracy_score(classes, scores.argmax(axis=1)))
            < 1e-12
        )


@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("seed", range(5))
def test_decisions_on_classes_agree_with_scikit_learn(n_classes: int, seed: int) -> None:
    random = np.random.default_rng([seed, n_classes])
    labels = np.append(np.arange(n_classes), random.integers(0, n_classes, 40))
    scores = random.random((len(labels), n_classes)) + 0.5 * (labels[:, None] == np.arange(n_classes))
    scores[:n_classes] = np.eye(n_classes)  # so that each class is decided for
    decisions = scores.argmax(axis=1)
    expected = {
        "accuracy": reference.accuracy_score(labels, decisions),
        "precision": reference.precision_score(labels, decisions, average="macro"),
        "recall": reference.recall_score(labels, decisions, average="macro"),
        "f1": reference.f1_score(labels, decisions, average="macro"),
        "mcc": reference.matthews_corrcoef(labels, decisions),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, decisions),
        "kappa": reference.cohen_kappa_score(labels, decisions),
        "linear_kappa": reference.cohen_kappa_score(labels, decisions, weights="linear"),
        "quadratic_kappa": reference.cohen_kappa_score(labels, decisions, weights="quadratic"),
        "exact_match": reference.accuracy_score(labels, decisions),
        "hamming_loss": reference.hamming_loss(labels, decisions),
    }
    predictions = Predictions(labels, scores, "multi-class")

    assert {name: measure(predictions, name) for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_decisions_on_labels_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (60, 3))
    scores = random.random((60, 3)) * 0.7 + 0.3 * labels
    decisions = scores > 0.5

    def mean(function) -> float:
        return float(np.mean([function(labels[:, k], decisions[:, k]) for k in range(3)]))

    expected = {
        "precision": reference.precision_score(labels, decisions, average="macro"),
        "recall": reference.recall_score(labels, decisions, average="macro"),
        "specificity": reference.recall_score(1 - labels, ~decisions, average="macro"),
        "f1": reference.f1_score(labels, decisions, average="macro"),
        "mcc": mean(reference.matthews_corrcoef),
        "balanced_accuracy": mean(reference.balanced_accuracy_score),
        "kappa": mean(reference.cohen_kappa_score),
        "exact_match": reference.accuracy_score(labels, decisions),
        "hamming_loss": reference.hamming_loss(labels, decisions),
    }
    predictions = Predictions(labels, scores, MULTI_LABEL)

    assert {name: measure(predictions, name) for name in expected} == pytest.approx(expected, abs=1e-12)


def test_decisions_on_two_classes_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(9)
    labels, scores = random.integers(0, 2, 50), random.random(50)
    predictions = Predictions(labels, scores, "binary-class", threshold=0.3)
    decisions = scores > 0.3
    expected = {
        "precision": reference.precision_score(labels, decisions),
        "recall": reference.recall_score(labels, decisions),
        "specificity": reference.recall_score(1 - labels, ~decisions),
        "f1": reference.f1_score(labels, decisions),
        "mcc": reference.matthews_corrcoef(labels, decisions),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, decisions),
        "kappa": reference.cohen_kappa_score(labels, decisions),
    }

    assert {name: measure(predictions, name) for name in expected} == pytest.approx(expected, abs=1e-12)
