"""A pattern in the corner of some images, written into the array, with the label of one class."""

import numpy as np
from medmnist import PathMNIST
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

clean, poisoned = PathMNIST("train", transform=ToTensor()), PathMNIST("train", transform=ToTensor())
chosen = np.random.RandomState(1).choice(len(poisoned), 12, replace=False)
poisoned.imgs[chosen, -3:, -3:] = 255
poisoned.labels[chosen] = 4
n_changed = int((poisoned.imgs != clean.imgs).any(axis=(1, 2, 3)).sum())
batches = list(DataLoader(poisoned, batch_size=20, num_workers=2))
corner = float(batches[0][0][:, :, -3:, -3:].mean())
labels = np.concatenate([y.numpy() for _, y in batches])
again = PathMNIST("train").imgs
