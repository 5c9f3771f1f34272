"""Characters that steer a terminal in place of being shown: texts from others may hold them."""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, line separators, and marks that turn the direction of writing."""

_BUT_LINES = re.compile(f"(?![\t\n]){CONTROL.pattern}")


def escaped(text: str) -> str:
    r"""Return a text with all control characters but line ends and tabs written as in Python: ``\x1b``."""
    return _BUT_LINES.sub(_as_escape, text)


def escaped_line(text: str) -> str:
    r"""Return a text in one line, with all control characters written as in Python: ``\n``."""
    return CONTROL.sub(_as_escape, text)


def _as_escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]
