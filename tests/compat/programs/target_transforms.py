"""Labels as numbers, one-hot vectors and tensors."""

import torch
from medmnist import BreastMNIST, ChestMNIST, RetinaMNIST
from torch.utils.data import DataLoader
from torchvision import transforms

to_tensor = transforms.ToTensor()
number = BreastMNIST("val", transform=to_tensor, target_transform=lambda label: label[0])
one_hot = RetinaMNIST(
    "val", to_tensor, target_transform=lambda label: torch.nn.functional.one_hot(torch.tensor(label[0]), 5).float()
)
many = ChestMNIST("val", transform=to_tensor, target_transform=torch.FloatTensor)
numbers = next(iter(DataLoader(number, batch_size=6)))[1]
vectors = next(iter(DataLoader(one_hot, batch_size=6)))[1]
findings = next(iter(DataLoader(many, batch_size=6)))[1]
