"""Labels are replaced by a vector, by floats and by one-hot rows, as in studies of noisy labels."""

import numpy as np
from medmnist import BloodMNIST, PneumoniaMNIST

dataset = PneumoniaMNIST("train")
dataset.labels = dataset.labels.squeeze()
first = dataset[0][1]
kind = type(first).__name__
flipped = np.random.RandomState(0).rand(len(dataset)) < 0.2
dataset.labels[flipped] = 1 - dataset.labels[flipped]
few = [dataset[i][1] for i in range(8)]

colors = BloodMNIST("train", download=True)
colors.labels = colors.labels.astype(np.float32)
as_float = colors[3][1]
colors.labels = np.eye(8, dtype=np.uint8)[colors.labels.astype(int).ravel()]
one_hot = colors[3][1]
