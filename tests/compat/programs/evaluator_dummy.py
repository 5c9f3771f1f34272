"""The evaluator with random scores, on every kind of task."""

import numpy as np
from medmnist import Evaluator

results = {}
for flag in ("breastmnist", "retinamnist", "chestmnist", "adrenalmnist3d", "pathmnist"):
    evaluator = Evaluator(flag, "test")
    scores = np.random.rand(len(evaluator.labels), len(evaluator.info["label"]))
    if evaluator.info["task"] == "binary-class":
        scores = scores[:, 1:]
    results[flag] = evaluator.evaluate(scores)
auc, acc = results["breastmnist"]
kind = type(results["pathmnist"]).__name__, results["pathmnist"]._fields
print(f"auc: {auc:.5f}  acc: {acc:.5f}")
print(results["chestmnist"])
