"""A set that is not there yet, downloaded to the home folder; a second opening finds it."""

import os

import medmnist
from medmnist.info import DEFAULT_ROOT

before = os.path.exists(os.path.join(DEFAULT_ROOT, "vesselmnist3d.npz"))
train = medmnist.VesselMNIST3D(split="train", download=True)
after = os.path.exists(os.path.join(DEFAULT_ROOT, "vesselmnist3d.npz"))
test = medmnist.VesselMNIST3D(split="test")
print(len(train), len(test))
