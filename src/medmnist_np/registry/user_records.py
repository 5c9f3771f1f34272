"""Records of sets that are not the package's own: TOML in the folder ``records`` of a cache.

The file has the fields of the package's own records but ``citations``. Of an archive ``url`` may be missing where the
record is shared: the archive then lies beside it. ``[provenance]`` is for people.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from medmnist_np._text import CONTROL, escaped_line
from medmnist_np.errors import CacheError, RecordError
from medmnist_np.registry.records import Archive, Collection, DatasetInfo

FORMAT = 1

#: The collection of all such sets.
LOCAL = Collection(name="local", title="Sets of your own")

# The same with masks in place of labels.
_LOCAL_MASKS = Collection(
    name=LOCAL.name,
    title=LOCAL.title,
    members={"images": "{split}_images", "masks": "{split}_masks"},
    dtypes={"images": ("uint8",), "masks": ("uint8",)},
)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SPLIT = re.compile(r"[a-z][a-z0-9]{0,31}")

# A set of such a name could not be told from a split in names of files and folders.
_NAMES_OF_SPLITS = ("train", "val", "test")

_TEXT = ("name", "python_class", "description", "modality", "task", "license", "source_size", "preparation")
_NUMBERS = ("ndim", "n_channels")
_LISTS = {"class_names": str, "enlarged_sizes": int, "notes": str}
_TABLES = ("n_samples", "archives")
# Lists and tables within one another; no record has more than three.
_DEPTH_LIMIT = 5
_NUMBER_LIMIT = 1 << 63
_ARCHIVE = {"file_name": str, "url": str, "digest": str, "bytes": int, "sha256": str}


def own_record(name: str) -> DatasetInfo | None:
    """Return the record of a name from the first cache that has one; None if none has.

    Raises
    ------
    RecordError
        If there is one, and it does not hold together.
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
    """Return the names that :func:`own_record` knows, in order."""
    files = (file for folder in _folders() for file in folder.glob("*.toml"))
    return sorted({file.stem for file in files if _NAME.fullmatch(file.stem)})


def own_records() -> Iterator[DatasetInfo]:
    """Yield the records of all these names. A damaged one is passed over and reported to the log."""
    for name in own_names():
        try:
            if (record := own_record(name)) is not None:
                yield record
        except RecordError as error:
            import logging  # only now: opening does without

            logging.getLogger(__name__).warning("Passing over a record: %s", error)


def check_name(name: str) -> str:
    """Return a name that a set of one's own may have; raise :class:`RecordError` for any other."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise RecordError(f"{name!r} cannot name a data set: at most 64 lower-case letters, digits and '-' are needed.")
    if name in _NAMES_OF_SPLITS:
        raise RecordError(f"{name!r} cannot name a data set: it is the name of a split.")
    return name


def record_file(cache: Path, name: str) -> Path:
    """Return where the record of a set lies in a cache."""
    return cache / "records" / f"{name}.toml"


def read_table(text: str, source: object) -> dict[str, Any]:
    """Read the text of a record, as far as its TOML.

    Raises
    ------
    RecordError
        If it is no TOML, or of another format, or holds a value that no record has: a text with control characters, a
        number of more than 64 bits, a date.
    """
    import tomllib

    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecordError(f"{source} is no record of a data set: {error}.") from error
    except ValueError as error:  # Python converts numbers of up to 4,300 digits
        raise RecordError(f"{source} is no record of a data set: a number in it is too long.") from error
    _check_values(table, source)
    if table.get("format") != FORMAT:
        raise RecordError(f"{source} is no record of a data set in format {FORMAT}: format is {table.get('format')!r}.")
    return table


def record_of(table: Mapping[str, Any], source: object) -> DatasetInfo:
    """Make a record of what :func:`read_table` read, after looking at every value.

    Parameters
    ----------
    table : Mapping
        The record; it may have come from anywhere.
    source : object
        What to call it in errors.

    Raises
    ------
    RecordError
        If a field is missing, unknown or of another type, or they do not fit together.
    """
    fields = {key: value for key, value in table.items() if key not in ("format", "provenance")}
    check_name(fields.get("name", ""))
    wanted = {**dict.fromkeys(_TEXT, str), **dict.fromkeys(_NUMBERS, int), **dict.fromkeys(_TABLES, dict)}
    _check(fields, {**wanted, **dict.fromkeys(_LISTS, list)}, f"{source}")
    for key, kind in _LISTS.items():
        if not all(type(value) is kind for value in fields[key]):
            raise RecordError(f"{source}: {key} is {fields[key]!r}, and a list of {kind.__name__} is needed.")
        fields[key] = tuple(fields[key])
    for split, count in fields["n_samples"].items():
        if not _SPLIT.fullmatch(split) or type(count) is not int:
            raise RecordError(f"{source}: n_samples says {split!r} = {count!r}; a plain name and a number are needed.")
    archives = {}
    for size, values in fields["archives"].items():
        if not re.fullmatch("[1-9][0-9]{0,4}", size) or not isinstance(values, dict):
            raise RecordError(f"{source}: there is an archive of size {size!r}, which is none.")
        _check(values, _ARCHIVE, f"{source}, archive {size}", optional=("bytes", "sha256"))
        archives[int(size)] = Archive(**values)
    collection = _LOCAL_MASKS if fields["task"] == "segmentation" else LOCAL
    return DatasetInfo(collection=collection, **{**fields, "archives": archives})


def as_toml(table: Mapping[str, Any], heading: tuple[str, ...] = ()) -> str:
    """Write a table of texts, numbers, lists of these and tables as TOML."""
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    if heading and lines:
        lines = ["", f"[{'.'.join(map(_key, heading))}]", *lines]
    tables = [as_toml(inner, (*heading, key)) for key, inner in table.items() if isinstance(inner, Mapping)]
    return "".join([*(f"{line}\n" for line in lines), *tables])


def check_text(text: str, what: str) -> str:
    """Return a text that a record may have; raise :class:`RecordError` if it has control characters or line ends."""
    if found := CONTROL.search(text):
        raise RecordError(f"{escaped_line(what)} has the control character {found[0]!r}: leave it out.")
    return text


def _check_values(table: Mapping[str, Any], source: object) -> None:
    """Refuse values that could not be shown or written again, wherever in the table they are."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), table)]
    while waiting:
        keys, value = waiting.pop()
        where = f"{source}: {escaped_line('.'.join(keys))}"
        if isinstance(value, str):
            # Nothing shows the provenance; a recipe in it has several lines.
            check_text(value.replace("\n", "") if keys[0] == "provenance" else value, where)
        elif isinstance(value, int):
            if abs(value) >= _NUMBER_LIMIT:
                raise RecordError(f"{where} is a number of more than 64 bits.")
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise RecordError(f"{where} is {value}, which is no number.")
        elif len(keys) > _DEPTH_LIMIT:
            raise RecordError(f"{source} is no record of a data set: its tables are nested too deeply.")
        elif isinstance(value, Mapping):
            for key in value:
                check_text(key, f"{source}: a key")
            waiting += [((*keys, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*keys, str(number)), inner) for number, inner in enumerate(value)]
        else:
            raise RecordError(f"{where} is a {type(value).__name__}: a text, a number, a list or a table is needed.")


def _check(values: Mapping[str, Any], wanted: Mapping[str, type], source: str, optional: tuple[str, ...] = ()) -> None:
    problems = [f"{key} is not known" for key in values if key not in wanted]
    problems += [f"{key} is missing" for key in wanted if key not in values and key not in optional]
    problems += [
        f"{key} is {values[key]!r}, not {kind.__name__}"
        for key, kind in wanted.items()
        if key in values and type(values[key]) is not kind
    ]
    if problems:
        raise RecordError(f"{source} is no record of a data set: {'; '.join(problems)}.")


@lru_cache(maxsize=64)
def _kept(path: Path, changed_ns: int, n_bytes: int) -> DatasetInfo:
    """Read a record once, and again when its file has changed."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}.") from error
    record = record_of(read_table(text, path), path)
    if record.name != path.stem:
        raise RecordError(f"{path} is the record of {record.name!r}: name the file after it.")
    return record


def _folders() -> Iterator[Path]:
    from medmnist_np.cache import settings  # known names need no cache

    try:
        places = settings.current()
    except CacheError:  # without a place for a cache there are no records in it
        return
    yield from (cache / "records" for cache in places.searched)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    """Write a value; JSON's strings are TOML's but for one character."""
    if isinstance(value, (list, tuple)) and len(value) > 1:
        return "".join(["[\n", *(f"    {_value(one)},\n" for one in value), "]"])
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
