"""Write result files for the corruptions of BreastMNIST: `medmnist-np robustness results/*.csv` reads them."""

import numpy as np

import medmnist_np as mm
from medmnist_np.registry import SEVERITIES, corrupted_set

train, test = (mm.Dataset("breastmnist", split) for split in ("train", "test"))
means = [train[train.labels[:, 0] == number].images.mean(axis=0) for number in (0, 1)]
evaluator = mm.Evaluator("breastmnist", "test")
versions = {"means": test}
for kind in corrupted_set("breastmnist").corruptions:
    versions |= {f"means+{kind}_{severity}": test.corrupt(kind, severity) for severity in SEVERITIES}

for run, ds in versions.items():
    distances = [np.square(ds.images - mean).mean(axis=(1, 2)) for mean in means]
    evaluator.evaluate(distances[0] / (distances[0] + distances[1]), "results", run)
