from .all_metrics import METRICS, measure, measure_per_class
from .calibration import ReliabilityCurve, brier_score, expected_calibration_error, log_loss, reliability_curves
from .confusion import balanced_accuracy, cohen_kappa, confusion_matrix, f1, mcc, precision, recall, specificity
from .decisions import accuracy, exact_match, hamming_loss
from .delong import Areas, delong_areas, paired_delong, paired_delong_per_class
from .estimates import Difference, Interval, Runs, summarise_runs
from .intervals import bootstrap_intervals, class_intervals, interval
from .metric import Metric, Undefined
from .overlap import dice, iou
from .paired_tests import McNemar, holm, mcnemar, mcnemar_per_label, paired_bootstrap, paired_runs
from .predictions import Predictions
from .ranking import PrCurve, RocCurve, auc, auc_per_class, average_precision, pr_curves, roc_curves
from .segmentation import SEGMENTATION_METRICS, SegmentationTable, compare_segmentations, segmentation_table
from .surfaces import SurfaceDistances, average_surface_distance, hausdorff, surface_dice, surface_distances

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
    "paired_runs",
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
