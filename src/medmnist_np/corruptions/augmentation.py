"""Corruptions by chance, for training: another one, at another strength, for each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.batches import Batch
from medmnist_np.corruptions import corrupt
from medmnist_np.registry import Record
from medmnist_np.registry.corruption_facts import Parameters, Strengths, corrupted_set, corruption_strengths


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Corrupts the images of a batch by chance; :func:`augment` makes it. It pickles, and threads may share it.

    Attributes
    ----------
    strengths : tuple of (str, Strengths)
        The corruptions to choose from, and how strong each may be.
    share : float
        Of the images that are corrupted.
    """

    strengths: tuple[tuple[str, Strengths], ...]
    share: float

    def __call__(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch with other images; what becomes of each is drawn from ``rng``.

        Raises
        ------
        ValueError
            If the images are not uint8: ``dtype`` and ``scale`` of batches come before a transform.
        """
        if batch.images.dtype != np.uint8:
            raise ValueError(
                f"Corruptions are defined on uint8 images, 0 to 255, and this batch has {batch.images.dtype}: leave "
                "dtype and scale out of batches(), and convert after the transform."
            )
        images = batch.images.copy()
        view = _as_stored(images)
        for number in np.flatnonzero(rng.random(len(view)) < self.share):
            name, strengths = self.strengths[rng.integers(len(self.strengths))]
            parameters = _between(strengths.severities[0], strengths.strongest, rng.random())
            seed = int(rng.integers(2**63))
            view[number] = corrupt(np.ascontiguousarray(view[number : number + 1]), name, parameters, [seed])[0]
        return batch._replace(images=images)


def augment(
    name: str | Record, corruptions: Sequence[str] | None = None, *, share: float | None = None
) -> Augmentation:
    """Return a transform of batches that corrupts images as MedMNIST-C would corrupt those of a data set.

    Each image is left as it is, or gets one corruption, each as likely as the others, at a strength between severity 1
    and the end of the published range of the augmentation, each as likely.

    Parameters
    ----------
    name : str or DatasetInfo
        The data set whose corruptions and strengths to use.
    corruptions : sequence of str, optional
        The corruptions to choose from. None means all that MedMNIST-C has for the set.
    share : float, optional
        Of the images that are corrupted, 0 to 1. None means as published: with ``k`` corruptions ``k / (k + 1)``.

    Returns
    -------
    Augmentation
        For ``ds.batches(..., transform=mm.augment(name))``, without ``dtype`` and ``scale``.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the set or a corruption for it, no corruption is named, or the share is not between
        0 and 1.

    Notes
    -----
    Of a corruption with several numbers all are at the same place of their ranges. Where a range has whole numbers at
    both ends, so are those between. Di Salvo et al. 2024 (arXiv:2406.17536).

    Examples
    --------
    >>> import medmnist_np as mm
    >>> train = mm.Dataset("breastmnist", split="train")
    >>> batch = next(iter(train.batches(128, shuffle=True, transform=mm.augment("breastmnist"))))
    >>> batch.images.shape, batch.images.dtype
    ((128, 28, 28), dtype('uint8'))
    """
    if isinstance(corruptions, str):
        corruptions = [corruptions]
    chosen = dict.fromkeys(corrupted_set(name).corruptions if corruptions is None else corruptions)
    strengths = tuple((corruption, corruption_strengths(name, corruption)) for corruption in chosen)
    if not strengths:
        raise ValueError("No corruption is named. Leave corruptions out to choose from all that MedMNIST-C has.")
    if share is None:
        share = len(strengths) / (len(strengths) + 1)
    if not 0 <= share <= 1:
        raise ValueError(f"The share of the images that are corrupted is {share!r}; it must be from 0 to 1.")
    return Augmentation(strengths, share)


def _between(first: Parameters, last: Parameters, place: float) -> Parameters:
    """Return parameters at a place from 0 to 1 between two severities."""
    return tuple(
        round(a + place * (b - a)) if isinstance(a, int) and isinstance(b, int) else a + place * (b - a)
        for a, b in zip(first, last, strict=True)
    )


def _as_stored(images: NDArray[Any]) -> NDArray[Any]:
    """Return a view of images without a channel axis of one, and with that of three at the end."""
    if images.ndim != 4:
        return images
    if 3 in images.shape[1:2] and images.shape[-1] != 3:
        return np.moveaxis(images, 1, -1)
    if images.shape[-1] == 1:
        return images[..., 0]
    return images[:, 0] if images.shape[1] == 1 else images
