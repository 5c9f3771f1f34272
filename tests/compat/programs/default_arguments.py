"""A factory that passes every argument on, with paths and None."""

from pathlib import Path

from medmnist import INFO, BreastMNIST
from medmnist.info import DEFAULT_ROOT


def make(split="train", *args, **kwargs):
    return BreastMNIST(split, *args, **kwargs)


folder = Path(DEFAULT_ROOT)
sets = [
    make(),
    make("val", None, None, False, True, folder),
    make(split="test", size=64, root=str(folder) + "/"),
    make("test", size=None, mmap_mode=None, download=0),
]
roots = [str(one.root) for one in sets]
sizes = [(one.size, one.size_flag, one.as_rgb, len(one)) for one in sets]
caught = []
for arguments in ({"size": 32}, {"root": folder / "none"}, {"size": "28"}):
    try:
        make(**arguments)
    except (AssertionError, RuntimeError):
        caught.append(len(arguments))
n_classes = len(INFO[make().flag]["label"])
