"""Text that is safe to show, without control characters, passwords and tokens; names of columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, line separators, and marks that change the direction of writing."""

_BUT_LINES = re.compile(f"(?![\t\n]){CONTROL.pattern}")

# Parts of a URL in a text: user name and password before "@", and the query after "?", which may contain tokens.
_LOGIN = re.compile(r"\b(?!file:)([a-z][a-z0-9+.-]*://)[^\s'\"<>]*@", re.IGNORECASE)
_QUERY = re.compile(r"(://[^\s'\"<>?]*|url: [^\s'\"<>?]*)\?(?!download=1\b(?!&))[^\s'\"<>)]*[^\s'\"<>):;,.]")


def escaped(text: str) -> str:
    r"""Return a text with control characters, except line ends and tabs, as Python escapes: ``\x1b``."""
    return _BUT_LINES.sub(_as_escape, text)


def escaped_line(text: str) -> str:
    r"""Return a text as one line, with all control characters as Python escapes: ``\n``."""
    return CONTROL.sub(_as_escape, text)


def _as_escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]


def redacted(text: str) -> str:
    """Remove passwords and tokens from the URLs in a text, for messages, logs and files.

    Examples
    --------
    >>> from medmnist_np._text import redacted
    >>> redacted("https://me:secret@lab.example/x.npz?token=abc: HTTP 404")
    'https://***@lab.example/x.npz?***: HTTP 404'
    """
    return _QUERY.sub(r"\1?***", _LOGIN.sub(r"\1***@", text))


def free_names(names: Iterable[str], taken: Collection[str]) -> list[str]:
    """Return names of columns; those that are taken get a ``_`` at the end.

    Examples
    --------
    >>> from medmnist_np._text import free_names
    >>> free_names(["mass", "split"], ["file_name", "split"])
    ['mass', 'split_']
    """
    names, free = list(names), list[str]()
    for name in names:
        column = name
        while column in taken or column in free or (column != name and column in names):
            column += "_"
        free.append(column)
    return free
