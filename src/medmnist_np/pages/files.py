"""Pages on disk."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_SUFFIXES = (".html", ".htm")


def check_page_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a page that may be written: a mistyped one must not replace a file of another kind.

    Raises
    ------
    ValueError
        If it does not end as pages do.
    """
    if (found := Path(path)).suffix.lower() not in _SUFFIXES:
        raise ValueError(f"{path} is no name of a page: it must end in .html, so that no other file is replaced.")
    return found


def write_page(path: str | os.PathLike[str], page: str) -> None:
    """Write a page, in place of one that is there, at once when it is complete. Missing folders are made.

    Parameters
    ----------
    path : path
        A file whose name ends in ``.html``.
    page : str
        The document.

    Raises
    ------
    ValueError
        If the name does not end so.
    OSError
        If it cannot be written.
    """
    target = check_page_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(page)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
