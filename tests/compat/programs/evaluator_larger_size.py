"""The evaluator of a larger size, and its attributes."""

import numpy as np
from medmnist import Evaluator
from medmnist.info import DEFAULT_ROOT

evaluator = Evaluator("breastmnist", "test", size=64, root=DEFAULT_ROOT)
attributes = evaluator.flag, evaluator.split, evaluator.size, evaluator.size_flag, evaluator.root
task, labels = evaluator.info["task"], evaluator.labels
metrics = evaluator.evaluate(np.linspace(0, 1, len(labels)), ".", run="r")
keywords = Evaluator(flag="adrenalmnist3d", split="val", size=28).labels
