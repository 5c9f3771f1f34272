"""Choose subsets of a data set by labels: samples per class, folds, splits, clients of a federation."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np._groups import by_first_appearance, is_missing, per_sample
from medmnist_np.batches.order import checked_seed, whole
from medmnist_np.errors import short


def some_per_class(labels: NDArray[np.integer[Any]], n: int, seed: int, class_names: Sequence[str]) -> NDArray[np.intp]:
    """Choose ``n`` samples of each class at random.

    Parameters
    ----------
    labels : (m, 1) integer array
        Class numbers.
    n : int
        Number of samples of each class.
    seed : int
        Random seed for the choice.
    class_names : sequence of str
        Names of class 0, 1, ...; samples of every class are chosen.

    Returns
    -------
    (n * classes,) intp
        The chosen samples, in ascending order.

    Raises
    ------
    ValueError
        If a class has fewer samples.
    """
    n = whole("n", n, least=1)
    rng = np.random.default_rng(checked_seed(seed))
    classes = labels.reshape(-1)
    chosen = []
    for number, name in enumerate(class_names):
        members = np.flatnonzero(classes == number)
        if len(members) < n:
            raise ValueError(f"{n} samples per class were requested, but class {short(name)} has {len(members)}.")
        chosen.append(rng.choice(members, size=n, replace=False))
    return np.sort(np.concatenate(chosen))


def stratified_folds(
    labels: NDArray[np.integer[Any]], k: int, seed: int, groups: ArrayLike | None = None
) -> list[NDArray[np.intp]]:
    """Divide samples into ``k`` parts with about the same class balance.

    Parameters
    ----------
    labels : (n, l) integer array
        Class numbers ``(n, 1)``, or the zeros and ones of several findings.
    k : int
        Number of parts.
    seed : int
        Random seed.
    groups : (n,) array_like, optional
        Samples of one group, such as one patient, stay in the same part.

    Returns
    -------
    list of (m,) intp
        The samples of each part, ascending. Each sample is in one part. Without groups, the sizes of parts differ by at
        most 1, and so do the numbers of samples of each class or combination of findings.

    Raises
    ------
    ValueError
        If there are fewer samples or groups than parts, or ``groups`` has another length.

    Notes
    -----
    See :func:`divide`.
    """
    k = whole("k", k, least=2)
    fold_of = divide(labels, np.ones(k), seed, groups)
    return [np.flatnonzero(fold_of == fold) for fold in range(k)]


def absent_from(
    parts: Sequence[NDArray[np.intp]], labels: NDArray[np.integer[Any]], class_names: Sequence[str]
) -> dict[str, int]:
    """Count the parts without a class or finding, for each one that is missing from some parts but not from all.

    Parameters
    ----------
    parts : sequence of (m,) intp
        The samples of each part; together, they are all samples.
    labels : (n, 1) or (n, l) integer array
        Class numbers, or the zeros and ones of several findings.
    class_names : sequence of str
        Names of class 0, 1, ..., or of the findings.
    """
    single = labels.shape[1] == 1
    found = {}
    for number, name in enumerate(class_names):
        has = labels[:, 0] == number if single else labels[:, number] != 0
        n_absent = sum(not has[part].any() for part in parts)
        if 0 < n_absent < len(parts):
            found[name] = n_absent
    return found


def divide(
    labels: NDArray[np.integer[Any]], ratio: ArrayLike, seed: int, groups: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Assign each sample to a part at random, with about the same class balance in all parts.

    Parameters
    ----------
    labels : (n, l) integer array
        Class numbers ``(n, 1)``, or the zeros and ones of several findings.
    ratio : (k,) array_like of float
        Sizes of the parts relative to one another, positive, for example ``(7, 1, 2)``.
    seed : int
        Random seed.
    groups : (n,) array_like, optional
        Samples of one group, such as one patient, go to the same part.

    Returns
    -------
    (n,) intp
        The part of each sample. Every part has a sample or group. The result depends on the order in which classes and
        groups first appear, but not on class numbers or group names.

        Without groups, each sample has the same chance to be in a part: the share of that part. With two parts, the
        number of samples of a class (or combination of findings) in a part differs from that share by less than 1; with
        ``k`` parts, by less than ``k - 1``. So a class with few samples may be missing from a small part.

        With groups, each group has the same chance to be in a part, whatever its labels and size. The number of
        samples in a part is as close to its share as the sizes of the groups allow.

    Raises
    ------
    ValueError
        If there are fewer samples or groups than parts, or ``groups`` has another length.

    Notes
    -----
    Without groups, the parts are drawn one by one with the cube method (Deville and Tille 2004,
    doi:10.1093/biomet/91.4.893), stratified by equal labels (Chauvet 2009, *Stratified balanced sampling*, Survey
    Methodology 35, 115-119): the chance of each sample is exact, and the number of samples and of each finding is as
    close to its share as integers allow.

    Groups are assigned to equal folds, the largest group first, each to the fold that keeps the folds most similar.
    Each part then consists of random folds: 7:1:2 uses ten folds.
    """
    rng = np.random.default_rng(checked_seed(seed))
    shares = np.asarray(ratio, dtype=np.float64)
    shares = shares / shares.sum()
    strata = by_first_appearance(labels)
    if groups is None:
        if len(strata) < len(shares):
            raise ValueError(f"{len(strata)} samples cannot be divided into {len(shares)} parts. Use fewer parts.")
        return _divided(labels, strata, shares, rng)
    group_of = _numbered(groups, len(strata))
    n_groups = int(group_of.max(initial=-1)) + 1
    if n_groups < len(shares):
        raise ValueError(f"{n_groups} groups cannot be divided into {len(shares)} parts. Use fewer parts.")
    part_of_fold = rng.permutation(np.repeat(np.arange(len(shares)), _folds_of(shares, n_groups)))
    columns = _columns(labels, strata)
    contents = np.zeros((n_groups, columns.shape[1]))
    np.add.at(contents, group_of, columns[strata])
    return part_of_fold[_dealt_by_group(contents, len(part_of_fold), rng)][group_of]


def _numbered(groups: ArrayLike, n_samples: int) -> NDArray[np.intp]:
    """Return the number of each sample's group, by first appearance; raise if a group is missing."""
    group_of = per_sample(groups, "groups")
    if group_of.shape != (n_samples,):
        raise ValueError(f"groups has shape {group_of.shape}. Give one group for each of the {n_samples} samples.")
    for sample, group in enumerate(group_of.tolist()):
        if is_missing(group):  # otherwise, all samples without a group would stay together
            raise ValueError(
                f"Sample {sample} has no group (the value is {short(group)}). Give it a group, or remove it."
            )
    return by_first_appearance(group_of)


def _columns(labels: NDArray[np.integer[Any]], strata: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the column totals to balance: 1 for every sample, then 0 or 1 for each class, the rarest first.

    The order of the classes does not depend on their numbers.
    """
    n_of = np.bincount(strata)
    if labels.shape[1] == 1:
        findings = np.eye(len(n_of))
    else:
        findings = np.empty((len(n_of), labels.shape[1]))
        findings[strata] = labels
    order = np.lexsort([*findings[::-1], n_of @ findings])
    return np.column_stack([np.ones(len(findings)), findings[:, order]])


def _divided(
    labels: NDArray[np.integer[Any]], strata: NDArray[np.intp], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.intp]:
    columns = _columns(labels, strata)
    part_of = np.empty(len(strata), dtype=np.intp)
    left = np.arange(len(strata))
    smallest_first = np.argsort(shares, kind="stable")
    for n_done, part in enumerate(smallest_first[:-1]):
        share = shares[part] / shares[smallest_first[n_done:]].sum()
        drawn = _drawn(strata[left], columns, max(share, 1 / len(left)), rng)
        part_of[left[drawn]] = part
        left = left[~drawn]
    part_of[left] = smallest_first[-1]
    return part_of


# Chances closer to 0 or 1 than this count as 0 or 1.
_CLOSE = 1e-9

# After this many strata, the equations are set up again, so that rounding errors do not accumulate.
_AFRESH = 500


def _drawn(
    strata: NDArray[np.intp], columns: NDArray[np.float64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw samples at random with equal chances, so that each stratum and column has about that share.

    Parameters
    ----------
    strata : (n,) intp
        The stratum of each sample.
    columns : (strata, c) float
        What a sample of each stratum adds to each total, the most important total first.
    share : float
        The chance of each sample.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    (n,) bool
        Whether each sample was drawn.
    """
    n_of = np.bincount(strata, minlength=len(columns))
    n_drawn = np.floor(share * n_of + _CLOSE)
    # The chance that one more sample of a stratum is drawn.
    chances = np.maximum(share * n_of - n_drawn, 0)
    open_ones = rng.permutation(len(chances))
    open_ones = open_ones[_is_open(chances[open_ones])]
    n_columns = columns.shape[1]
    while len(open_ones):
        if not n_columns:
            chances[open_ones] = rng.random(len(open_ones)) < chances[open_ones]
            break
        carried = open_ones[:0]
        for block in np.array_split(open_ones, len(open_ones) // _AFRESH + 1):
            carried = np.concatenate([carried, block])
            _balance(chances, carried, columns[:, :n_columns], rng)
            carried = carried[_is_open(chances[carried])]
        open_ones = carried
        n_columns //= 2
    n_drawn += chances > 0.5
    mixed = rng.permutation(len(strata))
    in_turn = mixed[np.argsort(strata[mixed], kind="stable")]
    place = np.arange(len(strata)) - np.repeat(np.cumsum(n_of) - n_of, n_of)
    drawn = np.zeros(len(strata), dtype=np.bool_)
    drawn[in_turn[place < np.repeat(n_drawn, n_of)]] = True
    return drawn


def _is_open(chances: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (chances > _CLOSE) & (chances < 1 - _CLOSE)


def _balance(
    chances: NDArray[np.float64], units: NDArray[np.intp], columns: NDArray[np.float64], rng: np.random.Generator
) -> None:
    """Move chances to 0 or 1, in place, without changing any expectation or ``chances @ columns``.

    At most one chance per column stays between 0 and 1. This is the flight phase of the cube method.
    """
    # `solve @ columns[unit]` is 1 in the row of a unit of the basis and 0 in the other rows; -1 marks an empty row.
    basis = np.full(columns.shape[1], -1, dtype=np.intp)
    solve = np.eye(columns.shape[1])
    for unit in units.tolist():
        of_basis = solve @ columns[unit]
        of_basis[np.abs(of_basis) < _CLOSE] = 0
        rows = np.flatnonzero((basis < 0) & (of_basis != 0))
        if not len(rows):
            # The unit is a linear combination of the basis: when its chance rises, theirs fall, or vice versa.
            used = np.flatnonzero(of_basis)
            members = np.append(basis[used], unit)
            steps = np.append(-of_basis[used], 1)
            now = chances[members]
            up = (np.where(steps > 0, 1 - now, now) / np.abs(steps)).min()
            down = (np.where(steps > 0, now, 1 - now) / np.abs(steps)).min()
            moved = now + steps * (up if rng.random() * (up + down) < down else -down)
            is_open = _is_open(moved)
            chances[members] = np.where(is_open, moved, np.round(moved))
            rows = used[~is_open[:-1]]
            basis[rows] = -1
            if not is_open[-1]:
                continue
        row = rows[np.argmax(np.abs(of_basis[rows]))]
        basis[row] = unit
        solve[row] /= of_basis[row]
        of_basis[row] = 0
        solve -= np.outer(of_basis, solve[row])


def _folds_of(shares: NDArray[np.float64], n_groups: int) -> NDArray[np.intp]:
    """Return how many equal folds each part gets: the smallest numbers that best match the shares."""

    def off(counts: NDArray[np.intp]) -> float:
        return round(float(np.abs(counts / counts.sum() - shares).max()), 9)

    most = max(len(shares), min(n_groups, _MOST_FOLDS))
    return min((_whole(shares, n) for n in range(len(shares), most + 1)), key=off)


_MOST_FOLDS = 100


def _whole(shares: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Return integers of at least 1 with the sum ``n``, in proportions close to these shares."""
    exact = n * shares
    counts = np.maximum(np.floor(exact), 1).astype(np.intp)
    while counts.sum() > n:
        counts[np.argmax(np.where(counts > 1, counts - exact, -np.inf))] -= 1
    while counts.sum() < n:
        counts[np.argmax(exact - counts)] += 1
    return counts


def _dealt_by_group(contents: NDArray[np.float64], k: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Assign each group, the largest first, to the fold that keeps the folds most similar; return ``(groups,)``.

    ``contents`` ``(groups, 1 + classes)`` has the number of samples of each group, and of each class or finding.
    """
    # A rare class weighs as much as a common one.
    shares = contents / np.maximum(contents.sum(axis=0), 1)
    mixed = rng.permutation(len(contents))
    largest_first = mixed[np.argsort(-contents[mixed, 0], kind="stable")]
    filled = np.zeros((k, shares.shape[1]))
    fold_of = np.empty(len(contents), dtype=np.intp)
    for position, group in enumerate(largest_first):
        # If there are only as many groups left as there are empty folds, each empty fold gets one.
        empty = np.flatnonzero(filled[:, 0] == 0)
        open_folds = empty if len(contents) - position <= len(empty) else np.arange(k)
        uneven = np.square(filled[open_folds] + shares[group]).sum(axis=1) - np.square(filled[open_folds]).sum(axis=1)
        best = open_folds[int(np.argmin(uneven))]
        filled[best] += shares[group]
        fold_of[group] = best
    return fold_of


def balanced_weights(labels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return weights that make all existing classes equally likely.

    Parameters
    ----------
    labels : (n, 1) integer array
        Class numbers.

    Returns
    -------
    (n,) float64
        1 / (number of samples of the class).
    """
    _, class_of, counts = np.unique(labels.reshape(-1), return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / counts[class_of]
    return weights


T = TypeVar("T", bound=Sized)


# Maximum width of all class names in a table of partitions, so that it fits into 80 columns.
_WIDEST_HEADER = 60


class Partitions(Sequence[T], Generic[T]):
    """The data sets of the clients of a federation, and the class counts of each client.

    Parameters
    ----------
    clients : sequence
        One data set for each client. The attribute ``sizes``, ``(clients,)``, has their lengths.
    class_counts : (clients, c) int64
        Number of samples of each client in each class, or with each label of a multi-label set.
    class_names : sequence of str
        The names of the ``c`` classes or labels.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> clients = mm.Dataset("breastmnist", split="train").partitions(3, by="iid")
    >>> len(clients), len(clients[0]), clients.class_counts.shape
    (3, 182, (3, 2))
    """

    def __init__(self, clients: Sequence[T], class_counts: NDArray[np.int64], class_names: Sequence[str]) -> None:
        self._clients = tuple(clients)
        self.sizes = np.array([len(client) for client in clients])
        self.class_counts = class_counts
        self.class_names = tuple(class_names)

    def __len__(self) -> int:
        return len(self._clients)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._clients[index]

    def __repr__(self) -> str:
        """Return a table with one row for each client: its samples, and those of each class.

        Long class names are replaced by class numbers.
        """
        names = self.class_names
        if sum(map(len, names)) + 2 * len(names) > _WIDEST_HEADER:
            names = tuple(map(str, range(len(names))))
        rows = [["client", "samples", *names]]
        for number, counts in enumerate(self.class_counts.tolist()):
            rows.append([str(number), str(self.sizes[number]), *map(str, counts)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def iid_parts(n_samples: int, n: int, seed: int) -> list[NDArray[np.intp]]:
    """Divide samples into ``n`` parts at random. Their sizes differ by at most 1."""
    order = np.random.default_rng(checked_seed(seed)).permutation(n_samples)
    return [np.sort(part) for part in np.array_split(order, n)]


def group_parts(groups: ArrayLike, n_samples: int, n: int, seed: int) -> list[NDArray[np.intp]]:
    """Assign whole groups at random to ``n`` parts of about the same size; if ``n`` is 0, each group is a part."""
    if n == 0:
        part_of = _numbered(groups, n_samples)
        n = int(part_of.max()) + 1
    else:
        part_of = divide(np.zeros((n_samples, 1), np.uint8), np.ones(n), seed, groups)
    by_part = np.argsort(part_of, kind="stable")
    return np.split(by_part, np.cumsum(np.bincount(part_of, minlength=n))[:-1])


def shard_parts(labels: NDArray[np.integer[Any]], n: int, shards: int, seed: int) -> list[NDArray[np.intp]]:
    """Sort samples by class, divide them into ``n * shards`` equal shards, and give each part ``shards`` at random.

    This is the non-IID division of McMahan et al. 2017, *Communication-efficient learning of deep networks from
    decentralized data* (arXiv:1602.05629). The order inside a class is random.
    """
    shards = whole("shards", shards, least=1)
    if n * shards > len(labels):
        raise ValueError(
            f"{len(labels)} samples cannot be divided into {n} x {shards} shards. Use fewer clients or shards."
        )
    rng = np.random.default_rng(checked_seed(seed))
    mixed = rng.permutation(len(labels))
    runs = np.array_split(mixed[np.argsort(labels[mixed, 0], kind="stable")], n * shards)
    dealt = rng.permutation(n * shards).reshape(n, shards)
    return [np.sort(np.concatenate([runs[run] for run in of_part])) for of_part in dealt]


# Maximum number of draws to get at least `least` samples in each part of a Dirichlet partition.
_MOST_DRAWS = 1000


def dirichlet_parts(
    labels: NDArray[np.integer[Any]], n: int, alpha: float, least: int, seed: int
) -> list[NDArray[np.intp]]:
    """Divide each class among ``n`` parts in proportions drawn from a symmetric Dirichlet distribution.

    Proportions are drawn again until every part has at least ``least`` samples, as in Li et al. 2022, *Federated
    learning on non-IID data silos* (arXiv:2102.02079).
    """
    if not (isinstance(alpha, int | float | np.floating | np.integer) and 0 < alpha < np.inf):
        raise ValueError(f"alpha must be a positive number, not {short(alpha)}. Small values give clients few classes.")
    least = whole("min_size", least, least=0)
    if n * least > len(labels):
        raise ValueError(
            f"{len(labels)} samples are too few for {n} clients with min_size={least}. Use a smaller min_size."
        )
    rng = np.random.default_rng(checked_seed(seed))
    classes = labels[:, 0]
    members = [rng.permutation(np.flatnonzero(classes == number)) for number in np.unique(classes)]
    sizes = np.array([len(of_class) for of_class in members])
    for _ in range(_MOST_DRAWS):
        shares = rng.dirichlet(np.full(n, float(alpha)), size=len(members))
        ends = np.rint(np.cumsum(shares, axis=1) * sizes[:, None]).astype(np.intp)[:, :-1]
        pieces = [np.split(of_class, at) for of_class, at in zip(members, ends, strict=True)]
        parts = [np.sort(np.concatenate(of_part)) for of_part in zip(*pieces, strict=True)]
        if min(map(len, parts)) >= least:
            return parts
    raise ValueError(
        f"None of {_MOST_DRAWS} draws gave each of the {n} clients {least} samples. Use a larger alpha, a smaller "
        "min_size or fewer clients."
    )
