"""``download=True`` for each split, which downloads once."""

import os

from medmnist import DermaMNIST

os.makedirs("data")
lengths = {}
_times = []
for split in ("train", "val", "test"):
    lengths[split] = len(DermaMNIST(split=split, download=True, root="./data"))
    _times.append(os.path.getmtime("data/dermamnist.npz"))
same_file = len(set(_times)) == 1
there = os.path.exists("data/dermamnist.npz")
