"""The frame of all pages and its parts: sections, tables, notes, galleries, pictures; writing a page to a file."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._html import Html, element, join
from medmnist_np._version import __version__
from medmnist_np.images.encoders import GRAY, RGB, encode

_SUFFIXES = (".html", ".htm")


def check_page_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a page. It must end in .html, so that a mistyped name cannot replace another kind of file.

    Raises
    ------
    ValueError
        If it does not end in ``.html`` or ``.htm``.

    Examples
    --------
    >>> from medmnist_np.reports import check_page_path
    >>> check_page_path("report.html").name
    'report.html'
    """
    if (page_path := Path(path)).suffix.lower() not in _SUFFIXES:
        raise ValueError(f"{path} must end in .html, so that no other file is replaced by mistake.")
    return page_path


def write_page(path: str | os.PathLike[str], page: str) -> None:
    """Write a page to a file. Missing folders are created. An existing page is replaced when the new one is complete.

    Parameters
    ----------
    path : path
        A file whose name ends in ``.html``.
    page : str
        The document.

    Raises
    ------
    ValueError
        If the name does not end in ``.html``.
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from medmnist_np.reports import write_page
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "pages", "report.html")
    ...     write_page(path, page("BreastMNIST", "156 images", {}))
    ...     path.exists()
    True
    """
    target = check_page_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _files.in_one_step(target) as fresh:
        fresh.write_text(page, "utf-8", newline="\n")


_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, subtitle: str, sections: Mapping[str, Iterable[object]], *, script: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    title, subtitle : str
        The title, and a line below it.
    sections : Mapping of str to iterable
        The content of each section, by its heading. Headings inside a section start at ``h3``.
    script : str
        JavaScript that runs when the page is loaded. The content security policy names its checksum, so no other script
        can run. The page must have the same content without it.

    Returns
    -------
    str
        A self-contained HTML document. The same content gives the same document: it contains no time.

    Examples
    --------
    >>> document = page("BreastMNIST", "156 images", {"Counts": [element("p", "42 malignant")]})
    >>> document.startswith("<!DOCTYPE html>"), "<h2>Counts</h2><p>42 malignant</p>" in document
    (True, True)
    """
    anchors = {heading: re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in sections}
    links = [element("li", element("a", heading, href=f"#{anchor}")) for heading, anchor in anchors.items()]
    style = Path(__file__).with_name("style.css").read_text("utf-8")
    policy = _POLICY
    if script:
        policy += f"; script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"medmnist-np {__version__}"),
        element("title", title),
        element("style", Html(style)),
    )
    body = element(
        "body",
        element("header", element("h1", title), element("p", subtitle)),
        element("nav", element("ul", *links), aria_label="Sections"),
        element(
            "main",
            *(
                element("section", element("h2", heading), *content, id=anchors[heading])
                for heading, content in sections.items()
            ),
        ),
        element("footer", element("p", f"Made with medmnist-np {__version__}. Not for clinical use.")),
        *([element("script", Html(script))] if script else []),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def figures(values: Mapping[str, tuple[str, str]]) -> Html:
    """Return the key figures of a page, in large letters: by name, a value and a line below it."""
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value, element("small", below)))
            for name, (value, below) in values.items()
        ),
        class_="figures",
    )


def facts(values: Mapping[str, object]) -> Html:
    """Return a list of names and values. Names without a value are left out."""
    shown = ((name, value) for name, value in values.items() if value != "")
    return element("dl", *(part for name, value in shown for part in (element("dt", name), element("dd", value))))


def note(*content: object) -> Html:
    """Return a highlighted paragraph."""
    return element("p", *content, class_="note", role="note")


def aside(*content: object) -> Html:
    """Return a paragraph in small print."""
    return element("p", *content, class_="quiet")


def table(
    caption: str,
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    text: Collection[int] = (),
    kind: str | None = None,
) -> Html:
    """Return a table in its own box, which scrolls sideways if the window is narrow.

    Parameters
    ----------
    caption : str
        Caption of the table.
    head : sequence
        Headings of the columns.
    rows : iterable of sequence
        Cells, as text or markup. A ``td`` element is used unchanged. The first cell of a row is its heading.
    text : collection of int
        Columns with text, counted from 0: these are aligned left, and numbers right.
    kind : str, optional
        An additional class for the style sheet.

    Returns
    -------
    Html
        The box.

    Examples
    --------
    >>> print(table("Counts", ["class", "n"], [["malignant", 42]]))  # doctest: +ELLIPSIS
    <div class="scroll" role="region" aria-label="Counts" tabindex="0"><table><caption>Counts</caption>...
    """

    def side(column: int) -> str | None:
        return "text" if column in text else None

    def cell(column: int, content: object) -> Html:
        if isinstance(content, Html) and content.startswith("<td"):
            return content
        return element("th", content, scope="row") if column == 0 else element("td", content, class_=side(column))

    heads = [element("th", content, scope="col", class_=side(column)) for column, content in enumerate(head)]
    body = [element("tr", *(cell(column, content) for column, content in enumerate(row))) for row in rows]
    inner = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        class_=kind,
    )
    return element("div", inner, class_="scroll", role="region", aria_label=caption, tabindex="0")


def code(text: str, label: str) -> Html:
    """Return lines to copy, in a box that one click selects; ``label`` describes them."""
    return element("pre", element("code", text), class_="copy", role="region", aria_label=label, tabindex="0")


def share_cell(n: int, total: int, *, full: float = 1.0) -> Html:
    """Return the cell of a table with a count, its share of a total and a bar that is full at the share ``full``."""
    share = n / total if total else 0.0
    bar = element("span", element("i", style=f"width: {min(share / full, 1.0):.1%}"), class_="bar", aria_hidden="true")
    return element("td", number(n), element("small", f"{share:.1%}"), bar, class_="share")


def link(address: str, text: str) -> Html:
    """Return a link to another page; nothing is loaded before the reader follows it."""
    return element("a", text, href=address, rel="noreferrer")


def figure(content: Html, title: str, *lines: str) -> Html:
    """Return a chart or a picture with its title and lines of text below it."""
    return element("figure", content, element("figcaption", element("b", title), *(element("div", x) for x in lines)))


def gallery(parts: Iterable[Html], *, width_px: int = 176) -> Html:
    """Return figures side by side, each at least ``width_px`` wide."""
    return element("div", join(parts), class_="gallery", style=f"--least: {width_px}px")


def picture(pixels: NDArray[np.uint8], alt: str) -> Html:
    """Return an image that is inside the page.

    Parameters
    ----------
    pixels : (h, w) or (h, w, 3) uint8, 0-255
        Gray or RGB. Pixels are shown as squares, without smoothing.
    alt : str
        Alternative text.

    Returns
    -------
    Html
        An ``img`` with the image as PNG.
    """
    height, width = pixels.shape[:2]
    content = b64encode(encode(pixels, "png", RGB if pixels.ndim == 3 else GRAY)).decode()
    return element("img", src=f"data:image/png;base64,{content}", alt=alt, width=width, height=height)


def number(value: Any) -> str:
    """Return a number as text: integers with separators, others with three decimals, NaN as "not defined"."""
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return "not defined" if np.isnan(value) else f"{value:.3f}"


def span(low: float, high: float) -> str:
    """Return the ends of an interval as text."""
    return "no interval" if np.isnan(low) else f"{number(low)} to {number(high)}"
