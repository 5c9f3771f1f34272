"""K folds over all samples by indices."""

import numpy as np
from medmnist import PneumoniaMNIST
from sklearn.model_selection import KFold, StratifiedKFold
from torch.utils.data import ConcatDataset, DataLoader, Subset
from torchvision import transforms

splits = [PneumoniaMNIST(split, transform=transforms.ToTensor()) for split in ("train", "val")]
whole = ConcatDataset(splits)
labels = np.concatenate([split.labels for split in splits]).ravel()
means = []
for train_rows, test_rows in StratifiedKFold(4, shuffle=True, random_state=0).split(np.zeros(len(labels)), labels):
    loader = DataLoader(Subset(whole, test_rows), batch_size=len(test_rows))
    x, y = next(iter(loader))
    means.append((len(train_rows), x.mean(), y.float().mean()))
rows = [test_rows.tolist() for _, test_rows in KFold(3).split(splits[0])]
