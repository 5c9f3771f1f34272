"""Training and validation part of one split, with a transform for each that is set afterwards."""

import copy

import numpy as np
import torch
from medmnist import BreastMNIST
from torch.utils.data import DataLoader, random_split
from torchvision import transforms

whole = BreastMNIST("train", transform=transforms.ToTensor())
train, val = random_split(whole, [45, 15], generator=torch.Generator().manual_seed(2))
val.dataset = copy.copy(whole)
train.dataset.transform = lambda image: transforms.ToTensor()(image) * 2
val.dataset.target_transform = lambda label: torch.tensor(label[0])
x, y = next(iter(DataLoader(train, batch_size=5)))
x_val, y_val = next(iter(DataLoader(val, batch_size=5)))
labels = train.dataset.labels[train.indices]
pictures = val.dataset.imgs[np.array(val.indices)]
same = train.dataset is whole, np.shares_memory(val.dataset.labels, whole.labels)
