"""A data set to a file and back."""

import pickle

from medmnist import BreastMNIST, OrganMNIST3D

train = BreastMNIST("train", as_rgb=True)
train.labels[:5] = 1
copy = pickle.loads(pickle.dumps(train))
equal = bool((copy.imgs == train.imgs).all()), bool((copy.labels == train.labels).all())
image, label = copy[2]
settings = copy.split, copy.as_rgb, copy.size, copy.flag
volumes = pickle.loads(pickle.dumps(OrganMNIST3D("val"), protocol=2))
number = len(volumes)
filtered = BreastMNIST("val")
filtered.imgs, filtered.labels = filtered.imgs[::2].copy(), filtered.labels[::2]
small = pickle.loads(pickle.dumps(filtered))
half = small.imgs.shape, small.labels
