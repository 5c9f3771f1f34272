"""What a library asks of a data set: its type, and that it is not a batch."""

import torch
from medmnist import AdrenalMNIST3D, BreastMNIST
from medmnist.dataset import MedMNIST, MedMNIST2D, MedMNIST3D
from torch.utils.data import Dataset, IterableDataset

flat, volumes = BreastMNIST("val"), AdrenalMNIST3D("val")
checks = {
    "data sets": [isinstance(one, Dataset) for one in (flat, volumes)],
    "iterable": isinstance(flat, IterableDataset),
    "2D": [isinstance(one, MedMNIST2D) for one in (flat, volumes)],
    "3D": [isinstance(one, MedMNIST3D) for one in (flat, volumes)],
    "base": [issubclass(kind, Dataset) for kind in (MedMNIST, MedMNIST2D, MedMNIST3D, BreastMNIST)],
    "batched": hasattr(flat, "__getitems__"),
}
parameters = torch.utils.data.Dataset[torch.Tensor] is not None
