from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.metrics import (
    Predictions,
    auc,
    auc_per_class,
    average_precision,
    balanced_accuracy,
    cohen_kappa,
    f1,
    mcc,
    measure,
    precision,
    recall,
    specificity,
)

# Class 2 is absent and never predicted.
LABELS = [0, 0, 1, 1]
SCORES = [[0.8, 0.2, 0.0], [0.4, 0.6, 0.0], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1]]
AVERAGED = [auc, average_precision, precision, recall, f1, balanced_accuracy]


@pytest.mark.parametrize("metric", AVERAGED)
def test_an_absent_class_is_refused_by_name(metric) -> None:
    with pytest.raises(ValueError, match="of class 2 is not defined: none of the 4 samples is positive"):
        metric(LABELS, SCORES, "multi-class")


@pytest.mark.parametrize("metric", AVERAGED)
def test_an_absent_class_is_skipped_or_makes_nan_or_counts_as_zero(metric) -> None:
    skipped = metric(LABELS, SCORES, "multi-class", undefined="skip")

    assert np.isfinite(skipped)
    assert np.isnan(metric(LABELS, SCORES, "multi-class", undefined="nan"))
    assert metric(LABELS, SCORES, "multi-class", undefined="zero") == pytest.approx(skipped * 2 / 3, abs=1e-12)


def test_the_value_of_an_undefined_class_is_nan() -> None:
    assert np.isnan(auc_per_class(LABELS, SCORES, "multi-class")).tolist() == [False, False, True]


def test_the_message_counts_the_other_undefined_classes() -> None:
    with pytest.raises(ValueError, match=r"class 2 is not defined.* The same applies to 1 more"):
        auc(LABELS, np.hstack([SCORES, np.zeros((4, 1))]), "multi-class")


def test_skipping_all_leaves_nothing() -> None:
    assert np.isnan(auc([1, 1], [0.1, 0.2], "binary-class", undefined="skip"))


def test_a_class_that_is_never_predicted_has_no_precision() -> None:
    with pytest.raises(ValueError, match="precision of class 1 is not defined: no sample was predicted as positive"):
        precision([0, 1], [0.1, 0.2], "binary-class")
    assert precision([0, 1], [0.1, 0.2], "binary-class", undefined="zero") == 0.0


def test_labels_of_one_class_have_no_specificity() -> None:
    with pytest.raises(ValueError, match="specificity of class 1 is not defined: none of the 2 samples is negative"):
        specificity([1, 1], [0.1, 0.2], "binary-class")


@pytest.mark.parametrize("metric", [mcc, cohen_kappa])
def test_agreement_on_a_single_class_is_not_defined(metric) -> None:
    with pytest.raises(ValueError, match=r"(MCC|kappa) is not defined: all labels or all decisions are the same"):
        metric([0, 0], [[0.9, 0.1], [0.8, 0.2]], "multi-class")


def test_the_message_names_the_undefined_label() -> None:
    with pytest.raises(ValueError, match="MCC of label 1 is not defined"):
        mcc([[0, 1], [1, 0]], [[0.1, 0.1], [0.9, 0.2]], "multi-label, binary-class")


def test_an_unknown_value_of_undefined_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown value of undefined: 'skipp'. Did you mean 'skip'"):
        auc([0, 1], [0.1, 0.2], "binary-class", undefined="skipp")
    with pytest.raises(ValueError, match="Unknown value of undefined: None"):
        measure(Predictions([0, 1], [0.1, 0.2], "binary-class"), "f1", undefined=None)
