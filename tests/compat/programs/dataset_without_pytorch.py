"""The official example of a loader without PyTorch: a class of the program's own on top of INFO, ROOT and NumPy."""

import os
import random
from collections.abc import Sequence

import numpy as np
from medmnist.info import DEFAULT_ROOT, INFO
from PIL import Image


class Split(Sequence):
    flag = ...

    def __init__(self, split, transform=None, target_transform=None, as_rgb=False, root=DEFAULT_ROOT):
        self.info, self.root, self.split = INFO[self.flag], root, split
        self.transform, self.target_transform, self.as_rgb = transform, target_transform, as_rgb
        path = os.path.join(self.root, f"{self.flag}.npz")
        if not os.path.exists(path):
            raise RuntimeError("no archive")
        archive = np.load(path)
        self.imgs, self.labels = archive[f"{split}_images"], archive[f"{split}_labels"]

    def __len__(self):
        return self.imgs.shape[0]

    def __getitem__(self, index):
        image, target = Image.fromarray(self.imgs[index]), self.labels[index].astype(int)
        image = image.convert("RGB") if self.as_rgb else image
        image = image if self.transform is None else self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def save(self, folder, postfix="png"):
        from medmnist.utils import save2d

        csv_path = os.path.join(folder, f"{self.flag}.csv")
        save2d(imgs=self.imgs, labels=self.labels, img_folder=os.path.join(folder, self.flag), split=self.split,
               postfix=postfix, csv_path=csv_path)  # fmt: skip

    def montage(self, length):
        from medmnist.utils import montage2d

        chosen = np.random.choice(len(self), size=length * length, replace=False)
        return montage2d(imgs=self.imgs, n_channels=self.info["n_channels"], sel=chosen)


class Breast(Split):
    flag = "breastmnist"


def loader(dataset, batch_size):
    order = []
    while True:
        batch = []
        for _ in range(batch_size):
            if not order:
                order = list(range(len(dataset)))
                random.shuffle(order)
            batch.append(dataset[order.pop()])
        yield np.array([np.array(image) for image, _ in batch]), np.array([label for _, label in batch])


dataset = Breast("train")
number, item = len(dataset), dataset[0]
x, y = next(loader(dataset, 12))
picture = dataset.montage(3)
Breast("val").save("out")
