"""Metrics, confidence intervals and tests for the MedMNIST benchmark.

Each metric is a function of labels, scores and task. `Predictions` checks these once, for `measure`, for intervals and
for comparisons. The metrics of masks compare a reference and a prediction; `segmentation_table` measures many cases.
"""

from medmnist_np.metrics.all_metrics import METRICS, measure, measure_per_class
from medmnist_np.metrics.calibration import (
    ReliabilityCurve,
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability_curves,
)
from medmnist_np.metrics.confusion import (
    balanced_accuracy,
    cohen_kappa,
    confusion_matrix,
    f1,
    mcc,
    precision,
    recall,
    specificity,
)
from medmnist_np.metrics.decisions import accuracy, exact_match, hamming_loss
from medmnist_np.metrics.delong import Areas, delong_areas, paired_delong, paired_delong_per_class
from medmnist_np.metrics.estimates import Difference, Interval, Runs, summarise_runs
from medmnist_np.metrics.intervals import bootstrap_intervals, class_intervals, interval
from medmnist_np.metrics.metric import Metric, Undefined
from medmnist_np.metrics.overlap import dice, iou
from medmnist_np.metrics.paired_tests import (
    McNemar,
    holm,
    mcnemar,
    mcnemar_per_label,
    paired_bootstrap,
)
from medmnist_np.metrics.predictions import Predictions
from medmnist_np.metrics.ranking import PrCurve, RocCurve, auc, auc_per_class, average_precision, pr_curves, roc_curves
from medmnist_np.metrics.segmentation import (
    SEGMENTATION_METRICS,
    SegmentationTable,
    compare_segmentations,
    segmentation_table,
)
from medmnist_np.metrics.surfaces import (
    SurfaceDistances,
    average_surface_distance,
    hausdorff,
    surface_dice,
    surface_distances,
)

__all__ = [
    "Areas",
    "Difference",
    "Interval",
    "METRICS",
    "McNemar",
    "Metric",
    "PrCurve",
    "Predictions",
    "ReliabilityCurve",
    "RocCurve",
    "Runs",
    "SEGMENTATION_METRICS",
    "SegmentationTable",
    "SurfaceDistances",
    "Undefined",
    "accuracy",
    "auc",
    "auc_per_class",
    "average_precision",
    "average_surface_distance",
    "balanced_accuracy",
    "bootstrap_intervals",
    "brier_score",
    "class_intervals",
    "cohen_kappa",
    "compare_segmentations",
    "confusion_matrix",
    "delong_areas",
    "dice",
    "exact_match",
    "expected_calibration_error",
    "f1",
    "hamming_loss",
    "hausdorff",
    "holm",
    "interval",
    "iou",
    "log_loss",
    "mcc",
    "mcnemar",
    "mcnemar_per_label",
    "measure",
    "measure_per_class",
    "paired_bootstrap",
    "paired_delong",
    "paired_delong_per_class",
    "pr_curves",
    "precision",
    "recall",
    "reliability_curves",
    "roc_curves",
    "segmentation_table",
    "specificity",
    "summarise_runs",
    "surface_dice",
    "surface_distances",
]
