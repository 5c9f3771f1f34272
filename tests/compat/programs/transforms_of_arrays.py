"""Callables on NumPy arrays, for instance of an augmentation library."""

import numpy as np
from medmnist import BreastMNIST, SynapseMNIST3D


class Augment:
    def __call__(self, image):
        array = np.asarray(image, dtype=np.float32)
        return np.ascontiguousarray(array[:, ::-1]) / 255


def noisy(volume):
    return volume + np.random.normal(0, 0.1, volume.shape)


flat = BreastMNIST("train", transform=Augment(), target_transform=lambda label: int(label[0]))
image, label = flat[5]
volumes = SynapseMNIST3D("train", transform=noisy)
volume, target = volumes[1]
flat.transform = None
plain = flat[5]
flat.target_transform = lambda label: np.eye(2)[label]
one_hot = flat[5][1]
