"""Equal parts for clients, written to files."""

import os

import numpy as np
from medmnist import BreastMNIST

train = BreastMNIST("train")
order = np.random.permutation(len(train))
os.makedirs("clients")
sizes = []
for number, part in enumerate(np.array_split(order, 4)):
    np.savez(f"clients/{number}.npz", x=train.imgs[part], y=train.labels[part])
    with np.load(f"clients/{number}.npz") as client:
        sizes.append(client["x"].shape)
    os.remove(f"clients/{number}.npz")
