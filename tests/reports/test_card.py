from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medmnist_np import registry
from medmnist_np.registry import Baselines, DatasetInfo
from medmnist_np.reports.card_code import CardData, Examples, Values
from medmnist_np.reports.card_page import card_page
from medmnist_np.reports.card_sections import most_frequent
from medmnist_np.reports.page import code, share_cell, table
from tests.reports.reading import Content, read

NAMES = [record.name for record in registry.datasets()]
NO_BASELINES = Baselines((), paper="", copied_from="", notes=())

ALWAYS = ["What it is", "Splits", "Sizes and preparation", "Published results", "How to load it"]
AT_THE_END = ["Licence and citation", "How this card was made"]


def values_of(*histograms: dict[int, int]) -> Values:
    table = np.zeros((len(histograms), 256), np.int64)
    for row, counts in zip(table, histograms, strict=True):
        for value, n in counts.items():
            row[value] = n
    return Values(np.array([12.5] * len(table)), np.array([51.0] * len(table)), table)


def data_of(name: str | DatasetInfo = "breastmnist", **changes: Any) -> CardData:
    record = registry.info(name)
    empty = CardData(
        record=record,
        size=28,
        default_size=28,
        preparation=(),
        labels={},
        examples=(),
        values={},
        baselines=registry.baselines(record),
        citations=registry.cite(record),
        origin={"Program": "1"},
    )
    return replace(empty, **changes)


def shown(*arguments: Any, **changes: Any) -> Content:
    return read(card_page(data_of(*arguments, **changes)))


def policy(content: Content) -> str:
    (found,) = [str(attributes["content"]) for _, attributes in content.elements if "http-equiv" in attributes]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_of_every_record_are_on_its_card(name: str) -> None:
    content = shown(name)
    record = registry.info(name)
    assert ALWAYS + AT_THE_END == [text for level, text in content.headings if level == 2]
    for fact in (record.description, record.license, record.modality, *record.class_names, *record.notes):
        assert fact in content.text
    assert name == content.facts["Name"]
    assert (record.source_size, record.preparation) == (content.facts["At the source"], content.facts["What was done"])
    assert registry.cite(name) in content.text
    assert "Not for clinical use." in content.notes
    for archive in record.archives.values():
        assert archive.digest in content.text


@pytest.mark.parametrize("name", NAMES)
def test_published_figures_come_with_what_to_know_about_them(name: str) -> None:
    content, known = shown(name), registry.baselines(name)
    expected = [[row.method, f"{row.AUC:.3f}", f"{row.ACC:.3f}"] for row in known.rows]
    assert expected == content.tables["Figures on the test split, as published"][1:]
    assert known.notes
    assert all(note in content.text for note in known.notes)


def test_headings_leave_out_no_level() -> None:
    labels = {"train": np.ones((3, 14), np.uint8)}
    levels = [level for level, _ in shown("chestmnist", labels=labels, preparation=["unknown"]).headings]
    assert 1 == levels[0]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_without_data_the_card_says_so_and_how_to_get_it() -> None:
    content = shown("pathmnist", size=64)
    assert [] == content.all("img", "src")
    assert content.notes[0].startswith("The images are not on the machine that made this card: there are no pictures,")
    assert "medmnist-np card pathmnist --size 64 --download -o PAGE.html" in content.notes[0]


def test_classes_are_counted_in_each_split() -> None:
    labels = {"train": np.array([[0], [1], [1], [1]]), "val": np.array([[1]]), "test": np.array([[1], [0], [1]])}
    expected = [
        ["class", "train", "val", "test", "all"],
        ["0 malignant", "125.0%", "00.0%", "133.3%", "225.0%"],
        ["1 normal, benign", "375.0%", "1100.0%", "266.7%", "675.0%"],
    ]
    assert expected == shown(labels=labels).tables["Images of each class, by split"]


def test_splits_are_added_up_only_if_all_are_here() -> None:
    labels = {"train": np.array([[0]]), "test": np.array([[1]])}
    assert ["class", "train", "test"] == shown(labels=labels).tables["Images of each class, by split"][0]


def test_a_bar_is_as_long_as_its_share_of_the_largest() -> None:
    content = shown(labels={"train": np.array([[0], [1], [1], [1]])})
    widths = [style for style in content.all("i", "style") if style]
    assert ["width: 33.3%", "width: 100.0%"] == widths


def test_findings_are_counted_alone_and_together() -> None:
    labels = np.zeros((5, 14), np.uint8)
    labels[0, [0, 1, 2]] = labels[1, [0, 1]] = labels[2, 0] = labels[3, 0] = 1
    content = shown("chestmnist", labels={"train": labels})
    counted = content.tables["Images by the number of their findings"]
    assert [["none", "120.0%"], ["1", "240.0%"], ["2", "120.0%"], ["3 or more", "120.0%"]] == counted[1:]
    head, first, second, *_ = content.tables["Images with two findings"]
    assert ["finding", *map(str, range(14))] == head
    assert ["0 atelectasis", "4", "50%2", "25%1", "0%0"] == first[:5]
    assert ["1 cardiomegaly", "100%2", "2", "50%1"] == second[:4]


def test_the_most_frequent_class_is_that_of_train_and_scored_on_test() -> None:
    labels = {"train": np.array([[0], [1], [1]]), "val": np.array([[0]]), "test": np.array([[0], [0], [0], [1]])}
    assert ("1 normal, benign", 0.25) == most_frequent(data_of(labels=labels))
    assert "to say “1 normal, benign” always gives ACC 0.250 and AUC 0.500" in shown(labels=labels).text


def test_of_several_findings_the_mean_over_them_is_compared() -> None:
    train, test = np.zeros((4, 14), np.uint8), np.zeros((2, 14), np.uint8)
    train[:3, 0] = test[0, :2] = 1
    expected = ("atelectasis", (0.5 + 0.5 + 12) / 14)
    assert expected == pytest.approx(most_frequent(data_of("chestmnist", labels={"train": train, "test": test})))
    none = {"train": np.zeros((4, 14), np.uint8), "test": test}
    assert "no finding" == (most_frequent(data_of("chestmnist", labels=none)) or ("",))[0]


def test_without_labels_of_both_nothing_is_compared() -> None:
    assert most_frequent(data_of(labels={"train": np.array([[0]])})) is None


def test_values_are_told_for_each_split_and_channel() -> None:
    found = {"train": values_of({0: 1, 7: 3}, {8: 4}, {255: 4}), "test": values_of({0: 1}, {9: 1}, {0: 1})}
    content = shown("pathmnist", values=found)
    first, *_, last = content.tables["Values of the pixels"][1:]
    assert ["train, red", "12.50", "51.00", "0.0490", "0.2000", "25.00%", "0.00%"] == first
    assert "test, blue" == last[0]
    charts = [str(label) for label in content.all("svg", "aria-label")]
    assert ["red", "green", "blue"] == [re.findall(r"of (\w+):", label)[0] for label in charts]
    assert "Histogram of red: half of the values of train are at most 7; 75.0% at the top" == charts[0]


def test_splits_in_a_histogram_differ_in_style() -> None:
    found = {split: values_of({50: 3, 60: n}) for n, split in enumerate(("train", "val", "test"))}
    content = shown(values=found)
    assert ["area", "line", "dashed", "axis"] == content.all("path", "class")
    assert "train filled, val as a line, test dashed" in content.text


def test_a_high_bin_at_an_end_is_cut_off_and_all_stays_inside_the_chart() -> None:
    content = shown(values={"train": values_of({0: 1000, 50: 3, 255: 90})})
    (path,) = [
        str(d) for d, kind in zip(content.all("path", "d"), content.all("path", "class"), strict=True) if kind == "area"
    ]
    heights = [float(height) for height in re.findall(r"V([\d.-]+)", path)]
    assert (16.0, 110.0, 64 + 1) == (min(heights), max(heights), len(heights))
    assert 3 == heights.count(16.0)


def test_of_two_values_no_histogram_is_drawn() -> None:
    content = shown("adrenalmnist3d", values={"train": values_of({0: 9, 255: 1})})
    assert [] == content.all("svg", "role")
    assert "All voxels are 0 or 255." in content.text


def test_a_class_without_a_sample_is_named() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 57), dtype=np.uint8)
    examples = [Examples("0 malignant", (3, 8), pixels), Examples("1 normal, benign")]
    content = shown(examples=examples)
    assert ["2 images of train: 0 malignant"] == content.all("img", "alt")
    assert "0 malignanttrain 3, 8" in content.text
    assert "1 normal, benignnone in train" in content.text


def test_slices_lie_below_one_another_with_a_line_between() -> None:
    slices = np.random.default_rng(0).integers(1, 256, (5, 6, 13), dtype=np.uint8)
    content = shown("adrenalmnist3d", examples=[Examples("0 normal", (1, 2), slices)])
    ((attributes),) = [attributes for tag, attributes in content.elements if tag == "img"]
    sheet = np.asarray(Image.open(BytesIO(b64decode(str(attributes["src"]).partition(",")[2]))))
    assert (35, 13) == sheet.shape
    assert np.array_equal(slices, sheet.reshape(5, 7, 13)[:, :6])
    assert not sheet.reshape(5, 7, 13)[:, 6].any()
    (slider,) = [attributes for tag, attributes in content.elements if tag == "input"]
    assert ("range", "0", "4", "2", "Slice of 0 normal") == tuple(
        slider[name] for name in ("type", "min", "max", "value", "aria-label")
    )
    assert "--at: 2" in content.all("div", "style")  # the middle one is shown before the script runs, or without it


def test_only_a_card_with_sliders_has_a_script_and_its_policy_allows_no_other() -> None:
    slices = np.zeros((5, 6, 13), np.uint8)
    document = card_page(data_of("adrenalmnist3d", examples=[Examples("0 normal", (1,), slices)]))
    (script,) = re.findall(r"<script>(.*?)</script>", document, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    rest = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert f"{rest}; script-src 'sha256-{digest}'" == policy(read(document))
    for name in ("breastmnist", "adrenalmnist3d"):
        without = card_page(data_of(name))
        assert ("<script" in without, rest) == (False, policy(read(without)))


def test_names_are_text() -> None:
    odd = replace(
        registry.info("breastmnist"), class_names=("<b>&", "'\""), license="<i>", source_size="</dl>", notes=("<p>",)
    )
    content = shown(odd, labels={"train": np.array([[0], [1]])}, origin={"File": "<script>"})
    assert "0 <b>&; 1 '\"" == content.facts["Labels"]
    assert ("</dl>", "<script>") == (content.facts["At the source"], content.facts["File"])
    assert "<p>" in content.notes


def test_what_is_not_known_is_left_out_or_said() -> None:
    bare = replace(registry.info("breastmnist"), source_size="", preparation="", notes=())
    content = shown(bare, baselines=NO_BASELINES, citations="")
    assert "None are known here." in content.text
    assert not {"At the source", "What was done"} & content.facts.keys()
    assert "BibTeX" not in content.all("pre", "aria-label")


def test_the_line_below_the_title_begins_with_what_is_known() -> None:
    bare = replace(registry.info("breastmnist"), modality="", description="")
    assert "Breast Ultrasound: 780 images, 2 classes" in shown("breastmnist").text
    assert (True, False) == ("780 images, 2 classes" in shown(bare).text, ": 780 images" in shown(bare).text)


def test_sizes_that_are_enlarged_are_marked() -> None:
    rows = [row[0] for row in shown("tissuemnist").tables["Sizes that it comes in"][1:]]
    assert ["28", "64, enlarged", "128, enlarged", "224, enlarged"] == rows


def test_the_only_addresses_are_links_to_follow() -> None:
    document = card_page(data_of("dermamnist"))
    addresses = set(re.findall(r'[\w-]+="(?:https?:)?//', document))
    assert {'href="https://'} == addresses
    assert "https://creativecommons.org/licenses/by-nc/4.0/" in read(document).all("a", "href")


def test_the_same_data_gives_the_same_card() -> None:
    assert card_page(data_of()) == card_page(data_of())


def test_lines_to_copy_are_in_a_box_that_the_keyboard_reaches() -> None:
    ((tag, attributes), *_) = read(code("a < b", "Code")).elements
    expected = {"class": "copy", "role": "region", "aria-label": "Code", "tabindex": "0"}
    assert ("pre", expected, "a < b") == (tag, attributes, read(code("a < b", "Code")).text)


@pytest.mark.parametrize(
    ("n", "total", "full", "text", "width"),
    [(1, 4, 0.5, "125.0%", "50.0%"), (3, 3, 0.5, "3100.0%", "100.0%"), (0, 0, 1.0, "00.0%", "0.0%")],
)
def test_a_share_is_written_and_drawn(n: int, total: int, full: float, text: str, width: str) -> None:
    content = read(table("Counts", ["class", "train"], [["a", share_cell(n, total, full=full)]]))
    assert ([["a", text]], [f"width: {width}"]) == (content.tables["Counts"][1:], content.all("i", "style"))


def test_masks_are_counted_by_pixels_by_images_and_by_size() -> None:
    record = registry.info("medsegbench/wbc-c1")
    masks = {
        "train": np.array([[90, 5, 5], [100, 0, 0], [40, 60, 0], [99, 1, 0]]),
        "test": np.array([[95, 0, 5]]),
    }
    content = shown(record, size=128, masks=masks, labels={})
    _, background, first, second = content.tables["Pixels of each class, by split"]
    assert ["32982.2%", "9595.0%"] == background[1:]
    assert (["6616.5%", "00.0%"], ["51.2%", "55.0%"]) == (first[1:], second[1:])
    assert [["375.0%", "00.0%"], ["125.0%", "1100.0%"]] == [
        row[1:] for row in content.tables["Images that show a class, by split"][1:]
    ]
    quantiles = {row[0]: row[1:] for row in content.tables["Labelled share of an image: quantiles"][1:]}
    assert ("0.00%", "5.50%", "60.00%") == (quantiles["train"][0], quantiles["train"][3], quantiles["train"][-1])
    counted = {row[0]: row[1] for row in content.tables["Images by their labelled share"][1:]}
    assert {"nothing", "up to 1%", "5% to 10%", "more than 50%"} == {
        name for name, cell in counted.items() if cell.startswith("1")
    }
    assert "all" not in content.tables["Pixels of each class, by split"][0]
