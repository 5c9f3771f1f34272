"""Plan an export: the name of each file and the rows of the table. This module writes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from medmnist_np._text import free_names
from medmnist_np.errors import check_choice
from medmnist_np.images.encoders import VOLUME, find_format, kind_of
from medmnist_np.registry import DatasetInfo

Layout = Literal["automl", "imagefolder", "csv"]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
"""Names of the layouts."""

# The split names of the official package and of Google AutoML.
_AUTOML_SPLITS = {"train": "TRAIN", "val": "VALIDATION", "test": "TEST"}

_LONGEST_NAME = 60  # characters of a class name in a folder name; file systems allow 255 bytes


class Export(NamedTuple):
    """Layout and format of an exported file; ``"pairs"`` is the layout of images with masks."""

    layout: Layout | Literal["pairs"]
    format: str


@dataclass(frozen=True, slots=True)
class _Files:
    """What plans of images with labels and of images with masks share."""

    record: DatasetInfo
    size: int
    split: str
    layout: Layout | Literal["pairs"]
    format: str | None = None
    belongs_to: str = ""

    def _complete(self, format_of_volumes: str) -> None:
        """Check the split and the format, and fill in the defaults."""
        self.record.check_split(self.split)
        if not self.belongs_to:
            object.__setattr__(self, "belongs_to", self.split)
        if self.format is None:
            object.__setattr__(self, "format", format_of_volumes if self.kind == VOLUME else "png")
        find_format(self.ending, self.kind)

    @property
    def kind(self) -> str:
        """Kind of the images, as named in :mod:`medmnist_np.images.encoders`."""
        return kind_of(self.record.ndim, self.record.n_channels)

    @property
    def ending(self) -> str:
        """File name extension of the images, without the dot."""
        return self.format or ""

    @property
    def is_lossless(self) -> bool:
        """Whether the image files keep every pixel. Mask files always do."""
        return self.kind in find_format(self.ending, self.kind).keeps

    @property
    def name(self) -> str:
        """Name of the folder: ``"breastmnist"``, or with the size ``"breastmnist_64"``."""
        return self.record.name if self.size == 28 else f"{self.record.name}_{self.size}"

    def export_of(self, path: str) -> Export | None:
        """Return the layout and format of an image that an export of this data set could have written, or ``None``.

        Parameters
        ----------
        path : str
            Relative to the folder of the data set, with ``/`` between folders.
        """
        split = f"(?:{'|'.join(map(re.escape, self.record.splits))})"
        patterns: dict[Layout | Literal["pairs"], str] = {
            "automl": rf"{split}\d+(?:_\d+)+",
            "imagefolder": rf"{split}/\d+(?:_[^/]+)?/{split}\d+",
            "csv": rf"{split}/{split}\d+",
            "pairs": rf"{split}/images/{split}\d+",
        }
        stem, _, ending = path.rpartition(".")
        found = (Export(layout, ending) for layout, pattern in patterns.items() if re.fullmatch(pattern, stem))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Plan(_Files):
    """One split of a data set as files.

    Parameters
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Size of the images, in pixels (voxels) along each axis.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    layout : str
        - ``"automl"``: as the official package writes it. ``breastmnist/train0_1.png``, with number and label in the
          name, and a table ``breastmnist.csv`` with rows ``TRAIN,train0_1.png,1``.
        - ``"imagefolder"``: a folder for each class, ``breastmnist/train/1_normal_benign/train0.png``; no table.
        - ``"csv"``: ``breastmnist/train/train0.png``, and a table ``breastmnist/train/metadata.csv`` with a header and
          columns for the file, the split, the label and the class, or one column for each finding.
    format : str, optional
        One of :data:`medmnist_np.images.FORMATS`, which is also the file name extension (default: ``"png"`` in 2D,
        ``"gif"`` in 3D).
    belongs_to : str
        The split to which corrected splits assign the samples (default: ``split``). Folders and table rows use it; file
        names keep the published split.

    Raises
    ------
    ValueError
        If the layout is unknown, the format cannot store the images, or the layout is ``"imagefolder"`` and the data
        set is multi-label.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.export import Plan
    >>> plan = Plan(mm.info("breastmnist"), 64, "val", layout="imagefolder", format="tiff")
    >>> plan.file_name(7, [0])
    'breastmnist_64/val/0_malignant/val7.tiff'
    """

    layout: Layout = "automl"

    def __post_init__(self) -> None:
        check_choice("layout", self.layout, LAYOUTS)
        self.record.require_labels("A layout of files by label")
        self._complete("gif")
        if self.layout == "imagefolder" and self.record.multi_label:
            raise ValueError(
                f"An image of {self.record.name} may have several findings, so it does not belong to one folder. Use "
                "the layout 'csv', which has a column for each finding, or 'automl'."
            )

    @property
    def table(self) -> str | None:
        """Path of the table, relative to the folder of the export; ``None`` if the layout has no table."""
        return {"automl": f"{self.name}.csv", "csv": f"{self.name}/{self.belongs_to}/metadata.csv"}.get(self.layout)

    @property
    def head(self) -> list[str]:
        """Column names of the table; empty if it has no header."""
        if self.layout != "csv":
            return []
        columns = ["file_name", "split"]
        names = self.record.class_names if self.record.multi_label else ("label", "class_name")
        return columns + free_names(names, columns)

    @property
    def key(self) -> int:
        """The column of the table that names the file."""
        return 1 if self.layout == "automl" else 0

    def file_name(self, position: int, label: Sequence[int]) -> str:
        """Return the path of an image, relative to the folder of the export, with ``/`` between folders."""
        stem = f"{self.split}{position}"
        if self.layout == "automl":
            return f"{self.name}/{stem}_{'_'.join(map(str, label))}.{self.ending}"
        if self.layout == "imagefolder":
            return f"{self.name}/{self.belongs_to}/{self._class_folder(label[0])}/{stem}.{self.ending}"
        return f"{self.name}/{self.belongs_to}/{stem}.{self.ending}"

    def row(self, position: int, label: Sequence[int]) -> list[str]:
        """Return the row of an image in the table."""
        file_name = self.file_name(position, label).rpartition("/")[2]
        words = list(map(str, label))
        if self.layout == "automl":
            return [_AUTOML_SPLITS.get(self.belongs_to, self.belongs_to.upper()), file_name, *words]
        if not self.record.multi_label:
            words.append(self.record.class_names[label[0]])
        return [file_name, self.belongs_to, *words]

    def is_row(self, row: Sequence[str]) -> bool:
        """Return whether a row of a table could belong to this data set, in any split."""
        names = [
            _AUTOML_SPLITS.get(split, split.upper()) if self.layout == "automl" else split
            for split in self.record.splits
        ]
        return len(row) == len(self.row(0, [0] * self.record.label_width)) and row[1 - self.key] in names

    def _class_folder(self, number: int) -> str:
        """Return ``"03_class_name"``, which sorts by number and is a valid name on every file system."""
        digits = len(str(self.record.n_classes - 1))
        words = re.sub(r"[^\w-]+", "_", self.record.class_names[number]).strip("_")[:_LONGEST_NAME]
        return f"{number:0{digits}}_{words}".rstrip("_")


# Formats that would change the values of a mask, or store it as an animation.
_UNFIT = ("gif", "jpg")


@dataclass(frozen=True, slots=True)
class PairPlan(_Files):
    """One split of a segmentation set as files: each image, and its mask with the same name in a second folder.

    ``kvasir_128/train/images/train0.png``, ``kvasir_128/train/masks/train0.png``, and ``kvasir_128/classes.csv``, which
    lists the class of each mask value.

    Parameters
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Size of the images, in pixels along each axis.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    format : str, optional
        Format of the images, one of :data:`medmnist_np.images.FORMATS`, which is also the file name extension (default:
        ``"png"``). Masks have the same format, but PNG instead of JPEG or GIF.
    belongs_to : str
        The split to which corrected splits assign the samples (default: ``split``). Folders and table rows use it; file
        names keep the published split.

    Raises
    ------
    ValueError
        If the set has labels instead of masks, or the format cannot store the images.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.export import PairPlan
    >>> plan = PairPlan(mm.info("medsegbench/kvasir"), 128, "val", format="jpg")
    >>> plan.image_name(7), plan.mask_name(7)
    ('kvasir_128/val/images/val7.jpg', 'kvasir_128/val/masks/val7.png')
    """

    layout: Literal["pairs"] = field(init=False, default="pairs", repr=False)

    def __post_init__(self) -> None:
        if self.record.target != "masks":
            raise ValueError(f"{self.record.qualified_name} has labels, not masks. Use Plan.")
        self._complete("tiff")

    @property
    def mask_kind(self) -> str:
        """Kind of the masks, as named in :mod:`medmnist_np.images.encoders`."""
        return kind_of(self.record.ndim, 1)

    @property
    def mask_ending(self) -> str:
        """File name extension of the masks, without the dot. The format is lossless."""
        if find_format(self.ending, self.kind).name not in _UNFIT:
            return self.ending
        return "tiff" if self.kind == VOLUME else "png"

    @property
    def table(self) -> str:
        """Path of the table with the class of each mask value, relative to the folder of the export."""
        return f"{self.name}/classes.csv"

    def rows(self) -> list[list[str]]:
        """Return the rows of this table."""
        return [["value", "class_name"], *([str(value), name] for value, name in enumerate(self.record.class_names))]

    def image_name(self, position: int) -> str:
        """Return the path of an image, relative to the folder of the export, with ``/`` between folders."""
        return f"{self.name}/{self.belongs_to}/images/{self.split}{position}.{self.ending}"

    def mask_name(self, position: int) -> str:
        """Return the path of its mask, in the same form."""
        return f"{self.name}/{self.belongs_to}/masks/{self.split}{position}.{self.mask_ending}"
