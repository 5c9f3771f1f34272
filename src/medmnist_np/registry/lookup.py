"""Look up records by name, list them, and register others temporarily."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from medmnist_np.errors import UnknownDatasetError, UnknownSizeError, nearest, short, unknown
from medmnist_np.registry import bundled_records
from medmnist_np.registry.citations import Baseline, Baselines, Citation
from medmnist_np.registry.records import Archive, DatasetInfo, Record, Superseded
from medmnist_np.registry.user_records import LOCAL, own_names, own_record, own_records
from medmnist_np.registry.volume_records import VolumeInfo

# Collections whose data sets are known by their own name alone.
_NAMED_ALONE = ("medmnist", "amos", "brats")

_WITH_BASELINES = ("medmnist",)

# Records added with registered(); they take precedence over the files.
_added: dict[str, Record] = {}


def find(name: str | Record) -> tuple[Record, int | None]:
    """Return the record of a name, and the size if the name contains one, as in ``"pathmnist_64"``.

    Upper and lower case are equal. A record is returned unchanged.

    Raises
    ------
    UnknownDatasetError
        If the name is unknown.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> record, size = registry.find("PathMNIST_64")
    >>> record.name, size
    ('pathmnist', 64)
    """
    if isinstance(name, Record):
        return name, None
    if not isinstance(name, str):
        raise UnknownDatasetError(f"The name of a data set must be a string, not {type(name).__name__}: {short(name)}.")
    if (record := _record(name.lower())) is not None:
        return record, None
    stem, _, suffix = name.lower().rpartition("_")
    if re.fullmatch("0|[1-9][0-9]{0,8}", suffix) and (record := _record(stem)) is not None:
        return record, int(suffix)
    collection, _, rest = name.lower().rpartition("/")
    others = ""
    if collection in bundled_records.COLLECTIONS:
        known: Sequence[str] = [f"{collection}/{one}" for one in bundled_records.names(collection)]
        hint = nearest(name, known)
    elif name.lower() in bundled_records.COLLECTIONS:
        known = [f"{rest}/{one}" for one in bundled_records.names(rest)]
        hint = " This is the name of a collection."
    else:
        known = list(dict.fromkeys([*bundled_records.names("medmnist"), *_added, *own_names()]))
        # "kvasir_128" contains a size, "Task03_Liver" does not.
        elsewhere = [
            f"{one}/{found.name}"
            for one in bundled_records.COLLECTIONS[1:]
            if (found := _of(one, rest) or _of(one, stem or rest)) is not None
        ]
        near = [*known, *(one for folder in _NAMED_ALONE[1:] for one in bundled_records.names(folder))]
        hint = f" Did you mean {' or '.join(map(repr, elsewhere))}?" if elsewhere else nearest(stem or rest, near)
        others = f" Other collections: {', '.join(bundled_records.COLLECTIONS[1:])}, as in 'msd/liver'."
    listed = f"Available: {', '.join(known)}.{others}"
    if "Did you mean" in hint:
        listed = "`medmnist-np list` or `mm.datasets()` lists all names."
    raise UnknownDatasetError(f"Unknown data set {short(name)}.{hint} {listed}")


def resolve_size(name: str | Record, size: int | None = None) -> tuple[Record, int]:
    """Return the record and size of a name; ``size=None`` means the size in the name, or the default size.

    For a set whose volumes differ in size, the size is 0.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        If the name or size is unknown, or the name and the argument give different sizes.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> [registry.resolve_size(name)[1] for name in ("pathmnist", "pathmnist_64", "msd/liver")]
    [28, 64, 0]
    """
    record, named = find(name)
    if named is not None and size is not None and size != named:
        raise UnknownSizeError(
            f"The name {short(name)} contains size {named}, but the argument is size={short(size)}. "
            "Leave one of them out."
        )
    if size is None:
        size = named
    return record, record.edition(size)


def resolve_dataset(name: str | Record, size: int | None = None) -> tuple[DatasetInfo, int]:
    """Return the record and size of a set whose images all have the same shape.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        See :func:`resolve_size`; also if the volumes of the set differ in size.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> record, size = registry.resolve_dataset("breastmnist")
    >>> record.image_shape(size)
    (28, 28)
    """
    record, size = resolve_size(name, size)
    if not isinstance(record, DatasetInfo):
        raise UnknownSizeError(
            f"The volumes of {record.qualified_name} differ in size, so they cannot be one array. Open the set with "
            f'medmnist_np.VolumeDataset("{record.qualified_name}").'
        )
    return record, size


def volume_info(name: str | Record) -> VolumeInfo:
    """Return the record of a set whose volumes differ in size.

    Raises
    ------
    UnknownDatasetError
        If the name is unknown.
    ValueError
        If all images of the set have the same shape.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> registry.volume_info("msd/liver").class_names
    ('background', 'liver', 'cancer')
    """
    record = info(name)
    if not isinstance(record, VolumeInfo):
        raise ValueError(  # noqa: TRY004 -- the name is of the right type, but of another set
            f"The images of {record.qualified_name} all have the same shape. Use Dataset instead of VolumeDataset."
        )
    return record


def info(name: str | Record) -> Record:
    """Return the record of a data set.

    Parameters
    ----------
    name : str
        ``"pathmnist"``, ``"PathMNIST"`` or ``"pathmnist_64"`` (the record is the same for all sizes).

    Raises
    ------
    UnknownDatasetError
        If the name is unknown.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> mm.info("breastmnist").class_names
    ('malignant', 'normal, benign')
    """
    return find(name)[0]


def datasets(
    *, task: str | None = None, ndim: int | None = None, size: int | None = None, collection: str | None = None
) -> list[Record]:
    """List the data sets in the order of the official package, followed by your own.

    Parameters
    ----------
    task : str, optional
        Only data sets with this task; ``"multi-label"`` means ``"multi-label, binary-class"``.
    ndim : int, optional
        Only images (2) or only volumes (3).
    size : int, optional
        Only data sets available in this size.
    collection : str, optional
        Only data sets of this collection: ``"medsegbench"``, ``"msd"``, ``"amos"``, ``"brats"``, or ``"local"`` for
        your own. None means MedMNIST and your own.

    Raises
    ------
    ValueError
        If the task or collection is unknown, or ``ndim`` is not 2 or 3.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> [d.name for d in mm.datasets(task="binary-class", ndim=2)]
    ['pneumoniamnist', 'breastmnist']
    >>> [d.qualified_name for d in mm.datasets(collection="msd")][:2]
    ['msd/brain', 'msd/heart']
    """
    records = _listed(collection)
    tasks = {alias: record.task for record in records for alias in (record.task, record.task.partition(",")[0])}
    if task is not None and task not in tasks:
        raise ValueError(unknown("task", task, sorted(tasks)))
    if ndim not in (None, 2, 3):
        raise ValueError(f"ndim is {short(ndim)}. It must be 2 (images) or 3 (volumes).")
    return [
        record
        for record in records
        if (task is None or record.task == tasks[task])
        and (ndim is None or record.ndim == ndim)
        and (size is None or size in record.archives)
    ]


def cite(name: str | Record) -> str:
    """Return BibTeX for a data set: the papers of the collection, then those of the source data.

    Raises
    ------
    UnknownDatasetError
        If the name is unknown.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> print(mm.cite("breastmnist").splitlines()[0])
    @article{medmnistv2,
    """
    record = info(name)
    keys = (*record.collection.citations, *record.citations)
    papers = bundled_records.read(record.collection.name, "_citations") if keys else {}
    return "\n\n".join(Citation(key=key, **papers[key]).bibtex() for key in keys)


def baselines(name: str | Record) -> Baselines:
    """Return the published test scores of a data set; empty if none are known.

    Raises
    ------
    UnknownDatasetError
        If the name is unknown.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> registry.baselines("breastmnist").rows[0]
    Baseline(method='ResNet-18 (28)', AUC=0.901, ACC=0.863)
    """
    record = info(name)
    if record.collection.name not in _WITH_BASELINES:
        return Baselines((), paper="", copied_from="", notes=())
    tables = bundled_records.read(record.collection.name, "_baselines")
    rows = tuple(Baseline(method, **figures) for method, figures in tables.get(record.name, {}).items())
    return Baselines(rows, **bundled_records.tuples(tables["source"]))


def known_archives() -> Iterator[tuple[Record, int, Archive]]:
    """Yield every archive of every collection with its record and size (0 for volumes that differ in size).

    Examples
    --------
    >>> from medmnist_np import registry
    >>> record, size, archive = next(registry.known_archives())
    >>> archive.file_name
    'pathmnist.npz'
    """
    for collection in (None, *bundled_records.COLLECTIONS[1:]):
        for record in _listed(collection):
            if record.can_be_fetched:
                for edition in record.editions:
                    yield record, edition, record.archive(edition)


def find_archive(digest: str) -> tuple[Record, int, Superseded | None] | None:
    """Identify an archive by its checksum.

    Returns
    -------
    tuple or None
        The record, the size, and the older release or None if it is the current one. None if no archive matches.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> digest = registry.info("breastmnist").archive(28).digest
    >>> record, size, older = registry.find_archive(digest)
    >>> record.name, size, older
    ('breastmnist', 28, None)
    """
    for record, size, archive in known_archives():
        if digest == archive.digest:
            return record, size, None
        for old in archive.superseded:
            if digest == old.digest:
                return record, size, old
    return None


def is_published(record: Record) -> bool:
    """Return whether a record is bundled with the package, so that every process finds it by name.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> mm.registry.is_published(mm.info("amos22"))
    True
    """
    try:
        return bundled_records.record(record.collection.name, record.name) == record
    except (KeyError, FileNotFoundError):
        return False


@contextmanager
def registered(*records: Record) -> Iterator[None]:
    """Make records available by name in this process, for a ``with`` block.

    A record with the name of a known data set replaces it, so that tests can use a small fake instead of a large set.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import medmnist_np as mm
    >>> mine = replace(mm.info("breastmnist"), name="mine")
    >>> with mm.registry.registered(mine):
    ...     mm.info("mine").n_classes
    2
    """
    before = dict(_added)
    _added.update({record.qualified_name: record for record in records})
    try:
        yield
    finally:
        _added.clear()
        _added.update(before)


def official_info() -> dict[str, dict[str, Any]]:
    """Return a new dict equal to ``medmnist.INFO`` of the official package.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> registry.official_info()["breastmnist"]["label"]
    {'0': 'malignant', '1': 'normal, benign'}
    """
    descriptions = bundled_records.read("medmnist", "_official_descriptions")
    official = {}
    for name in bundled_records.names("medmnist"):
        record = bundled_records.record("medmnist", name)
        entry: dict[str, Any] = {"python_class": record.python_class, "description": descriptions[name]}
        for size in record.sizes:
            suffix = "" if size == 28 else f"_{size}"
            entry[f"url{suffix}"] = record.archives[size].url
            entry[f"MD5{suffix}"] = record.archives[size].digest.removeprefix("md5:")
        entry["task"] = record.task
        entry["label"] = {str(number): text for number, text in enumerate(record.class_names)}
        entry["n_channels"] = record.n_channels
        entry["n_samples"] = dict(record.n_samples)
        entry["license"] = record.license
        official[name] = entry
    return official


def _record(name: str) -> Record | None:
    """Return the record of a lower-case name without a size; None if it is unknown."""
    if name in _added:
        return _added[name]
    collection, _, alone = name.rpartition("/")
    folders = (collection,) if collection else _NAMED_ALONE
    for folder in folders if set(folders) <= set(bundled_records.COLLECTIONS) else ():
        if (record := _of(folder, alone)) is not None:
            return _added.get(record.qualified_name, record)
    return own_record(alone) if collection in ("", LOCAL.name) else None


def _of(collection: str, name: str) -> Record | None:
    try:
        return bundled_records.record(collection, name)
    except KeyError:
        return None


def _listed(collection: str | None) -> list[Record]:
    """Return the records of a collection, including added ones; None means MedMNIST and users' own sets."""
    if collection is not None and collection not in (*bundled_records.COLLECTIONS, LOCAL.name):
        known = (*bundled_records.COLLECTIONS, LOCAL.name)
        raise ValueError(unknown("collection", collection, known))
    folder = collection or "medmnist"
    records = (
        [] if folder == LOCAL.name else [bundled_records.record(folder, name) for name in bundled_records.names(folder)]
    )
    records = [_added.get(record.qualified_name, record) for record in records]
    known_names = {record.name for record in records}
    added = [record for record in _added.values() if record.name not in known_names]
    elsewhere = {*bundled_records.COLLECTIONS} - {folder}
    records += [
        record
        for record in added
        if record.collection.name == folder or (collection is None and record.collection.name not in elsewhere)
    ]
    if collection in (None, LOCAL.name):
        known_names = {record.name for record in records}
        records += [record for record in own_records() if record.name not in known_names]
    return records
