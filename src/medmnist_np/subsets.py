"""Parts of a data set: so many of each class, folds of a cross-validation. Labels in, numbers of samples out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.batches.order import checked_seed, whole
from medmnist_np.missing import is_missing


def some_per_class(labels: NDArray[np.integer[Any]], n: int, seed: int, class_names: Sequence[str]) -> NDArray[np.intp]:
    """Choose ``n`` samples of each class at random.

    Parameters
    ----------
    labels : (m, 1) integer array
        Class numbers.
    n : int
        How many of each.
    seed : int
        Of the choice.
    class_names : sequence of str
        Of class 0, 1, ...; all are chosen from.

    Returns
    -------
    (n * classes,) intp
        Ascending.

    Raises
    ------
    ValueError
        If a class has fewer.
    """
    n = whole("n", n, least=1)
    rng = np.random.default_rng(checked_seed(seed))
    classes = labels.reshape(-1)
    chosen = []
    for number, name in enumerate(class_names):
        members = np.flatnonzero(classes == number)
        if len(members) < n:
            raise ValueError(f"{n} samples of each class were asked for, and {name!r} has {len(members)}.")
        chosen.append(rng.choice(members, size=n, replace=False))
    return np.sort(np.concatenate(chosen))


def stratified_folds(
    labels: NDArray[np.integer[Any]], k: int, seed: int, groups: ArrayLike | None = None
) -> list[NDArray[np.intp]]:
    """Divide samples into ``k`` parts in which classes have about the same shares.

    Parameters
    ----------
    labels : (n, l) integer array
        Class numbers ``(n, 1)``, or the zeros and ones of several findings; then each combination counts as a class.
    k : int
        Number of parts.
    seed : int
        Of the division.
    groups : (n,) array_like, optional
        Samples of one group, as of one patient, come into the same part.

    Returns
    -------
    list of (m,) intp
        The samples of each part, ascending. Each sample is in one of them. Without groups, their sizes differ by 1 at
        most, and so do the samples of each class.

    Raises
    ------
    ValueError
        If there are not as many samples or groups as parts, or ``groups`` has another length.
    """
    k = whole("k", k, least=2)
    rng = np.random.default_rng(checked_seed(seed))
    _, strata = np.unique(labels, axis=0, return_inverse=True)
    strata = strata.reshape(-1)
    fold_of = _dealt(strata, k, rng) if groups is None else _dealt_by_group(strata, np.asarray(groups), k, rng)
    return [np.flatnonzero(fold_of == fold) for fold in range(k)]


def _dealt(strata: NDArray[np.intp], k: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Deal samples out one by one, stratum after stratum, as cards."""
    if len(strata) < k:
        raise ValueError(f"{len(strata)} samples cannot be divided into {k} folds.")
    mixed = rng.permutation(len(strata))
    in_turn = mixed[np.argsort(strata[mixed], kind="stable")]
    fold_of = np.empty(len(strata), dtype=np.intp)
    fold_of[in_turn] = np.arange(len(strata)) % k
    return fold_of


def _dealt_by_group(
    strata: NDArray[np.intp], groups: NDArray[Any], k: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Give groups, the largest first, each to the fold that it leaves most alike the others."""
    if groups.shape != strata.shape:
        raise ValueError(f"groups has shape {groups.shape}; one for each of the {len(strata)} samples is needed.")
    for sample, group in enumerate(groups.tolist()):
        if is_missing(group):  # all of these would be kept together
            raise ValueError(
                f"The sample {sample} has no group: groups[{sample}] is {group!r}. Give it a group of its "
                "own, or leave it out."
            )
    names, group_of = np.unique(groups, return_inverse=True)
    if len(names) < k:
        raise ValueError(f"{len(names)} groups cannot be divided into {k} folds.")
    counts = np.zeros((len(names), int(strata.max()) + 1))
    np.add.at(counts, (group_of, strata), 1)
    # A rare class weighs as much as a common one.
    shares = counts / counts.sum(axis=0)
    mixed = rng.permutation(len(names))
    largest_first = mixed[np.argsort(-counts[mixed].sum(axis=1), kind="stable")]
    filled = np.zeros((k, shares.shape[1]))
    fold_of = np.empty(len(names), dtype=np.intp)
    for position, group in enumerate(largest_first):
        # With as many groups left as empty folds, each of these gets one.
        empty = np.flatnonzero(~filled.any(axis=1))
        open_folds = empty if len(names) - position <= len(empty) else np.arange(k)
        uneven = np.square(filled[open_folds] + shares[group]).sum(axis=1) - np.square(filled[open_folds]).sum(axis=1)
        best = open_folds[int(np.argmin(uneven))]
        filled[best] += shares[group]
        fold_of[group] = best
    return fold_of[group_of]


def balanced_weights(labels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return weights that make each class that there is as likely to be drawn.

    Parameters
    ----------
    labels : (n, 1) integer array
        Class numbers.

    Returns
    -------
    (n,) float64
        One over the number of samples of the class.
    """
    _, class_of, counts = np.unique(labels.reshape(-1), return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / counts[class_of]
    return weights
