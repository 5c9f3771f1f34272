"""Clients as subsets with loaders of their own, and weights averaged over one round."""

import numpy as np
import torch
from medmnist import BreastMNIST
from torch import nn
from torch.utils.data import DataLoader, Subset, random_split
from torchvision import transforms

train = BreastMNIST("train", transform=transforms.ToTensor(), download=True)
lengths = [len(train) // 3] * 3
clients = random_split(train, lengths, generator=torch.Generator().manual_seed(0))
by_label = [Subset(train, np.flatnonzero(train.labels[:, 0] == label)) for label in (0, 1)]
states = []
for client in (*clients, *by_label):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in DataLoader(client, batch_size=10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y.flatten().long()).backward()
        optimizer.step()
    states.append(model.state_dict())
average = {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}
labels = [client.dataset.labels[client.indices].mean() for client in clients]
