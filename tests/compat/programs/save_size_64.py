"""Files of a larger size have the size in the folder's name."""

import os

from medmnist import BreastMNIST

dataset = BreastMNIST("val", size=64)
dataset.save("out")
written = sorted(os.listdir("out"))
