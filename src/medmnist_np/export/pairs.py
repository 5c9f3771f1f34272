"""What an export of images and masks will be: the name of each file. Nothing is written here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from medmnist_np.export.plan import Export
from medmnist_np.images.encoders import VOLUME, find_format, kind_of
from medmnist_np.registry import DatasetInfo

# Formats that would change the numbers of a mask, or show it slice after slice.
_UNFIT = ("gif", "jpg")


@dataclass(frozen=True, slots=True)
class PairPlan:
    """One split of a segmentation set as files: each image, and its mask under the same name in a folder beside.

    ``kvasir_128/train/images/train0.png``, ``kvasir_128/train/masks/train0.png``, and ``kvasir_128/classes.csv``, which
    says what the values of masks mean.

    Parameters
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Of its images, in pixels along each axis.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    format : str, optional
        Of the images, one of :data:`medmnist_np.images.FORMATS`, which is also the ending of the files. ``None`` means
        ``"png"``. Masks have the same, but never JPEG or GIF: those are PNG then.
    belongs_to : str
        The split to which the samples belong, where corrected splits say another one: files go to its folder or lines,
        and are called after the published ones.

    Raises
    ------
    ValueError
        If the set has labels and not masks, or the format cannot hold the images.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.export import PairPlan
    >>> plan = PairPlan(mm.info("medsegbench/kvasir"), 128, "val", format="jpg")
    >>> plan.image_name(7), plan.mask_name(7)
    ('kvasir_128/val/images/val7.jpg', 'kvasir_128/val/masks/val7.png')
    """

    record: DatasetInfo
    size: int
    split: str
    format: str | None = None
    belongs_to: str = ""

    def __post_init__(self) -> None:
        if self.record.target != "masks":
            raise ValueError(f"{self.record.qualified_name} has labels and no masks, so there are no pairs of images.")
        self.record.check_split(self.split)
        if not self.belongs_to:
            object.__setattr__(self, "belongs_to", self.split)
        if self.format is None:
            object.__setattr__(self, "format", "tiff" if self.kind == VOLUME else "png")
        find_format(self.ending, self.kind)

    @property
    def layout(self) -> Literal["pairs"]:
        """What the folder is called in errors beside the layouts of labels."""
        return "pairs"

    @property
    def kind(self) -> str:
        """What the images are, in the words of :mod:`medmnist_np.images.encoders`."""
        return kind_of(self.record.ndim, self.record.n_channels)

    @property
    def mask_kind(self) -> str:
        """What the masks are, in the same words."""
        return kind_of(self.record.ndim, 1)

    @property
    def ending(self) -> str:
        """Of the images, without the dot."""
        return self.format or ""

    @property
    def mask_ending(self) -> str:
        """Of the masks, without the dot: a format that keeps every number."""
        if find_format(self.ending, self.kind).name not in _UNFIT:
            return self.ending
        return "tiff" if self.kind == VOLUME else "png"

    @property
    def is_lossless(self) -> bool:
        """Whether the files of images keep every pixel; those of masks always do."""
        return self.kind in find_format(self.ending, self.kind).keeps

    @property
    def name(self) -> str:
        """Of the folder: ``"kvasir"``, or with the size ``"kvasir_128"``."""
        return self.record.name if self.size == 28 else f"{self.record.name}_{self.size}"

    @property
    def table(self) -> str:
        """Where it is said what the values of masks mean, below the folder of the export."""
        return f"{self.name}/classes.csv"

    def rows(self) -> list[list[str]]:
        """Return the lines of this table."""
        return [["value", "class_name"], *([str(value), name] for value, name in enumerate(self.record.class_names))]

    def image_name(self, position: int) -> str:
        """Return where an image goes, below the folder of the export, with ``/`` between folders."""
        return f"{self.name}/{self.belongs_to}/images/{self.split}{position}.{self.ending}"

    def mask_name(self, position: int) -> str:
        """Return where its mask goes."""
        return f"{self.name}/{self.belongs_to}/masks/{self.split}{position}.{self.mask_ending}"

    def export_of(self, path: str) -> Export | None:
        """Return what an export of this data set would have written an image as; ``None`` if none would.

        Parameters
        ----------
        path : str
            Below the folder of the data set, with ``/`` between folders.
        """
        splits = "|".join(map(re.escape, self.record.splits))
        stem, _, ending = path.rpartition(".")
        return Export("pairs", ending) if re.fullmatch(rf"(?:{splits})/images/(?:{splits})\d+", stem) else None
