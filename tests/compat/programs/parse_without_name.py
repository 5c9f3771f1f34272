"""A file of scores with a short name, rows in another order, and a run of one's own."""

import os

import numpy as np
import pandas as pd
from medmnist import Evaluator

evaluator = Evaluator("pneumoniamnist", "val")
scores = np.random.rand(len(evaluator.labels), 1)
pd.DataFrame(scores).sample(frac=1, random_state=0).to_csv("pneumoniamnist_val.csv", header=None)
metrics = Evaluator.parse_and_evaluate("pneumoniamnist_val.csv", run="mine")
direct = evaluator.evaluate(scores)
caught = False
try:
    Evaluator.parse_and_evaluate("pneumoniamnist_val.csv")
except AssertionError:
    caught = True
names = sorted(os.listdir("."))
