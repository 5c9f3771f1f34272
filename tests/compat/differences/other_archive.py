"""With `download=True`, an archive that has the official name but other contents is used, with a warning. The
official package replaces it.
"""

import os
import warnings

import medmnist
import numpy as np

images, labels = np.zeros((4, 28, 28), np.uint8), np.zeros((4, 1), np.uint8)
arrays = {}
for split in ("train", "val", "test"):
    arrays |= {f"{split}_images": images, f"{split}_labels": labels}
np.savez("breastmnist.npz", **arrays)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    dataset = medmnist.BreastMNIST("val", download=True, root=os.getcwd())
print(len(dataset.imgs), any("is not the official archive" in str(one.message) for one in caught))
# Here it prints: 4 True
# There it prints: 24 False
