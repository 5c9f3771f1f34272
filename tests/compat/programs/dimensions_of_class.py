"""A program that decides by the class: 2D or 3D, its sizes, its flag."""

import inspect

import medmnist
import medmnist.dataset as source
from medmnist import INFO


def options(flag):
    kind = getattr(medmnist, INFO[flag]["python_class"])
    volumes = issubclass(kind, source.MedMNIST3D)
    return kind.flag, volumes, issubclass(kind, source.MedMNIST2D), kind.available_sizes[-1]


found = [options(name) for name in INFO]
_classes = {name: kind for name, kind in vars(source).items() if inspect.isclass(kind)}
sets = sorted(name for name, kind in _classes.items() if issubclass(kind, source.MedMNIST) and kind.flag is not ...)
bases = [kind.__name__ for kind in source.MedMNIST3D.__mro__ if kind.__name__.startswith("MedMNIST")]
by_flag = {_flag: name for name, kind in sorted(_classes.items()) if (_flag := getattr(kind, "flag", ...)) in INFO}
