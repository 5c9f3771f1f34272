"""Train on patches of volumes and test on whole ones: which gray value is hippocampus? By NumPy alone.

The first run downloads 28 MB; it needs ``pip install 'medmnist-np[nifti]'``.
"""

from __future__ import annotations

import numpy as np

import medmnist_np as mm
from medmnist_np.metrics import segmentation_table


def main() -> None:
    """Choose the threshold with the best Dice on patches, and measure it on the cases that were split off."""
    train, val = mm.VolumeDataset("msd/hippocampus", split="train").split_off(0.2, seed=0)
    patches = train.patches((24, 24, 24), per_volume=2, foreground=1.0)
    # Gray values differ between scanners, so they are told as multiples of each patch's mean.
    thresholds = np.linspace(0.5, 3, 26)
    overlap, total = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    for batch in patches.batches(16, shuffle=True, dtype="float32"):
        images = batch.images / batch.images.mean(axis=(1, 2, 3), keepdims=True)
        wanted = batch.masks > 0
        for number, threshold in enumerate(thresholds):
            found = images > threshold
            overlap[number] += np.count_nonzero(found & wanted)
            total[number] += np.count_nonzero(found) + np.count_nonzero(wanted)
    best = thresholds[np.argmax(2 * overlap / total)]

    predictions = (volume > best * volume.mean() for volume, _ in val)
    references = (mask > 0 for _, mask in val)
    table = segmentation_table(
        references, predictions, spacing_mm=val.spacing_mm, cases=val.cases, labels=[1], metrics=["dice"]
    )
    print(f"{len(patches)} patches of {len(train)} volumes; threshold {best:.1f} times the mean")
    print(f"Dice on {len(val)} volumes: {table.interval('dice')}")


if __name__ == "__main__":
    main()
