"""``python -m medmnist evaluate`` of a file of scores."""

import glob

import medmnist.__main__ as program
import numpy as np
from medmnist import Evaluator

evaluator = Evaluator("breastmnist", "test")
evaluator.evaluate(np.random.rand(len(evaluator.labels), 2), ".", run="a")
program.evaluate(glob.glob("*.csv")[0])
