"""An evaluator that is found through the data set of a loader."""

import os

import medmnist
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import transforms


def evaluate(model, loader, folder):
    dataset = loader.dataset
    evaluator = medmnist.Evaluator(dataset.flag, dataset.split, size=dataset.size, root=dataset.root)
    with torch.no_grad():
        scores = torch.cat([model(x).softmax(dim=1) for x, _ in loader])
    return evaluator.evaluate(scores.numpy(), folder, run="seed0")


os.makedirs("results")
torch.manual_seed(2)
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
results = {}
for split in ("train", "val", "test"):
    dataset = medmnist.BreastMNIST(split, transform=transforms.ToTensor(), download=True)
    results[split] = evaluate(model, DataLoader(dataset, batch_size=32), "results")
names = sorted(os.listdir("results"))
through_subset = Subset(dataset, range(4)).dataset.info["python_class"]
