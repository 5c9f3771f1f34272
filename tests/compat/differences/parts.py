"""`ds[2:5]` is a data set of these samples. In the official package it is an error for images, and one array for
volumes.
"""

import medmnist

try:
    images = type(medmnist.BreastMNIST("val")[2:5]).__name__
except TypeError as error:
    images = type(error).__name__
volumes = medmnist.AdrenalMNIST3D("val")[2:5]
print(images, type(volumes).__name__, len(volumes))
# Here it prints: BreastMNIST AdrenalMNIST3D 3
# There it prints: TypeError tuple 2
