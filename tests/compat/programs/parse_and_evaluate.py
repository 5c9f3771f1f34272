"""A file of scores, evaluated again, which prints and writes."""

import os

import numpy as np
from medmnist import Evaluator

evaluator = Evaluator("breastmnist", "test")
os.makedirs("results")
evaluator.evaluate(np.random.rand(len(evaluator.labels), 2), "results", run="one")
name = os.listdir("results")[0]
again = Evaluator.parse_and_evaluate(os.path.join("results", name))
renamed = Evaluator.parse_and_evaluate(os.path.join("results", name), run="two")
names = sorted(os.listdir("results"))
