"""Records of sets of NIfTI files whose volumes differ in size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

from medmnist_np.errors import UnknownSizeError, short
from medmnist_np.registry.records import Archive, Record


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class VolumeInfo(Record):
    """A set of volumes that differ in size, with masks; see :class:`Record` for the common attributes.

    ``n_samples`` counts volumes; 0 means unknown. ``class_names`` correspond to ``label_values``.

    Attributes
    ----------
    archive_file : Archive or None
        The archive, with its official URL; None if users import a folder instead.
    other_addresses : tuple of str
        Other URLs of the same file.
    modalities : tuple of str
        The modality of each channel, in the order of the last axis; with one modality there is no such axis.
    label_values : tuple of int
        The values that a mask may have.
    layout : str
        Layout of the files: ``"decathlon"``, ``"amos"`` or ``"brats"``.
    layout_facts : Mapping
        Details of the layout for this set, such as the name of the folder.
    access : str
        ``"open"`` or ``"registration"``.
    how_to_get : str
        How to get the data if it cannot be downloaded automatically.
    size_voxels : Mapping of str to tuple of int
        ``"min"``, ``"median"`` and ``"max"`` size of the volumes in voxels, as published.
    spacing_mm : Mapping of str to tuple of float
        ``"min"``, ``"median"`` and ``"max"`` voxel spacing in mm, as published.
    """

    same_shape: ClassVar[bool] = False
    modalities: tuple[str, ...] = ()
    label_values: tuple[int, ...] = ()
    layout: str = "decathlon"
    archive_file: Archive | None = None
    other_addresses: tuple[str, ...] = ()
    layout_facts: Mapping[str, Any] = field(default_factory=dict)
    access: str = "open"
    how_to_get: str = ""
    size_voxels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    spacing_mm: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Record.__post_init__(self)  # super() does not know a class with slots
        object.__setattr__(self, "layout_facts", MappingProxyType(dict(self.layout_facts)))
        for name in ("size_voxels", "spacing_mm"):
            lists = {key: tuple(values) for key, values in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(lists))

    def _problems(self) -> list[str]:
        problems = Record._problems(self)
        if len(self.label_values) != len(self.class_names) or not set(self.label_values) <= set(range(256)):
            problems.append("label_values are not one number from 0 to 255 for each class")
        if self.archive_file is None and not self.how_to_get:
            problems.append("it has neither an archive nor instructions on how to get the data")
        return problems

    __hash__ = Record.__hash__  # a dataclass would replace it

    def _has_possible_channels(self) -> bool:
        return self.ndim == 3 and self.n_channels == len(self.modalities)

    @property
    def editions(self) -> tuple[int, ...]:
        """The only edition, 0."""
        return (0,)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Empty: the volumes keep the sizes of their scans."""
        return ()

    @property
    def enlarged_sizes(self) -> tuple[int, ...]:
        """Empty."""
        return ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Empty."""
        return ()

    @property
    def archives(self) -> Mapping[int, Archive]:
        """Empty: see ``archive_file``."""
        return MappingProxyType({})

    def edition(self, size: int | None) -> int:
        """Return 0; raise :class:`UnknownSizeError` for a size."""
        if size is not None and (size != 0 or isinstance(size, bool)):
            raise UnknownSizeError(
                f"{self.qualified_name} has no size {short(size)}, because its volumes differ in size. "
                "Leave the size out."
            )
        return 0

    def archive(self, size: int = 0) -> Archive:
        """Return the archive; raise :class:`UnknownSizeError` for a size other than 0, or if there is no archive."""
        self.edition(size)
        if self.archive_file is None:
            raise UnknownSizeError(f"{self.qualified_name} cannot be downloaded automatically. {self.how_to_fetch()}")
        return self.archive_file

    def addresses(self, edition: int = 0) -> tuple[str, ...]:
        """Return every official URL of the archive, the preferred one first."""
        return (self.archive(edition).url, *self.other_addresses)

    def moved_to(self, base_url: str) -> VolumeInfo:
        """Return the record with its archive only at another base URL."""
        archive = None if self.archive_file is None else self.archive_file.moved_to(base_url)
        return replace(self, archive_file=archive, other_addresses=())

    def details(self) -> dict[str, Any]:
        """Return the facts that only this kind of record has, ready for JSON."""
        return {
            "source_size": "",
            "preparation": "",
            "archives": {},
            "modalities": list(self.modalities),
            "label_values": list(self.label_values),
            "access": self.access,
            "how_to_get": self.how_to_get,
            "archive": None if self.archive_file is None else self.archive_file.summary(),
        }

    def storage_key(self, size: int = 0) -> str:
        """Return the folder of the decoded volumes, relative to ``arrays`` in a cache: ``"msd/liver-a90ec6c4"``."""
        name = f"{self.collection.name}/{self.name}"
        return name if self.archive_file is None else f"{name}-{self.archive_file.short_digest}"

    @property
    def folder_key(self) -> str:
        """Folder for arrays made from a user's folder, separate from arrays of verified archives."""
        key = f"{self.collection.name}/{self.name}"
        return f"{key}-folder" if self.can_be_fetched else key

    def storage_keys(self, size: int = 0) -> tuple[str, ...]:
        """Return every folder below ``arrays`` that may contain the volumes, the best verified one first."""
        return tuple(dict.fromkeys((self.storage_key(), self.folder_key)))

    @property
    def can_be_fetched(self) -> bool:
        """Whether the set can be downloaded; if not, users import a folder."""
        return self.archive_file is not None

    def how_to_fetch(self, size: int = 0) -> str:
        """Return how to get the volumes, and under which license if users must get them themselves."""
        if self.can_be_fetched:
            return f"Download it with `medmnist-np fetch {self.qualified_name}`."
        return f"{self.how_to_get}. License: {self.license}."

    def _instead_of(self, split: object) -> str:
        return (
            " Use VolumeDataset(...).split_off(0.2, seed=0) to split off cases for validation."
            if split == "val"
            else ""
        )

    def array_bytes(self, size: int = 0) -> int:
        """Estimate the size of the decoded volumes in bytes, from the median volume at two bytes per voxel."""
        voxels = math.prod(self.size_voxels.get("median", (0,)))
        masked = self.n_samples.get("train", 0) + self.n_samples.get("val", 0)
        return voxels * (2 * self.n_channels * sum(self.n_samples.values()) + masked)

    def _facts(self) -> dict[str, str]:
        counts = ", ".join(f"{split} {count:,}" if count else split for split, count in self.n_samples.items())
        pairs = zip(self.label_values, self.class_names, strict=True)
        return {
            "Description": self.description,
            "Modality": ", ".join(self.modalities),
            "Task": f"{self.task}, {self.n_classes} classes",
            "Classes": "; ".join(f"{value} {name}" for value, name in pairs),
            "Images": f"3D, {self.n_channels} {'channels' if self.n_channels > 1 else 'channel'}, NIfTI",
            "Volumes": counts,
            "Voxels": _spread(self.size_voxels),
            "Spacing": _spread(self.spacing_mm, " mm"),
            "Access": f"{self.access}. {self.how_to_get}".strip(". ") + ".",
            "License": self.license,
            "Cite": self._cited(),
        }


def _spread(values: Mapping[str, tuple[float, ...]], unit: str = "") -> str:
    return "; ".join(f"{name} {' x '.join(map(str, value))}{unit}" for name, value in values.items())
