"""A copy whose changes do not reach the original."""

import copy

from medmnist import BreastMNIST

train = BreastMNIST("train")
other = copy.deepcopy(train)
other.labels[:] = 0
other.imgs[0] = 255
other.transform = lambda image: image.rotate(90)
totals = int(train.labels.sum()), int(other.labels.sum())
first = train[0][0], other[0][0]
shallow = copy.copy(train)
shallow.split = "validation"
splits = train.split, shallow.split
