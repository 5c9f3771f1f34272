"""`imgs` and `labels` are properties. They are not in `vars(ds)`, and each access returns a new view of the same
memory.
"""

import medmnist
import numpy as np

dataset = medmnist.BreastMNIST("val")
print("imgs" in vars(dataset), dataset.imgs is dataset.imgs, np.shares_memory(dataset.imgs, dataset.imgs))
# Here it prints: False False True
# There it prints: True True True
