"""Immutable records of data sets and their archives, validated when they are created."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self, get_args
from urllib.parse import urlsplit

from medmnist_np._text import redacted
from medmnist_np.errors import RecordError, UnknownSizeError, UnknownSplitError, nearest, short

_DIGEST_LENGTHS = {"md5": 32, "sha256": 64}
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Member:
    """The expected name, shape and allowed dtypes of one array of an archive.

    ``optional`` arrays may be missing. Arrays with a ``highest`` value are labels or masks: their values are 0 to
    ``highest``, and they are stored as uint8. In ``binarised`` masks, every nonzero value becomes 1.
    """

    name: str
    shape: tuple[int, ...]
    dtypes: tuple[str, ...]
    optional: bool = False
    highest: int | None = None
    binarised: bool = False

    @property
    def n_values(self) -> int:
        """Number of values in the array."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Superseded:
    """An archive of an older release with the same file name: it is recognised and reported, but never used."""

    digest: str
    seen_in_version: str
    n_samples: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_digest(self.digest, "a superseded archive")


@dataclass(frozen=True, slots=True)
class Archive:
    """One downloadable file: its name, URL, checksum and contents.

    Attributes
    ----------
    file_name : str
        A bare file name, as on the server.
    url : str
        The official address.
    digest : str
        Checksum of the whole file, ``"md5:<hex>"`` or ``"sha256:<hex>"``. It decides whether a file is accepted.
    members : tuple of Member
        The arrays in the file.
    also : tuple of Member
        Those of ``members`` that belong to other records sharing the file. If there are any, all members are optional.
    exact : bool
        Whether the file contains no other arrays. If false, other arrays are ignored.
    kind : str
        The container: ``"npz"``, ``"tar"``, ``"zip"`` or ``"zip of npz"``.
    bytes : int, optional
        Size of the file in bytes, if known.
    sha256 : str, optional
        SHA-256 in hex, if known, for comparison by hand.
    superseded : tuple of Superseded
        Older files with the same name.
    """

    file_name: str
    url: str
    digest: str
    members: tuple[Member, ...] = ()
    also: tuple[Member, ...] = ()
    exact: bool = True
    kind: str = "npz"
    bytes: int | None = None
    sha256: str | None = None
    superseded: tuple[Superseded, ...] = ()

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.file_name):
            raise RecordError(
                f"{short(self.file_name)} is not a plain file name. Use only letters, digits, '_', '-' and '.'."
            )
        if not _is_address(self.url):
            raise RecordError(
                f"{self.file_name}: the URL {short(redacted(self.url))} must start with https:, http: or file:."
            )
        _check_digest(self.digest, self.file_name)
        if self.sha256 is not None:
            _check_digest(f"sha256:{self.sha256}", self.file_name)
        if self.bytes is not None and self.bytes <= 0:
            raise RecordError(f"{self.file_name}: bytes is {self.bytes}. It must be at least 1.")

    @property
    def array_bytes(self) -> int:
        """Size of all unpacked arrays in bytes, at one byte per value."""
        return sum(member.n_values for member in self.members)

    @property
    def short_digest(self) -> str:
        """First eight hex digits of the checksum, as used in folder names."""
        return self.digest.partition(":")[2][:8]

    def moved_to(self, base_url: str) -> Archive:
        """Return the archive with the same file name at another base URL."""
        return replace(self, url=f"{base_url}/{self.file_name}")

    def summary(self) -> dict[str, Any]:
        """Return file name, URL without credentials, checksum and size, ready for JSON."""
        url = redacted(self.url)
        return {"file_name": self.file_name, "url": url, "digest": self.digest, "bytes": self.bytes}


def _is_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("https", "http", "file") and "://" in url
    except ValueError:  # "http://[lab"
        return False


def _check_digest(digest: str, of: str) -> None:
    algorithm, _, value = digest.partition(":")
    if len(value) != _DIGEST_LENGTHS.get(algorithm) or not re.fullmatch("[0-9a-f]+", value):
        raise RecordError(
            f"{of}: the checksum {short(digest)} is not 'md5:' and 32 or 'sha256:' and 64 lower-case hex digits."
        )


Task = Literal["multi-class", "binary-class", "multi-label, binary-class", "ordinal-regression", "segmentation"]

TASKS: tuple[Task, ...] = get_args(Task)

#: Tasks with one or more labels per image.
LABEL_TASKS: tuple[Task, ...] = tuple(task for task in TASKS if task != "segmentation")


@dataclass(frozen=True, slots=True)
class Collection:
    """What all data sets of one source share.

    ``members`` and ``dtypes`` give the names of arrays in an archive (``"{split}_images"``) and their allowed dtypes by
    role; the roles are ``"images"`` and either ``"labels"`` or ``"masks"``. ``own_names`` is true if data sets are
    known by their own name (``"pathmnist"``), and false if the collection comes first (``"medsegbench/kvasir"``).
    ``members_are_certain`` is true if an archive contains exactly these arrays.
    """

    name: str
    title: str
    version: str = ""
    doi: str = ""
    homepage: str = ""
    citations: tuple[str, ...] = ()
    default_size: int = 28
    not_for_clinical_use: bool = True
    own_names: bool = True
    members_are_certain: bool = True
    order: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=lambda: {"images": "{split}_images", "labels": "{split}_labels"})
    dtypes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"images": ("uint8",), "labels": ("uint8",)})


@dataclass(frozen=True, slots=True, repr=False)
class Record(ABC):
    """The facts about a data set: the base class of :class:`DatasetInfo` and :class:`VolumeInfo`.

    An *edition* is one form in which a set is published and stored: each size of a :class:`DatasetInfo`, and 0 for the
    only form of a :class:`VolumeInfo`.

    Attributes
    ----------
    name : str
        Lower-case name, as in file names: ``"pathmnist"``.
    python_class : str
        Name of the official class: ``"PathMNIST"``.
    collection : Collection
        The collection it belongs to.
    description, modality : str
        What the images show, and how they were acquired.
    task : str
        ``"multi-class"``, ``"binary-class"``, ``"multi-label, binary-class"``, ``"ordinal-regression"`` or
        ``"segmentation"``.
    ndim : int
        2 for images ``(h, w)`` or ``(h, w, 3)``, 3 for volumes ``(d, h, w)``.
    n_channels : int
        1 (no channel axis) or more (channels last).
    class_names : tuple of str
        Names of labels 0, 1, ...; for a multi-label set, of the columns; for a segmentation set, of the mask values.
    n_samples : Mapping of str to int
        Samples per split, in the order of the splits.
    license : str
        License of the data.
    notes : tuple of str
        Common pitfalls.
    citations : tuple of str
        Citation keys of the source papers, without those of the collection. :func:`medmnist_np.cite` returns the
        entries.
    sources : tuple of str
        DOIs and URLs of the source data that have no citation entry.
    organ : str
        What the images show, for the catalog; empty if another catalog entry describes the set.
    """

    same_shape: ClassVar[bool]
    """Whether all images have the same shape and fit in one array. If not, use :class:`VolumeDataset`."""

    name: str
    python_class: str
    collection: Collection
    description: str
    modality: str
    task: Task
    ndim: int
    n_channels: int
    class_names: tuple[str, ...]
    n_samples: Mapping[str, int]
    license: str
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    citations: tuple[str, ...] = field(default=(), kw_only=True)
    sources: tuple[str, ...] = field(default=(), kw_only=True)
    organ: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise RecordError(f"The record of {short(self.name)} is inconsistent: {'; '.join(problems)}.")
        object.__setattr__(self, "n_samples", MappingProxyType(dict(self.n_samples)))

    def _problems(self) -> list[str]:
        problems = []
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            problems.append(f"the name {short(self.name)} may only have lower-case letters, digits and '-'")
        if self.task not in TASKS:
            problems.append(f"the task {short(self.task)} is not one of {', '.join(map(repr, TASKS))}")
        if self.ndim not in (2, 3):
            problems.append(f"ndim is {short(self.ndim)}, not 2 or 3")
        if not self._has_possible_channels():
            problems.append(f"{short(self.n_channels)} channels are not possible in {short(self.ndim)}D")
        if (self.task == "segmentation") != (self.target == "masks"):
            problems.append(f"the task {short(self.task)} does not match arrays of {self.target}")
        if not self.class_names or len(set(self.class_names)) != len(self.class_names):
            problems.append("class names are missing or repeated")
        if self.task == "binary-class" and len(self.class_names) != 2:
            problems.append(f"it is a binary set with {len(self.class_names)} classes")
        if not self.n_samples or any(count < 0 for count in self.n_samples.values()):
            problems.append("there are no samples, or a negative number")
        return problems

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain: dict[str, Any] = {
            name: dict(value) if isinstance(value, MappingProxyType) else value
            for name, value in values.items()
            if value != self.__dataclass_fields__[name].default
        }
        return partial(type(self), **plain), ()

    def __hash__(self) -> int:
        return hash((self.collection.name, self.name))

    def __repr__(self) -> str:
        lines = [self._title()]
        lines += [f"    {title + ':':<13}{text}" for title, text in self._facts().items() if text]
        lines += [f"    {'Note:':<13}{note}" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from medmnist_np._html import card

        return card(self._title(), self._facts(), self.cautions(self.enlarged_sizes))

    def cautions(self, enlarged_sizes: Iterable[int] = ()) -> list[str]:
        """Return common pitfalls: the notes, and warnings about license, enlarged images and clinical use."""
        cautions = list(self.notes)
        together = " ".join(cautions)
        if "NC" in self.license and "NC" not in together:
            cautions.append(f"{self.license}: not for commercial use.")
        enlarged = ", ".join(map(str, enlarged_sizes))
        if enlarged and "enlarge" not in together:
            cautions.append(f"Enlarged from smaller images, without more detail: size {enlarged}.")
        if self.collection.not_for_clinical_use:
            cautions.append("Not for clinical use.")
        return cautions

    def _title(self) -> str:
        return f"{self.python_class} ({self.qualified_name})"

    def _cited(self) -> str:
        return ", ".join((*self.collection.citations, *self.citations))

    @property
    def qualified_name(self) -> str:
        """The name to load the set by, such as ``"pathmnist"`` or ``"medsegbench/kvasir"``."""
        return self.name if self.collection.own_names else f"{self.collection.name}/{self.name}"

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self.n_samples)

    @property
    def n_classes(self) -> int:
        """Number of classes, or of labels for a multi-label set."""
        return len(self.class_names)

    @property
    def multi_label(self) -> bool:
        """Whether a label is a row of zeros and ones, one for each finding."""
        return self.task.startswith("multi-label")

    @property
    def target(self) -> Literal["labels", "masks"]:
        """The kind of target: ``"labels"``, one per image, or ``"masks"``, one label per pixel."""
        return "masks" if "masks" in self.collection.members else "labels"

    @property
    def roles(self) -> tuple[str, str]:
        """The arrays of each split: ``("images", "labels")`` or ``("images", "masks")``."""
        return "images", self.target

    @property
    def highest_label(self) -> int:
        """The highest value that labels or masks may have."""
        return max(self.label_values)

    def check_split(self, split: str) -> str:
        """Return the split; raise :class:`UnknownSplitError`, which lists the splits, if the set does not have it."""
        if not isinstance(split, str) or split not in self.n_samples:
            hint = nearest(split, self.splits) if isinstance(split, str) else ""
            raise UnknownSplitError(
                f"{self.qualified_name} has no split {short(split)}.{hint} Its splits are "
                f"{', '.join(map(repr, self.splits))}.{self._instead_of(split)}"
            )
        return split

    def require_labels(self, what: str) -> None:
        """Raise :class:`ValueError` if the set has masks; ``what`` is the feature that needs one label per image."""
        if self.target == "masks":
            raise ValueError(
                f"{what} needs one label for each image, and {self.qualified_name} has masks, with one label per "
                "pixel. medmnist_np.metrics has the metrics for masks."
            )

    def member_name(self, split: str, role: str) -> str:
        """Return the name of a stored array: ``member_name("val", "images") == "val_images"``."""
        return self.collection.members[role].format(split=split)

    def addresses(self, edition: int) -> tuple[str, ...]:
        """Return every official URL of the archive of an edition, the preferred one first."""
        return (self.archive(edition).url,)

    def to_croissant(self) -> dict[str, Any]:
        """Describe the data set in Croissant 1.0, a JSON-LD vocabulary that data set search engines read.

        Returns
        -------
        dict
            The description, for ``json.dumps``. Archives of your own data sets have a file name instead of a URL.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> described = mm.info("breastmnist").to_croissant()
        >>> described["name"], described["license"]
        ('BreastMNIST', 'https://creativecommons.org/licenses/by/4.0/')
        """
        from medmnist_np.export.croissant import croissant

        return croissant(self)

    def _instead_of(self, split: object) -> str:
        """Return a sentence on what to use instead of a split that the set does not have."""
        return ""

    @abstractmethod
    def _has_possible_channels(self) -> bool: ...

    @abstractmethod
    def _facts(self) -> dict[str, str]: ...

    @property
    def opener(self) -> str:
        """Name of the public class that opens the set."""
        return "Dataset" if self.same_shape else "VolumeDataset"

    @property
    @abstractmethod
    def modalities(self) -> tuple[str, ...]:
        """The modality of each channel, or a single modality for all channels."""

    @property
    @abstractmethod
    def label_values(self) -> tuple[int, ...]:
        """The values that labels or masks may have."""

    @property
    @abstractmethod
    def editions(self) -> tuple[int, ...]:
        """The forms in which the set is stored: its sizes, or 0 for volumes that differ in size."""

    @property
    @abstractmethod
    def sizes(self) -> tuple[int, ...]:
        """Image sizes, ascending; empty for volumes that differ in size."""

    @property
    @abstractmethod
    def enlarged_sizes(self) -> tuple[int, ...]:
        """Sizes at which images were enlarged from a smaller source, so they hold no additional detail."""

    @property
    @abstractmethod
    def parts(self) -> tuple[str, ...]:
        """Names of the records of its categories."""

    @property
    @abstractmethod
    def archives(self) -> Mapping[int, Archive]:
        """Archives by size; empty for volumes that differ in size."""

    @property
    @abstractmethod
    def can_be_fetched(self) -> bool:
        """Whether the set can be downloaded."""

    @abstractmethod
    def edition(self, size: int | None) -> int:
        """Return the edition of a size, or the default edition for None; raise :class:`UnknownSizeError`."""

    @abstractmethod
    def archive(self, size: int) -> Archive:
        """Return the archive of an edition; raise :class:`UnknownSizeError` if it does not exist."""

    @abstractmethod
    def how_to_fetch(self, size: int) -> str:
        """Return a sentence on how to get the arrays of an edition."""

    @abstractmethod
    def array_bytes(self, size: int) -> int:
        """Return the size of the arrays of an edition in bytes; an estimate if the exact size is unknown."""

    @abstractmethod
    def storage_key(self, size: int) -> str:
        """Return the folder of the arrays of an edition, relative to ``arrays`` in a cache."""

    @abstractmethod
    def storage_keys(self, size: int) -> tuple[str, ...]:
        """Return every folder below ``arrays`` that may contain the arrays, the best verified one first."""

    @abstractmethod
    def moved_to(self, base_url: str) -> Self:
        """Return the record with every archive at another base URL, for mirrors and tests."""

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """Return the facts that only this kind of record has, ready for JSON."""


@dataclass(frozen=True, slots=True, repr=False)
class DatasetInfo(Record):
    """A data set whose images or volumes all have the same shape at each size.

    See :class:`Record` for the shared attributes.

    Attributes
    ----------
    archives : Mapping of int to Archive
        Archives by image size in pixels (or voxels) along each axis.
    source_size, preparation : str
        The original image sizes, and how the images were prepared from them.
    enlarged_sizes : tuple of int
        Sizes at which images were enlarged from a smaller source, so they hold no additional detail.
    binarise_masks : bool
        Whether masks in the archive have values above 1, all of which mean 1.
    part : str
        The category that this record describes, such as ``"C1"``. ``stored_as`` is then the name of the whole set,
        whose arrays are in the same archive.
    shares_images : bool
        Whether the parts use the images of the whole set and have only their own masks.
    parts : tuple of str
        Names of the records of the categories.
    """

    same_shape: ClassVar[bool] = True
    # field() keeps the abstract properties of the base from becoming defaults.
    archives: Mapping[int, Archive] = field()
    source_size: str = ""
    preparation: str = ""
    enlarged_sizes: tuple[int, ...] = ()
    binarise_masks: bool = False
    part: str = ""
    stored_as: str = ""
    shares_images: bool = False
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Record.__post_init__(self)  # super() does not know a class with slots
        archives = {
            size: replace(
                archive,
                members=(*self._members(size, optional=bool(archive.also)), *archive.also),
                exact=self.collection.members_are_certain,
            )
            for size, archive in self.archives.items()
        }
        object.__setattr__(self, "archives", MappingProxyType(archives))

    def _problems(self) -> list[str]:
        wrong = not set(self.enlarged_sizes) <= set(self.archives)
        return [*Record._problems(self), *(["enlarged_sizes names a size that has no archive"] if wrong else [])]

    def __reduce__(self) -> tuple[Any, ...]:
        restore, _ = Record.__reduce__(self)
        # The members of an archive are derived from the other fields.
        archives = {size: replace(archive, members=()) for size, archive in self.archives.items()}
        return partial(restore, archives=archives), ()

    __hash__ = Record.__hash__  # a dataclass would replace it

    def _has_possible_channels(self) -> bool:
        return self.n_channels == 1 or (self.n_channels == 3 and self.ndim == 2)

    def _facts(self) -> dict[str, str]:
        counts = ", ".join(f"{split} {count:,}" for split, count in self.n_samples.items())
        # The class names of RetinaMNIST are numbers.
        names = [name if name == str(number) else f"{number} {name}" for number, name in enumerate(self.class_names)]
        return {
            "Description": self.description,
            "Modality": self.modality,
            "Task": f"{self.task}, {self.n_classes} {'labels' if self.multi_label else 'classes'}",
            "Classes": "; ".join(names),
            "Images": f"{self.ndim}D, {'RGB' if self.n_channels == 3 else 'gray'}, uint8",
            "Sizes": ", ".join(f"{size}{' (enlarged)' if size in self.enlarged_sizes else ''}" for size in self.sizes),
            "Samples": f"{counts}; {sum(self.n_samples.values()):,} in all",
            "Parts": ", ".join(self.parts),
            "Source": self.source_size,
            "Preparation": self.preparation,
            "License": self.license,
            "Cite": self._cited(),
            "Sources": ", ".join(self.sources),
        }

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modality of all channels."""
        return (self.modality,)

    @property
    def label_values(self) -> tuple[int, ...]:
        """The values that labels or masks may have."""
        return (0, 1) if self.multi_label else tuple(range(self.n_classes))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Image sizes, ascending."""
        return tuple(sorted(self.archives))

    @property
    def editions(self) -> tuple[int, ...]:
        """The sizes."""
        return self.sizes

    @property
    def can_be_fetched(self) -> bool:
        """Always true: every size has a URL."""
        return True

    @property
    def label_width(self) -> int:
        """Columns of the label array: 1, or ``n_classes`` for a multi-label set."""
        return self.n_classes if self.multi_label else 1

    def edition(self, size: int | None) -> int:
        """Return a size, or the default size for None; raise :class:`UnknownSizeError` if there is no such size."""
        if size is None:
            default = self.collection.default_size
            size = default if default in self.archives else self.sizes[0]
        self.archive(size)
        return int(size)

    def archive(self, size: int) -> Archive:
        """Return the archive of one size.

        Raises
        ------
        UnknownSizeError
            If there is no such size. Strings and booleans are not sizes.
        """
        is_number = hasattr(size, "__index__") and not isinstance(size, bool)
        if not is_number or size.__index__() not in self.archives:
            hint = "" if is_number else " A size is an int."
            raise UnknownSizeError(
                f"{self.name} does not come in size {short(size)}. Its sizes are "
                f"{', '.join(map(str, self.sizes))}.{hint}"
            )
        return self.archives[size.__index__()]

    def how_to_fetch(self, size: int) -> str:
        """Return a sentence on how to get the arrays of a size."""
        return f"Download it with `medmnist-np fetch {self.qualified_name} --size {size}`."

    def array_bytes(self, size: int) -> int:
        """Return the size of the arrays in bytes."""
        return self.archive(size).array_bytes

    def member_name(self, split: str, role: str) -> str:
        """Return the name of an array in the archive: ``member_name("val", "images") == "val_images"``."""
        of_whole = not self.part or (role == "images" and self.shares_images)
        return Record.member_name(self, split, role) + ("" if of_whole else f"_{self.part}")

    def storage_key(self, size: int) -> str:
        """Return the folder of the arrays, relative to ``arrays`` in a cache: ``"medmnist/pathmnist_28-a8b06965"``."""
        return f"{self.collection.name}/{self.stored_as or self.name}_{size}-{self.archive(size).short_digest}"

    def storage_keys(self, size: int) -> tuple[str, ...]:
        """Return every folder below ``arrays`` that may contain the complete arrays of a size."""
        return (self.storage_key(size),)

    def moved_to(self, base_url: str) -> DatasetInfo:
        """Return the record with every archive at another base URL."""
        return replace(self, archives={size: archive.moved_to(base_url) for size, archive in self.archives.items()})

    def details(self) -> dict[str, Any]:
        """Return the facts that only this kind of record has, ready for JSON."""
        archives = {
            str(size): {
                **archive.summary(),
                "array_bytes": archive.array_bytes,
                "enlarged": size in self.enlarged_sizes,
            }
            for size, archive in sorted(self.archives.items())
        }
        return {"source_size": self.source_size, "preparation": self.preparation, "archives": archives}

    def image_shape(self, size: int) -> tuple[int, ...]:
        """Return the shape of one image: ``(h, w)``, ``(h, w, 3)`` or ``(d, h, w)``."""
        return (size,) * self.ndim + ((3,) if self.n_channels == 3 else ())

    def target_shape(self, size: int) -> tuple[int, ...]:
        """Return the shape of one label, ``(l,)``, or mask, ``(h, w)``."""
        return (size,) * self.ndim if self.target == "masks" else (self.label_width,)

    def _members(self, size: int, *, optional: bool) -> tuple[Member, ...]:
        shapes = {"images": self.image_shape(size), self.target: self.target_shape(size)}
        return tuple(
            Member(
                self.member_name(split, role),
                (count, *shapes[role]),
                self.collection.dtypes[role],
                optional=optional,
                highest=self.highest_label if role == self.target else None,
                binarised=role == "masks" and self.binarise_masks,
            )
            for split, count in self.n_samples.items()
            for role in self.collection.members
        )


def things_of(record: Record) -> str:
    """Return ``"images"`` or ``"volumes"``, whichever the samples are."""
    return "volumes" if record.ndim == 3 else "images"


def class_titles(record: Record) -> tuple[str, ...]:
    """Return the class names with their numbers, or the labels of a multi-label set."""
    if record.multi_label:
        return record.class_names
    numbered = enumerate(record.class_names)
    return tuple(f"class {name}" if name == str(k) else f"{k} {name}" for k, name in numbered)


# Common names of splits, in lower case.
_SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}


def standard_split(name: str) -> str | None:
    """Return the standard name of a split, such as ``"train"`` for ``"Training"``; None if the name is unknown."""
    return _SPLIT_NAMES.get(name.lower())
