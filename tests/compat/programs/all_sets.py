"""A loop over all sets."""

import medmnist
from medmnist import INFO

shapes = {}
for flag, info in INFO.items():
    DataClass = getattr(medmnist, info["python_class"])
    dataset = DataClass(split="test", download=True)
    image, label = dataset[0]
    shapes[flag] = (dataset.imgs.shape, dataset.labels.shape, label.dtype, info["n_channels"])
    assert len(dataset) == info["n_samples"]["test"]
