from __future__ import annotations

import numpy as np
import pytest

from medmnist_np import metrics
from medmnist_np.metrics import METRICS, Predictions, measure, measure_per_class

random = np.random.default_rng(0)
LABELS = np.append([0, 1, 2], random.integers(0, 3, 60))
SCORES = 0.5 * random.dirichlet([1, 1, 1], 63) + 0.5 * np.eye(3)[LABELS]
FINDINGS = np.eye(3, dtype=int)[LABELS]

CASES = {
    "binary-class": (FINDINGS[:, 0], SCORES[:, 0]),
    "multi-label, binary-class": (FINDINGS, SCORES),
    "multi-class": (LABELS, SCORES),
    "ordinal-regression": (LABELS, SCORES),
}


@pytest.mark.parametrize("task", CASES)
@pytest.mark.parametrize("name", sorted(set(METRICS) & set(metrics.__all__)))
def test_a_metric_has_the_value_of_its_function(name: str, task: str) -> None:
    assert getattr(metrics, name)(*CASES[task], task) == measure(Predictions(*CASES[task], task), name)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_the_mean_of_its_values(name: str) -> None:
    for task, (labels, scores) in CASES.items():
        predictions = Predictions(labels, scores, task)
        values = measure_per_class(predictions, name)
        assert values.shape in {(1,), (2,), (3,)}
        assert measure(predictions, name) == pytest.approx(float(np.mean(values)), abs=1e-12)


def test_names_are_keys() -> None:
    assert list(METRICS) == [metric.name for metric in METRICS.values()]


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    predictions = Predictions([0, 1], [0.1, 0.2], "binary-class")
    with pytest.raises(ValueError, match=r"Unknown metric 'acuracy'. Did you mean 'accuracy'.* Available: auc"):
        measure(predictions, "acuracy")


def test_all_is_sorted_and_every_name_exists() -> None:
    assert sorted(set(metrics.__all__)) == metrics.__all__
    assert [name for name in metrics.__all__ if not hasattr(metrics, name)] == []
    assert {"auc", "accuracy", "interval", "paired_delong"} <= set(metrics.__all__)
