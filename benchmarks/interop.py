"""What the adapters cost: the official data set under the same DataLoader, and Grain item by item.

    MEDMNIST_OFFICIAL_PYTHON=... MEDMNIST_INTEROP_PYTHON=... python -m benchmarks.interop

Made-up images, uint8 to the end on both sides: no cast that would hide the difference.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.batches import SETS, make
from benchmarks.measuring import INTEROP_PYTHON, OFFICIAL_PYTHON, Pairs, elsewhere, heading, in_turn, process, row

N_PAIRS = 3
N_IMAGES = {28: 12_800, 224: 2560}

LOADER = """
import sys
import time
import numpy as np
import torch
torch.set_num_threads(1)

def passes(data, workers, **options):
    if workers:
        options |= {"num_workers": workers, "multiprocessing_context": "spawn", "persistent_workers": True}
    loader = torch.utils.data.DataLoader(data, batch_size=128, shuffle=True, **options)
    sum(len(images) for images, _ in loader)
    start = time.perf_counter()
    seen = sum(len(images) for images, _ in loader)
    print(seen / (time.perf_counter() - start))
"""

OURS = (
    LOADER
    + """
if __name__ == "__main__":
    import medmnist_np as mm
    from medmnist_np.interop import to_torch
    name, size, workers, n = sys.argv[1], *map(int, sys.argv[2:5])
    data = to_torch(mm.Dataset(name, split="train", size=size, download=False)[:n], channels="first")
    passes(data, workers, collate_fn=data.collate)
"""
)

OFFICIAL = (
    LOADER
    + """
def transform(image):  # what torchvision's PILToTensor does
    array = np.array(image, copy=True)
    return torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1).contiguous()

if __name__ == "__main__":
    import medmnist
    name, size, workers, n, folder = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    kind = getattr(medmnist, medmnist.INFO[name]["python_class"])
    data = kind(split="train", size=size, root=folder, transform=transform)
    passes(torch.utils.data.Subset(data, range(n)), workers)
"""
)

GRAIN = """
import sys
import time
import grain
import medmnist_np as mm
from medmnist_np.interop import to_grain
name, size, way, n = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
source = to_grain(mm.Dataset(name, split="train", size=size, download=False)[:n])
if way == "gather":
    pipeline = grain.MapDataset.range(n).shuffle(seed=0).batch(128).map(source.gather)
else:
    pipeline = grain.MapDataset.source(source).shuffle(seed=0).batch(128)
pipeline[0]
start = time.perf_counter()
seen = sum(len(pipeline[number]["image"]) for number in range(len(pipeline)))
print(seen / (time.perf_counter() - start))
"""


def main() -> None:
    heading("Adapters, shuffled batches of 128, uint8")
    if INTEROP_PYTHON is None:
        print("\nNot measured: set MEDMNIST_INTEROP_PYTHON to an interpreter that has the frameworks.")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("MEDMNIST_NP_CACHE", None)
        os.environ["XDG_CACHE_HOME"] = folder
        for name, (size, n) in SETS.items():
            elsewhere(make, name, size, n, folder)
            _rows(name, size, folder, INTEROP_PYTHON)


def _rows(name: str, size: int, folder: str, python: str) -> None:
    n = str(N_IMAGES[size])
    for workers in (0, 2) if OFFICIAL_PYTHON is not None else ():
        arguments = [name, str(size), str(workers), n]
        pairs = _rates([OURS, *arguments], python, [OFFICIAL, *arguments, folder], str(OFFICIAL_PYTHON))
        what = f"{size} px, `to_torch` under DataLoader, {workers} workers, against the official class under the same"
        row(what, pairs, "images/s", at_least=10 if workers == 0 else None)
    gathered, by_item = ([GRAIN, name, str(size), way, n] for way in ("gather", "item"))
    pairs = _rates(gathered, python, by_item, python)
    row(f"{size} px, `to_grain`, batches of numbers and `gather`, against item by item", pairs, "images/s")


def _rates(ours: list[str], our_python: str, theirs: list[str], their_python: str) -> Pairs:
    runs = in_turn(lambda: _run(ours, our_python), lambda: _run(theirs, their_python), N_PAIRS)
    return Pairs(*runs)


def _run(arguments: list[str], python: str) -> float:
    """Run a script, from a file: workers that are spawned read it again."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(arguments[0], encoding="utf-8")
        return float(process(str(script), *arguments[1:], python=python).printed)


if __name__ == "__main__":
    main()
