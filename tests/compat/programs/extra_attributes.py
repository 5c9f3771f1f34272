"""Attributes of torchvision's data sets, which a program adds to the class and to a data set."""

import medmnist
from medmnist import INFO

for entry in INFO.values():
    setattr(getattr(medmnist, entry["python_class"]), "class_names", list(entry["label"].values()))
dataset = medmnist.RetinaMNIST("val")
dataset.targets = dataset.labels.flatten().tolist()
dataset.data = dataset.imgs
dataset.classes = sorted(set(dataset.targets))
dataset.class_to_idx = {str(name): name for name in dataset.classes}
dataset.name, dataset.num_classes, dataset.n_classes = "retina", 5, 5
names, targets, classes = dataset.class_names, dataset.targets[:5], dataset.classes
shapes = dataset.data.shape, len(dataset.targets)
absent = [name for name in ("samples", "loader", "indices", "mean", "std") if hasattr(dataset, name)]
del dataset.data
present = hasattr(dataset, "data")
