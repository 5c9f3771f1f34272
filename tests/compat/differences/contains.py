"""`sample in ds` raises `TypeError`. The official package compares the samples."""

import medmnist

dataset = medmnist.BreastMNIST("val")
sample = dataset[0]
try:
    print(sample in dataset)
except TypeError as error:
    print(type(error).__name__)
# Here it prints: TypeError
# There it prints: True
