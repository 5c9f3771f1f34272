"""Printing a data set, as every tutorial does."""

import medmnist

train = medmnist.PathMNIST(split="train", download=True)
volumes = medmnist.AdrenalMNIST3D(split="test", download=True)
larger = medmnist.BreastMNIST(split="val", size=64, download=True)
print(train)
print("===================")
print(volumes)
print("===================")
print(repr(larger))
