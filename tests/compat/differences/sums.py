"""`train + val` is a `ConcatDataset` if the program has imported PyTorch, as in the official package. Otherwise it is
one data set.
"""

import os
import subprocess
import sys

program = """
import medmnist
medmnist.INFO["breastmnist"]["n_samples"] = {"train": 60, "val": 24, "test": 36}
print(type(medmnist.BreastMNIST("train") + medmnist.BreastMNIST("val")).__name__)
import torch
print(type(medmnist.BreastMNIST("train") + medmnist.BreastMNIST("val")).__name__)
"""
environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
command = [sys.executable, "-W", "ignore", "-c", program]
print(*subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split())
# Here it prints: BreastMNIST ConcatDataset
# There it prints: ConcatDataset ConcatDataset
