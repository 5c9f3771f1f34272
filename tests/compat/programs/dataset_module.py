"""Classes and old aliases out of ``medmnist.dataset``."""

import medmnist
from medmnist.dataset import BreastMNIST, OrganMNISTAxial, OrganMNISTCoronal, OrganMNISTSagittal, PathMNIST

by_old_name = {
    "organmnist_axial": OrganMNISTAxial,
    "organmnist_coronal": OrganMNISTCoronal,
    "organmnist_sagittal": OrganMNISTSagittal,
    "pathmnist": PathMNIST,
    "breastmnist": BreastMNIST,
}
flags = {name: kind.flag for name, kind in by_old_name.items()}
same = medmnist.dataset.BreastMNIST is medmnist.BreastMNIST
axial = OrganMNISTAxial is medmnist.dataset.OrganAMNIST
train = medmnist.dataset.PneumoniaMNIST(split="train", download=True)
print(len(train))
