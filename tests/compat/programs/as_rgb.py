"""Gray images and volumes with three channels."""

import numpy as np
from medmnist import BreastMNIST, OrganMNIST3D, PathMNIST

gray, _ = BreastMNIST("train", as_rgb=True)[0]
color, _ = PathMNIST("train", as_rgb=True)[0]
volume, _ = OrganMNIST3D("train", as_rgb=True)[0]
equal = bool(np.array_equal(volume[0], volume[2]))
stored = BreastMNIST("train", as_rgb=True).imgs.shape
