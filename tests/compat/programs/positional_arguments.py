"""All arguments by position."""

import numpy as np
from medmnist import BreastMNIST
from medmnist.info import DEFAULT_ROOT

dataset = BreastMNIST("test", np.asarray, list, False, True, DEFAULT_ROOT, 28, None)
image, label = dataset[3]
