"""Cases that cannot be used: refused all at once, or left out and reported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medmnist_np.errors import ArchiveError
from medmnist_np.registry.volume_records import VolumeInfo

REPORT = "decoding.json"
"""The file in a folder of arrays that says how it was made: which dtype was chosen, and which cases were left out."""

_SHOWN_CASES = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that cannot be used, and why; or a split that lacks cases, and how many.

    ``split`` is the split of a case that has a mask, or should have one; else it is empty.
    """

    case: str
    why: str
    split: str = field(default="", compare=False)


def words(left_out: Sequence[LeftOut]) -> str:
    """Return the first few cases with their reasons, and how many more there are."""
    shown = "; ".join(f"{one.case}: {one.why}" for one in left_out[:_SHOWN_CASES])
    return shown + (f"; and {len(left_out) - _SHOWN_CASES} more" if len(left_out) > _SHOWN_CASES else "")


def refuse(left_out: Sequence[LeftOut], record: VolumeInfo, *, skip: bool) -> None:
    """Raise :class:`ArchiveError` if there are cases to leave out and that was not asked for."""
    if left_out and not skip:
        raise ArchiveError(
            f"{record.qualified_name} cannot be taken as it is: {words(left_out)}. No arrays were made, and what was "
            "downloaded is kept. Mend or complete the files of a folder, or go on without these cases: skip=True "
            "(`--skip`)."
        )


def refuse_lost_splits(left_out: Sequence[LeftOut], splits: Iterable[str], record: VolumeInfo) -> None:
    """Raise :class:`ArchiveError` if a split with masks would be left out as a whole. ``splits`` remain."""
    lost = {one.split for one in left_out} - {"", *splits}
    for split in sorted(lost):
        of_split = [one for one in left_out if one.split == split]
        raise ArchiveError(
            f"No case of the {split} split of {record.qualified_name} can be used: {words(of_split)}. No arrays were "
            "made. skip=True (`--skip`) leaves out single cases, not a whole split."
        )


def none_left(left_out: Sequence[LeftOut], record: VolumeInfo) -> ArchiveError:
    """Return the error for a set of which all cases would be left out."""
    return ArchiveError(f"No case of {record.qualified_name} can be used: {words(left_out)}. No arrays were made.")


def write_report(folder: Path, **facts: Any) -> None:
    """Write into a folder of arrays how it was made; ``left_out=`` is a sequence of :class:`LeftOut`."""
    facts["left_out"] = {one.case: one.why for one in facts["left_out"]}
    (folder / REPORT).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def read_report(folder: Path) -> list[LeftOut]:
    """Return the cases that were left out of a folder of arrays when it was made."""
    try:
        facts = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        return [LeftOut(str(case), str(why)) for case, why in facts["left_out"].items()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # made by another version, or changed
        return []
