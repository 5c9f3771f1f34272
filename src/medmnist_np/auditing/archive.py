"""Archives that no record describes, unpacked as strictly as any other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from medmnist_np import _files
from medmnist_np._progress import UNPACKING, Progress
from medmnist_np._version import __version__
from medmnist_np.builder.rows import split_called
from medmnist_np.cache import npz, store
from medmnist_np.cache.archives import opened as opened_archive
from medmnist_np.cache.digests import digest_of
from medmnist_np.cache.foreign import read_members
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError
from medmnist_np.images.channels import channel_axis
from medmnist_np.registry import Archive, Member

_NAME = re.compile(r"([A-Za-z0-9]{1,32})_(images|labels)")
_LABELS = frozenset({"bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))})

# Others come between train and these.
_ORDER = {"train": 0, "val": 2, "test": 3}
_OTHER = 1


@contextmanager
def unpacked(path: Path, settings: Settings, progress: Progress) -> Iterator[ArrayFolder]:
    """Unpack the images and labels of an .npz file into a folder that is there for the block.

    Parameters
    ----------
    path : Path
        The file. It stays as it is.
    settings : Settings
        For the place of the folder.
    progress : Progress
        What to show.

    Raises
    ------
    ArchiveError
        If it is no sound archive, or not one with images and labels of splits, or the axes of its images are ambiguous.
    NoSpaceError, CacheError
        If there is no room for the arrays, or something cannot be read or written.
    """
    _files.make_folder(settings.downloads)
    with store.workshop(settings.downloads / "audited") as folder:
        with opened_archive(path) as stream:
            try:
                manifest = _unpack(stream, path, folder, progress)
            except ArchiveError as error:
                raise ArchiveError(
                    f"{path} cannot be audited: {error}. An .npz file is needed with train_images, (n, h, w), "
                    "(n, h, w, 3) or (n, d, h, w) uint8, and train_labels, (n, l) whole numbers; and so for each split."
                ) from error
        yield ArrayFolder(folder, manifest)


def splits_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the splits whose arrays have these names: train first, val and test last."""
    return in_order(dict.fromkeys(match[1] for match in map(_NAME.fullmatch, names) if match))


def in_order(splits: Iterable[str]) -> tuple[str, ...]:
    """Return splits by what their names mean, as ``Training`` and ``test2``: train first, val and test last."""
    return tuple(sorted(splits, key=lambda split: _ORDER.get(meant_by(split) or "", _OTHER)))


def meant_by(split: str) -> str | None:
    """Return ``"train"``, ``"val"`` or ``"test"`` of the name of a split, a number behind it left out; else None."""
    return split_called(split.rstrip("0123456789"))


def _unpack(stream: BinaryIO, path: Path, folder: Path, progress: Progress) -> Manifest:
    members = read_members(stream)
    wanted = {member.name: member for member in members if _NAME.fullmatch(member.name)}
    _check(wanted, members)
    digest = digest_of(stream, "md5", progress, path.name)
    archive = Archive("archive.npz", path.absolute().as_uri(), digest, members)
    with _in_short():
        entries = npz.read_directory(stream, archive, only=wanted)
    n_bytes = sum(entry.inflated_bytes for entry in entries)
    _files.require_space(folder, n_bytes, f"unpack {path.name}")
    arrays = {}
    with _files.errors_named(folder, f"unpack {path.name}"), progress(f"{UNPACKING}{path.name}", total=n_bytes) as bar:
        for entry in entries:
            with _in_short(f"{entry.member.name}: "):
                arrays[entry.member.name] = npz.unpack_entry(stream, entry, archive, folder, bar.update)
    return Manifest(path.name, digest, "crc32", __version__, arrays)


@contextmanager
def _in_short(where: str = "") -> Iterator[None]:
    """Leave out of an error that there is a published archive to compare with."""
    try:
        yield
    except ArchiveError as error:
        raise ArchiveError(f"{where}{error.__cause__}") from error


def _check(found: dict[str, Member], members: Sequence[Member]) -> None:
    """Raise unless there are images and labels for each split that fit each other."""
    if not (splits := splits_of(found)):
        raise ArchiveError(f"it holds {', '.join(sorted(member.name for member in members)) or 'nothing'}")
    shapes = set()
    for split in splits:
        for role in ("images", "labels"):
            if f"{split}_{role}" not in found:
                raise ArchiveError(f"it holds no {split}_{role}")
        images, labels = found[f"{split}_images"], found[f"{split}_labels"]
        volumes_with_channel = len(images.shape) == 5 and 1 in (images.shape[1], images.shape[4])
        if (
            (len(images.shape) not in (3, 4) and not volumes_with_channel)
            or 0 in images.shape[1:]
            or images.dtypes != ("uint8",)
        ):
            raise ArchiveError(f"{images.name} is {images.dtypes[0]} of shape {images.shape}")
        if len(images.shape) == 4:
            try:
                channel_axis(images.shape[1:])
            except ValueError as error:
                raise ArchiveError(f"{images.name}: {str(error).rstrip('.')}") from error
        if len(labels.shape) not in (1, 2) or 0 in labels.shape[1:] or labels.dtypes[0] not in _LABELS:
            raise ArchiveError(f"{labels.name} is {labels.dtypes[0]} of shape {labels.shape}")
        if labels.shape[0] != images.shape[0]:
            raise ArchiveError(f"{split} has {images.shape[0]} images and {labels.shape[0]} labels")
        shapes.add((images.shape[1:], labels.shape[1:]))
    if len(shapes) > 1:
        said = " and ".join(f"images of {images} with labels of {labels}" for images, labels in sorted(shapes))
        raise ArchiveError(f"its splits differ: {said}")
