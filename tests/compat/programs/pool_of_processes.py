"""A pool of processes maps the method that reads a sample."""

import multiprocessing

import numpy as np
from medmnist import AdrenalMNIST3D, DermaMNIST

with multiprocessing.get_context("fork").Pool(2) as pool:
    samples = pool.map(DermaMNIST("val").__getitem__, range(6))
    volumes = pool.map(AdrenalMNIST3D("val").__getitem__, [3, 1])
images = np.stack([np.asarray(image) for image, _ in samples])
labels = [label for _, label in samples]
sums = [float(volume.sum()) for volume, _ in volumes]
