"""Too few scores are an AssertionError."""

import numpy as np
from medmnist import Evaluator

evaluator = Evaluator("breastmnist", "test")
caught = []
try:
    evaluator.evaluate(np.zeros((3, 1)))
except AssertionError:
    caught.append("too few")
try:
    Evaluator("breastmnist", "test", root="nowhere")
except RuntimeError:
    caught.append("no folder")
try:
    Evaluator("kidneymnist", "test")
except FileNotFoundError:
    caught.append("no archive")
