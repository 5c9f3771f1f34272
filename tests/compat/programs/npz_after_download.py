"""Download by the class, then read the archive in the folder."""

import os

import numpy as np
from medmnist import BreastMNIST

os.makedirs("data", exist_ok=True)
BreastMNIST(split="train", download=True, root="data")
path = os.path.join("data", "breastmnist.npz")
found = os.path.isfile(path)
data = np.load(path)
x_train, y_train = data["train_images"], data["train_labels"]
x_val, y_val = data["val_images"], data["val_labels"]
x_test, y_test = data["test_images"], data["test_labels"]
