"""Loaders with the default collation, in order and shuffled, of images and of volumes."""

import torch
from medmnist import BreastMNIST, VesselMNIST3D
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

train = BreastMNIST("train", transform=transforms.ToTensor(), download=True)
assert isinstance(train, Dataset)
batches = list(DataLoader(train, batch_size=25))
x, y = next(iter(DataLoader(train, batch_size=8, shuffle=True, drop_last=True)))
seen = torch.cat([labels for _, labels in DataLoader(train, batch_size=7, shuffle=True)]).sum()
volumes = VesselMNIST3D("val", download=True)
deep, targets = next(iter(DataLoader(volumes, batch_size=4)))
total = len(DataLoader(train, batch_size=8)), len(DataLoader(train, batch_size=8).dataset)
