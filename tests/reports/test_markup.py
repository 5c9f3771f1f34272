from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st

from medmnist_np._html import Html, element, join


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "a < b ", element("b", "c & d")) == "<p>a &lt; b <b>c &amp; d</b></p>"


@pytest.mark.parametrize(
    ("value", "written"),
    [("a\"b'<", ' title="a&quot;b&#x27;&lt;"'), (7, ' title="7"'), (True, " title"), (None, ""), (False, "")],
)
def test_attributes_are_escaped_or_left_out(value: object, written: str) -> None:
    assert f"<p{written}></p>" == element("p", title=value)


def test_python_keywords_and_hyphens_can_be_attribute_names() -> None:
    assert element("p", class_="note", aria_label="x") == '<p class="note" aria-label="x"></p>'


def test_an_image_has_no_end_tag() -> None:
    assert element("img", alt="") == '<img alt="">'


def test_undecodable_bytes_of_a_file_name_can_be_written() -> None:
    assert element("p", "a\udcff.csv").encode() == b"<p>a?.csv</p>"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")))
def test_any_text_is_read_back_unchanged(text: str) -> None:
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(f"{tag} {dict(attrs)['title']}")

        def handle_data(self, data: str) -> None:
            seen.append(data)

    reader = Reader()
    reader.feed(element("p", text, title=text))
    reader.close()
    assert [f"p {text}", text] == [seen[0], "".join(seen[1:])]


def test_markup_can_be_joined_with_text() -> None:
    joined = join([element("b", "a"), "<"])
    assert joined == "<b>a</b>&lt;"
    assert Html is type(joined)
