"""The data flow diagram, as an SVG with the colours of the page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from docs._ext.written import Pages

WIDTH = 440
ROW = 74  # from one row of boxes to the next
_HEIGHT = 50  # of a box


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the diagram: its text, the modules that it represents, and its position."""

    title: str
    words: str
    modules: tuple[str, ...]
    row: int
    column: int = 0
    columns: int = 1

    @property
    def left(self) -> float:
        """The left edge."""
        return 8 + self.column * (WIDTH - 8) / self.columns

    @property
    def width(self) -> float:
        """The width."""
        return (WIDTH - 8) / self.columns - 8

    @property
    def top(self) -> float:
        """The upper edge."""
        return 8 + self.row * ROW


BOXES = (
    Box("registry", "facts: URLs, checksums, labels", ("registry",), 0, 0, 2),
    Box("builder", "your own images", ("builder",), 0, 1, 2),
    Box("cache", "download, verify, unpack, publish", ("cache",), 1),
    Box("data", "memory-mapped arrays, data sets", ("data", "volumes", "compat"), 2),
    Box("batches", "order, shards, state", ("batches",), 3, 0, 3),
    Box("images", "montages, recipes", ("images", "corruptions"), 3, 1, 3),
    Box("metrics", "scores to numbers", ("metrics",), 3, 2, 3),
    Box("interop", "nine libraries", ("interop",), 4, 0, 3),
    Box("export", "files", ("export",), 4, 1, 3),
    Box("evaluation", "results, tests", ("evaluation",), 4, 2, 3),
    Box("audits", "duplicates, leaks", ("audits",), 5, 0, 2),
    Box("reports", "one HTML file each", ("reports",), 5, 1, 2),
    Box("cli", "the only part that prints", ("cli",), 6),
)

# From box to box, by their titles. Packages may also use what is above without an arrow.
ARROWS = (
    ("registry", "cache"),
    ("builder", "cache"),
    ("cache", "data"),
    ("data", "batches"),
    ("data", "images"),
    ("data", "metrics"),
    ("batches", "interop"),
    ("images", "export"),
    ("metrics", "evaluation"),
    ("interop", "audits"),
    ("evaluation", "reports"),
    ("audits", "cli"),
    ("reports", "cli"),
)

_STYLE = """
.data-flow rect { fill: var(--pst-color-surface); stroke: var(--pst-color-border); }
.data-flow text { fill: var(--pst-color-text-base); font-family: inherit; }
.data-flow .title { font-weight: 600; font-size: 14px; }
.data-flow .words { font-size: 12px; fill: var(--pst-color-text-muted); }
.data-flow path { stroke: var(--pst-color-text-muted); fill: none; }
.data-flow polygon { fill: var(--pst-color-text-muted); }
"""


def write(pages: Pages) -> None:
    """Write ``data_flow.svg``."""
    pages.write("data_flow.svg", drawing())


def drawing() -> str:
    """Return the SVG."""
    height = 8 + (max(box.row for box in BOXES) + 1) * ROW - (ROW - _HEIGHT) + 8
    of_title = {box.title: box for box in BOXES}
    shapes = [_box(box) for box in BOXES] + [_arrow(of_title[start], of_title[end]) for start, end in ARROWS]
    body = "\n".join(shapes)
    label = "How data flows: from facts by way of the cache to mapped arrays, and then to batches, images and metrics."
    return (
        f'<figure class="data-flow"><style>{_STYLE}</style>\n'
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH * 1.4:g}" role="img" aria-label="{escape(label)}">\n'
        f"{body}\n</svg></figure>\n"
    )


def _box(box: Box) -> str:
    middle = box.left + box.width / 2
    return (
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{box.width:g}" height="{_HEIGHT}" rx="6"/>'
        f'<text class="title" x="{middle:g}" y="{box.top + 21:g}" text-anchor="middle">{escape(box.title)}</text>'
        f'<text class="words" x="{middle:g}" y="{box.top + 39:g}" text-anchor="middle">{escape(box.words)}</text>'
    )


def _arrow(start: Box, end: Box) -> str:
    """Draw a vertical arrow where both boxes overlap."""
    left, right = max(start.left, end.left), min(start.left + start.width, end.left + end.width)
    x = (left + right) / 2
    top, bottom = start.top + _HEIGHT, end.top
    head = f"{x - 4:g},{bottom - 7:g} {x + 4:g},{bottom - 7:g} {x:g},{bottom:g}"
    return f'<path d="M{x:g} {top:g}V{bottom - 6:g}"/><polygon points="{head}"/>'
