"""Corruptions against the reference implementation, on the same images: time, memory and how near the images are.

    MEDMNIST_C_PYTHON=... MEDMNIST_NP_TEST_DATA=... python -m benchmarks.corruptions

MEDMNIST_C_PYTHON is an interpreter whose environment has medmnistc, NumPy below 2.3 and ImageMagick. Times are of
made-up images, those of `benchmarks.pictures`; differences are of them and of real images, enlarged to 224 px.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.measuring import Pairs, Run, difference_row, elsewhere, heading, in_turn, process, row

MEDMNIST_C_PYTHON = os.environ.get("MEDMNIST_C_PYTHON")
TEST_DATA = os.environ.get("MEDMNIST_NP_TEST_DATA")

N_PAIRS = 3
N_IMAGES = 16
N_COMPARED = 12
SETS = ("dermamnist", "pathmnist", "organamnist", "breastmnist")

# Whether a set is of RGB images.
IS_RGB = {"dermamnist": True, "pathmnist": True, "organamnist": False, "breastmnist": False, "octmnist": False}

# Corruptions without chance, and motion blur at given angles, on sets that between them have all of them.
COMPARED = {
    "dermamnist": "pixelate jpeg_compression defocus_blur motion_blur zoom_blur brightness_up brightness_down "
    "contrast_up contrast_down black_corner",
    "pathmnist": "saturate",
    "organamnist": "pixelate jpeg_compression gaussian_blur brightness_up brightness_down contrast_up contrast_down "
    "gamma_corr_up gamma_corr_down",
    "breastmnist": "motion_blur",
    "octmnist": "defocus_blur",
}

# Both print seconds by corruption, and write the images where a folder is named. Angles are the same for both.
OURS = """
import json, sys
import numpy as np
import PIL.ImageFont, scipy.fft  # the reference imports all that it uses at its start
from time import perf_counter
from medmnist_np.corruptions import corrupt, image_seeds
from medmnist_np.registry import corrupted_set
_, file, name, only, folder = sys.argv
images = np.load(file)
facts = corrupted_set(name)
seconds = {}
for corruption in only.split() or facts.corruptions:
    start = perf_counter()
    made = []
    for severity in range(1, 6):
        seeds = image_seeds(0, corruption, severity, range(len(images)))
        parameters = facts.parameters(corruption, severity)
        if folder and corruption == "motion_blur":
            from medmnist_np.corruptions.blur import moved
            angles = np.linspace(-45, 45, len(images))
            batch = np.stack([moved(image, *parameters, angle) for image, angle in zip(images, angles)])
        else:
            batch = corrupt(images, corruption, parameters, seeds)
        if folder:
            made.append(batch)
    seconds[corruption] = perf_counter() - start
    if folder:
        np.save(f"{folder}/{corruption}.npy", np.stack(made))
print(json.dumps(seconds))
"""

REFERENCE = """
import json, random, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from time import perf_counter
from PIL import Image
from medmnistc.corruptions.registry import CORRUPTIONS_DS, DATASET_RGB
_, file, name, only, folder = sys.argv
images = np.load(file)
uniform = np.random.uniform
seconds = {}
for corruption in only.split() or CORRUPTIONS_DS[name]:
    corruptor = CORRUPTIONS_DS[name][corruption]
    corruptor.rng = np.random.default_rng(0)
    start = perf_counter()
    made = []
    for severity in range(5):
        angles = iter(np.linspace(-45, 45, len(images)))
        if folder and corruption == "motion_blur":
            np.random.uniform = lambda *limits: next(angles)
        for image in images:
            picture = corruptor.apply(Image.fromarray(image).convert("RGB"), severity)
            if not DATASET_RGB[name]:
                picture = np.array(Image.fromarray(picture).convert("L"))
            made.append(picture)
    np.random.uniform = uniform
    seconds[corruption] = perf_counter() - start
    if folder:
        np.save(f"{folder}/{corruption}.npy", np.stack(made).reshape(5, *images.shape))
print(json.dumps(seconds))
"""


def write_images(file: str, is_rgb: bool, n: int, real: str | None = None) -> None:
    """Write images of 224 px: natural ones, and before them as many real ones if a folder of archives is given."""
    import numpy as np
    from PIL import Image

    from benchmarks.pictures import natural_images

    images = natural_images(n) if is_rgb else natural_images(n)[..., 1]
    if real is not None:
        with np.load(Path(real) / "medmnist" / f"{'retina' if is_rgb else 'breast'}mnist.npz") as archive:
            small = archive["test_images"][:n]
        large = [np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC)) for image in small]
        images = np.concatenate([np.stack(large), images])
    np.save(file, images)


def largest_differences(ours: str, theirs: str) -> list[tuple[str, int, float]]:
    """Return for each corruption the largest difference in gray levels and the share of values that differ."""
    import numpy as np

    found = []
    for file in sorted(Path(ours).glob("*.npy")):
        difference = np.abs(np.load(file).astype(np.int16) - np.load(Path(theirs) / file.name))
        found.append((file.stem, int(difference.max()), float((difference > 0).mean())))
    return found


def time_set(name: str, file: str) -> None:
    """Print a row for each corruption of a set, and for all."""

    def seconds(runs: list[Run]) -> list[Counter[str]]:
        return [Counter(json.loads(run.printed)) for run in runs]

    ours, theirs = in_turn(
        lambda: process("-c", OURS, file, name, "", ""),
        lambda: process("-c", REFERENCE, file, name, "", "", python=str(MEDMNIST_C_PYTHON)),
        N_PAIRS,
    )
    per_image = 1000 / (5 * N_IMAGES)
    ours_by_name, theirs_by_name = seconds(ours), seconds(theirs)
    for corruption in ours_by_name[0]:
        pairs = [[run[corruption] * per_image for run in runs] for runs in (ours_by_name, theirs_by_name)]
        row(f"{name}: {corruption}", Pairs(*pairs), "ms an image")
    totals = [[run.total() * per_image for run in runs] for runs in (ours_by_name, theirs_by_name)]
    row(f"{name}: all of them", Pairs(*totals), "ms an image", at_most=0.5 if name == "dermamnist" else None)
    difference_row(f"{name}: peak memory", Pairs([run.peak_mb for run in ours], [run.peak_mb for run in theirs]), "MB")
    print(f"\npeak memory of this package: {max(run.peak_mb for run in ours):.0f} MB (target: 300)\n")


def compare(name: str, only: str, folder: str) -> list[Any]:
    """Make images of a set with both, and return the differences."""
    file = f"{folder}/{name}.npy"
    elsewhere(write_images, file, IS_RGB[name], N_COMPARED, TEST_DATA)
    places = [Path(folder) / f"{name}_{who}" for who in ("ours", "theirs")]
    for place in places:
        place.mkdir()
    process("-c", OURS, file, name, only, str(places[0]))
    process("-c", REFERENCE, file, name, only, str(places[1]), python=str(MEDMNIST_C_PYTHON))
    found: list[Any] = elsewhere(largest_differences, *map(str, places))
    return found


def main() -> None:
    heading("Corruptions, five severities, against the reference implementation")
    if MEDMNIST_C_PYTHON is None:
        print("\nNot measured; set MEDMNIST_C_PYTHON to an interpreter that has medmnistc.")
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for name in SETS:
            file = f"{folder}/images.npy"
            elsewhere(write_images, file, IS_RGB[name], N_IMAGES)
            time_set(name, file)
        print("\n| corruption | images | largest difference | values that differ |\n|---|---|---|---|")
        for name, only in COMPARED.items():
            for corruption, largest, share in compare(name, only, folder):
                print(f"| {corruption} | {'RGB' if IS_RGB[name] else 'gray'} | {largest} | {share:.4%} |")


if __name__ == "__main__":
    main()
