"""A set of the user's own, with an entry in INFO and a class of its own."""

import os

import numpy as np
from medmnist import INFO
from medmnist.dataset import MedMNIST2D, MedMNIST3D

os.makedirs("data")
INFO["kidneymnist"] = {
    "python_class": "KidneyMNIST",
    "description": "Kidneys.",
    "url": "http://127.0.0.1:9/kidneymnist.npz",
    "MD5": "0" * 32,
    "task": "binary-class",
    "label": {"0": "healthy", "1": "ill"},
    "n_channels": 1,
    "n_samples": {"train": 8, "val": 4, "test": 4},
    "license": "none",
}
random = np.random.RandomState(1)
arrays = {}
for split, n in INFO["kidneymnist"]["n_samples"].items():
    arrays[f"{split}_images"] = random.randint(0, 256, (n, 28, 28), np.uint8)
    arrays[f"{split}_labels"] = (np.arange(n) % 2).astype(np.uint8).reshape(n, 1)
np.savez("kidney.npz", **arrays)
os.replace("kidney.npz", "data/kidneymnist.npz")


class KidneyMNIST(MedMNIST2D):
    flag = "kidneymnist"


dataset = KidneyMNIST("train", root="data")
number, item = len(dataset), dataset[1]
print(dataset)
picture = dataset.montage(length=2)
dataset.save("out")
os.remove("data/kidneymnist.npz")
is_volume = issubclass(KidneyMNIST, MedMNIST3D)
