"""Write the archives of a built set in the official format, reproducibly, and describe them in a record."""

from __future__ import annotations

import hashlib
import math
import platform
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._version import __version__
from medmnist_np.builder.labels import SEGMENTATION, Labels
from medmnist_np.builder.preparation import Channels, Prepared
from medmnist_np.builder.splits import Division
from medmnist_np.images.recipes import Recipe
from medmnist_np.registry.user_records import FORMAT

Blocks = Iterable[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Order:
    """The contents of one archive to write, small enough to send to another machine that can read the files.

    Each chunk comes with the split index of each of its rows, ``(kept,)``. ``labels`` is empty if the set has masks.
    ``scaled`` is true if 255 means 1 in the masks.
    """

    path: Path
    size: int
    image_shape: tuple[int, ...]
    n_samples: Mapping[str, int]
    chunks: tuple[tuple[Prepared, NDArray[np.intp]], ...]
    labels: Mapping[str, NDArray[np.uint8]]
    scaled: bool

    @property
    def array_bytes(self) -> int:
        """Size of all arrays in bytes."""
        of_masks = 0 if self.labels else self.size**2
        n_samples = sum(self.n_samples.values())
        of_labels = sum(labels.nbytes for labels in self.labels.values())
        return n_samples * (math.prod(self.image_shape) + of_masks) + of_labels


@dataclass(frozen=True, slots=True)
class Written:
    """A written archive: image size in pixels, file size in bytes and SHA-256 in hex."""

    size: int
    bytes: int
    sha256: str


def orders_of(
    stem: Path,
    sizes: Sequence[int],
    prepared: Sequence[Prepared],
    labels: Labels,
    division: Division,
    *,
    channels: Channels | None = None,
    scaled: bool = False,
) -> list[Order]:
    """Describe each archive ``<stem>_<size>.npz`` to write. Omit ``_28``, as in the official names."""
    ends = np.cumsum([len(done.kept) for done in prepared])
    chunks = tuple(zip(prepared, np.split(division.part_of, ends[:-1]), strict=True))
    segmented = labels.task == SEGMENTATION
    tables = {} if segmented else {split: labels.table[division.rows(split)] for split in division.splits}
    usable = [done for done in prepared if done.kept]
    # RGB images with three equal channels count as gray if other images are gray. Other mixtures were refused.
    gray = channels is None and any(done.gray for done in usable)
    return [
        Order(
            path=stem.with_name(f"{stem.name}{'' if size == 28 else f'_{size}'}.npz"),
            size=size,
            image_shape=usable[0].images(size).shape[1 : 3 if gray else None],
            n_samples=division.n_samples,
            chunks=chunks,
            labels=tables,
            scaled=scaled,
        )
        for size in sizes
    ]


def write_archive(order: Order) -> Written:
    """Write the images and the labels or masks of all splits to one .npz, one chunk at a time."""
    splits = list(enumerate(order.n_samples.items()))
    members: list[tuple[str, tuple[int, ...], Blocks]] = [
        (f"{split}_images", (n, *order.image_shape), _images(order, number)) for number, (split, n) in splits
    ]
    members += [(f"{split}_labels", labels.shape, [labels]) for split, labels in order.labels.items()]
    if not order.labels:
        shape = (order.size, order.size)
        members += [(f"{split}_masks", (n, *shape), _masks(order, number)) for number, (split, n) in splits]
    with _files.in_one_step(order.path) as fresh, fresh.open("x+b") as archive:
        _write_npz(archive, members)
        archive.flush()
        _files.sync(archive.fileno())
        archive.seek(0)
        digest = hashlib.file_digest(archive, "sha256").hexdigest()
    return Written(order.size, order.path.stat().st_size, digest)


def _images(order: Order, number: int) -> Iterator[NDArray[np.uint8]]:
    for prepared, parts in order.chunks:
        chosen = parts == number
        if chosen.any():
            images = prepared.images(order.size)[chosen]
            yield images[..., 0] if images.ndim == 4 and len(order.image_shape) == 2 else images


def _masks(order: Order, number: int) -> Iterator[NDArray[np.uint8]]:
    for prepared, parts in order.chunks:
        chosen = parts == number
        if chosen.any():
            masks = prepared.masks(order.size)[chosen]
            yield np.minimum(masks, 1) if order.scaled else masks


def _write_npz(target: BinaryIO, members: Iterable[tuple[str, tuple[int, ...], Blocks]]) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for name, shape, blocks in members:
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980-01-01
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # otherwise it depends on this machine
            info.file_size = math.prod(shape) + 128  # zipfile chooses ZIP64 before it writes
            with archive.open(info, "w") as stream:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                for block in blocks:
                    stream.write(np.ascontiguousarray(block).data)


# Packages whose releases may change pixels or bytes.
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
        ``name``, ``description``, ``modality`` and ``license``, as given by the user.
    labels, division, image_shape
        Labels and splits of the set, and the image shape at any size.
    prepared : sequence of Prepared
        All chunks.
    archives : Mapping of str to Written
        Archives by file name.
    recipe : Recipe
        How the images were prepared.
    n_skipped : int
        Number of images left out. The record does not contain file names, which may identify patients.
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
        yield "Patients: not checked, since no groups were given."
    yield from division.absent(labels)
    volumes = any(len(shape) == 3 and shape[-1] != 3 for one in prepared for shape in one.shapes)
    n_gray, n_equal, n_rotated = (
        sum(len(getattr(one, what)) for one in prepared) for what in ("gray", "equal", "rotated")
    )
    if rgb and n_gray:
        yield f"{n_gray} gray images were repeated to three channels."
    if n_gray and n_equal and not rgb:
        yield f"{n_equal} RGB images with three equal channels were stored as gray images."
    n_colour = sum(len(one.kept) for one in prepared) - n_gray - n_equal
    if n_colour and not rgb and not volumes:
        yield f"{n_colour} colour images were converted to gray (ITU-R BT.601)."
    if n_rotated:
        yield f"{n_rotated} images were turned as their EXIF orientation says."
    if volumes:
        yield (
            "Volumes in NIfTI, MetaImage and DICOM files were reoriented: their axes go from feet to head, from front "
            "to back and from right to left. Voxels were not resampled to equal lengths."
        )
    if len(labels.class_names) == 2 and any(255 in values for one in prepared for values in one.present):
        yield "The value 255 of the source masks, which meant foreground, is stored as 1."
    if n_skipped and labels.task == SEGMENTATION:
        yield f"{n_skipped} images or masks could not be used and were left out."
    elif n_skipped:
        yield f"{n_skipped} of {len(labels.table) + n_skipped} images could not be used and were left out."


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
