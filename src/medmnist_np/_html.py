"""HTML for a notebook, of plain words: a title, what to show below it, facts and cautions. Everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

# Inline and in the colours of the page: a notebook may be dark, and drops style sheets when it is mailed around.
_CELL = "text-align: left; vertical-align: top; padding: 1px 12px 1px 0; font-weight: {weight}"


def card(title: str, facts: Mapping[str, str], cautions: Iterable[str], *, above: str = "", below: str = "") -> str:
    """Return a block of HTML.

    Parameters
    ----------
    title : str
        The first line.
    facts : Mapping of str to str
        Rows of a table, perhaps of several lines; those without words are left out.
    cautions : iterable of str
        What is easily got wrong, each a line with a sign.
    above, below : str
        HTML before and after the facts, put in as it is.
    """
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL.format(weight="normal")}; opacity: .7">{escape(name)}</th>'
        f'<td style="{_CELL.format(weight="normal")}; white-space: pre-line">{escape(words)}</td></tr>'
        for name, words in facts.items()
        if words
    )
    lines = "".join(f'<div style="padding: 1px 0">&#9888; {escape(caution)}</div>' for caution in cautions)
    return (
        f'<div style="max-width: 60em"><div style="font-weight: bold; padding: 4px 0">{escape(title)}</div>{above}'
        f'<table style="margin: 4px 0">{rows}</table>{lines}{below}</div>'
    )


def cautions_of(
    notes: Iterable[str], terms: str, enlarged_sizes: Iterable[int], *, not_for_clinical_use: bool
) -> list[str]:
    """Return what to know before the images are used: the notes of a record, and what they do not say themselves.

    ``terms`` is the licence.
    """
    said = list(notes)
    together = " ".join(said)
    if "NC" in terms and "NC" not in together:
        said.append(f"{terms}: not for commercial use.")
    enlarged = ", ".join(map(str, enlarged_sizes))
    if enlarged and "enlarge" not in together:
        said.append(f"Enlarged from smaller images, without more detail: size {enlarged}.")
    if not_for_clinical_use:
        said.append("Not for clinical use.")
    return said
