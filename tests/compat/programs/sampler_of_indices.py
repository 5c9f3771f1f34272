"""Samplers of chosen rows, as active learning has them."""

import numpy as np
import torch
from medmnist import RetinaMNIST
from torch.utils.data import BatchSampler, DataLoader, SubsetRandomSampler
from torchvision import transforms

train = RetinaMNIST("train", transform=transforms.ToTensor())
pool = np.random.permutation(len(train)).tolist()
labelled, unlabelled = pool[:20], pool[20:]
history = []
for _ in range(3):
    loader = DataLoader(train, batch_size=10, sampler=SubsetRandomSampler(labelled))
    history.append(torch.cat([y for _, y in loader]).float().mean())
    labelled, unlabelled = labelled + unlabelled[:5], unlabelled[5:]
groups = BatchSampler(range(len(train)), batch_size=6, drop_last=False)
sizes = [len(x) for x, _ in DataLoader(train, batch_sampler=groups)]
