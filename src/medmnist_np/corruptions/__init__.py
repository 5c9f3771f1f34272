"""How much corruptions of its images cost a model: balanced errors, BE and rBE as MedMNIST-C defines them.

Result files in; which corruption and severity one is of stands in the name of its run, as ``@resnet18+motion_blur_3``.
"""

from medmnist_np.corruptions.balanced_errors import summarise_errors
from medmnist_np.corruptions.robustness import measure_robustness
from medmnist_np.robustness.result import CorruptionErrors, Robustness
from medmnist_np.robustness.runs import RunName, parse_run

__all__ = ["CorruptionErrors", "Robustness", "RunName", "measure_robustness", "parse_run", "summarise_errors"]
