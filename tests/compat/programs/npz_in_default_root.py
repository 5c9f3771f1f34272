"""The archive itself, read by NumPy."""

import os

import numpy as np
from medmnist.info import DEFAULT_ROOT, INFO

flag = "breastmnist"
with np.load(os.path.join(DEFAULT_ROOT, f"{flag}.npz")) as archive:
    members = sorted(archive.files)
    shapes = {name: archive[name].shape for name in members}
    train_images, train_labels = archive["train_images"], archive["train_labels"]
assert len(train_images) == INFO[flag]["n_samples"]["train"]
