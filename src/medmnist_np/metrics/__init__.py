"""Labels and scores in, numbers out: the metrics of the MedMNIST benchmark, with NumPy alone."""

from medmnist_np.metrics.decisions import accuracy
from medmnist_np.metrics.ranking import auc

__all__ = ["accuracy", "auc"]
