"""Random corruptions for training: each image gets its own corruption and strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from medmnist_np.batches import Batch
from medmnist_np.corruptions import corrupt
from medmnist_np.errors import short
from medmnist_np.images.channels import usual_axes
from medmnist_np.registry import Record
from medmnist_np.registry.corruption_facts import Parameters, Strengths, corrupted_set, corruption_strengths

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Corrupt images at random: a batch, or one image. :func:`augment` creates it; it can be pickled and shared.

    Attributes
    ----------
    strengths : tuple of (str, Strengths)
        The corruptions to choose from, with the strengths of each.
    share : float
        Share of the images to corrupt, 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> import medmnist_np as mm
    >>> transform = mm.augment("breastmnist")
    >>> batch = mm.Dataset("breastmnist", "train").batches(64).batch(0, 0)
    >>> transform(batch, np.random.default_rng(0)).images.shape
    (64, 28, 28)
    """

    strengths: tuple[tuple[str, Strengths], ...]
    share: float

    def __call__(self, images: _Kind, rng: np.random.Generator | None = None) -> _Kind:
        """Return new images of the same kind, corrupted at random.

        Parameters
        ----------
        images : Batch, array or PIL.Image.Image
            A batch; or one image, as a uint8 array ``(h, w)``, ``(h, w, 3)``, ``(1, h, w)`` or ``(3, h, w)``, or as a
            PIL image of mode ``L`` or ``RGB``.
        rng : numpy.random.Generator, optional
            Source of random numbers. Default: a new generator, seeded from NumPy's global one, as transforms of single
            images usually work. Then ``np.random.seed`` makes a run reproducible, and PyTorch seeds each worker.

        Returns
        -------
        Batch, array or PIL.Image.Image
            The same kind, shape and dtype.

        Raises
        ------
        ValueError
            If the images are not uint8, or a PIL image has another mode.
        TypeError
            If it is another kind of object.
        """
        from PIL import Image

        given: Any = images
        if rng is None:
            rng = np.random.default_rng(np.random.randint(2**32, size=4, dtype=np.uint32))  # noqa: NPY002 -- see above
        result: Any
        if isinstance(given, Batch):
            result = given._replace(images=self._corrupted(given.images, rng, "Call batches() without dtype and scale"))
        elif isinstance(given, Image.Image):
            if given.mode not in {"L", "RGB"}:
                raise ValueError(f"Corruptions need a gray or RGB image, not mode {given.mode!r}. Convert it first.")
            result = Image.fromarray(self._corrupted(np.asarray(given)[np.newaxis], rng, "")[0])
        elif isinstance(given, np.ndarray):
            result = self._corrupted(given[np.newaxis], rng, "Put augment before transforms that scale or convert")[0]
        else:
            raise TypeError(
                f"Corruptions need a batch, an array or a PIL image, not {type(given).__name__}. Put augment before "
                "transforms that convert to tensors."
            )
        return result  # type: ignore[no-any-return]

    def _corrupted(self, images: NDArray[Any], rng: np.random.Generator, remedy: str) -> Any:
        """Return a copy of images ``(n, ...)`` in which some are corrupted."""
        if images.dtype != np.uint8:
            raise ValueError(f"Corruptions need uint8 images, not {images.dtype}. {remedy}, and convert afterwards.")
        images = images.copy()
        view = usual_axes(images)
        for number in np.flatnonzero(rng.random(len(view)) < self.share):
            name, strengths = self.strengths[rng.integers(len(self.strengths))]
            parameters = _between(strengths.severities[0], strengths.strongest, rng.random())
            seed = int(rng.integers(2**63))
            view[number] = corrupt(np.ascontiguousarray(view[number : number + 1]), name, parameters, [seed])[0]
        return images


def augment(
    name: str | Record, corruptions: Sequence[str] | None = None, *, share: float | None = None
) -> Augmentation:
    """Create a transform that corrupts training images at random, as MedMNIST-C does.

    It accepts batches, arrays and PIL images, also in a ``Compose``. Each image stays unchanged or gets one corruption.
    All corruptions are equally likely. The strength is uniform between severity 1 and the upper end of the published
    range for augmentation.

    Parameters
    ----------
    name : str or DatasetInfo
        Data set whose corruptions and strengths are used.
    corruptions : sequence of str, optional
        Corruptions to choose from (default: all that MedMNIST-C has for the data set).
    share : float, optional
        Share of the images to corrupt, 0 to 1 (default: ``k / (k + 1)`` for ``k`` corruptions, as published).

    Returns
    -------
    Augmentation
        The ``transform`` of ``ds.batches(...)``, without ``dtype`` and ``scale``, or of a data set. Batches are
        reproducible by their own seed, single images by ``np.random.seed``.

    Raises
    ------
    ValueError
        If MedMNIST-C does not have the data set or a corruption for it, the list of corruptions is empty, or the share
        is not between 0 and 1.

    Notes
    -----
    One random number sets all parameters of a corruption: each lies at the same fraction of its range. If both ends of
    a range are integers, the value is rounded to an integer. Source: Di Salvo et al. 2024 (arXiv:2406.17536).

    Examples
    --------
    >>> import medmnist_np as mm
    >>> train = mm.Dataset("breastmnist", split="train")
    >>> batch = next(iter(train.batches(128, shuffle=True, transform=mm.augment("breastmnist"))))
    >>> batch.images.shape, batch.images.dtype
    ((128, 28, 28), dtype('uint8'))

    >>> image, label = mm.BreastMNIST("train", transform=mm.augment("breastmnist"))[0]
    >>> image.mode, image.size
    ('L', (28, 28))
    """
    if isinstance(corruptions, str):
        corruptions = [corruptions]
    chosen = dict.fromkeys(corrupted_set(name).corruptions if corruptions is None else corruptions)
    strengths = tuple((corruption, corruption_strengths(name, corruption)) for corruption in chosen)
    if not strengths:
        raise ValueError("No corruptions given. Omit the argument to use all that MedMNIST-C has for the data set.")
    if share is None:
        share = len(strengths) / (len(strengths) + 1)
    if not 0 <= share <= 1:
        raise ValueError(f"Invalid share: {short(share)}. It must be between 0 and 1.")
    return Augmentation(strengths, share)


def _between(first: Parameters, last: Parameters, fraction: float) -> Parameters:
    """Interpolate between the parameters of two severities; ``fraction`` is 0 to 1."""
    return tuple(
        round(a + fraction * (b - a)) if isinstance(a, int) and isinstance(b, int) else a + fraction * (b - a)
        for a, b in zip(first, last, strict=True)
    )
