from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np._html import join
from medmnist_np.data.statistics import Statistics
from medmnist_np.registry import Collection, DatasetInfo
from medmnist_np.reports.card_page import card
from medmnist_np.reports.card_sections import _scrubber, balance, examples, most_frequent, shares, values
from medmnist_np.reports.page import code, share_cell, table
from medmnist_np.testing import fake_datasets
from tests.reports.reading import Content, read

NAMES = [record.name for record in registry.datasets()]
ALWAYS = ["Description", "Splits", "Sizes and preparation", "Published results", "How to load it"]
AT_THE_END = ["License and citation", "How this card was made"]


def statistics_of(*histograms: dict[int, int]) -> Statistics:
    table = np.zeros((len(histograms), 256), np.int64)
    for row, counts in zip(table, histograms, strict=True):
        for value, n in counts.items():
            row[value] = n
    return Statistics(table)


def shown(name: str | DatasetInfo = "breastmnist", **arguments: Any) -> Content:
    """Return the card of a data set that is not on this machine."""
    return read(card(name, **arguments))


def balance_of(labels: dict[str, np.ndarray], name: str = "breastmnist") -> Content:
    return read(join(balance(registry.info(name), labels)))


def values_of(statistics: dict[str, Statistics], name: str = "breastmnist") -> Content:
    return read(join(values(registry.info(name), 28, statistics)))


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
    assert record.source_size == content.facts["Size of the source images"]
    assert record.preparation == content.facts["Preparation"]
    assert registry.cite(name) in content.text
    assert "Not for clinical use." in content.notes
    for archive in record.archives.values():
        assert archive.digest in content.text


@pytest.mark.parametrize("name", NAMES)
def test_published_results_are_shown_with_their_notes(name: str) -> None:
    content, known = shown(name), registry.baselines(name)
    expected = [[row.method, f"{row.AUC:.3f}", f"{row.ACC:.3f}"] for row in known.rows]
    assert expected == content.tables["Published results on the test split"][1:]
    assert known.notes
    assert all(note in content.text for note in known.notes)


def test_headings_skip_no_level() -> None:
    levels = [level for level, _ in shown("chestmnist").headings]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_a_card_without_data_names_the_command_that_downloads_it() -> None:
    content = shown("pathmnist", size=64)
    assert content.all("img", "src") == []
    assert content.notes[0].startswith(
        "This card has no pictures, because the images were not on the machine that made it,"
    )
    assert "medmnist-np card pathmnist --size 64 --download -o PAGE.html" in content.notes[0]


def test_classes_are_counted_in_each_split() -> None:
    labels = {"train": np.array([[0], [1], [1], [1]]), "val": np.array([[1]]), "test": np.array([[1], [0], [1]])}
    expected = [
        ["class", "train", "val", "test", "all"],
        ["0 malignant", "125.0%", "00.0%", "133.3%", "225.0%"],
        ["1 normal, benign", "375.0%", "1100.0%", "266.7%", "675.0%"],
    ]
    assert expected == balance_of(labels).tables["Images of each class, by split"]


def test_the_column_of_all_splits_needs_every_split() -> None:
    labels = {"train": np.array([[0]]), "test": np.array([[1]])}
    assert balance_of(labels).tables["Images of each class, by split"][0] == ["class", "train", "test"]


def test_a_bar_is_as_long_as_its_share_of_the_largest() -> None:
    content = balance_of({"train": np.array([[0], [1], [1], [1]])})
    widths = [style for style in content.all("i", "style") if style]
    assert widths == ["width: 33.3%", "width: 100.0%"]


def test_findings_are_counted_alone_and_together() -> None:
    labels = np.zeros((5, 14), np.uint8)
    labels[0, [0, 1, 2]] = labels[1, [0, 1]] = labels[2, 0] = labels[3, 0] = 1
    content = balance_of({"train": labels}, "chestmnist")
    counted = content.tables["Images by the number of their findings"]
    assert counted[1:] == [["none", "120.0%"], ["1", "240.0%"], ["2", "120.0%"], ["3 or more", "120.0%"]]
    head, first, second, *_ = content.tables["Images with two findings"]
    assert ["finding", *map(str, range(14))] == head
    assert first[:5] == ["0 atelectasis", "4", "50%2", "25%1", "0%0"]
    assert second[:4] == ["1 cardiomegaly", "100%2", "2", "50%1"]


def test_the_most_frequent_class_is_that_of_train_and_scored_on_test() -> None:
    labels = {"train": np.array([[0], [1], [1]]), "val": np.array([[0]]), "test": np.array([[0], [0], [0], [1]])}
    assert most_frequent(registry.info("breastmnist"), labels) == ("1 normal, benign", 0.25)


def test_a_card_shows_the_accuracy_of_always_predicting_the_most_frequent_class(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 20, "val": 2, "test": 8}):
        content = shown("breastmnist", download=True)
        name, accuracy = most_frequent(*_labels_of("breastmnist")) or ("", 0.0)
    assert f"always predicting “{name}” gives ACC {accuracy:.3f} and AUC 0.500" in content.text


def _labels_of(name: str) -> tuple[DatasetInfo, dict[str, np.ndarray]]:
    record = mm.info(name)
    assert isinstance(record, DatasetInfo)
    return record, {split: np.asarray(mm.load(name, split).labels) for split in record.splits}


def test_the_most_frequent_findings_have_a_mean_accuracy() -> None:
    train, test = np.zeros((4, 14), np.uint8), np.zeros((2, 14), np.uint8)
    train[:3, 0] = test[0, :2] = 1
    expected = ("atelectasis", (0.5 + 0.5 + 12) / 14)
    record = registry.info("chestmnist")
    assert expected == pytest.approx(most_frequent(record, {"train": train, "test": test}))
    none = {"train": np.zeros((4, 14), np.uint8), "test": test}
    assert (most_frequent(record, none) or ("",))[0] == "no finding"


def test_the_most_frequent_class_needs_labels_of_train_and_test() -> None:
    assert most_frequent(registry.info("breastmnist"), {"train": np.array([[0]])}) is None


def test_mean_and_deviation_are_shown_for_each_split_and_channel() -> None:
    statistics = {"train": statistics_of({0: 1, 7: 3}, {8: 4}, {255: 4}), "test": statistics_of({0: 1}, {9: 1}, {0: 1})}
    content = values_of(statistics, "pathmnist")
    first, *_, last = content.tables["Values of the pixels"][1:]
    assert first == ["train, red", "5.25", "3.03", "0.0206", "0.0119", "25.00%", "0.00%"]
    assert last[0] == "test, blue"
    charts = [str(label) for label in content.all("svg", "aria-label")]
    assert [re.findall(r"of (\w+):", label)[0] for label in charts] == ["red", "green", "blue"]
    assert charts[0] == "Histogram of red: half of the values of train are at most 7; 75.0% at the top"


def test_splits_in_a_histogram_differ_in_style() -> None:
    splits = ("train", "val", "test")
    content = values_of({split: statistics_of({50: 3, 60: n}) for n, split in enumerate(splits)})
    assert content.all("path", "class") == ["area", "line", "dashed", "axis"]
    assert "train filled, val as a line, test dashed" in content.text


def test_a_high_bin_at_an_end_is_cut_off_at_the_top_of_the_chart() -> None:
    content = values_of({"train": statistics_of({0: 1000, 50: 3, 255: 90})})
    (path,) = [
        str(d) for d, kind in zip(content.all("path", "d"), content.all("path", "class"), strict=True) if kind == "area"
    ]
    heights = [float(height) for height in re.findall(r"V([\d.-]+)", path)]
    assert min(heights) == 16.0
    assert max(heights) == 110.0
    assert 64 + 1 == len(heights)
    assert heights.count(16.0) == 3


def test_images_with_two_values_have_no_histogram() -> None:
    content = values_of({"train": statistics_of({0: 9, 255: 1})}, "adrenalmnist3d")
    assert content.all("svg", "role") == []
    assert "All voxels are 0 or 255." in content.text


def test_a_class_without_a_sample_is_named(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 20}):
        train = mm.Dataset("breastmnist", "train", download=True)
        malignant = train.without({"train": np.flatnonzero(train.labels[:, 0] == 1)})
        content = read(join(examples(malignant, None, 0)))
    assert content.all("img", "alt") == ["10 images of train: 0 malignant"]
    assert "1 normal, benignnone in train" in content.text


def test_slices_are_stacked_with_a_line_between_them() -> None:
    slices = np.random.default_rng(0).integers(1, 256, (5, 6, 13), dtype=np.uint8)
    content = read(_scrubber(slices, "2 volumes", "0 normal"))
    ((attributes),) = [attributes for tag, attributes in content.elements if tag == "img"]
    sheet = np.asarray(Image.open(BytesIO(b64decode(str(attributes["src"]).partition(",")[2]))))
    assert sheet.shape == (35, 13)
    assert np.array_equal(slices, sheet.reshape(5, 7, 13)[:, :6])
    assert not sheet.reshape(5, 7, 13)[:, 6].any()
    (slider,) = [attributes for tag, attributes in content.elements if tag == "input"]
    assert tuple(slider[name] for name in ("type", "min", "max", "value", "aria-label")) == (
        "range",
        "0",
        "4",
        "2",
        "Slice of 0 normal",
    )
    assert "--at: 2" in content.all("div", "style")  # the middle one is shown before the script runs, or without it


def test_only_a_card_with_sliders_has_a_script_and_its_policy_allows_no_other(tmp_path: Path) -> None:
    rest = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for name in ("breastmnist", "adrenalmnist3d"):
        without = card(name)
        assert "<script" not in without
        assert rest == policy(read(without))
    with fake_datasets(tmp_path, "adrenalmnist3d", n_samples={"train": 4}):
        document = card("adrenalmnist3d", download=True)
    (script,) = re.findall(r"<script>(.*?)</script>", document, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"{rest}; script-src 'sha256-{digest}'" == policy(read(document))


def test_names_are_escaped() -> None:
    odd = replace(
        registry.info("breastmnist"), class_names=("<b>&", "'\""), license="<i>", source_size="</dl>", notes=("<p>",)
    )
    content = shown(odd)
    assert content.facts["Labels"] == "0 <b>&; 1 '\""
    assert content.facts["Size of the source images"] == "</dl>"
    assert "<p>" in content.notes


def test_unknown_facts_are_left_out_or_noted() -> None:
    own = Collection(name="local", title="Sets of my own")
    unknown = {"collection": own, "citations": ("unknown2026",), "name": "mine"}
    bare = replace(registry.info("breastmnist"), source_size="", preparation="", notes=(), **unknown)
    content = shown(bare)
    assert "No published results are known." in content.text
    assert not {"Size of the source images", "Preparation"} & content.facts.keys()
    assert "BibTeX" not in content.all("pre", "aria-label")


def test_the_subtitle_contains_only_known_facts() -> None:
    bare = replace(registry.info("breastmnist"), modality="", description="")
    assert "Breast Ultrasound: 780 images, 2 classes" in shown("breastmnist").text
    assert "780 images, 2 classes" in shown(bare).text
    assert ": 780 images" not in shown(bare).text


def test_sizes_that_are_enlarged_are_marked() -> None:
    rows = [row[0] for row in shown("tissuemnist").tables["Available sizes"][1:]]
    assert rows == ["28", "64, enlarged", "128, enlarged", "224, enlarged"]


def test_the_only_urls_are_links() -> None:
    document = card("dermamnist")
    addresses = set(re.findall(r'[\w-]+="(?:https?:)?//', document))
    assert addresses == {'href="https://'}
    assert "https://creativecommons.org/licenses/by-nc/4.0/" in read(document).all("a", "href")


def test_the_same_data_gives_the_same_card() -> None:
    assert card("breastmnist") == card("breastmnist")


def test_code_blocks_can_be_focused_with_the_keyboard() -> None:
    ((tag, attributes), *_) = read(code("a < b", "Code")).elements
    expected = {"class": "copy", "role": "region", "aria-label": "Code", "tabindex": "0"}
    assert tag == "pre"
    assert expected == attributes
    assert read(code("a < b", "Code")).text == "a < b"


@pytest.mark.parametrize(
    ("n", "total", "full", "text", "width"),
    [(1, 4, 0.5, "125.0%", "50.0%"), (3, 3, 0.5, "3100.0%", "100.0%"), (0, 0, 1.0, "00.0%", "0.0%")],
)
def test_a_share_is_shown_as_text_and_as_a_bar(n: int, total: int, full: float, text: str, width: str) -> None:
    content = read(table("Counts", ["class", "train"], [["a", share_cell(n, total, full=full)]]))
    assert [["a", text]] == content.tables["Counts"][1:]
    assert [f"width: {width}"] == content.all("i", "style")


def test_masks_are_counted_by_pixels_by_images_and_by_size() -> None:
    record = registry.info("medsegbench/wbc-c1")
    masks = {"train": np.array([[90, 5, 5], [100, 0, 0], [40, 60, 0], [99, 1, 0]]), "test": np.array([[95, 0, 5]])}
    content = read(join(shares(record, 128, masks)))
    _, background, first, second = content.tables["Pixels of each class, by split"]
    assert background[1:] == ["32982.2%", "9595.0%"]
    assert first[1:] == ["6616.5%", "00.0%"]
    assert second[1:] == ["51.2%", "55.0%"]
    assert [row[1:] for row in content.tables["Images that show a class, by split"][1:]] == [
        ["375.0%", "00.0%"],
        ["125.0%", "1100.0%"],
    ]
    quantiles = {row[0]: row[1:] for row in content.tables["Labelled share of an image: quantiles"][1:]}
    assert quantiles["train"][0] == "0.00%"
    assert quantiles["train"][3] == "5.50%"
    assert quantiles["train"][-1] == "60.00%"
    counted = {row[0]: row[1] for row in content.tables["Images by their labelled share"][1:]}
    assert {name for name, cell in counted.items() if cell.startswith("1")} == {
        "nothing",
        "up to 1%",
        "5% to 10%",
        "more than 50%",
    }
    assert "all" not in content.tables["Pixels of each class, by split"][0]
