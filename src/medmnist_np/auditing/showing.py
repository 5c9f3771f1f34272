"""From findings to what a page shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np.auditing.findings import Copies, NearPair, Place
from medmnist_np.audits import findings
from medmnist_np.pages.audit_data import Findings, Shown
from medmnist_np.registry import DatasetInfo

#: Of copies and of near pairs, and of the images of one group of copies, that are shown.
MOST_SHOWN, MOST_OF_ONE = 24, 6

Pictures = Mapping[Place, NDArray[np.uint8]]


def shown_places(found: Sequence[Copies | NearPair]) -> list[Place]:
    """Return the images that are shown of findings of one kind, each once."""
    return list(dict.fromkeys(place for one in found[:MOST_SHOWN] for place in one.places[:MOST_OF_ONE]))


def shown_findings(found: Sequence[Copies | NearPair], said: str, pictures: Pictures, record: DatasetInfo) -> Findings:
    """Return findings of one kind as plain data, the first of them with pictures."""
    return Findings(
        n=len(found),
        n_crossing=sum(one.crosses for one in found),
        n_contradicting=sum(one.contradicts for one in found),
        said=said,
        shown=[_shown(one, pictures, record) for one in found[:MOST_SHOWN]],
    )


def _shown(found: Copies | NearPair, pictures: Pictures, record: DatasetInfo) -> Shown:
    lines = findings.by_label(found, record)
    if isinstance(found, NearPair):
        lines.append(findings.nearness(found))
    return Shown(findings.where(found.places), lines, [pictures[place] for place in found.places[:MOST_OF_ONE]])
