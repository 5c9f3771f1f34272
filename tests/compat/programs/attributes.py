"""The attributes that public code reads."""

from medmnist import AdrenalMNIST3D, BreastMNIST

flat = BreastMNIST("train", size=64, as_rgb=True)
volumes = AdrenalMNIST3D("val", size=64)
n_classes = len(flat.info["label"])
n_channels = 3 if flat.as_rgb else flat.info["n_channels"]
folder = f"{flat.flag}{flat.size_flag}_{flat.split}"
sizes = BreastMNIST.available_sizes, AdrenalMNIST3D.available_sizes
flags = BreastMNIST.flag, AdrenalMNIST3D.flag
