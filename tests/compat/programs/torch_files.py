"""Tensors saved for later, with the names of the set."""

import torch
from medmnist import PneumoniaMNIST

for split in ("train", "test"):
    dataset = PneumoniaMNIST(split, download=True)
    torch.save(
        {"x": torch.tensor(dataset.imgs), "y": torch.tensor(dataset.labels), "task": dataset.info["task"]},
        f"{split}.pt",
    )
loaded = torch.load("train.pt", weights_only=True)
