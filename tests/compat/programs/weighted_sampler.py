"""A sampler that draws rare classes more often."""

import numpy as np
import torch
from medmnist import DermaMNIST
from torch.utils.data import DataLoader, WeightedRandomSampler
from torchvision import transforms

train = DermaMNIST("train", transform=transforms.ToTensor())
targets = train.labels.squeeze()
weights = 1.0 / np.bincount(targets)
sampler = WeightedRandomSampler(torch.from_numpy(weights[targets]).double(), len(train), replacement=True)
y = torch.cat([labels for _, labels in DataLoader(train, batch_size=20, sampler=sampler)]).squeeze()
x, _ = next(iter(DataLoader(train, batch_size=4, sampler=sampler)))
