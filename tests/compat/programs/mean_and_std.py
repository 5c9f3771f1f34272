"""Mean and standard deviation by a loop over batches."""

import torch
from medmnist import RetinaMNIST
from torch.utils.data import DataLoader
from torchvision import transforms

train = RetinaMNIST("train", transform=transforms.ToTensor(), download=True)
total, squares, pixels = torch.zeros(3), torch.zeros(3), 0
for x, _ in DataLoader(train, batch_size=16):
    total += x.sum(dim=(0, 2, 3))
    squares += (x**2).sum(dim=(0, 2, 3))
    pixels += x.numel() / 3
mean = total / pixels
std = (squares / pixels - mean**2).sqrt()
print(f"{mean.tolist()}, {std.tolist()}")
