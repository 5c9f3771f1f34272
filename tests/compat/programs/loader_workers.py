"""A loader with worker processes, of a data set with changed labels."""

import torch
from medmnist import BreastMNIST, RetinaMNIST
from torch.utils.data import DataLoader
from torchvision import transforms

train = BreastMNIST("train", transform=transforms.ToTensor())
train.labels[:20] = 0
x = torch.cat([images for images, _ in DataLoader(train, batch_size=16, num_workers=2)])
y = torch.cat([labels for _, labels in DataLoader(train, batch_size=16, num_workers=2)])
halved = RetinaMNIST("train", transform=transforms.PILToTensor())
halved.imgs, halved.labels = halved.imgs[:30], halved.labels[:30]
halved.info = {**halved.info, "n_samples": {"train": 30}}
z = torch.cat([images for images, _ in DataLoader(halved, batch_size=10, num_workers=1)])
