"""A class without a sample: the AUC is not a number, with a warning."""

import warnings

import numpy as np
from medmnist.evaluator import getAUC

truth = np.arange(20) % 3
scores = np.random.rand(20, 4)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    auc = float(getAUC(truth, scores, "multi-class"))
    one_class = float(getAUC(np.ones((6, 1), int), np.random.rand(6), "binary-class"))
warned = len(caught) > 0
