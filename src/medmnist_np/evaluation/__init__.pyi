from .comparison import ClassDifference, Comparison, Entry, Leaderboard, RunsComparison, compare, leaderboard
from .evaluator import Evaluator, getACC, getAUC
from .result import Evaluation
from .result_files import ResultName, parse_name, read_scores, write_scores

__all__ = [
    "ClassDifference",
    "Comparison",
    "Entry",
    "Evaluation",
    "Evaluator",
    "Leaderboard",
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
