"""The larger sizes."""

from medmnist import AdrenalMNIST3D, BreastMNIST, RetinaMNIST

shapes = {}
for kind, size in ((BreastMNIST, 28), (BreastMNIST, 64), (BreastMNIST, 224), (RetinaMNIST, 128), (AdrenalMNIST3D, 64)):
    dataset = kind(split="val", download=True, size=size)
    shapes[f"{kind.flag}{dataset.size_flag}"] = dataset.imgs.shape
large, label = BreastMNIST("test", size=224, as_rgb=True)[2]
volume, target = AdrenalMNIST3D("test", size=64)[2]
