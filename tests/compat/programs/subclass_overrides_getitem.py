"""A subclass that returns the image twice, for contrastive learning, and the index."""

import numpy as np
from medmnist import PneumoniaMNIST


class TwoViews(PneumoniaMNIST):
    def __getitem__(self, index):
        image, target = self.imgs[index], self.labels[index].astype(int)
        views = [np.roll(image, np.random.randint(5), axis=axis) for axis in (0, 1)]
        return *views, target, index


dataset = TwoViews(split="train", download=True)
first, second, target, index = dataset[11]
number = len(dataset)
