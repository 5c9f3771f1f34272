"""Write exported files completely or not at all, and never replace a file with different content."""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from medmnist_np import _files
from medmnist_np.errors import CacheError
from medmnist_np.export.plan import Export, PairPlan, Plan


def write_once(path: str, data: bytes) -> bool:
    """Write a file unless it already has this content; return whether it was written.

    Raises
    ------
    CacheError
        If the file exists with different content. It is not changed.
    """
    if os.path.lexists(path):
        if _content(path) == data:
            return False
        raise CacheError(
            f"{path} is there already, and is not what would be written: it is of another program or version, or was "
            "changed. It was left as it is: move it away, or save to another folder.",
            errno=errno.EEXIST,
            path=path,
        )
    _files.write_small(path, data)
    return True


def check_folder(folder: Path, plan: Plan | PairPlan) -> None:
    """Check that images of an earlier export in a folder, if any, have the same layout and format.

    Raises
    ------
    CacheError
        If they differ: each image would exist twice, and the table would have two lines for it.
    """
    wanted = Export(plan.layout, plan.ending)
    # Each export made this check, so all files are of one kind, and one file is enough.
    found = next(_exports(folder, plan), wanted)
    if found != wanted:
        raise CacheError(
            f"{folder} holds files of the layout {found.layout!r} and the format {found.format!r} already, and these "
            f"would be of the layout {wanted.layout!r} and the format {wanted.format!r}: each image would be there "
            "twice. Nothing was written: save to another folder.",
            errno=errno.EEXIST,
            path=folder,
        )


def _exports(folder: Path, plan: Plan | PairPlan) -> Iterator[Export]:
    for place, _, names in os.walk(folder):
        above = Path(place).relative_to(folder)
        for name in names:
            if (found := plan.export_of((above / name).as_posix())) is not None:
                yield found


def add_rows(path: Path, plan: Plan, rows: Sequence[Sequence[str]], *, only_check: bool = False) -> None:
    """Add missing lines to a table; existing lines keep their content and order.

    Raises
    ------
    CacheError
        If the table does not belong to this data set, or has a different line for one of the files.
    """
    found = _content(str(path)).decode("utf-8") if os.path.lexists(path) else _text([plan.head] if plan.head else [])
    known = _known(path, plan, found)
    for row in rows:
        if known.get(row[plan.key], row) != row:
            raise _other_table(path, f"it says {','.join(known[row[plan.key]])!r} where {','.join(row)!r} belongs")
    missing = [row for row in rows if row[plan.key] not in known]
    if missing and not only_check:
        _files.write_small(str(path), (found + _text(missing)).encode("utf-8"))


def _known(path: Path, plan: Plan, text: str) -> dict[str, list[str]]:
    """Return the lines of a table, keyed by file name."""
    if text and not text.endswith("\n"):
        raise _other_table(path, "its last line has no end")
    head, *rows = [plan.head, *csv.reader(io.StringIO(text, newline=""))]
    if head:
        head, *rows = rows or [[]]
        if head != plan.head:
            raise _other_table(path, f"its head is {','.join(head)!r} and not {','.join(plan.head)!r}")
    for row in rows:
        if not plan.is_row(row):
            raise _other_table(path, f"{','.join(row)!r} is no line of it")
    return {row[plan.key]: row for row in rows}


def _other_table(path: Path, why: str) -> CacheError:
    return CacheError(
        f"{path} is there already, and is not the table of this data set: {why}. It was left as it is: move it away, "
        "or save to another folder.",
        errno=errno.EEXIST,
        path=path,
    )


def _text(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()
