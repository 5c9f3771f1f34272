"""Slices of volumes as a data set of the program's own."""

import torch
from medmnist import AdrenalMNIST3D
from torch.utils.data import DataLoader, Dataset


class Slices(Dataset):
    def __init__(self, volumes, axis=0):
        self.volumes, self.axis = volumes, axis

    def __len__(self):
        return len(self.volumes) * 28

    def __getitem__(self, index):
        volume, label = self.volumes[index // 28]
        return torch.tensor(volume[0].take(index % 28, axis=self.axis)), int(label[0])


slices = Slices(AdrenalMNIST3D("val", download=True), axis=1)
x, y = next(iter(DataLoader(slices, batch_size=30)))
number = len(slices)
