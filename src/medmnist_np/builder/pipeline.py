"""Build a data set: read images, prepare them, split, write archives, and register the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from medmnist_np import _files
from medmnist_np._parallel import spread
from medmnist_np._progress import Progress, bars
from medmnist_np.builder.archive_writer import Order, Written, describe, orders_of, write_archive
from medmnist_np.builder.folders import NOT_AN_IMAGE
from medmnist_np.builder.image_files import Decoding, is_volume, read_image
from medmnist_np.builder.labels import SEGMENTATION, Ambiguous, Classes, Row, Source, checked_task, of_masks
from medmnist_np.builder.preparation import (
    Channels,
    Chunk,
    Prepared,
    checked_sizes,
    chosen_recipe,
    chunks,
    prepare,
    reason_of,
)
from medmnist_np.builder.sources import read_source
from medmnist_np.builder.splits import checked_ratio, division_of
from medmnist_np.builder.tables import NOT_FOUND
from medmnist_np.cache import locks, settings
from medmnist_np.cache.archives import at_its_address
from medmnist_np.data.arrays import locate
from medmnist_np.data.identifiers import ids_file, keep_ids
from medmnist_np.data.registration import check_free, record_at, register
from medmnist_np.errors import check_choice
from medmnist_np.images.recipes import Recipe
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.user_records import as_toml, check_name, check_text, own_record, record_file

_SKIPPING = "Leave such files out with skip_bad=True."
_LISTED = 10  # files without a partner to list in an error


@dataclass(frozen=True, slots=True)
class Built:
    """The result of :func:`build`.

    Attributes
    ----------
    record : DatasetInfo
        The record. The set can now be loaded by its name.
    folder : Path
        The folder to share: ``<name>.toml`` and the archives.
    skipped : tuple of (str, str)
        Images that were left out, each with the reason.
    notes : tuple of str
        What was recognised in the source, such as the columns of a table, and what was ignored.
    """

    record: DatasetInfo
    folder: Path
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


def build(  # noqa: PLR0913 -- each is a fact of the set or a choice, and all but the name have a default
    source: str | os.PathLike[str] | None = None,
    *,
    name: str,
    images: Any = None,
    labels: Any = None,
    masks: Any = None,
    groups: npt.ArrayLike | None = None,
    splits: npt.ArrayLike | None = None,
    image: str | None = None,
    label: str | Sequence[str] | None = None,
    group_by: str | None = None,
    split_column: str | None = None,
    group_by_folder: bool = False,
    class_names: Sequence[str] | None = None,
    first_label: int = 0,
    task: str | None = None,
    sizes: int | Sequence[int] = (28,),
    ratio: Sequence[float] | None = None,
    seed: int = 0,
    recipe: str | Recipe | None = None,
    window: tuple[float, float] | Literal["dicom"] | None = None,
    description: str = "",
    modality: str = "",
    license: str = "",  # noqa: A002 -- as the field of a record
    output: str | os.PathLike[str] | None = None,
    skip_bad: bool = False,
    slices: bool = False,
    exif: Literal["apply", "ignore"] | None = None,
    channels: Channels | None = None,
    executor: Executor | None = None,
    progress: Progress = bars,
    finish: Callable[[Built], object] | None = None,
) -> Built:
    """Build a data set from your own images: archives in the official format, a record, and arrays in the cache.

    Afterwards the set works by its name in every function. To share it, share its archives and its record; see
    :func:`medmnist_np.register`.

    Parameters
    ----------
    source : path, optional
        One of the following. A folder ``<class>/<image>``, ``<split>/<class>/<image>`` or ``<class>/<split>/<image>``,
        read in the order of the paths; splits may also be named training or tr, validation, valid or dev, and testing
        or ts, in any case. A table (CSV, TSV, Excel or Parquet) with a line for each image or patient, or a folder with
        one. A folder with a table for each split, ``<split>/metadata.csv``, as written by :meth:`Dataset.save`. For
        segmentation, a folder with ``images/<name>`` and ``masks/<name>``, such a folder for each split, or a table
        with the column ``mask``. An ``.npz`` archive with the arrays ``train_images`` and ``train_labels`` (or
        ``train_masks``), the same for ``val`` and ``test``, or ``images`` and ``labels`` without splits.
    name : str
        Name of the new data set: lower-case letters, digits and ``-``.
    images : array or sequence, optional
        Images instead of a source: ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)``, or a sequence of arrays or
        paths. A channel axis of length 1 or 3 may also come first, such as ``(n, 3, h, w)`` in PyTorch. Ambiguous
        shapes are an error. A generator is read once. A dict has the images of each split; ``labels``, ``masks`` and
        ``groups`` are then dicts too.
    labels : (n,) or (n, l) array_like, or path
        Labels of ``images``: class names or numbers, or zeros and ones for several findings. For a folder as source, a
        table, or ``"folders"`` for the names of class folders that have a table beside them.
    masks : (n, h, w) array, or sequence of arrays or paths
        Masks of ``images``, instead of labels: the class number of each pixel. Mask files may be PNG (grayscale or
        palette), TIFF or ``.npy``. If all values are 0 and 255, 255 becomes 1.
    groups, splits : (n,) array_like, optional
        Group of each of ``images``, such as the patient, and its split: ``"train"``, ``"val"`` or ``"test"``.
    image, label, group_by, split_column : str, optional
        Columns of a table with the image files, the class, the group and the split. ``label`` may be several columns
        with 0 or 1. None recognises usual names. An empty ``group_by`` means no groups. For DICOM files without a
        table, ``label`` and ``group_by`` may be tags such as ``PatientID``.
    group_by_folder : bool
        Folders in class folders are groups, such as patients: ``<class>/<patient>/<image>``.
    class_names : sequence of str, optional
        Class names in the order of their numbers. None means the sorted names that occur; for masks, background and
        foreground, or the numbers.
    first_label : int
        Number of the first class in the labels. Use 1 if they count from 1.
    task : str, optional
        ``"ordinal-regression"`` if the order of the classes is meaningful. None infers the task from the labels.
    sizes : int or sequence of int
        Pixels or voxels along each axis. MedMNIST+ uses 28, 64, 128 and 224, and 28 and 64 for volumes.
    ratio : sequence of float, optional
        Ratio of train, val and test, or of train and test. None keeps the given splits, else uses 7:1:2.
    seed : int
        Random seed for the split (default: 0).
    recipe : str or Recipe, optional
        ``"crop"`` cuts the square or cube at the centre; ``"squeeze"`` stretches the whole image; the name of a
        published set uses its recipe; or pass your own steps. None accepts only images with equal edges. Every recipe
        ends by resizing with Pillow's bicubic filter, or for volumes with SciPy's cubic spline, which does not
        antialias.
    window : (float, float) or "dicom", optional
        Values that become 0 and 255. Required for 16-bit and float images unless the recipe has a window: values are
        never scaled implicitly. ``"dicom"`` uses the window in each DICOM file, the first if there are several, and
        inverts MONOCHROME1 images. It applies to every image but not to masks, which are cropped like their images and
        resized with nearest-neighbour interpolation.
    description, modality, license : str
        Texts for the record.
    output : path, optional
        Folder for the archives and the record. None means ``built/<name>`` in the cache.
    skip_bad : bool
        Leave out and report unusable images, images without a mask and masks without an image, instead of failing at
        the first.
    slices : bool
        Read a folder of image files in place of an image as a volume: the files are its slices, in the order of the
        numbers in their names. A folder with a DICOM series is always read as a volume.
    exif : {"apply", "ignore"}, optional
        Whether to turn images as their EXIF orientation says, which phones and cameras write. None turns them, but
        refuses a mask without its own orientation that fits the image both before and after.
    channels : {"gray", "rgb"}, optional
        Convert all images to gray (ITU-R BT.601) or RGB. None keeps them as they are: among gray images, RGB images
        with three equal channels are gray, and colour images are an error.
    executor : concurrent.futures.Executor, optional
        Reads and resizes the images: threads, processes, or a cluster whose machines see the same paths.
    progress : Progress
        How to show progress; a bar by default.
    finish : callable, optional
        Is called with the result when the set is complete, and again if the run is interrupted meanwhile and resumed.

    Returns
    -------
    Built

    Raises
    ------
    ValueError
        If an image, label or group is invalid; the message names its file and row.
    RecordError
        If a data set of that name exists already. A subclass of :class:`ValueError`.

    Notes
    -----
    An interrupted or failed run leaves its work in ``<output>/unfinished``, and the same call resumes it; only images
    given in memory are prepared again. The same input gives the same bytes for any executor and any number of
    interruptions, with the same versions of the software that the record lists.

    Examples
    --------
    >>> import numpy as np
    >>> import medmnist_np as mm
    >>> images = np.random.default_rng(0).integers(256, size=(60, 40, 40), dtype=np.uint8)
    >>> built = mm.build(name="noise", images=images, labels=["dull", "fine"] * 30, sizes=[28], license="CC0")
    >>> dict(built.record.n_samples)
    {'train': 42, 'val': 6, 'test': 12}
    >>> mm.load("noise", "test").images.shape
    (12, 28, 28)
    """
    texts = {"description": description, "modality": modality, "license": license}
    check_choices(name, sizes=sizes, task=task, ratio=ratio, recipe=recipe, window=window, output=output, **texts)
    check_choice("exif", exif or "apply", ("apply", "ignore"))
    check_choice("channels", channels or "gray", ("gray", "rgb"))
    wanted = checked_sizes(sizes)
    places = settings.current()
    folder = _folder_of(name, output)
    unfinished = folder / "unfinished"
    with (
        locks.held(places.lock_file(f"build-{name}"), [(unfinished, "*")]),
        _nothing_left_of_nothing(unfinished, folder / f"{name}.toml"),
    ):
        _check_free(name, folder)  # another process may have built it meanwhile
        resumed = unfinished.exists()
        if (folder / f"{name}.toml").exists() and not resumed:
            raise ValueError(
                f"{folder / name}.toml exists already. Use `medmnist-np register` for that set, name another folder "
                f"with output=, or remove the set: `medmnist-np clean {name} --built`."
            )
        every = read_source(
            source,
            unfinished / "images",
            images=images,
            labels=labels,
            masks=masks,
            groups=groups,
            splits=splits,
            image=image,
            label=label,
            group_by=group_by,
            split_column=split_column,
            classes=Classes(class_names, task, first_label),
            group_by_folder=group_by_folder,
            slices=slices,
        )
        segmented = every.labels.task == SEGMENTATION
        _check_alone(every, skip_bad=skip_bad)
        decoding = Decoding(slices, exif, window == "dicom")
        volumes = _are_volumes(every.rows, decoding, skip_bad=skip_bad)
        if segmented and volumes:
            raise ValueError(f"{every.rows[0].where} is a volume. Sets with masks can only have images.")
        chosen = chosen_recipe(recipe, window, volumes=volumes)
        for_masks = chosen.for_masks() if segmented else None
        _files.make_folder(unfinished, in_cache=output is None)
        parts = chunks(Chunk(every.rows, chosen, wanted, volumes, unfinished, decoding, channels, for_masks))
        with _files.errors_named(unfinished, f"build {name}", in_cache=output is None):
            prepared = _prepared(parts, skip_bad, executor, progress)
            usable, scaled = every.only(_kept_rows(parts, prepared)), False
            if channels is None:
                _check_mixture(parts, prepared)
            _check_no_split_lost(every, usable, next(_skipped(parts, prepared), None))
            if segmented:
                present = [values for part in prepared for values in part.present]
                found, scaled = of_masks(present, [row.where for row in usable.rows], class_names)
                usable = replace(usable, labels=found)
            division = division_of(usable, ratio, seed, every.group)
            if usable.renamed:
                read = ", ".join(f"{name!r} as {split}" for name, split in usable.renamed)
                division = replace(division, how=f"{division.how.rstrip('.')}: {read}.")
            complete = _files.make_folder(unfinished / "complete", in_cache=output is None)
            orders = orders_of(
                complete / name, wanted, prepared, usable.labels, division, channels=channels, scaled=scaled
            )
            archives = _written(orders, executor, progress)
            skipped = (*every.alone, *((row.where, reason) for row, reason in _skipped(parts, prepared)))
            table = describe(
                {"name": name, **texts},
                usable.labels,
                division,
                orders[0].image_shape,
                prepared,
                archives,
                chosen,
                sum(reason != NOT_AN_IMAGE for _, reason in skipped),
            )
            if every.n_unlisted:
                table["notes"].append(f"Images of the source that are not in its table: {every.n_unlisted}.")
            text = as_toml(table)
            (complete / f"{name}.toml").write_text(text, "utf-8", newline="\n")
        ids = division.identifiers(usable)
        record = _published(
            name, folder, text, archives, ids, resumed=resumed, in_cache=output is None, progress=progress
        )
        return _finished(Built(record, folder, skipped, every.notes), finish)


def _finished(built: Built, finish: Callable[[Built], object] | None) -> Built:
    if finish is not None:
        finish(built)
    _files.remove_tree(built.folder / "unfinished")
    return built


def _published(
    name: str,
    folder: Path,
    text: str,
    archives: Iterable[str],
    ids: tuple[dict[str, list[str]], dict[str, list[str]] | None],
    *,
    resumed: bool,
    in_cache: bool,
    progress: Progress,
) -> DatasetInfo:
    """Publish the finished set: store ids, move archives and record, register, unpack the arrays.

    Each step can be repeated. :func:`build` removes the folder ``unfinished`` last. Until then, the same call resumes.
    Ids are stored before the record, so that a registered set always has its groups.
    """
    unfinished = folder / "unfinished"
    record = record_at(folder / f"{name}.toml", text)
    check_free(name, record)
    keep_ids(record, *ids)
    with _files.errors_named(folder, f"build {name}", in_cache=in_cache):
        for file in (*archives, f"{name}.toml"):
            _files.move(unfinished / "complete" / file, folder / file)
    record = register(folder / f"{name}.toml")
    for size in record.sizes:
        locate(record, size, progress=progress)
    if resumed:
        for path in (ids_file(record), record_file(settings.current().cache, name)):
            _files.remove_abandoned(path)
    return record


def check_choices(
    name: str,
    *,
    sizes: int | Sequence[int],
    task: str | None,
    ratio: Sequence[float] | None,
    recipe: str | Recipe | None,
    window: tuple[float, float] | Literal["dicom"] | None,
    output: str | os.PathLike[str] | None,
    **texts: str,
) -> None:
    """Raise ValueError for arguments that :func:`build` can reject without reading the images.

    ``texts`` are ``description``, ``modality`` and ``license``.
    """
    _check_free(check_name(name), _folder_of(name, output))
    for what, text in texts.items():
        check_text(text, what)
    checked_sizes(sizes)
    checked_task(task, "multi-class")
    chosen_recipe(recipe, window, volumes=False)
    if ratio is not None:
        checked_ratio(ratio)


def _folder_of(name: str, output: str | os.PathLike[str] | None) -> Path:
    return Path(settings.current().cache / "built" / name if output is None else output).absolute()


def _check_free(name: str, folder: Path) -> None:
    """Raise :class:`RecordError` if the name is in use, except by an unfinished run in this folder."""
    record = own_record(name) if (folder / "unfinished").is_dir() else None
    archives = [] if record is None else [path for one in record.archives.values() for path in at_its_address(one)]
    check_free(name, record if archives and all(path.parent == folder for path in archives) else None)


@contextmanager
def _nothing_left_of_nothing(unfinished: Path, record: Path) -> Iterator[None]:
    """If the block fails and the next run cannot resume, remove the folders that the block created."""
    absent = [path for path in unfinished.parents if not path.exists()]
    try:
        yield
    except BaseException:
        in_memory = any((unfinished / "images").glob("*"))  # prepared again by the next run
        if not record.exists() and (in_memory or not any(unfinished.glob("*.npz"))):
            _files.remove_tree(unfinished, ignore_errors=True)
            with suppress(OSError):  # a folder that is not empty stays, and so do its parents
                for path in absent:
                    if not any(path.iterdir()):
                        _files.remove_empty(path)
        raise


def _check_alone(source: Source, *, skip_bad: bool) -> None:
    missing = [file for file, reason in source.alone if reason == NOT_FOUND]
    if missing and not skip_bad:
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise ValueError(f"Of the images in the table, {len(missing)} were not found: {names}. {_SKIPPING}")
    if source.alone and not skip_bad:
        listed = "; ".join(f"{file}: {reason}" for file, reason in source.alone[:_LISTED])
        more = f"; and {len(source.alone) - _LISTED} more" if len(source.alone) > _LISTED else ""
        rule = "An image and its mask must have the same name, except for the extension. "
        raise ValueError(f"{rule if source.labels.task == SEGMENTATION else ''}{listed}{more}. {_SKIPPING}")


def _are_volumes(rows: Sequence[Row], decoding: Decoding, *, skip_bad: bool) -> bool:
    """Return whether the first readable image is a volume. All others must be of the same kind."""
    first = ""
    for row in rows:
        try:
            return is_volume(read_image(row.file, row.index, decoding))
        except ImportError:
            raise
        except MemoryError as error:
            raise MemoryError(f"{row.where}: {error}") from error
        except Exception as error:  # decoders raise all kinds of errors for damaged files
            first = first or f"{row.where}: {reason_of(error)}."
            if not skip_bad:
                raise ValueError(f"{first} {_SKIPPING}") from error
    raise ValueError(f"None of {len(rows)} images can be read. The first error: {first}")


def _prepared(parts: Sequence[Chunk], skip_bad: bool, executor: Executor | None, progress: Progress) -> list[Prepared]:
    every = []
    image_bytes = sum(size ** (3 if parts[0].volumes else 2) for size in parts[0].sizes)
    with progress("preparing images", sum(len(part.rows) for part in parts) * image_bytes) as bar:
        for part, done in zip(parts, spread(prepare, parts, executor), strict=True):
            for number, reason in () if skip_bad else done.bad:
                raise ValueError(f"{part.rows[number].where}: {reason}. {_SKIPPING}")
            every.append(done)
            bar.update(len(part.rows) * image_bytes)
    return every


def _kept_rows(parts: Sequence[Chunk], prepared: Sequence[Prepared]) -> list[int]:
    kept: list[int] = []
    start = 0
    for part, done in zip(parts, prepared, strict=True):
        kept += [start + number for number in done.kept]
        start += len(part.rows)
    if not kept:
        row, reason = next(_skipped(parts, prepared))
        raise ValueError(f"None of {start} images can be used. The first error: {row.where}: {reason}.")
    return kept


def _check_mixture(parts: Sequence[Chunk], prepared: Sequence[Prepared]) -> None:
    """Refuse colour images among gray ones."""
    n_gray = sum(len(done.gray) for done in prepared)
    colour = [
        part.rows[number]
        for part, done in zip(parts, prepared, strict=True)
        for number in sorted({*done.kept} - {*done.gray, *done.equal})
    ]
    if n_gray and colour:
        raise Ambiguous(
            f"{len(colour)} images are in colour, and {n_gray} are gray. The first in colour is {colour[0].where}. Use "
            "channels='gray' or channels='rgb'.",
            {"channels": "gray"},
            {"channels": "rgb"},
        )


def _check_no_split_lost(every: Source, usable: Source, first: tuple[Row, str] | None) -> None:
    lost = sorted(set(every.splits or ()) - set(usable.splits or ()))
    if lost and first is not None:
        row, reason = first
        raise ValueError(
            f"No image of the {lost[0]} split can be used. The first error: {row.where}: {reason}. skip_bad=True "
            "leaves out single images, not a whole split."
        )


def _skipped(parts: Sequence[Chunk], prepared: Sequence[Prepared]) -> Iterator[tuple[Row, str]]:
    for part, done in zip(parts, prepared, strict=True):
        yield from ((part.rows[number], reason) for number, reason in done.bad)


def _written(orders: Sequence[Order], executor: Executor | None, progress: Progress) -> dict[str, Written]:
    written = {}
    with progress("writing archives", sum(order.array_bytes for order in orders)) as bar:
        for order, archive in zip(orders, spread(write_archive, orders, executor), strict=True):
            written[order.path.name] = archive
            bar.update(order.array_bytes)
    return written
