"""One array of the three splits, divided again, and a TensorDataset of it."""

import numpy as np
import torch
from medmnist import INFO, OrganCMNIST
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

parts = [OrganCMNIST(split=split) for split in INFO["organcmnist"]["n_samples"]]
x = np.concatenate([part.imgs for part in parts])
y = np.concatenate([part.labels for part in parts]).reshape(-1)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=3)
tensors = torch.from_numpy(x_train).unsqueeze(1).float() / 255, torch.tensor(y_train, dtype=torch.long)
images, labels = next(iter(DataLoader(TensorDataset(*tensors), batch_size=16)))
shapes = x.shape, y.shape, tuple(images.shape)
normalised = (x_test.astype("float32") - x.mean()) / x.std()
expanded = np.repeat(x[..., np.newaxis], 3, axis=-1)
