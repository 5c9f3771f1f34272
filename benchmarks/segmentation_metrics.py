"""Metrics of masks against MONAI and MedPy, on the same masks.

    MEDMNIST_SEGMENTATION_PYTHON=... python -m benchmarks.segmentation_metrics

The variable names an interpreter whose environment has monai and medpy. Each process measures warm: after one call, the
median of several. MONAI has its tensors made before, one channel and one case,
and one thread, as the others have.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measuring import Pairs, Run, elsewhere, heading, in_turn, process, row

SEGMENTATION_PYTHON = os.environ.get("MEDMNIST_SEGMENTATION_PYTHON")

N_PAIRS = 3

# Shape, radii in voxels, spacing in mm, calls of which the median is taken.
CASES: dict[str, tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...], int]] = {
    "512 x 512, a lesion": ((512, 512), (90, 120), (1, 1), 15),
    "36 x 50 x 35, a hippocampus": ((36, 50, 35), (9, 20, 8), (1, 1, 1), 15),
    "192 x 192 x 96, a liver": ((192, 192, 96), (68, 60, 34), (2, 2, 3), 1),
}

TIMED = """
import json, statistics, sys, warnings
warnings.simplefilter("ignore")
from time import perf_counter
import numpy as np
_, file, spacing_mm, n_calls = sys.argv
spacing_mm = json.loads(spacing_mm)
a, b = np.load(file)

def timed(functions):
    found = {}
    for name, function in functions.items():
        value = float(np.ravel(function())[-1])
        times = []
        for _ in range(int(n_calls)):
            start = perf_counter()
            function()
            times.append(perf_counter() - start)
        found[name] = (statistics.median(times) * 1000, value)
    print(json.dumps(found))
"""

# "all" ends with the average surface distance, so that its value can be compared.
OURS = f"""{TIMED}
from medmnist_np.metrics import dice, hausdorff, segmentation_table
metrics = ["dice", "hausdorff_95", "surface_dice", "average_surface_distance"]
timed({{
    "Dice": lambda: dice(a, b),
    "Hausdorff 95": lambda: hausdorff(a, b, spacing_mm=spacing_mm, percentile=95),
    "all": lambda: segmentation_table([a], [b], spacing_mm=spacing_mm, metrics=metrics, tolerance_mm=2).values,
}})
"""

MONAI = f"""{TIMED}
import torch
torch.set_num_threads(1)  # as many as the others use
from monai.metrics import DiceHelper, compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
r, p = (torch.as_tensor(mask[None, None]) for mask in (a, b))
also = {{"include_background": True, "spacing": spacing_mm}}
functions = {{
    "Dice": lambda: DiceHelper(include_background=True, get_not_nans=False)(p, r),
    "Hausdorff 95": lambda: compute_hausdorff_distance(p, r, percentile=95, **also),
    "surface Dice": lambda: compute_surface_dice(p, r, [2.0], **also),
    "average": lambda: compute_average_surface_distance(p, r, symmetric=True, **also),
}}
every = list(functions.values())
timed({{**functions, "all": lambda: [float(function()) for function in every]}})
"""

MEDPY = f"""{TIMED}
from medpy.metric import binary
functions = {{
    "Dice": lambda: binary.dc(b, a),
    "Hausdorff 95": lambda: binary.hd95(b, a, spacing_mm),
    "average": lambda: binary.assd(b, a, spacing_mm),
}}
every = list(functions.values())
timed({{**functions, "all": lambda: [float(function()) for function in every]}})
"""

# What "all" is, and whether the percentile is taken by the same rule.
PEERS = {
    "MONAI": (MONAI, "Dice, Hausdorff 95, average, surface Dice", True),
    "MedPy": (MEDPY, "its Dice, Hausdorff 95, average", False),
}


def write_masks(file: str, shape: tuple[int, ...], radii: tuple[float, ...]) -> None:
    """Write a reference and a prediction: ellipsoids with waves on them, moved a little against each other."""
    import numpy as np

    masks = []
    for shift in (0, 2):
        off = [(np.arange(n) - n / 2 - shift) / radius for n, radius in zip(shape, radii, strict=True)]
        places = np.meshgrid(*off, indexing="ij", sparse=True)
        waves: Any = sum(np.sin(5 * place + shift) for place in places)
        distance: Any = sum(place**2 for place in places)
        masks.append((distance < 1 + 0.08 * waves).astype(np.uint8))
    np.save(file, np.stack(masks))


def compare(what: str, file: str) -> None:
    """Print the rows of one pair of masks."""
    _, _, spacing_mm, n_calls = CASES[what]
    arguments = (file, json.dumps(spacing_mm), str(n_calls))
    for peer, (script, everything, same_rule) in PEERS.items():

        def theirs(script: str = script) -> Run:
            return process("-c", script, *arguments, python=str(SEGMENTATION_PYTHON))

        runs = in_turn(theirs, lambda: process("-c", OURS, *arguments), N_PAIRS)
        found = [[json.loads(run.printed) for run in series] for series in runs]
        for metric in ("Dice", "Hausdorff 95", "all"):
            values = [series[0][metric][1] for series in found]
            if abs(values[0] - values[1]) > 1e-4 and (same_rule or metric != "Hausdorff 95"):
                raise SystemExit(f"{what}, {metric}: {peer} gives {values[0]}, this package {values[1]}")
            times = [[run[metric][0] for run in series] for series in found]
            name = everything if metric == "all" else metric
            row(f"{what}: {name}, {peer} / this", Pairs(*times), "ms", at_least=1)


def main() -> None:
    heading("Metrics of masks: how many times as long MONAI and MedPy take", "the other", "this")
    if SEGMENTATION_PYTHON is None:
        print("MEDMNIST_SEGMENTATION_PYTHON is not set: nothing is compared.")
        return
    with tempfile.TemporaryDirectory() as folder:
        for what, (shape, radii, _, _) in CASES.items():
            file = str(Path(folder, f"{len(shape)}-{shape[0]}.npy"))
            elsewhere(write_masks, file, shape, radii)
            compare(what, file)


if __name__ == "__main__":
    main()
