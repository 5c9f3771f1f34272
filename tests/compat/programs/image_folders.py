"""A folder per class, for programs that read such folders."""

import os

from medmnist import INFO, BreastMNIST

for split in ("train", "val"):
    dataset = BreastMNIST(split=split, download=True)
    for number, (image, label) in enumerate(dataset):
        name = INFO["breastmnist"]["label"][str(int(label[0]))].replace(", ", "_").replace(" ", "_")
        folder = os.path.join("images", split, name)
        os.makedirs(folder, exist_ok=True)
        image.save(os.path.join(folder, f"{number:05d}.png"))
counts = {folder: len(files) for folder, _, files in os.walk("images") if files}
