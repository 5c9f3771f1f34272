"""Look at images before a build: what there is, and the ways to read it."""

from __future__ import annotations

import inspect
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from medmnist_np import _files
from medmnist_np._optional import require
from medmnist_np._progress import Progress, bars
from medmnist_np.builder import signatures
from medmnist_np.builder.folders import files_below, may_be_image
from medmnist_np.builder.image_files import is_volume, listed, orientation, read_image
from medmnist_np.builder.labels import SEGMENTATION, SPLITS, Ambiguous, Classes, Row, Source
from medmnist_np.builder.pipeline import build
from medmnist_np.builder.preparation import reason_of
from medmnist_np.builder.sources import read_source
from medmnist_np.volumes.nifti import read_header
from medmnist_np.volumes.stored_files import stored_file

_SAMPLED = 50  # read the values of at most this many images that are not uint8
_GRAY = ("1", "L", "LA", "I", "F")
_OPTIONS = {"class_names": "classes", "sizes": "size", "ratio": "split"}
_SEPARATORS = {"window": ":", "ratio": ":"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to build a data set.

    Attributes
    ----------
    options : Mapping of str to object
        Arguments of :func:`~medmnist_np.build` to add to those given.
    command : str
        The command that builds it.
    """

    options: Mapping[str, Any]
    command: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a folder or a table holds, as found by :func:`survey`.

    Attributes
    ----------
    source : str
        The folder or file.
    layout : str
        The folder structure; empty if it is not recognised.
    n_images, n_groups : int
        Number of images, and of groups such as patients (0 if there are none).
    counts : Mapping of str to Mapping of str to int
        Samples of each class or finding, by split. Without splits, the only key is ``"all"``.
    formats, channels, dtypes : Mapping of str to int
        Images of each file format, of gray, colour and palette images, and of each data type.
    smallest, largest : tuple of int
        Shortest and longest edge of any image, in pixels or voxels; 0 if there are no images.
    n_unequal : int
        Images whose edges differ in length.
    n_rotated : int
        Photos with an EXIF orientation.
    mixed : bool
        Whether some images are gray and others have colours.
    windowed : bool
        Whether all images are DICOM files with a window.
    values : (float, float) or None
        Range of the values of some images that are not uint8.
    unusable : tuple of (str, str)
        Files that cannot be read or belong to no sample, with the reason.
    notes : tuple of str
        What was recognised and ignored.
    problem : str
        Why nothing can be built without further options; empty if it can.
    readings : tuple of Reading
        The ways to build a data set. If the only one has no options, :func:`~medmnist_np.build` needs just a name.
    """

    source: str
    layout: str = ""
    n_images: int = 0
    n_groups: int = 0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    formats: Mapping[str, int] = field(default_factory=dict)
    channels: Mapping[str, int] = field(default_factory=dict)
    dtypes: Mapping[str, int] = field(default_factory=dict)
    smallest: int = 0
    largest: int = 0
    n_unequal: int = 0
    n_rotated: int = 0
    mixed: bool = False
    windowed: bool = False
    values: tuple[float, float] | None = None
    unusable: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    readings: tuple[Reading, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether the source can be built without further options."""
        return any(not reading.options for reading in self.readings)

    def to_dict(self) -> dict[str, Any]:
        """Return the survey as values for JSON."""
        return {**asdict(self), "ready": self.ready}

    def __str__(self) -> str:
        edges = f"{self.smallest} to {self.largest}" if self.smallest < self.largest else f"{self.largest}"
        unequal = f"; {self.n_unequal:,} not square or cubic" if self.n_unequal else ""
        low, high = self.values or (0, 0)
        facts = {
            "Layout": self.layout,
            "Images": f"{self.n_images:,}" + (f" of {self.n_groups:,} groups" if self.n_groups else ""),
            **{f"In {split}": _counted(counts) for split, counts in self.counts.items()},
            "Formats": _counted(self.formats),
            "Edges": f"{edges} pixels{unequal}" if self.largest else "",
            "Channels": _counted(self.channels),
            "Types": _counted(self.dtypes) + (f"; values from {low:g} to {high:g}" if self.values else ""),
            "Rotated": f"{self.n_rotated:,} by their EXIF orientation" if self.n_rotated else "",
            "Unusable": "; ".join(f"{file}: {reason}" for file, reason in self.unusable[:3])
            + (f"; and {len(self.unusable) - 3:,} more" if len(self.unusable) > 3 else ""),
        }
        lines = [f"    {name + ':':<12} {text}" for name, text in facts.items() if text]
        lines += [f"    {'Note:':<12} {note}" for note in self.notes]
        lines += [f"    {'Problem:':<12} {self.problem}"] * bool(self.problem)
        lines += [f"    {'Build with:':<12} {reading.command}" for reading in self.readings]
        return "\n".join([self.source, *lines])


def _counted(counts: Mapping[str, int]) -> str:
    most = 20
    more = f", and {len(counts) - most:,} more" if len(counts) > most else ""
    return ", ".join(f"{name} {n:,}" for name, n in list(counts.items())[:most]) + more


def survey(source: str | os.PathLike[str], *, progress: Progress = bars, **options: Any) -> Survey:
    """Look at a folder or a table before a build: layout, classes, sizes, values, and the options that are needed.

    Only the headers of images are read, and the values of up to 50 images that are not uint8.

    Parameters
    ----------
    source : path
        See :func:`~medmnist_np.build`.
    progress : Progress
        How to show progress; a bar by default.
    **options
        Arguments of :func:`~medmnist_np.build`. Those that decide how the source is read are used here.

    Returns
    -------
    Survey
        ``print()`` shows it. If nothing can be built, ``problem`` has the reason.

    Raises
    ------
    TypeError
        If an option is not an argument of :func:`~medmnist_np.build`.
    OSError
        If the folder cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import medmnist_np as mm
    >>> from PIL import Image
    >>> folder = Path(mkdtemp())
    >>> for name in ("benign", "malignant"):
    ...     (folder / name).mkdir()
    ...     Image.new("L", (40, 30)).save(folder / name / "1.png")
    >>> found = mm.builder.survey(folder)
    >>> found.layout, found.n_images, found.n_unequal
    ('<class>/<image>', 2, 2)
    >>> [dict(reading.options) for reading in found.readings]
    [{'recipe': 'crop'}, {'recipe': 'squeeze'}]
    """
    given = {name: value.default for name, value in inspect.signature(build).parameters.items()}
    if unknown := sorted(set(options) - set(given)):
        raise TypeError(f"survey() has no option {unknown[0]}. Use arguments of build().")
    given |= options
    facts: dict[str, Any] = {}  # of the survey, by attribute
    ways: Sequence[Mapping[str, Any]] = ()
    with _files.temporary_folder() as workshop:
        rows: Sequence[Row] = ()
        found = None
        try:
            found = _read(source, workshop, given)
        except (ValueError, ImportError) as error:
            ways = error.readings if isinstance(error, Ambiguous) else ()
            facts["problem"] = str(error)
            if Path(source).is_dir():
                files = filter(may_be_image, files_below(Path(source)))
                rows = [Row(file, None, str(file), str(file)) for file in files]
        else:
            rows = found.rows
            facts |= {"layout": found.layout, "notes": found.notes, "counts": _counts(found)}
            facts["n_groups"] = len(set(found.groups or ()))
        facts = _headers(rows, progress) | facts
        facts["unusable"] += found.alone if found is not None else ()
    if not facts.get("problem"):
        ways = _ways(facts, given)
        if n_others := facts["dtypes"].get("uint8", 0) if any("window" in way for way in ways) else 0:
            facts["notes"] += (f"The window would also be applied to {n_others:,} images with uint8 values.",)
    made = tuple(Reading(way, command_of(source, {**options, **way})) for way in ways)
    return Survey(str(source), n_images=len(rows), readings=made, **facts)


def _read(source: str | os.PathLike[str], workshop: Path, given: Mapping[str, Any]) -> Source:
    arguments = {name: given[name] for name in inspect.signature(read_source).parameters if name in given}
    arguments |= {"source": source, "classes": Classes(given["class_names"], given["task"], given["first_label"])}
    return read_source(workshop=workshop, **arguments)


def _counts(source: Source) -> dict[str, dict[str, int]]:
    """Count the samples of each class in each split. Masks are not read: for these, count all samples."""
    splits = np.array(source.splits or ["all"] * len(source.rows))
    counts = {}
    for split in (name for name in (*SPLITS, "all") if (splits == name).any()):
        inside, labels = splits == split, source.labels
        counts[split] = {name: int((inside & labels.of_class(k)).sum()) for k, name in enumerate(labels.class_names)}
        if labels.task == SEGMENTATION:
            counts[split] = {"images with masks": int(inside.sum())}
    return counts


def _ways(facts: Mapping[str, Any], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options with which every image can be used."""
    ways: list[dict[str, Any]] = [{}]
    if facts["n_unequal"] and given["recipe"] is None:
        ways = [{"recipe": "crop"}, {"recipe": "squeeze"}]
    if facts["mixed"] and given["channels"] is None:
        ways = [{**way, "channels": channels} for way in ways for channels in ("gray", "rgb")]
    if facts["values"] is not None and given["window"] is None and given["recipe"] in (None, "crop", "squeeze"):
        windows = [*(["dicom"] if facts["windowed"] else []), facts["values"]]
        ways = [{**way, "window": window} for way in ways for window in windows]
    if facts["unusable"] and not given["skip_bad"]:
        ways = [{**way, "skip_bad": True} for way in ways]
    return ways


class _Header(NamedTuple):
    kind: str
    shape: tuple[int, ...]
    channels: str
    dtype: str
    rotated: bool = False
    windowed: bool = False


def _headers(rows: Sequence[Row], progress: Progress) -> dict[str, Any]:
    headers: list[_Header] = []
    unreadable: list[tuple[str, str]] = []
    others: list[Row] = []
    coloured: list[Row] = []
    with progress("reading headers", len(rows)) as bar:
        for row in rows:
            try:
                header = _header(row)
            except ImportError as error:
                return {"problem": str(error), "unusable": ()}
            except Exception as error:  # noqa: BLE001 -- decoders raise all kinds of errors for damaged files
                unreadable.append((row.where, reason_of(error)))
            else:
                headers.append(header)
                others += [row] * (header.dtype not in ("uint8", "bool"))
                coloured += [row] * (header.channels != "gray")
            bar.update(1)
    colours = [_has_colours(row) for row in _sample(coloured)]
    edges = [edge for header in headers for edge in header.shape]
    return {
        "formats": _frequent(header.kind for header in headers),
        "channels": _frequent(header.channels for header in headers if header.channels),
        "dtypes": _frequent(header.dtype for header in headers if header.dtype),
        "smallest": min(edges, default=0),
        "largest": max(edges, default=0),
        "n_unequal": sum(len(set(header.shape)) > 1 for header in headers),
        "n_rotated": sum(header.rotated for header in headers),
        "mixed": any(colours) and (len(coloured) < len(headers) or not all(colours)),
        "windowed": bool(headers) and all(header.windowed for header in headers),
        "values": _range(others),
        "unusable": tuple(unreadable),
    }


def _frequent(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _header(row: Row) -> _Header:
    file = row.file
    name = file.name.lower()
    if file.is_dir():
        header = _header(Row(listed(file)[0], None, "", ""))
        return header._replace(kind=f"{header.kind} series", shape=())
    if name.endswith((".nii", ".nii.gz")):
        nifti = read_header(stored_file(file))
        return _Header("NIfTI", nifti.shape[:3], "gray", str(nifti.value_dtype))
    if name.endswith((".mha", ".mhd")):
        return _itk_header(file, "MetaImageIO")._replace(kind="MetaImage")
    kind = signatures.format_of(file)
    if kind == "DICOM":
        return _itk_header(file, "GDCMImageIO")._replace(kind=kind)
    if kind == "NPY":
        stored = np.load(file, mmap_mode="r", allow_pickle=False)
        shape = stored.shape if row.index is None else stored.shape[1:]
        colour = len(shape) > 2 and 3 in (shape[0], shape[-1])
        edges = tuple(edge for edge in shape if edge not in (1, 3))
        return _Header(kind, edges, "RGB" if colour else "gray", str(stored.dtype))
    return _picture_header(file, kind)


def _picture_header(file: Path, kind: str) -> _Header:
    from PIL import Image, ImageMode

    with Image.open(file, formats=(kind,)) as picture:
        mode = picture.mode
        n_pages = getattr(picture, "n_frames", 1) if kind == "TIFF" else 1
        shape = (*([n_pages] if n_pages > 1 else []), picture.height, picture.width)
    gray = mode in _GRAY or mode.startswith("I;16")
    dtype = "bool" if mode == "1" else str(np.dtype(ImageMode.getmode(mode).typestr).newbyteorder("="))
    return _Header(kind, shape, "gray" if gray else "palette" if mode == "P" else mode, dtype, orientation(file) > 1)


def _itk_header(file: Path, reader_name: str) -> _Header:
    (signatures.check_metaimage if reader_name == "MetaImageIO" else signatures.check_dicom)(file)
    itk = require("SimpleITK")
    reader = itk.ImageFileReader()
    reader.SetImageIO(reader_name)
    reader.SetFileName(str(file))
    reader.ReadImageInformation()
    values = itk.GetPixelIDValueAsString(reader.GetPixelID())
    bits = re.sub(r"[^0-9]", "", values)
    dtype = f"float{bits}" if "float" in values else f"{'u' * ('unsigned' in values)}int{bits}"
    shape = tuple(edge for edge in reversed(reader.GetSize()) if edge > 1)
    channels = "gray" if reader.GetNumberOfComponents() == 1 else "RGB"
    return _Header("", shape, channels, dtype, windowed=reader.HasMetaDataKey("0028|1050"))


def _sample(rows: Sequence[Row]) -> Sequence[Row]:
    """Return some rows, evenly spaced."""
    return rows[:: -(-len(rows) // _SAMPLED)] if rows else rows


def _has_colours(row: Row) -> bool:
    try:
        image = read_image(row.file, row.index)
    except Exception:  # noqa: BLE001 -- the build reports it
        return False
    return image.ndim == 3 and not is_volume(image) and not (image == image[..., :1]).all()


def _range(rows: Sequence[Row]) -> tuple[float, float] | None:
    """Return the range of the values of some images."""
    limits = []
    for row in _sample(rows):
        with suppress(Exception):  # the build reports it
            image = read_image(row.file, row.index)
            limits.append((float(image.min()), float(image.max())))
    return (min(low for low, _ in limits), max(high for _, high in limits)) if limits else None


def name_of(source: str | os.PathLike[str]) -> str:
    """Convert the name of a folder or file to one for a data set: lower-case letters, digits and ``-``."""
    return re.sub(r"[^a-z0-9]+", "-", Path(source).resolve().stem.lower()).strip("-")[:64]


def command_of(source: str | os.PathLike[str], options: Mapping[str, Any]) -> str:
    """Return the command that builds a source with some arguments of :func:`~medmnist_np.builder.build`."""
    words = ["medmnist-np", "build", str(source)]
    for name, value in options.items():
        option = "--" + _OPTIONS.get(name, name).replace("_", "-")
        if name == "label":
            words += [word for column in ([value] if isinstance(value, str) else value) for word in (option, column)]
        elif value is True or name == "channels":
            words.append(option if value is True else f"--{value}")
        elif isinstance(value, (tuple, list)):
            text = _SEPARATORS.get(name, ",").join(f"{x:g}" if isinstance(x, float) else str(x) for x in value)
            words += [f"{option}={text}"] if text.startswith("-") else [option, text]
        elif value not in (None, False, "") or (name, value) == ("group_by", ""):
            words += [option, str(value)]
    return shlex.join(words)
