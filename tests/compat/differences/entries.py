"""`imgs` and `labels` are properties, and not in `vars(ds)`."""

import medmnist

dataset = medmnist.BreastMNIST("val")
print("imgs" in vars(dataset), "labels" in vars(dataset), hasattr(dataset, "imgs"))
# Here it prints: False False True
# There it prints: True True True
