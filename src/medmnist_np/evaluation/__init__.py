"""Evaluation of scores: AUC and ACC with confidence intervals, result files, comparison of two models, leaderboards.

Only labels are needed, at any size. Reading a file never changes it.
"""

from medmnist_np.evaluation.comparison import (
    ClassDifference,
    Comparison,
    Entry,
    RunsComparison,
    compare,
    leaderboard,
)
from medmnist_np.evaluation.evaluator import Evaluator, getACC, getAUC
from medmnist_np.evaluation.result import Evaluation
from medmnist_np.evaluation.result_files import ResultName, parse_name, read_scores, write_scores

__all__ = [
    "ClassDifference",
    "Comparison",
    "Entry",
    "Evaluation",
    "Evaluator",
    "ResultName",
    "RunsComparison",
    "compare",
    "getACC",
    "getAUC",
    "leaderboard",
    "parse_name",
    "read_scores",
    "write_scores",
]
