"""A small 3D network on batches of volumes."""

import torch
from medmnist import INFO, NoduleMNIST3D
from torch import nn
from torch.utils.data import DataLoader


class ToFloat:
    def __call__(self, volume):
        return torch.from_numpy(volume).float()


train = NoduleMNIST3D("train", transform=ToFloat(), download=True)
x, y = next(iter(DataLoader(train, batch_size=4)))
torch.manual_seed(0)
model = nn.Sequential(nn.Conv3d(1, 2, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 9**3, 2))
loss = nn.functional.cross_entropy(model(x), y.squeeze().long())
loss.backward()
gradient = model[0].weight.grad
doubles, _ = next(iter(DataLoader(NoduleMNIST3D("train", as_rgb=True), batch_size=2)))
n_classes = len(INFO["nodulemnist3d"]["label"])
