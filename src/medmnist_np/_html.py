"""Build HTML: elements with escaped text, and the block that a data set shows in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

# Elements without content and without an end.
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Markup. Any other string is text, and is escaped where it becomes part of an element."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element with what is in it.

    Parameters
    ----------
    tag : str
        Name of the element.
    *children
        Markup or, escaped, anything else as ``str()`` has it.
    **attributes
        Values are escaped. A name may end in ``_`` (``class_``); any other ``_`` becomes ``-``. True stands for
        an attribute without a value, None and False for none.

    Returns
    -------
    Html
        The markup.

    Examples
    --------
    >>> print(element("p", "1 < 2, ", element("b", "always"), class_="note"))
    <p class="note">1 &lt; 2, <b>always</b></p>
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value not in (None, False))
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def join(parts: Iterable[object]) -> Html:
    """Return parts one after another: markup as it is, all else escaped."""
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in parts))


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_escaped(value)}"'


def _escaped(value: object) -> str:
    # A file name may hold bytes that are not valid text, which must not stop the page from being written.
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"))


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
        Common pitfalls, one line each, with a warning sign.
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

    ``terms`` is the license.
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
