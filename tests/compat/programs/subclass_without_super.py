"""A subclass whose ``__init__`` reads the archive itself and does not call the base class."""

import os

import numpy as np
import medmnist
from medmnist.info import DEFAULT_ROOT, INFO

DataClass = getattr(medmnist, INFO["retinamnist"]["python_class"])


class Retina(DataClass):
    def __init__(self, split, augment=False, target_transform=None, as_rgb=False, root=DEFAULT_ROOT):
        self.info = INFO[self.flag]
        self.root = root
        self.size, self.size_flag = 28, ""
        self.split = split
        self.transform = (lambda image: np.asarray(image)[::-1]) if augment else None
        self.target_transform = target_transform
        self.as_rgb = as_rgb
        archive = np.load(os.path.join(self.root, f"{self.flag}.npz"))
        self.imgs = archive[f"{split}_images"]
        self.labels = archive[f"{split}_labels"]


dataset = Retina("train", augment=True)
number, item = len(dataset), dataset[4]
picture = dataset.montage(length=3)
labels = [int(label[0]) for _, label in dataset][:6]
print(dataset)
