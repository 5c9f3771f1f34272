"""Register a data set from its record, a local file or a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from medmnist_np import _files, registry
from medmnist_np._text import redacted
from medmnist_np.cache import settings
from medmnist_np.cache.archives import at_its_address
from medmnist_np.cache.download import Part, part_path
from medmnist_np.errors import OfflineError, RecordError, UnknownDatasetError
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.registry.user_records import LOCAL, as_toml, check_name, read_table, record_file, record_of

# A record with 256 classes takes about 20 kB.
_MAX_BYTES = 1 << 20

_WEB = ("https://", "http://")


def register(source: str | os.PathLike[str], *, base_url: str | None = None) -> DatasetInfo:
    """Register a user's data set in this cache, so that it can be opened by name.

    Parameters
    ----------
    source : path or str
        The record, a .toml file written by :func:`medmnist_np.build`, or its URL.
    base_url : str, optional
        URL or folder of the archives, ``<base_url>/<archive>``. None means the URL of each archive in the record, or
        else the folder of the record.

    Returns
    -------
    DatasetInfo
        The registered record. All functions now find the data set by name. Its archives are not downloaded yet.

    Raises
    ------
    RecordError
        If the source is not a record, another data set has the same name, or a local archive does not exist.
    DownloadError
        If the record cannot be downloaded.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> mm.register("https://lab.example/lesions.toml")  # doctest: +SKIP
    >>> mm.load("lesions", "train")  # doctest: +SKIP
    """
    address = os.fspath(source)
    on_the_web = address.startswith(_WEB)
    table = read_table(_downloaded(address) if on_the_web else _read(Path(address)), redacted(address))
    beside = address if on_the_web else Path(address).absolute().as_uri()
    if base_url is not None:
        beside = base_url if base_url.startswith((*_WEB, "file://")) else Path(base_url).absolute().as_uri()
        beside = f"{beside.rstrip('/')}/"
    placed = _placed(table, beside, every=base_url is not None)
    shown = redacted(address)
    record = record_of(placed, shown)
    for archive in record.archives.values():
        if on_the_web and base_url is None and not archive.url.startswith(_WEB):
            raise RecordError(
                f"{shown} has the URL {redacted(archive.url)} for {archive.file_name}, which is not a web address. "
                "Correct the record, or pass base_url=."
            )
        for path in at_its_address(archive):
            if not path.is_file():
                raise RecordError(
                    f"File not found: {path}. {shown} has no web address for it. Put the file beside the record, or "
                    "pass its folder or URL as base_url=."
                )
    _check_file_names(record)
    check_free(record.name, record)
    path = record_file(settings.current().cache, record.name)
    _files.make_folder(path.parent)
    with _files.errors_named(path, f"write the record of {record.name}"), _files.in_one_step(path) as fresh:
        fresh.touch(0o600 if redacted(str(placed)) != str(placed) else 0o666)
        fresh.write_text(as_toml(placed), "utf-8", newline="\n")
    return record


def record_at(path: Path, text: str) -> DatasetInfo:
    """Return the record in a text that will be written to a path, next to the archives."""
    return record_of(_placed(read_table(text, path), path.as_uri(), every=False), path)


def check_free(name: str, record: Record | None = None) -> None:
    """Raise :class:`RecordError` if another data set has this name."""
    try:
        found = registry.info(check_name(name))
    except UnknownDatasetError:
        return
    if found.collection.name != LOCAL.name:
        raise RecordError(f"{name!r} is the name of a published data set. Choose another name.")
    if record is None or _digests(found) != _digests(record):
        raise RecordError(
            f"The data set {name!r} already exists{'' if record is None else ', with other archives'}. Choose another "
            f"name, or remove that set with `medmnist-np clean {name} --built`."
        )


def _check_file_names(record: DatasetInfo) -> None:
    """Raise RecordError if an archive has the name of a published one: in one folder, they would replace each other."""
    published = {
        archive.file_name for other, _, archive in registry.known_archives() if other.collection.name != LOCAL.name
    }
    for archive in record.archives.values():
        if archive.file_name in published:
            raise RecordError(
                f"The archive {archive.file_name} of {record.name} has the file name of a published archive. Rename "
                f"it, for example to {record.name}.npz, and change file_name in the record."
            )


def _placed(table: dict[str, Any], beside: str, *, every: bool) -> dict[str, Any]:
    """Return the record with a URL for each archive: its own, or with ``every`` always one relative to ``beside``."""
    archives = table.get("archives")
    if not isinstance(archives, dict):
        return table  # record_of reports what is wrong
    placed = dict(archives)
    for size, archive in archives.items():
        if isinstance(archive, dict) and (every or "url" not in archive):
            placed[size] = {**archive, "url": urljoin(beside, str(archive.get("file_name")))}
    return {**table, "archives": placed}


def _digests(record: Record) -> dict[int, str]:
    return {size: archive.digest for size, archive in record.archives.items()}


def _read(path: Path) -> str:
    try:
        with open(path, "rb", opener=_files.regular_only) as stream:
            content = stream.read(_MAX_BYTES + 1)
        return _decoded(content, path)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}.") from error


def _decoded(content: bytes, source: object) -> str:
    if len(content) > _MAX_BYTES:
        raise RecordError(f"{source} is too large for a record: more than {_MAX_BYTES} bytes.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{source} is not a record of a data set: {error}.") from error


def _downloaded(url: str) -> str:
    from medmnist_np.cache.download import ResumingDownloader

    places, shown = settings.current(), redacted(url)
    if places.offline:
        raise OfflineError(f"{shown} is not on this machine. {settings.why_offline()}, so nothing was downloaded.")

    def refuse_large(n_bytes: int) -> None:
        if n_bytes > _MAX_BYTES:
            raise RecordError(f"{shown} is too large for a record: {n_bytes} bytes.")

    part = part_path(_files.make_folder(places.downloads), "record", shared=False)
    try:
        bring = ResumingDownloader(part, title=shown, make_room=refuse_large)
        return _decoded(bring.bring(url).path.read_bytes(), shown)
    finally:
        Part(part).restart()
