"""3D items: float arrays with a channel."""

import numpy as np
from medmnist import INFO, FractureMNIST3D

dataset = FractureMNIST3D(split="train", download=True)
volume, label = dataset[0]
slices = [volume[0, depth] for depth in (0, 13, 27)]
middle = (dataset.imgs[:, 14] / 255).astype(np.float32)
projection = dataset.imgs.max(axis=1)
range_ = float(volume.min()), float(volume.max())
names = [INFO["fracturemnist3d"]["label"][str(int(target[0]))] for target in dataset.labels[:5]]
