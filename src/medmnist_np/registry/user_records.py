"""Records of users' own data sets: TOML files in the folder ``records`` of a cache.

A file has the fields of the bundled records, except ``citations``. In a shared record, the ``url`` of an archive may be
missing: the archive is then next to the record. ``[provenance]`` is for human readers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from medmnist_np._files import NOT_RESERVED
from medmnist_np._text import CONTROL, escaped_line
from medmnist_np.errors import CacheError, RecordError, short
from medmnist_np.registry.records import Archive, Collection, DatasetInfo, Record
from medmnist_np.registry.volume_records import VolumeInfo

FORMAT = 1

#: The collection of users' own data sets.
LOCAL = Collection(name="local", title="Sets of your own")

# The same collection with masks instead of labels.
_LOCAL_MASKS = Collection(
    name=LOCAL.name,
    title=LOCAL.title,
    members={"images": "{split}_images", "masks": "{split}_masks"},
    dtypes={"images": ("uint8",), "masks": ("uint8",)},
)

# Volumes that differ in size.
_LOCAL_VOLUMES = Collection(name=LOCAL.name, title=LOCAL.title, members=_LOCAL_MASKS.members)

_NAME = re.compile(NOT_RESERVED + r"[a-z0-9][a-z0-9-]{0,63}")
_SPLIT = re.compile(NOT_RESERVED + r"[a-z][a-z0-9]{0,31}")

# In file and folder names, a data set with such a name could be mistaken for a split.
_NAMES_OF_SPLITS = ("train", "val", "test")

_TEXT = ("name", "python_class", "description", "modality", "task", "license", "source_size", "preparation")
_NUMBERS = ("ndim", "n_channels")
_LISTS = {"class_names": str, "enlarged_sizes": int, "notes": str}
_TABLES = ("n_samples", "archives")
_OF_VOLUMES = {
    **dict.fromkeys(("name", "description", "license"), str),
    **dict.fromkeys(("modalities", "class_names", "label_values"), list),
    "n_samples": dict,
}
# Nesting of lists and tables; no record has more than three levels.
_DEPTH_LIMIT = 5
_NUMBER_LIMIT = 1 << 63
_ARCHIVE = {"file_name": str, "url": str, "digest": str, "bytes": int, "sha256": str}


def own_record(name: str) -> Record | None:
    """Return the record of a name from the first cache that has one, else None.

    Raises
    ------
    RecordError
        If the record exists but is invalid.
    """
    if _NAME.fullmatch(name) is None:
        return None
    for folder in _folders():
        path = folder / f"{name}.toml"
        try:
            found = path.stat()
        except OSError:
            continue
        return _kept(path, found.st_mtime_ns, found.st_size)
    return None


def own_names() -> list[str]:
    """Return the names that :func:`own_record` knows, sorted."""
    files = (file for folder in _folders() for file in folder.glob("*.toml"))
    return sorted({file.stem for file in files if _NAME.fullmatch(file.stem)})


def own_records() -> Iterator[Record]:
    """Yield the records of :func:`own_names`. Invalid records are skipped and logged."""
    for name in own_names():
        try:
            if (record := own_record(name)) is not None:
                yield record
        except RecordError as error:
            import logging  # not needed to open a data set

            logging.getLogger(__name__).warning("Skipping an invalid record: %s", error)


def check_name(name: str) -> str:
    """Return the name if it is valid for a user's own data set; otherwise raise :class:`RecordError`."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise RecordError(
            f"{short(name)} cannot name a data set. Use only lower-case letters, digits and '-', at most 64 "
            "characters, and no name that Windows reserves, such as 'con'."
        )
    if name in _NAMES_OF_SPLITS:
        raise RecordError(f"{name!r} cannot name a data set, because it is the name of a split. Choose another name.")
    return name


def record_file(cache: Path, name: str) -> Path:
    """Return the path of the record of a set in a cache."""
    return cache / "records" / f"{name}.toml"


def read_table(text: str, source: object) -> dict[str, Any]:
    """Parse the text of a record as TOML.

    Raises
    ------
    RecordError
        If the text is not TOML, its format version is not supported, or it has a value that records cannot have: a
        text with control characters, a number of more than 64 bits, or a date.
    """
    import tomllib

    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecordError(f"{source} is not a record of a data set: {error}.") from error
    except ValueError as error:  # Python converts numbers of up to 4,300 digits
        raise RecordError(f"{source} is not a record of a data set: a number in it is too long.") from error
    _check_values(table, source)
    if table.get("format") != FORMAT:
        raise RecordError(
            f"{source} is not a record of a data set in format {FORMAT}: format is {short(table.get('format'))}."
        )
    return table


def record_of(table: Mapping[str, Any], source: object) -> DatasetInfo:
    """Make a record from a table of :func:`read_table`, after validating every value.

    Parameters
    ----------
    table : Mapping
        The fields of the record, from an untrusted source.
    source : object
        Name of the source in error messages.

    Raises
    ------
    RecordError
        If a field is missing, unknown or of the wrong type, or the fields contradict each other.
    """
    fields = {key: value for key, value in table.items() if key not in ("format", "provenance")}
    check_name(fields.get("name", ""))
    wanted = {**dict.fromkeys(_TEXT, str), **dict.fromkeys(_NUMBERS, int), **dict.fromkeys(_TABLES, dict)}
    _check(fields, {**wanted, **dict.fromkeys(_LISTS, list)}, f"{source}")
    for key, kind in _LISTS.items():
        if not all(type(value) is kind for value in fields[key]):
            raise RecordError(f"{source}: {key} is {short(fields[key])}. It must be a list of {kind.__name__}.")
        fields[key] = tuple(fields[key])
    _check_counts(fields["n_samples"], source)
    archives = {}
    for size, values in fields["archives"].items():
        if not re.fullmatch("[1-9][0-9]{0,4}", size) or not isinstance(values, dict):
            raise RecordError(
                f"{source}: the archive {short(size)} must be a table named by its image size, such as [archives.28]."
            )
        _check(values, _ARCHIVE, f"{source}, archive {size}", optional=("bytes", "sha256"))
        archives[int(size)] = Archive(**values)
    collection = _LOCAL_MASKS if fields["task"] == "segmentation" else LOCAL
    return DatasetInfo(collection=collection, **{**fields, "archives": archives})


def volumes_of(table: Mapping[str, Any], source: object) -> VolumeInfo:
    """Make the record of a user's volumes that differ in size from a table of :func:`read_table`.

    Raises
    ------
    RecordError
        See :func:`record_of`.
    """
    fields = {key: value for key, value in table.items() if key != "format"}
    name = check_name(fields.get("name", ""))
    _check(fields, _OF_VOLUMES, f"{source}")
    for key, kind in {"modalities": str, "class_names": str, "label_values": int}.items():
        if not all(type(value) is kind for value in fields[key]):
            raise RecordError(f"{source}: {key} is {short(fields[key])}. It must be a list of {kind.__name__}.")
        fields[key] = tuple(fields[key])
    _check_counts(fields["n_samples"], source)
    return VolumeInfo(
        collection=_LOCAL_VOLUMES,
        python_class=name,
        modality=", ".join(fields["modalities"]),
        task="segmentation",
        ndim=3,
        n_channels=len(fields["modalities"]),
        how_to_get=f"Import your folder again: `medmnist-np import --as {LOCAL.name}/{name} FOLDER`",
        **fields,
    )


def as_toml(table: Mapping[str, Any], heading: tuple[str, ...] = ()) -> str:
    """Return a table of texts, numbers, lists of these and tables as TOML."""
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    if heading and lines:
        lines = ["", f"[{'.'.join(map(_key, heading))}]", *lines]
    tables = [as_toml(inner, (*heading, key)) for key, inner in table.items() if isinstance(inner, Mapping)]
    return "".join([*(f"{line}\n" for line in lines), *tables])


def check_text(text: str, what: str) -> str:
    """Return a text; raise :class:`RecordError` if it has control characters or line breaks."""
    if found := CONTROL.search(text):
        raise RecordError(f"{escaped_line(what)} has the control character {found[0]!r}. Remove it.")
    return text


def _check_values(table: Mapping[str, Any], source: object) -> None:
    """Reject values anywhere in the table that cannot be displayed or written back."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), table)]
    while waiting:
        keys, value = waiting.pop()
        where = f"{source}: {escaped_line('.'.join(keys))}"
        if isinstance(value, str):
            # The provenance is never displayed, and a recipe in it has several lines.
            check_text(value.replace("\n", "") if keys[0] == "provenance" else value, where)
        elif isinstance(value, int):
            if abs(value) >= _NUMBER_LIMIT:
                raise RecordError(f"{where} is a number of more than 64 bits.")
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise RecordError(f"{where} is {value}. Numbers must be finite.")
        elif len(keys) > _DEPTH_LIMIT:
            raise RecordError(f"{source} is not a record of a data set: its tables are nested too deeply.")
        elif isinstance(value, Mapping):
            for key in value:
                check_text(key, f"{source}: a key")
            waiting += [((*keys, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*keys, str(number)), inner) for number, inner in enumerate(value)]
        else:
            raise RecordError(f"{where} is a {type(value).__name__}. It must be a string, a number, a list or a table.")


def _check_counts(n_samples: Mapping[str, Any], source: object) -> None:
    for split, count in n_samples.items():
        if not _SPLIT.fullmatch(split) or type(count) is not int:
            raise RecordError(
                f"{source}: n_samples has {short(split)} = {short(count)}. It must be a name in lower-case letters and "
                "digits, which Windows does not reserve, and an integer."
            )


def _check(values: Mapping[str, Any], wanted: Mapping[str, type], source: str, optional: tuple[str, ...] = ()) -> None:
    problems = [f"{short(key)} is not a field" for key in values if key not in wanted]
    problems += [f"{key} is missing" for key in wanted if key not in values and key not in optional]
    problems += [
        f"{key} is {short(values[key])}, not {kind.__name__}"
        for key, kind in wanted.items()
        if key in values and type(values[key]) is not kind
    ]
    if problems:
        raise RecordError(f"{source} is not a record of a data set: {'; '.join(problems)}.")


@lru_cache(maxsize=64)
def _kept(path: Path, changed_ns: int, n_bytes: int) -> Record:
    """Read a record once, and again if its file has changed."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}.") from error
    table = read_table(text, path)
    record = volumes_of(table, path) if "modalities" in table else record_of(table, path)
    if record.name != path.stem:
        raise RecordError(f"{path} is the record of {record.name!r}. Rename the file to {record.name}.toml.")
    return record


def _folders() -> Iterator[Path]:
    from medmnist_np.cache import settings  # known names need no cache

    try:
        places = settings.current()
    except CacheError:  # without a cache folder there are no records
        return
    yield from (cache / "records" for cache in places.searched)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    """Return a value as TOML; strings are written as in JSON, except for one character."""
    if isinstance(value, (list, tuple)) and len(value) > 1:
        return "".join(["[\n", *(f"    {_value(one)},\n" for one in value), "]"])
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
