"""The facts: which data sets there are, where their archives lie and what is in them.

Facts are data. Each set is one TOML file in the folder of its collection, parsed when it is first asked for
into a frozen :class:`DatasetInfo` that checks itself.
"""

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
    resolve_size,
)
from medmnist_np.registry.records import Archive, Collection, DatasetInfo, Member, Superseded
from medmnist_np.registry.volume_records import VolumeInfo

__all__ = [
    "Archive",
    "Baseline",
    "Baselines",
    "Citation",
    "Collection",
    "DatasetInfo",
    "Member",
    "Superseded",
    "VolumeInfo",
    "baselines",
    "cite",
    "datasets",
    "find",
    "find_archive",
    "info",
    "is_published",
    "known_archives",
    "official_info",
    "registered",
    "resolve_size",
]
