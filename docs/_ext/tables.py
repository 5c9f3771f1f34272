"""Tables and links in Markdown, from words that were not written for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def rows_of(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def link(source: str) -> str:
    """Return a DOI or an address as a link."""
    if source.startswith(("http://", "https://")):
        return f"<{source}>"
    return f"[doi:{source}](https://doi.org/{source})"


def cell(text: str) -> str:
    """Keep text from ending a cell of a table."""
    return text.replace("|", r"\|")
