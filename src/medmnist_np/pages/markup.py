"""HTML from its parts: text is escaped, and markup is not escaped again."""

from __future__ import annotations

from collections.abc import Iterable
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
        Values are escaped. A name may end in ``_``, as ``class_``, and other ``_`` are written ``-``. True stands for
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
    # A file name may hold bytes that are no text; a page must be written all the same.
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"))
