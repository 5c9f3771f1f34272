from __future__ import annotations

import base64
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np._html import card
from medmnist_np.data.notebook import dataset_html
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import fake_record, make_arrays

N = {"train": 60, "val": 10}


class Reader(HTMLParser):
    """Collects words and checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    assert reader.open == []
    return reader


def shown(name: str | DatasetInfo, size: int = 28, selection: Any = None) -> str:
    record = fake_record(name, n_samples=N, size=size) if isinstance(name, str) else name
    arrays = make_arrays(record, size)
    images, labels = arrays["train_images"], arrays["train_labels"]
    columns = labels if record.multi_label else labels == np.arange(record.n_classes)
    counts = dict(zip(record.class_names, columns.sum(axis=0).tolist(), strict=True))
    return dataset_html(record, "train", size, images, range(60) if selection is None else selection, counts)


@pytest.mark.parametrize("name", ["breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d"])
def test_it_shows_what_a_user_needs_to_know(name: str) -> None:
    markup = shown(name)
    words = " ".join(read(markup).words)
    record = mm.info(name)
    for expected in (
        record.python_class,
        "60 of train",
        record.task,
        record.license,
        "Not for clinical use.",
        record.modality,
    ):
        assert expected in words
    for expected in (*record.class_names, *record.notes):
        assert expected in words
    assert html.unescape(mm.cite(name)) in words


def test_it_shows_a_picture_and_reaches_for_nothing() -> None:
    (source,) = read(shown("retinamnist")).sources
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert (616, 84, "RGB") == (*image.size, image.mode)  # 60 images in rows of 22


@pytest.mark.parametrize(
    ("name", "size"), [("pathmnist", 224), ("chestmnist", 224), ("organmnist3d", 64), ("pathmnist", 28)]
)
def test_the_picture_has_few_values_however_large_the_images_are(name: str, size: int) -> None:
    (source,) = read(shown(name, size)).sources
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
        assert np.asarray(image).size <= 450_000


def test_the_balance_of_classes_has_numbers_not_only_bars() -> None:
    words = read(shown("breastmnist")).words
    start = words.index("malignant")
    assert words[start - 1 : start + 3] == ["0", "malignant", "30", "50.0 %"]


def test_an_empty_selection_is_shown_without_a_picture() -> None:
    reader = read(shown("breastmnist", selection=range(0)))
    assert reader.sources == []
    assert "0 of train" in reader.words


def test_enlarged_images_are_called_so_at_their_size_only() -> None:
    assert "Enlarged" not in shown("breastmnist")
    enlarged = replace(fake_record("breastmnist", n_samples=N), enlarged_sizes=(28,))
    assert "Enlarged from smaller images, without more detail: size 28." in shown(enlarged)


def test_everything_is_escaped() -> None:
    evil = "<script>alert('x')</script>&\""
    record = replace(
        fake_record("breastmnist", n_samples=N),
        class_names=(evil, "b"),
        license=evil,
        modality=evil,
        notes=(evil,),
        python_class=evil,
    )
    markup = shown(record)
    assert "<script" not in markup
    assert len(re.findall(re.escape(html.escape(evil)), markup)) == 5


def test_papers_that_nobody_describes_are_left_out() -> None:
    record = replace(fake_record("breastmnist", n_samples=N), citations=("mine2026",))
    assert "Cite" not in shown(record)


def test_a_card_leaves_out_empty_facts() -> None:
    assert read(card("T", {"a": "1", "b": ""}, [])).words == ["T", "a", "1"]


@pytest.mark.parametrize(
    ("notes", "terms", "sizes", "expected"),
    [
        ((), "CC BY 4.0", (), ["Not for clinical use."]),
        ((), "CC BY-NC 4.0", (), ["CC BY-NC 4.0: not for commercial use.", "Not for clinical use."]),
        (("It is NC.",), "CC BY-NC 4.0", (), ["It is NC.", "Not for clinical use."]),
        (("Size 64 enlarges.",), "CC0", (64,), ["Size 64 enlarges.", "Not for clinical use."]),
    ],
)
def test_cautions_say_what_notes_do_not(notes: Any, terms: str, sizes: Any, expected: list[str]) -> None:
    record = replace(mm.info("breastmnist"), notes=notes, license=terms)
    assert expected == record.cautions(sizes)
    harmless = replace(record, collection=replace(record.collection, not_for_clinical_use=False))
    assert expected[:-1] == harmless.cautions(sizes)


def test_it_works_on_a_mapped_file(tmp_path: Path) -> None:
    record = fake_record("breastmnist", n_samples=N)
    np.save(tmp_path / "images.npy", make_arrays(record)["train_images"])
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert "data:image/png" in dataset_html(record, "train", 28, images, np.array([3, 1]), {"a": 1, "b": 1})
