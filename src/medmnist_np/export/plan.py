"""Plan an export: the name of each file and the lines of the table. Nothing is written here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from medmnist_np.images.encoders import VOLUME, find_format, kind_of
from medmnist_np.registry import DatasetInfo

Layout = Literal["automl", "imagefolder", "csv"]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
"""The names of the layouts."""

# Names of the splits in the official package and in Google AutoML.
_AUTOML_SPLITS = {"train": "TRAIN", "val": "VALIDATION", "test": "TEST"}

_LONGEST_NAME = 60  # characters of a class in the name of a folder; file systems take 255 bytes


class Export(NamedTuple):
    """Layout and format of an exported file; ``"pairs"`` is the layout of images with masks."""

    layout: Layout | Literal["pairs"]
    format: str


@dataclass(frozen=True, slots=True)
class Plan:
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
        - ``"automl"``: the official one. ``breastmnist/train0_1.png``, the number and the label in the name, and a
          table ``breastmnist.csv`` with lines ``TRAIN,train0_1.png,1``.
        - ``"imagefolder"``: a folder for each class, ``breastmnist/train/1_normal_benign/train0.png``; no table.
        - ``"csv"``: ``breastmnist/train/train0.png``, and a table ``breastmnist/train/metadata.csv`` with a head, that
          names the file, the split, the label and the class, or has a column for each finding.
    format : str, optional
        One of :data:`medmnist_np.images.FORMATS`, which is also the ending of the files. ``None`` means ``"png"`` in
        2D and ``"gif"`` in 3D.
    belongs_to : str
        The split to which corrected splits assign the samples, if it is not ``split``. Folders and table lines use it;
        file names keep the published split.

    Raises
    ------
    ValueError
        If the layout is unknown, the format cannot store the images, or the layout is ``"imagefolder"`` and the set is
        multi-label.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.export import Plan
    >>> plan = Plan(mm.info("breastmnist"), 64, "val", layout="imagefolder", format="tiff")
    >>> plan.file_name(7, [0])
    'breastmnist_64/val/0_malignant/val7.tiff'
    """

    record: DatasetInfo
    size: int
    split: str
    layout: Layout = "automl"
    format: str | None = None
    belongs_to: str = ""

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"There is no layout {self.layout!r}; there are {', '.join(map(repr, LAYOUTS))}.")
        self.record.require_labels("A layout of files by label")
        self.record.check_split(self.split)
        if not self.belongs_to:
            object.__setattr__(self, "belongs_to", self.split)
        if self.format is None:
            object.__setattr__(self, "format", "gif" if self.kind == VOLUME else "png")
        find_format(self.ending, self.kind)
        if self.layout == "imagefolder" and self.record.multi_label:
            raise ValueError(
                f"An image of {self.record.name} may have several findings, so it has no one folder: use the layout "
                "'csv', which has a column for each finding, or 'automl'."
            )

    @property
    def kind(self) -> str:
        """Kind of the images, as named in :mod:`medmnist_np.images.encoders`."""
        return kind_of(self.record.ndim, self.record.n_channels)

    @property
    def ending(self) -> str:
        """File name extension, without the dot."""
        return self.format or ""

    @property
    def is_lossless(self) -> bool:
        """Whether the files keep every pixel."""
        return self.kind in find_format(self.ending, self.kind).keeps

    @property
    def name(self) -> str:
        """Name of the folder: ``"breastmnist"``, or with the size ``"breastmnist_64"``."""
        return self.record.name if self.size == 28 else f"{self.record.name}_{self.size}"

    @property
    def table(self) -> str | None:
        """Path of the table, relative to the folder of the export; ``None`` if the layout has no table."""
        return {"automl": f"{self.name}.csv", "csv": f"{self.name}/{self.belongs_to}/metadata.csv"}.get(self.layout)

    @property
    def head(self) -> list[str]:
        """Column names of the table; empty if it has no header."""
        if self.layout != "csv":
            return []
        return [
            "file_name",
            "split",
            *(self.record.class_names if self.record.multi_label else ("label", "class_name")),
        ]

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

    def export_of(self, path: str) -> Export | None:
        """Return the layout and format of a file that an export of this data set could have written, or ``None``.

        Parameters
        ----------
        path : str
            Relative to the folder of the data set, with ``/`` between folders.
        """
        splits = "|".join(map(re.escape, self.record.splits))
        patterns: dict[Layout, str] = {
            "automl": rf"(?:{splits})\d+(?:_\d+)+",
            "imagefolder": rf"(?:{splits})/\d+(?:_[^/]+)?/(?:{splits})\d+",
            "csv": rf"(?:{splits})/(?:{splits})\d+",
        }
        stem, _, ending = path.rpartition(".")
        found = (layout for layout, pattern in patterns.items() if re.fullmatch(pattern, stem))
        layout = next(found, None)
        return None if layout is None else Export(layout, ending)

    def row(self, position: int, label: Sequence[int]) -> list[str]:
        """Return the line of an image in the table."""
        file_name = self.file_name(position, label).rpartition("/")[2]
        words = list(map(str, label))
        if self.layout == "automl":
            return [_AUTOML_SPLITS.get(self.belongs_to, self.belongs_to.upper()), file_name, *words]
        if not self.record.multi_label:
            words.append(self.record.class_names[label[0]])
        return [file_name, self.belongs_to, *words]

    def is_row(self, row: Sequence[str]) -> bool:
        """Return whether a line of a table could belong to this data set, in any split."""
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
class PairPlan:
    """One split of a segmentation set as files: each image, and its mask under the same name in a second folder.

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
        Of the images, one of :data:`medmnist_np.images.FORMATS`, which is also the ending of the files. ``None`` means
        ``"png"``. Masks have the same, but never JPEG or GIF: those are PNG then.
    belongs_to : str
        The split to which corrected splits assign the samples, if it is not ``split``. Folders and table lines use it;
        file names keep the published split.

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
        """Kind of the images, as named in :mod:`medmnist_np.images.encoders`."""
        return kind_of(self.record.ndim, self.record.n_channels)

    @property
    def mask_kind(self) -> str:
        """Kind of the masks, as named in :mod:`medmnist_np.images.encoders`."""
        return kind_of(self.record.ndim, 1)

    @property
    def ending(self) -> str:
        """File name extension of the images, without the dot."""
        return self.format or ""

    @property
    def mask_ending(self) -> str:
        """File name extension of the masks, without the dot; the format is lossless."""
        if find_format(self.ending, self.kind).name not in _UNFIT:
            return self.ending
        return "tiff" if self.kind == VOLUME else "png"

    @property
    def is_lossless(self) -> bool:
        """Whether the files of images keep every pixel; those of masks always do."""
        return self.kind in find_format(self.ending, self.kind).keeps

    @property
    def name(self) -> str:
        """Name of the folder: ``"kvasir"``, or with the size ``"kvasir_128"``."""
        return self.record.name if self.size == 28 else f"{self.record.name}_{self.size}"

    @property
    def table(self) -> str:
        """Path of the table with the class of each mask value, relative to the folder of the export."""
        return f"{self.name}/classes.csv"

    def rows(self) -> list[list[str]]:
        """Return the lines of this table."""
        return [["value", "class_name"], *([str(value), name] for value, name in enumerate(self.record.class_names))]

    def image_name(self, position: int) -> str:
        """Return the path of an image, relative to the folder of the export, with ``/`` between folders."""
        return f"{self.name}/{self.belongs_to}/images/{self.split}{position}.{self.ending}"

    def mask_name(self, position: int) -> str:
        """Return the path of its mask, in the same form."""
        return f"{self.name}/{self.belongs_to}/masks/{self.split}{position}.{self.mask_ending}"

    def export_of(self, path: str) -> Export | None:
        """Return the layout and format of an image that an export of this data set could have written, or ``None``.

        Parameters
        ----------
        path : str
            Relative to the folder of the data set, with ``/`` between folders.
        """
        splits = "|".join(map(re.escape, self.record.splits))
        stem, _, ending = path.rpartition(".")
        return Export("pairs", ending) if re.fullmatch(rf"(?:{splits})/images/(?:{splits})\d+", stem) else None
