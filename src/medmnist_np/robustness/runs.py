"""Names of runs that say what the images were: ``resnet18`` as they are, ``resnet18+motion_blur_3`` corrupted."""

from __future__ import annotations

import re
from typing import NamedTuple

from medmnist_np.errors import ScoresError, nearest
from medmnist_np.registry.corruption_facts import SEVERITIES, corruption_facts

_CORRUPTED = re.compile(r"(?P<model>.*)\+(?P<corruption>[A-Za-z_]+)_(?P<severity>[0-9]+)")


class RunName(NamedTuple):
    """What the name of a run says. As text it is that name.

    Attributes
    ----------
    model : str
        What was evaluated.
    corruption : str or None
        Of its images; None if they are as they are.
    severity : int or None
        1 to 5; None if there is no corruption.

    Examples
    --------
    >>> str(RunName("resnet18", "motion_blur", 3))
    'resnet18+motion_blur_3'
    """

    model: str
    corruption: str | None = None
    severity: int | None = None

    def __str__(self) -> str:
        return self.model if self.corruption is None else f"{self.model}+{self.corruption}_{self.severity}"


def parse_run(run: str) -> RunName:
    """Read the name of a run.

    Raises
    ------
    ScoresError
        If it ends as that of corrupted images does, and there is no such corruption or severity.

    Examples
    --------
    >>> parse_run("resnet18+motion_blur_3")
    RunName(model='resnet18', corruption='motion_blur', severity=3)
    >>> parse_run("resnet18")
    RunName(model='resnet18', corruption=None, severity=None)
    """
    found = _CORRUPTED.fullmatch(run)
    if found is None:
        return RunName(run)
    corruption, severity = found["corruption"], int(found["severity"])
    known = corruption_facts()
    if corruption not in known:
        raise ScoresError(
            f"The run {run!r} names no corruption.{nearest(corruption, known)} There are: {', '.join(known)}."
        )
    if severity not in SEVERITIES:
        raise ScoresError(f"The run {run!r} names severity {severity}; 1 (weakest) to 5 (strongest) are there.")
    return RunName(found["model"], corruption, severity)
