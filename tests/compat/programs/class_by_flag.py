"""The class of each set is looked up by the name that INFO gives."""

import medmnist
from medmnist import INFO

classes = {}
for flag in INFO:
    DataClass = getattr(medmnist, INFO[flag]["python_class"])
    classes[flag] = (DataClass.__name__, DataClass.flag, DataClass.available_sizes)
    assert issubclass(DataClass, medmnist.dataset.MedMNIST)
print(len(classes), "classes")
