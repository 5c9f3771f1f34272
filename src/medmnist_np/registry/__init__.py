"""Records of data sets, their archives and contents, and the catalog.

Each data set is described by one TOML file in the folder of its collection. It is parsed on first use into an immutable
:class:`DatasetInfo`, which validates itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach
from medmnist_np.registry.citations import Baseline, Baselines, Citation
from medmnist_np.registry.lookup import (
    baselines,
    cite,
    datasets,
    find,
    find_archive,
    info,
    is_published,
    known_archives,
    official_info,
    registered,
    resolve_dataset,
    resolve_size,
    volume_info,
)
from medmnist_np.registry.records import Archive, Collection, DatasetInfo, Member, Record, Superseded
from medmnist_np.registry.volume_records import VolumeInfo

if TYPE_CHECKING:
    from medmnist_np.registry.catalog import Catalog as Catalog
    from medmnist_np.registry.catalog import CatalogEntry as CatalogEntry
    from medmnist_np.registry.catalog import Condition as Condition
    from medmnist_np.registry.catalog import access_levels as access_levels
    from medmnist_np.registry.catalog import known_sets as known_sets
    from medmnist_np.registry.corruption_facts import SEVERITIES as SEVERITIES
    from medmnist_np.registry.corruption_facts import CorruptedSet as CorruptedSet
    from medmnist_np.registry.corruption_facts import corrupted_set as corrupted_set
    from medmnist_np.registry.corruption_facts import corrupted_sets as corrupted_sets

__all__ = [
    "Archive",
    "Baseline",
    "Baselines",
    "Catalog",
    "CatalogEntry",
    "Citation",
    "Collection",
    "Condition",
    "CorruptedSet",
    "DatasetInfo",
    "Member",
    "Record",
    "SEVERITIES",
    "Superseded",
    "VolumeInfo",
    "access_levels",
    "baselines",
    "cite",
    "corrupted_set",
    "corrupted_sets",
    "datasets",
    "find",
    "find_archive",
    "info",
    "is_published",
    "known_archives",
    "known_sets",
    "official_info",
    "registered",
    "resolve_dataset",
    "resolve_size",
    "volume_info",
]

# Not needed to open a data set.
__getattr__, __dir__ = attach(
    __name__,
    {
        "catalog": ["Catalog", "CatalogEntry", "Condition", "access_levels", "known_sets"],
        "corruption_facts": ["CorruptedSet", "SEVERITIES", "corrupted_set", "corrupted_sets"],
    },
)
