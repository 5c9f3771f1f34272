"""Subsets of some classes, nested, and the labels reached through them."""

import numpy as np
from medmnist import BloodMNIST
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

train = BloodMNIST("train", transform=transforms.ToTensor(), download=True)
rows = np.flatnonzero(np.isin(train.labels[:, 0], (2, 5)))
subset = Subset(train, rows)
nested = Subset(subset, range(0, len(subset), 2))
x, y = next(iter(DataLoader(nested, batch_size=len(nested))))
labels = subset.dataset.labels[subset.indices].squeeze()
number, item = len(nested), nested[1]
