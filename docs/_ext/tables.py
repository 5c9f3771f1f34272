"""Tables and links in Markdown, from plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def rows_of(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def link(source: str) -> str:
    """Return a DOI or a URL as a link."""
    if source.startswith(("http://", "https://")):
        return f"<{source}>"
    return f"[doi:{source}](https://doi.org/{source})"


def cell(text: str) -> str:
    """Escape text for a table cell."""
    return text.replace("|", r"\|")
