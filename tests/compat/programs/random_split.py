"""The train split divided, with a seed."""

import torch
from medmnist import PathMNIST
from torch.utils.data import DataLoader, random_split
from torchvision import transforms

train = PathMNIST("train", transform=transforms.ToTensor())
large, small = random_split(train, [50, 10], generator=torch.Generator().manual_seed(42))
by_share = random_split(train, [0.8, 0.2], generator=torch.Generator().manual_seed(1))
indices = list(small.indices), [len(part) for part in by_share]
x, y = next(iter(DataLoader(large, batch_size=12)))
labels = large.dataset.labels[large.indices]
flag, split = large.dataset.info["task"], large.dataset.split
item = small[3]
