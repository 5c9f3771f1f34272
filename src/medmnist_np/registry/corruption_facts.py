"""Definitions and strengths of corruptions; :mod:`medmnist_np.corruptions` applies them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from operator import index
from pathlib import Path
from typing import Any

from medmnist_np.errors import RecordError, nearest, short
from medmnist_np.registry.lookup import info
from medmnist_np.registry.records import Record

SEVERITIES = (1, 2, 3, 4, 5)
"""The severities, from weakest to strongest."""

_FILE = Path(__file__).parent / "medmnist_c.toml"

Parameters = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CorruptionFacts:
    """Definition of a corruption. Several may share a kind: brightness up and down differ only in the factor.

    Attributes
    ----------
    name : str
        Name as in the published archives, for example ``"brightness_up"``.
    number : int
        Part of the random seed of every image; never changes.
    kind : str
        The operation, for example ``"Brightness"``.
    group : str
        ``"digital"``, ``"noise"``, ``"blur"``, ``"color"`` or ``"task-specific"``.
    definition : str
        Description of what the reference implementation does.
    parameters : tuple of str
        Meaning of each parameter of a severity, in order.
    severities : tuple of tuple of float
        Parameters of the five severities, for data sets without their own in MedMNIST-C. Empty for the corruptions of
        MedMNIST-C.

    Examples
    --------
    >>> from medmnist_np.registry.corruption_facts import corruption_facts
    >>> corruption_facts()["motion_blur"].parameters
    ('radius', 'sigma')
    """

    name: str
    number: int
    kind: str
    group: str
    definition: str
    parameters: tuple[str, ...]
    severities: tuple[Parameters, ...] = ()


@dataclass(frozen=True, slots=True)
class Strengths:
    """Strengths of a corruption for one data set.

    Attributes
    ----------
    severities : tuple of tuple of float
        Parameters of severities 1 to 5; :attr:`CorruptionFacts.parameters` explains them.
    strongest : tuple of float
        Upper end of the range of the published augmentation: severity 5, or a sixth entry that test sets do not use.
    reference_error : float
        Balanced error of AlexNet, mean over the severities, as published; NaN if none was published.
    """

    severities: tuple[Parameters, ...]
    strongest: Parameters
    reference_error: float = math.nan

    def __post_init__(self) -> None:
        lengths = {len(parameters) for parameters in (*self.severities, self.strongest)}
        if len(self.severities) != len(SEVERITIES) or len(lengths) != 1:
            raise RecordError(
                f"A corruption needs five severities with equally many numbers, not {short(self.severities)}."
            )
        if not (math.isnan(self.reference_error) or 0 < self.reference_error < 1):
            raise RecordError(f"A balanced error must be between 0 and 1, not {self.reference_error}.")


@dataclass(frozen=True, slots=True)
class CorruptedSet:
    """The part of MedMNIST-C for one data set.

    Attributes
    ----------
    name : str
        Name of the data set.
    corruptions : Mapping of str to Strengths
        Strengths by name of the corruption, in the order of the publication.
    reference_clean_error : float
        Balanced error of AlexNet on the uncorrupted images, as published.
    url : str or None
        URL of the published archive: a zip file with one npz per corruption, images of 224 px. None if not published.
    digest : str or None
        Checksum of that archive, ``"md5:<hex>"``. None if unknown, as for ChestMNIST-C.
    """

    name: str
    corruptions: Mapping[str, Strengths]
    reference_clean_error: float
    url: str | None
    digest: str | None

    def __post_init__(self) -> None:
        if not self.corruptions:
            raise RecordError(f"{self.name} needs at least one corruption.")
        if self.digest is not None and not re.fullmatch("md5:[0-9a-f]{32}", self.digest):
            raise RecordError(
                f"{self.name}: the checksum {short(self.digest)} must be 'md5:' and 32 lower-case hex digits."
            )

    def strengths(self, corruption: str) -> Strengths:
        """Return the strengths of a corruption for this data set.

        Raises
        ------
        ValueError
            If MedMNIST-C does not have this corruption for the data set. The message lists the available ones.
        """
        if corruption not in self.corruptions:
            raise ValueError(
                f"MedMNIST-C does not have {short(corruption)} for {self.name}."
                f"{nearest(str(corruption), self.corruptions)} Available: {', '.join(self.corruptions)}."
            )
        return self.corruptions[corruption]

    def parameters(self, corruption: str, severity: int) -> Parameters:
        """Return the parameters of a corruption at a severity from 1 to 5.

        Raises
        ------
        ValueError
            If the data set does not have the corruption, or the severity is invalid.

        Examples
        --------
        >>> from medmnist_np.registry.corruption_facts import corrupted_set
        >>> corrupted_set("dermamnist").parameters("motion_blur", 3)
        (15, 8)
        """
        return self.strengths(corruption).severities[checked_severity(severity) - 1]


def checked_severity(severity: int) -> int:
    """Check a severity and return it as an int from 1 to 5.

    Raises
    ------
    ValueError
        If it is not an integer from 1 to 5. Floats such as 3.0 are refused, because severities are part of file names.

    Examples
    --------
    >>> from medmnist_np.registry.corruption_facts import checked_severity
    >>> checked_severity(3)
    3
    """
    try:
        number = index(severity)
    except TypeError:
        number = 0
    if isinstance(severity, bool) or number not in SEVERITIES:
        raise ValueError(
            f"Invalid severity: {short(severity)}. It must be an integer from 1 (weakest) to 5 (strongest)."
        )
    return number


def corrupted_set(name: str | Record) -> CorruptedSet:
    """Return the corruptions, strengths and archive that MedMNIST-C has for a data set.

    Raises
    ------
    UnknownDatasetError
        If no data set has this name.
    ValueError
        If MedMNIST-C does not include the data set. It has the twelve sets of 2D images, not the six sets of volumes.

    Examples
    --------
    >>> from medmnist_np.registry.corruption_facts import corrupted_set
    >>> list(corrupted_set("octmnist").corruptions)
    ['pixelate', 'jpeg_compression', 'speckle_noise', 'defocus_blur', 'motion_blur', 'contrast_down']
    """
    record = info(name)
    sets = corrupted_sets()
    if record.name not in sets:
        raise ValueError(
            f"MedMNIST-C has no corruptions for {record.name}. It has corruptions for {', '.join(sets)}. For other "
            "images, use medmnist_np.corruptions.corrupt with your own parameters."
        )
    return sets[record.name]


@cache
def corrupted_sets() -> Mapping[str, CorruptedSet]:
    """Return the data sets of MedMNIST-C by name, in the order of the publication.

    Examples
    --------
    >>> from medmnist_np import registry
    >>> len(registry.corrupted_sets()["breastmnist"].corruptions)
    7
    """
    tables = _tables()
    collection = tables["collection"]
    return {
        name: CorruptedSet(
            name,
            {corruption: _strengths(facts) for corruption, facts in table["corruption"].items()},
            table["alexnet_clean_error"],
            None if name in collection["not_on_zenodo"] else collection["url_template"].format(flag=name),
            f"md5:{table['md5']}" if "md5" in table else None,
        )
        for name, table in tables["dataset"].items()
    }


@cache
def corruption_facts() -> Mapping[str, CorruptionFacts]:
    """Return the definitions of all corruptions by name, in the order of their numbers.

    Examples
    --------
    >>> from medmnist_np.registry.corruption_facts import corruption_facts
    >>> corruption_facts()["jpeg_compression"].definition
    'JPEG encode at quality p and decode'
    """
    tables = _tables()
    return {
        name: CorruptionFacts(
            name,
            table["number"],
            table["kind"],
            table["group"],
            tables["kind"][table["kind"]]["definition"],
            tuple(tables["kind"][table["kind"]]["parameters"]),
            tuple(map(tuple, table.get("severity", ()))),
        )
        for name, table in tables["corruption"].items()
    }


def corruption_names(name: str | Record) -> tuple[str, ...]:
    """Return the names of the corruptions of a data set: those of MedMNIST-C, then those with general strengths."""
    published = corrupted_sets().get(info(name).name)
    for_every_set = (facts.name for facts in corruption_facts().values() if facts.severities)
    return tuple(dict.fromkeys((*(published.corruptions if published else ()), *for_every_set)))


def corruption_strengths(name: str | Record, corruption: str) -> Strengths:
    """Return the strengths of a corruption for a data set: those of MedMNIST-C, otherwise general ones.

    Raises
    ------
    UnknownDatasetError
        If no data set has this name.
    ValueError
        If there are neither. The message lists the corruptions that MedMNIST-C has for the data set.

    Examples
    --------
    >>> from medmnist_np.registry.corruption_facts import corruption_strengths
    >>> corruption_strengths("dermamnist", "motion_blur").severities[2]
    (15, 8)
    """
    record = info(name)
    published = corrupted_sets().get(record.name)
    facts = corruption_facts().get(corruption)
    if facts is not None and facts.severities and (published is None or corruption not in published.corruptions):
        return Strengths(facts.severities, facts.severities[-1])
    return corrupted_set(record).strengths(corruption)


def corruption_parameters(name: str | Record, corruption: str, severity: int) -> Parameters:
    """Return the parameters of a corruption for a data set and a severity; see :func:`corruption_strengths`."""
    return corruption_strengths(name, corruption).severities[checked_severity(severity) - 1]


def _strengths(table: dict[str, Any]) -> Strengths:
    severities = tuple(map(tuple, table["severity"]))
    return Strengths(severities[: len(SEVERITIES)], severities[-1], table["alexnet_mean_error"])


@cache
def _tables() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(_FILE.read_text("utf-8"))
