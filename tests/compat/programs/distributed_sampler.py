"""The part of a process in distributed training."""

import torch
from medmnist import PathMNIST
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from torchvision import transforms

train = PathMNIST("train", transform=transforms.ToTensor())
parts = []
for rank in (0, 1):
    sampler = DistributedSampler(train, num_replicas=2, rank=rank, shuffle=True, seed=3)
    sampler.set_epoch(1)
    parts.append(torch.cat([y for _, y in DataLoader(train, batch_size=15, sampler=sampler)]).squeeze())
