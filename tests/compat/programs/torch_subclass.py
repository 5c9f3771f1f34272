"""A subclass that returns tensors of the arrays themselves, skipping PIL."""

import torch
from medmnist import BreastMNIST
from torch.utils.data import DataLoader


class Tensors(BreastMNIST):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.imgs = torch.from_numpy(self.imgs).unsqueeze(1).float() / 255
        self.labels = torch.from_numpy(self.labels).long().squeeze(1)

    def __len__(self):
        return self.imgs.shape[0]

    def __getitem__(self, index):
        return self.imgs[index], self.labels[index]


train = Tensors("train", download=True)
x, y = next(iter(DataLoader(train, batch_size=20, shuffle=True)))
ones = int((train.labels == 1).sum())
