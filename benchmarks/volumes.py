"""Volumes that differ in size: reading, opening, cutting and decoding them, against NiBabel and bare maps.

The generated case has 512 x 512 x 300 voxels of int16 and a mask: tissue with noise in air, which gzip makes about half
as large, as it does with CT. It lies in a tar as the Decathlon packs its tasks.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.measuring import Pairs, difference_row, elsewhere, heading, in_turn, process, row

N_PAIRS = 7
N_OPENINGS = 25
N_PATCHES = 64
PATCH = 96
SHAPE = (512, 512, 300)

# Real pairs of task 4 lie in msd/hippocampus below this folder.
REAL = os.environ.get("MEDMNIST_NP_TEST_DATA")

DECODE = """
import sys
from pathlib import Path
from medmnist_np._progress import silent
from medmnist_np.volumes.decoder import decode
from medmnist_np.volumes.stored_files import folder_files
from medmnist_np.volumes.layouts import find_cases
import medmnist_np as mm
record = mm.info("msd/liver")
files = folder_files(Path(sys.argv[1]))
found = find_cases(files, record, lambda name: b"{}")
decode(found.cases, files, record, Path(sys.argv[2]), progress=silent)
"""

IMPORT = "import nibabel, numpy, medmnist_np.volumes.publish"

NIBABEL = """
import sys
import nibabel, numpy as np
for kind in ("images", "labels"):
    np.asanyarray(nibabel.load(f"{sys.argv[1]}/Task03_Liver/{kind}Tr/liver_0.nii.gz").dataobj)
"""


def make(folder: str) -> None:
    """Write the case as a task that a user has unpacked."""
    import nibabel
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = (np.arange(size, dtype=np.float32) / size - 0.5 for size in SHAPE[:2])
    body = (x[:, None] ** 2 + y**2 < 0.16)[..., None]
    tissue = rng.normal(40, 12, SHAPE).astype(np.int16)
    image = np.asfortranarray(np.where(body, tissue, np.int16(-1000)))
    liver = np.where(body & (x[:, None, None] > 0.1), np.uint8(1), np.uint8(0))
    mask = np.asfortranarray(np.broadcast_to(liver, SHAPE))
    for kind, array in (("images", image), ("labels", mask)):
        place = Path(folder, "Task03_Liver", f"{kind}Tr")
        place.mkdir(parents=True)
        nifti_class: Any = nibabel.Nifti1Image
        nibabel.save(nifti_class(array, np.diag([0.7, 0.7, 1.0, 1.0])), place / "liver_0.nii.gz")


def publish(name: str, source: str) -> str:
    """Decode a folder into the cache as the cases of a task; return where they are."""
    from dataclasses import replace

    from medmnist_np._progress import silent
    from medmnist_np.registry import volume_info
    from medmnist_np.volumes.publish import adopt

    n_cases = len(list(Path(source).rglob("labelsTr/*.nii.gz")))
    record = replace(volume_info(name), n_samples={"train": n_cases})
    return str(adopt(source, record, progress=silent).path)


def seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def cpu_seconds(work: Callable[[], Any]) -> float:
    start = process_time()
    work()
    return process_time() - start


def timed(ours: Callable[[], Any], theirs: Callable[[], Any], n_pairs: int = N_PAIRS) -> Pairs:
    return Pairs(*in_turn(lambda: seconds(ours), lambda: seconds(theirs), n_pairs))


def reading(name: str, source: str) -> Pairs:
    """Read every voxel of the images and masks of a task; ours and NiBabel's, in seconds."""
    import nibabel
    import numpy as np

    import medmnist_np as mm

    ds = mm.VolumeDataset(name, "train", download=False)
    files = sorted(Path(source).glob("*Tr/*.nii.gz")) or sorted(Path(source).glob("*/*Tr/*.nii.gz"))

    def ours() -> None:
        for image, mask in ds:
            image.max(), mask.max()

    def theirs() -> None:
        for file in files:
            read: Any = nibabel.load(file)
            np.asanyarray(read.dataobj).max()

    return timed(ours, theirs)


def opening(folder: str) -> Pairs:
    """Open the task, and the three bare files that a split needs; in milliseconds."""
    import numpy as np

    import medmnist_np as mm

    def bare() -> None:
        for member in ("images", "masks", "shapes"):
            np.load(f"{folder}/train_{member}.npy", mmap_mode="r")

    pairs = timed(lambda: mm.VolumeDataset("msd/liver", "train", download=False), bare, N_OPENINGS)
    return Pairs([one * 1e3 for one in pairs.ours], [one * 1e3 for one in pairs.theirs])


def cases(folder: str) -> Pairs:
    """Read a case of the opened task, and of bare maps."""
    import numpy as np

    import medmnist_np as mm

    ds = mm.VolumeDataset("msd/liver", "train", download=False)
    flat, masks = (np.load(f"{folder}/train_{role}.npy", mmap_mode="r") for role in ("images", "masks"))
    n = int(np.prod(SHAPE))

    def ours() -> None:
        image, mask = ds[0]
        image.max(), mask.max()

    def theirs() -> None:
        for array in (flat, masks):
            array[:n].reshape(SHAPE, order="F").max()

    return timed(ours, theirs)


def patches(folder: str, grid: bool = False) -> Pairs:
    """Cut patches out of image and mask, at random or in a grid; ours, and by slicing bare maps at the same places."""
    import numpy as np

    import medmnist_np as mm

    ds = mm.VolumeDataset("msd/liver", "train", download=False)
    size = (PATCH,) * 3
    cut = ds.grid_patches(size, overlap=0.25) if grid else ds.patches(size, per_volume=N_PATCHES, seed=0)
    corners = cut.corners.tolist()
    flat, masks = (np.load(f"{folder}/train_{role}.npy", mmap_mode="r") for role in ("images", "masks"))
    volumes = [array.reshape(SHAPE, order="F") for array in (flat, masks)]

    def ours() -> None:
        for number in range(len(cut)):
            cut[number]

    def theirs() -> None:
        for x, y, z in corners:
            for volume in volumes:
                np.array(volume[x : x + PATCH, y : y + PATCH, z : z + PATCH])

    return timed(ours, theirs)


def decoding(source: str, module: str) -> Pairs:
    """Decode the case in one thread, and read it by NiBabel into memory; MB of voxels in a second of CPU."""
    import zlib

    import nibabel
    import numpy as np

    from medmnist_np._progress import silent
    from medmnist_np.cache import zips
    from medmnist_np.registry import volume_info
    from medmnist_np.volumes.decoder import decode
    from medmnist_np.volumes.layouts import find_cases
    from medmnist_np.volumes.stored_files import folder_files

    if module == "zlib":
        zips.fast_zlib = zlib
    record = volume_info("msd/liver")

    def ours() -> None:
        files = folder_files(Path(source))
        found = find_cases(files, record, lambda _: b"{}")
        with tempfile.TemporaryDirectory(dir=Path(source).parent) as target:
            decode(found.cases, files, record, Path(target), progress=silent)

    def theirs() -> None:
        for kind in ("images", "labels"):
            read: Any = nibabel.load(f"{source}/Task03_Liver/{kind}Tr/liver_0.nii.gz")
            np.asanyarray(read.dataobj)

    pairs = Pairs(*in_turn(lambda: cpu_seconds(ours), lambda: cpu_seconds(theirs), N_PAIRS))
    n_mb = np.prod(SHAPE) * 3 / 1e6
    return Pairs([n_mb / one for one in pairs.ours], [n_mb / one for one in pairs.theirs])


def memory(source: str) -> tuple[Pairs, Pairs]:
    """Peak memory of a process that decodes the case, against one that only imports, and against NiBabel."""
    peaks: dict[str, list[float]] = {"ours": [], "import": [], "nibabel": []}
    for _ in range(3):
        with tempfile.TemporaryDirectory(dir=Path(source).parent) as target:
            peaks["ours"].append(process("-c", DECODE, source, target).peak_mb)
        peaks["import"].append(process("-c", IMPORT).peak_mb)
        peaks["nibabel"].append(process("-c", NIBABEL, source).peak_mb)
    return Pairs(peaks["ours"], peaks["import"]), Pairs(peaks["ours"], peaks["nibabel"])


def main() -> None:
    heading("Volumes: a generated case of 512 x 512 x 300 int16 with a mask, against NiBabel and bare maps")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("MEDMNIST_NP_CACHE", None)
        os.environ["XDG_CACHE_HOME"] = folder
        source = f"{folder}/mine"
        elsewhere(make, source)
        arrays = elsewhere(publish, "msd/liver", source)
        row(
            "every voxel of image and mask, against NiBabel from .nii.gz",
            inverse(elsewhere(reading, "msd/liver", source)),
            "cases/s",
            at_least=20,
        )
        difference_row(
            "`VolumeDataset(...)`, against `np.load` of three files", elsewhere(opening, arrays), "ms", at_most=2
        )
        row("a case of the opened task, read whole, against bare maps", elsewhere(cases, arrays), "s", at_most=1.2)
        row(f"{N_PATCHES} random patches of 96 x 96 x 96, against slices", elsewhere(patches, arrays), "s", at_most=1.5)
        in_grid = elsewhere(patches, arrays, True)
        row("all patches of 96 x 96 x 96 in a grid, overlap 0.25, against slices", in_grid, "s", at_most=1.3)
        for module in ("isal", "zlib"):
            what = f"decoding to disk with {module}, in CPU time, against NiBabel to memory"
            row(what, elsewhere(decoding, source, module), "MB/s", at_least=0.9)
        imports, nibabel = memory(source)
        difference_row("decoding, peak memory against the imports alone", imports, "MB", at_most=236)
        difference_row("decoding, peak memory against NiBabel", nibabel, "MB")
        if REAL is None:
            print("\nReal pairs: not measured; set MEDMNIST_NP_TEST_DATA to a folder with msd/hippocampus.")
            return
        pairs = str(Path(REAL, "msd", "hippocampus"))
        elsewhere(publish, "msd/hippocampus", pairs)
        row(
            "every voxel of 14 real pairs, against NiBabel from .nii.gz",
            inverse(elsewhere(reading, "msd/hippocampus", pairs)),
            "times/s",
        )


def inverse(pairs: Pairs) -> Pairs:
    """Return speeds of seconds."""
    return Pairs([1 / one for one in pairs.ours], [1 / one for one in pairs.theirs])


if __name__ == "__main__":
    main()
