"""Tensors that share the memory of the arrays, changed in place."""

import torch
from medmnist import BreastMNIST, PathMNIST
from torch.utils.data import DataLoader, TensorDataset

train = PathMNIST("train", download=True)
images = torch.from_numpy(train.imgs)
labels = torch.from_numpy(train.labels).long().squeeze()
x = images.permute(0, 3, 1, 2).float().div(255)
dataset = TensorDataset(x, labels)
batch = next(iter(DataLoader(dataset, batch_size=16, shuffle=True)))
images[0] = 0
images.bitwise_xor_(1)
shared = train[0][0]
as_tensor = torch.as_tensor(BreastMNIST("train").imgs)
as_tensor.add_(1)
labels_in_place = torch.from_numpy(train.labels)
labels_in_place.zero_()
zeroed = train.labels[:4]
fresh = PathMNIST("train").imgs[0].mean()
