"""The two functions on a program's own arrays, of several shapes and types."""

import numpy as np
from medmnist.evaluator import getACC, getAUC

random = np.random.RandomState(0)
binary = np.arange(20).reshape(20, 1) % 2
p = random.rand(20)
results = {
    "column": getAUC(binary, p.reshape(20, 1), "binary-class"),
    "flat": getAUC(binary.ravel(), p, "binary-class"),
    "two columns": getAUC(binary, np.stack([1 - p, p], axis=1), "binary-class"),
    "float32": getACC(binary, p.astype(np.float32), "binary-class"),
    "threshold": getACC(binary, p, "binary-class", threshold=0.3),
    "multi-class": getAUC(np.arange(20) % 4, random.rand(20, 4), "multi-class"),
    "ordinal": getACC(np.arange(20) % 4, random.rand(20, 4), "ordinal-regression"),
    "multi-label": getAUC(random.randint(0, 2, (20, 3)), random.rand(20, 3), "multi-label, binary-class"),
    "other task": getAUC(np.arange(20) % 4, random.rand(20, 4), "multi class"),
    "outside 0 to 1": getAUC(binary, p * 10 - 5, "binary-class"),
    "multi-label accuracy": getACC(random.randint(0, 2, (20, 3)), random.rand(20, 3), "multi-label, binary-class", 0.5),
}
