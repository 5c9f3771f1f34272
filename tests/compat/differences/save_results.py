"""`save_results` works. In the official package it fails since pandas 2."""

import numpy as np
from medmnist.evaluator import save_results

try:
    save_results(np.zeros((2, 1), int), np.zeros((2, 2)), "results.csv")
    print(open("results.csv", encoding="utf-8-sig").readline().strip())
except AttributeError as error:
    print(type(error).__name__)
# Here it prints: id,true_0,score_0,score_1
# There it prints: AttributeError
