"""`len(ds)` is the number of images, also after you assigned more or fewer. In the official package it then raises
`AssertionError`.
"""

import medmnist

dataset = medmnist.BreastMNIST("train")
dataset.imgs, dataset.labels = dataset.imgs[:5], dataset.labels[:5]
try:
    print(len(dataset))
except AssertionError as error:
    print(type(error).__name__)
# Here it prints: 5
# There it prints: AssertionError
