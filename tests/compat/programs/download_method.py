"""``download()`` of a data set that exists, after the archive was removed."""

import os

from medmnist import PneumoniaMNIST

os.makedirs("data")
dataset = PneumoniaMNIST("val", download=True, root="data")
os.remove("data/pneumoniamnist.npz")
answer = dataset.download()
back = os.path.exists("data/pneumoniamnist.npz")
number = len(dataset)
