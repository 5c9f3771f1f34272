"""Images without their labels, for a model that reconstructs them."""

import torch
from medmnist import OCTMNIST
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

train = OCTMNIST(split="train", transform=transforms.ToTensor(), download=True, as_rgb=False)
torch.manual_seed(0)
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 784), nn.Unflatten(1, (1, 28, 28)))
losses = []
for images, _ in DataLoader(train, batch_size=20):
    losses.append(nn.functional.mse_loss(model(images), images).item())
corrupted = torch.stack([image + 0.1 * torch.randn_like(image) for image, _ in [train[i] for i in range(4)]])
