"""All splits in one table, for an AutoML service."""

import medmnist
from medmnist import INFO


def export(flag, folder):
    for split in ["train", "val", "test"]:
        print(f"Saving {flag} {split}...")
        dataset = getattr(medmnist, INFO[flag]["python_class"])(split=split, download=True)
        dataset.save(folder, "png")


export("retinamnist", "automl")
