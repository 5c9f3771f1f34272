"""The card of a data set: one page for people who look before they compute."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._progress import Progress, bars
from medmnist_np._version import __version__
from medmnist_np.cache import settings
from medmnist_np.data.arrays import load_labels
from medmnist_np.data.dataset import Dataset
from medmnist_np.errors import NotCachedError, UnknownSizeError
from medmnist_np.images import choose, class_colors, montage, overlay
from medmnist_np.images.captions import add_legend
from medmnist_np.images.grid import EMPTY
from medmnist_np.pages.card import card_page
from medmnist_np.pages.card_data import CardData, Examples, Values
from medmnist_np.pages.card_labels import presence
from medmnist_np.pages.naming import class_titles
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.recipe_facts import recipe_facts

_WIDTH = 512  # pixels, of the images of a class side by side, if that makes a number of them between the next two
_FEWEST, _MOST = 3, 6
_SMALL = 64  # pixels: of images up to this size there are two rows
_SMALL_VOLUME = 32  # voxels: all slices of volumes go into the page


def card(
    name: str | DatasetInfo,
    *,
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> str:
    """Return a page that tells all about a data set: pictures, class balance, values, preparation, papers, code.

    Parameters
    ----------
    name : str or DatasetInfo
        As of :func:`~medmnist_np.load`.
    size : int, optional
        Of the images to show and to measure. None means the one in the name, else that of 28 pixels, else the smallest
        that is on this machine.
    root : path, optional
        As of :func:`~medmnist_np.load`.
    download : bool
        Whether to fetch the data set if it is not on this machine. Otherwise its card has no pictures, and says so.
    seed : int
        Another one draws other samples to show.
    executor : concurrent.futures.Executor, optional
        Who counts the values of the pixels, see :meth:`Dataset.statistics`.
    progress : Progress
        What to show while they are counted; a bar, by default.

    Returns
    -------
    str
        An HTML document that needs nothing else and no network. The same data, arguments and versions give the same
        document.

    Raises
    ------
    UnknownDatasetError, UnknownSizeError
        With what there is and the nearest name.
    MedMNISTError
        As :func:`~medmnist_np.load`, where it is to be downloaded.

    Notes
    -----
    Samples and pixels are all counted, and none is sampled; pictures are of a few samples of each class. The card of a
    segmentation set shows masks over images, and how many pixels each class has, in place of a balance of labels.

    Examples
    --------
    >>> from medmnist_np.reports.card_page import card
    >>> page = card("retinamnist", download=True)
    >>> page.splitlines()[0], page.count("<img")
    ('<!DOCTYPE html>', 5)
    """
    record, shown_size = registry.resolve_size(name, size)
    splits = _opened(name, size, root=root, download=download)
    segmented = record.target == "masks"
    labels: Mapping[str, NDArray[np.integer]] = {}
    if splits:
        shown_size = splits[record.splits[0]].size
    if not segmented:
        labels = {split: ds.labels for split, ds in splits.items()} if splits else _labels_here(record, root)
    masks = {split: _pixels_of_classes(ds, progress) for split, ds in splits.items()} if segmented else {}
    known = recipe_facts(record)
    return card_page(
        CardData(
            record=record,
            size=shown_size,
            default_size=registry.resolve_size(record)[1],
            preparation=() if known is None else known.notes,
            labels=labels,
            examples=_examples(splits[record.splits[0]], masks.get(record.splits[0]), seed) if splits else (),
            values={split: _values(ds, executor, progress) for split, ds in splits.items() if len(ds)},
            baselines=registry.baselines(record),
            citations=_citations(record),
            masks=masks,
            origin={
                "Size of the images": str(shown_size) if splits else "",
                "Archive": record.archive(shown_size).digest if splits else "",
                "Counted": "all samples and all pixels" if splits else "all samples" if labels else "nothing",
                "Seed of the pictures": str(seed) if splits else "",
                "Program": f"medmnist-np {__version__}",
            },
        )
    )


def _opened(
    name: str | DatasetInfo, size: int | None, *, root: str | os.PathLike[str] | None, download: bool
) -> dict[str, Dataset]:
    """Return the splits of a data set, of the size that is meant or of another one that is here; none if none is."""
    record, meant = registry.resolve_size(name, size)
    if not record.archives:
        raise UnknownSizeError(
            f"Cards are made of sets of one size, and the volumes of {record.qualified_name} differ: "
            f"`medmnist-np info {record.qualified_name}` and `medmnist-np montage {record.qualified_name}` show them."
        )
    named = size is not None or registry.find(name)[1] is not None
    settings.current(root, make=download)  # a root that is missing is an error, a set that is missing is not
    others = [] if named or download else [other for other in record.sizes if other != meant]
    for candidate in (meant, *others):
        with suppress(NotCachedError):
            return {
                split: Dataset(record, split, size=candidate, root=root, download=download) for split in record.splits
            }
    return {}


def _labels_here(record: DatasetInfo, root: str | os.PathLike[str] | None) -> dict[str, NDArray[np.integer]]:
    """Return the labels of those splits whose labels alone are on this machine."""
    found: dict[str, NDArray[np.integer]] = {}
    for split in record.splits:
        with suppress(NotCachedError):
            found[split] = load_labels(record, split, root=root, download=False)
    return found


def _values(ds: Dataset, executor: Executor | None, progress: Progress) -> Values:
    found = ds.statistics(executor=executor, progress=progress)
    return Values(found.mean, found.std, found.histogram)


def _pixels_of_classes(ds: Dataset, progress: Progress) -> NDArray[np.int64]:
    """Count the pixels of each class in each mask, ``(n, classes)``."""
    n_classes, masks = ds.record.n_classes, ds.masks
    counts = np.zeros((len(masks), n_classes), np.int64)
    with progress(f"counting masks of {ds.split}", total=masks.nbytes) as bar:
        for number, mask in enumerate(masks):
            found = np.bincount(mask.reshape(-1), minlength=n_classes)
            if len(found) > n_classes:
                raise ValueError(
                    f"Mask {number} of {ds.record.qualified_name} {ds.split} has the value {len(found) - 1}, and the "
                    f"classes are 0 to {n_classes - 1}."
                )
            counts[number] = found
            bar.update(mask.nbytes)
    return counts


def _examples(ds: Dataset, pixels: NDArray[np.int64] | None, seed: int) -> list[Examples]:
    """Draw some samples of each class; of a multi-label set also some without any finding.

    Of a segmentation set, some that show each class; ``pixels`` says which.
    """
    record = ds.record
    if pixels is not None:
        groups = zip(class_titles(record)[1:], (pixels > 0).T[1:], strict=True)
        return [_drawn(ds, title, np.flatnonzero(members), seed) for title, members in groups]
    present = presence(ds.labels, record)
    of_class = list(zip(class_titles(record), present.T, strict=True))
    if record.multi_label:
        of_class.append(("no finding", ~present.any(axis=1)))
    return [_drawn(ds, title, np.flatnonzero(members), seed) for title, members in of_class]


def _drawn(ds: Dataset, title: str, members: NDArray[np.intp], seed: int) -> Examples:
    if not len(members):
        return Examples(title)
    volumes = ds.record.ndim == 3
    if volumes:
        rows, columns = (2, 4) if ds.size <= _SMALL_VOLUME else (1, _FEWEST)
    else:
        rows, columns = 2 if ds.size <= _SMALL else 1, min(max(_WIDTH // ds.size, _FEWEST), _MOST)
        if ds.record.target == "masks" and ds.record.n_classes == 2:
            rows += 2  # all there is to see is of one class
    places = choose(members, rows, columns, seed=seed)
    chosen = np.sort(places[places != EMPTY])
    images = ds.gather(chosen)
    if volumes:
        slices = [montage(images[:, number], columns=columns) for number in range(images.shape[1])]
        picture = np.stack(slices)
    elif ds.record.target == "masks":
        names = ds.class_names
        drawn = montage(overlay(images, ds.gather_labels(chosen)), columns=columns)
        picture = add_legend(drawn, names, color=True, swatches=class_colors(len(names)))
    else:
        picture = montage(images, columns=columns)
    return Examples(title, tuple(chosen.tolist()), picture)


def _citations(record: DatasetInfo) -> str:
    try:
        return registry.cite(record)
    except (KeyError, OSError):  # a record of the user's own may name papers that no file of the registry describes
        return ""
