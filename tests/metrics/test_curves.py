from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from medmnist_np.metrics import auc, average_precision, pr_curves, roc_curves


@given(st.data(), st.integers(2, 30))
def test_the_area_below_the_roc_curve_is_the_auc(data: st.DataObject, n: int) -> None:
    scores = data.draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
    labels = data.draw(arrays(np.uint8, n, elements=st.integers(0, 1)).filter(lambda a: len(set(a)) == 2))
    (curve,) = roc_curves(labels, scores, "binary-class")

    width, height = np.diff(curve.false_positive_rate), curve.true_positive_rate[1:] + curve.true_positive_rate[:-1]
    assert float((width * height).sum() / 2) == pytest.approx(auc(labels, scores, "binary-class"), abs=1e-12)


@given(st.data(), st.integers(2, 30))
def test_the_steps_below_the_precision_recall_curve_are_the_average_precision(data: st.DataObject, n: int) -> None:
    scores = data.draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
    labels = data.draw(arrays(np.uint8, n, elements=st.integers(0, 1)).filter(lambda a: len(set(a)) == 2))
    (curve,) = pr_curves(labels, scores, "binary-class")

    steps = float((np.diff(curve.recall) * curve.precision[1:]).sum())
    assert steps == pytest.approx(average_precision(labels, scores, "binary-class"), abs=1e-12)


def test_the_curves_agree_with_scikit_learn() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 200), random.random(200).round(2)
    (roc,), (pr,) = roc_curves(labels, scores, "binary-class"), pr_curves(labels, scores, "binary-class")

    for ours, theirs in zip(roc, reference.roc_curve(labels, scores, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    precision, recall, thresholds = reference.precision_recall_curve(labels, scores)
    np.testing.assert_allclose(pr.precision, precision[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(pr.recall, recall[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(pr.thresholds[1:], thresholds[::-1], rtol=0, atol=0)


def test_there_is_a_curve_for_each_class() -> None:
    assert len(roc_curves([0, 1, 2], np.eye(3), "multi-class")) == 3
    assert len(pr_curves([[0, 1], [1, 0]], np.eye(2), "multi-label, binary-class")) == 2


def test_an_absent_class_has_no_true_positive_rate() -> None:
    (curve,) = roc_curves([0, 0], [0.1, 0.2], "binary-class")

    assert np.isnan(curve.true_positive_rate).all()
    assert curve.false_positive_rate.tolist() == [0.0, 0.5, 1.0]
