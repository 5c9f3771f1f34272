"""Build HTML: elements with escaped text, and the card that a notebook shows for a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

# Elements without content and end tag.
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """HTML markup. All other strings are text, and are escaped when they become part of an element."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an HTML element with its content.

    Parameters
    ----------
    tag : str
        Name of the element.
    *children
        The content: :class:`Html` is used unchanged, the ``str()`` of anything else is escaped.
    **attributes
        Attributes, with escaped values. A final ``_`` of a name is dropped (``class_``), other ``_`` become ``-``. True
        gives an attribute without a value; None and False leave the attribute out.

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
    """Return the parts joined together: markup unchanged, everything else escaped."""
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in parts))


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_escaped(value)}"'


def _escaped(value: object) -> str:
    # A file name may contain bytes that are not valid text. The page must be written anyway.
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"))


# Inline styles without colours: a notebook may be dark, and style sheets get lost when it is converted or sent.
_CELL = "text-align: left; vertical-align: top; padding: 1px 12px 1px 0; font-weight: {weight}"


def card(title: str, facts: Mapping[str, str], cautions: Iterable[str], *, above: str = "", below: str = "") -> str:
    """Return a card for a notebook as HTML: a title, a table of facts, and warnings.

    Parameters
    ----------
    title : str
        The first line.
    facts : Mapping of str to str
        Rows of the table. A text may have several lines; rows with an empty text are left out.
    cautions : iterable of str
        Common pitfalls, one line each, with a warning sign.
    above, below : str
        HTML before and after the facts, used unchanged.
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
