"""The file of scores that ``evaluate`` writes, and its name."""

import os

import numpy as np
from medmnist import Evaluator

evaluator = Evaluator("retinamnist", "val")
scores = np.random.rand(len(evaluator.labels), 5)
scores /= scores.sum(axis=1, keepdims=True)
os.makedirs("results")
metrics = evaluator.evaluate(scores, save_folder="results", run="model1")
evaluator.evaluate(scores.astype(np.float32), "results", run=3)
multi = Evaluator("chestmnist", "test")
multi.evaluate(np.random.rand(*multi.labels.shape), "results", "x")
names = sorted(os.listdir("results"))
print(evaluator.get_standard_evaluation_filename(metrics, run="last"))
assert "@" in evaluator.get_standard_evaluation_filename(metrics)
