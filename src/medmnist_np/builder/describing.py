"""The record of a set that was built: facts for programs, and in notes and provenance what people should know."""

from __future__ import annotations

import math
import platform
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from medmnist_np._version import __version__
from medmnist_np.builder.archive_writer import Written
from medmnist_np.builder.labels import SEGMENTATION, Labels
from medmnist_np.builder.preparation import Prepared
from medmnist_np.builder.splits import Division
from medmnist_np.images.recipes import Recipe
from medmnist_np.registry.user_records import FORMAT

# Whose releases may change a pixel or a byte.
_SOFTWARE = ("numpy", "pillow", "scipy", "nibabel", "SimpleITK")


def describe(
    facts: Mapping[str, str],
    labels: Labels,
    division: Division,
    image_shape: Sequence[int],
    prepared: Sequence[Prepared],
    archives: Mapping[str, Written],
    recipe: Recipe,
    n_skipped: int,
) -> dict[str, Any]:
    """Return the record as a table for :func:`~medmnist_np.registry.user_records.as_toml`.

    Parameters
    ----------
    facts : Mapping
        ``name``, ``description``, ``modality`` and ``license``, as the user gives them.
    labels, division, image_shape
        Of the set; the shape is that of any one size.
    prepared : sequence of Prepared
        All chunks.
    archives : Mapping of str to Written
        By file name.
    recipe : Recipe
        What was done.
    n_skipped : int
        Images that were left out. Names of files stay out of the record, as they may say who a patient is.
    """
    shortest = min((one.shortest for one in prepared if one.kept), default=0)
    rgb = len(image_shape) == 3 and image_shape[-1] == 3
    return {
        "format": FORMAT,
        "name": facts["name"],
        "python_class": facts["name"],
        "description": facts["description"],
        "modality": facts["modality"],
        "task": labels.task,
        "ndim": 2 if rgb else len(image_shape),
        "n_channels": 3 if rgb else 1,
        "class_names": labels.class_names,
        "license": facts["license"],
        "source_size": _source_size(prepared),
        "preparation": _preparation(recipe, labels),
        "enlarged_sizes": sorted(one.size for one in archives.values() if one.size > shortest),
        "notes": list(_notes(labels, division, prepared, n_skipped, rgb=rgb)),
        "n_samples": division.n_samples,
        "archives": {
            str(one.size): {"file_name": file, "digest": f"sha256:{one.sha256}", "bytes": one.bytes}
            for file, one in archives.items()
        },
        "provenance": {"recipe": str(recipe), "software": _software()},
    }


def _preparation(recipe: Recipe, labels: Labels) -> str:
    of_images = " ".join(map(str, recipe.steps))
    if labels.task != SEGMENTATION:
        return of_images
    return f"Images: {of_images} Masks: {' '.join(map(str, recipe.for_masks().steps))}"


def _notes(
    labels: Labels, division: Division, prepared: Sequence[Prepared], n_skipped: int, *, rgb: bool
) -> Iterator[str]:
    yield division.how
    if not division.grouped:
        yield "Patients: not checked (no groups are known; build with --group-by)."
    yield from division.absent(labels)
    if rgb and (n_gray := sum(len(one.gray) for one in prepared)):
        yield f"{n_gray} gray images among the RGB images were repeated to three channels."
    if any(len(shape) == 3 and shape[-1] != 3 for one in prepared for shape in one.shapes):
        yield (
            "Volumes in NIfTI, MetaImage and DICOM files were turned so that axes go from feet to head, from front to "
            "back and from right to left; voxels were not made equally long on all axes."
        )
    if len(labels.class_names) == 2 and any(255 in values for one in prepared for values in one.present):
        yield "In the masks of the source 255 stood for the foreground; here 1 does."
    if n_skipped and labels.task == SEGMENTATION:
        yield f"{n_skipped} images or masks were left out, as they could not be used."
    elif n_skipped:
        yield f"{n_skipped} of {len(labels.table) + n_skipped} images were left out, as they could not be used."


def _source_size(prepared: Sequence[Prepared]) -> str:
    shapes = {tuple(shape) for one in prepared for shape in one.shapes}
    smallest_first = sorted(shapes, key=lambda shape: (math.prod(shape), shape))
    # RGB as in the published records: "3x1736x1824".
    texts = ["x".join(map(str, (3, *shape[:2]) if shape[2:] == (3,) else shape)) for shape in smallest_first]
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"


def _software() -> dict[str, str]:
    from PIL import features

    versions = {"medmnist-np": __version__, "python": platform.python_version(), "zlib": zlib.ZLIB_RUNTIME_VERSION}
    for package in _SOFTWARE:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    jpeg = features.version("jpg")
    return {**versions, "libjpeg": jpeg} if jpeg else versions
