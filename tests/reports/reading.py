"""What stands on a page, as a reader finds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Content:
    """The parts of a page that tests ask for."""

    text: str = ""
    headings: list[tuple[int, str]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def all(self, tag: str, attribute: str) -> list[str | None]:
        """Return an attribute of all elements of a kind."""
        return [attributes.get(attribute) for name, attributes in self.elements if name == tag]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.content = Content()
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.rows: list[list[str]] = []
        self.name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.content.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs), []))
        if tag == "tr":
            self.rows.append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.content.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if any(tag in {"script", "style"} for tag, *_ in self.open):
            return
        self.content.text += data
        for *_, words in self.open:
            words.append(data)

    def handle_endtag(self, tag: str) -> None:
        opened, attributes, words = self.open.pop()
        assert tag == opened, f"<{opened}> is closed by </{tag}>"
        text = " ".join("".join(words).split())
        match tag:
            case "h1" | "h2" | "h3" | "h4":
                self.content.headings.append((int(tag[1]), text))
            case "caption" | "dt":
                self.name = text
            case "td" | "th":
                self.rows[-1].append(text)
            case "dd":
                self.content.facts.setdefault(self.name, text)
            case "table":
                self.content.tables[self.name] = self.rows
                self.rows = []
            case "p" if attributes.get("class") == "note":
                self.content.notes.append(text)


def read(page: str) -> Content:
    """Return the content of a page; each element in it must be closed."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.content
