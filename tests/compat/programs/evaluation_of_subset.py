"""Scores of a part of a split, by the labels of the evaluator."""

import numpy as np
from medmnist import INFO
from medmnist.evaluator import Evaluator, getACC, getAUC

evaluator = Evaluator("retinamnist", "test")
chosen = np.flatnonzero(evaluator.labels[:, 0] < 3)
scores = np.random.rand(len(chosen), 3)
auc = getAUC(evaluator.labels[chosen], scores, INFO["retinamnist"]["task"])
acc = getACC(evaluator.labels[chosen], scores, evaluator.info["task"])
