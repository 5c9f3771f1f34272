"""A collate function of the program's own."""

import numpy as np
import torch
from medmnist import PathMNIST
from torch.utils.data import DataLoader


def collate(samples):
    images, labels = zip(*samples, strict=True)
    x = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2).float() / 255
    return {"pixel_values": x, "labels": torch.as_tensor(np.concatenate(labels))}


loader = DataLoader(PathMNIST("val"), batch_size=10, collate_fn=collate)
batches = list(loader)
first = batches[0]
