"""Workers that are spawned, as on Windows and macOS: the data set is pickled."""

import torch
from medmnist import BreastMNIST
from torch.utils.data import DataLoader

if __name__ == "__main__":
    train = BreastMNIST("train", transform=None, target_transform=None)
    train.labels[:20] = 0

    loader = DataLoader(
        train,
        batch_size=30,
        num_workers=1,
        multiprocessing_context="spawn",
        collate_fn=torch.utils.data.default_convert,
    )
    labels = [[int(label[0]) for _, label in batch] for batch in loader]
