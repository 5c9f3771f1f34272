"""The page about an evaluation: what stands on it is what was computed."""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import medmnist_np as mm
from medmnist_np.evaluation import Evaluation, Evaluator
from medmnist_np.metrics import METRICS, class_intervals, confusion_matrix, measure_per_class
from medmnist_np.registry import registered
from medmnist_np.reports.evaluation_page import cached_images, report
from medmnist_np.reports.page import number, span
from medmnist_np.testing import fake_datasets, fake_record
from tests.audit import Recording
from tests.reports.reading import Content, read

NAMES = ("breastmnist", "chestmnist", "pathmnist", "retinamnist", "adrenalmnist3d")
AUC_INTERVALS = "; 95 % interval of the AUC by DeLong's method on the logit scale"
SECTIONS = [
    "Summary",
    "Data",
    "All metrics",
    "Curves",
    "Decisions",
    "Single classes",
    "Calibration",
    "Worst mistakes",
    "How this was computed",
]


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path / "fakes", *NAMES, n_samples={"train": 10, "val": 10, "test": 90}):
        yield


def scores_of(evaluator: Evaluator) -> NDArray[np.float64]:
    """Probabilities that are right more often than not."""
    record, labels = evaluator.record, evaluator.labels.astype(float)
    noise = np.random.default_rng(0).normal(size=(len(labels), 1 if record.n_classes == 2 else record.n_classes))
    if record.task in ("binary-class", "multi-label, binary-class"):
        return 1 / (1 + np.exp(1 - 2 * labels - noise))
    odds: NDArray[np.float64] = np.exp(2 * (labels == np.arange(record.n_classes)) + noise)
    return odds / odds.sum(axis=1, keepdims=True)


def evaluated(name: str, run: object = None) -> Evaluation:
    evaluator = Evaluator(name, "test")
    return evaluator.evaluate(scores_of(evaluator), run=run)


@cache
def page_of(name: str) -> tuple[Evaluation, Content]:
    """A page without pictures, made once for all tests: a page with 14 labels takes a second."""
    result = evaluated(name)
    return result, read(report(result))


@pytest.mark.parametrize("name", NAMES)
def test_each_metric_is_the_computed_one_with_its_interval(name: str) -> None:
    result, page = page_of(name)
    head, *rows = page.tables["Metrics with their 95 % confidence intervals (percentile bootstrap)"]
    assert head == ["metric", "value", "interval", "0 to 1"]
    titles = {METRICS[metric].title: metric for metric in METRICS}
    shown = {titles[title]: [value, ends] for title, value, ends, _ in rows}
    expected = {
        metric: [number(one.estimate), span(one.low, one.high)] for metric, one in result.intervals(shown).items()
    }
    assert expected == shown
    assert {"auc", "accuracy", "f1", "mcc", "kappa", "log_loss"} <= shown.keys()
    assert ("exact_match" in shown) == (name == "chestmnist")
    assert ("quadratic_kappa" in shown) == (name == "retinamnist")


@pytest.mark.parametrize("name", NAMES)
def test_auc_and_acc_are_at_the_top(name: str) -> None:
    result, page = page_of(name)
    for title, one in zip(("AUC", "ACC"), result.intervals().values(), strict=True):
        assert f"{one.estimate:.3f}95 % interval {one.low:.3f} to {one.high:.3f}" == page.facts[title]


@pytest.mark.parametrize("name", ["breastmnist", "pathmnist", "retinamnist"])
def test_the_confusion_matrix_has_every_count(name: str) -> None:
    result, page = page_of(name)
    _, *rows = page.tables["Images by class (rows) and decision (columns)"]
    counts = confusion_matrix(result.y_true, result.y_score, result.task)
    expected = [[*(f"{n}{n / sum(row):.0%}" for n in row), str(sum(row))] for row in counts.tolist()]
    assert expected == [cells for _, *cells in rows]


def test_each_label_has_its_counts() -> None:
    result, page = page_of("chestmnist")
    _, *rows = page.tables["Images by label and decision"]
    counts = confusion_matrix(result.y_true, result.y_score, result.task)
    expected = [
        [name, *map(str, (one[1, 1], one[1, 0], one[0, 1], one[0, 0]))]
        for name, one in zip(result.record.class_names, counts, strict=True)
    ]
    assert expected == rows


@pytest.mark.parametrize(
    ("name", "caption"),
    [("breastmnist", "Positive class"), ("chestmnist", "Each label"), ("pathmnist", "Each class against the rest")],
)
def test_each_class_has_its_metrics(name: str, caption: str) -> None:
    result, page = page_of(name)
    head, *rows = page.tables[f"{caption}{AUC_INTERVALS}"]
    assert head[4:] == ["AP", "precision", "recall", "specificity", "F1"]
    columns = [
        measure_per_class(result.predictions, metric)
        for metric in ("average_precision", "precision", "recall", "specificity", "f1")
    ]
    areas = class_intervals(result.predictions, method="logit-delong")
    for k, (_, n, area, ends, *values) in enumerate(rows):
        assert str(result.predictions.positive[k].sum()) == n
        assert number(areas[k].estimate) == area.removesuffix(" *")
        assert span(areas[k].low, areas[k].high) == ends
        assert [number(column[k]) for column in columns] == values
    assert len(columns[0]) == len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_data_set_is_described_with_its_common_pitfalls(name: str) -> None:
    result, content = page_of(name)
    record = result.record
    assert record.license == content.facts["License"]
    assert content.facts["Data set"].startswith(f"{record.python_class}. ")
    assert "train 10, val 10, test 90; this page is about test" in content.text
    assert any("It is not for clinical use." in note for note in content.notes)
    assert set(record.notes) <= set(content.notes)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_every_section_and_its_headings_are_in_order(name: str) -> None:
    headings = page_of(name)[1].headings
    last = {"breastmnist": "Positive class", "adrenalmnist3d": "Positive class", "chestmnist": "Single labels"}
    expected = [last.get(name, heading) if heading == "Single classes" else heading for heading in SECTIONS]
    assert expected == [text for level, text in headings if level == 2]
    levels = [level for level, _ in headings]
    assert 1 == levels[0] == levels.count(1)
    assert all(following - level <= 1 for level, following in pairwise(levels))


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_and_chart_has_its_own_alternative_text(name: str) -> None:
    result = evaluated(name)
    content = read(report(result, cached_images(result)))
    pictures, charts = content.all("img", "alt"), content.all("svg", "aria-label")
    columns = len(result.predictions.columns)
    assert 2 * columns + (columns if name == "chestmnist" else 1) == len(charts)
    assert pictures
    words = pictures + charts
    assert all(words)
    assert len(set(words)) == len(words)
    identifiers = [attributes["id"] for _, attributes in content.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)


def test_the_same_result_gives_the_same_page() -> None:
    result = evaluated("pathmnist", run="a")
    images = cached_images(result)
    assert report(result, images) == report(evaluated("pathmnist", run="a"), images)
    assert report(result) != report(result, seed=1)


def test_the_page_states_how_values_were_computed() -> None:
    result = evaluated("breastmnist", run="seed7")
    facts = read(report(result, file="folder/breastmnist_test.csv", n_resamples=200, seed=3)).facts
    assert facts["Intervals"] == "95 %, percentile bootstrap, 200 resamples"
    assert facts["Seed of the resamples"] == "3"
    assert facts["Decision"] == "positive if the score is above 0.5"
    assert facts["File"] == "breastmnist_test.csv"
    assert facts["Run"] == "seed7"
    assert result.to_dict()["labels_sha256"] == facts["Labels, SHA-256"]
    assert facts["Program"].startswith("medmnist-np ")


def test_names_and_remarks_are_escaped() -> None:
    page = report(evaluated("breastmnist"), file="<img src=x onerror=alert(1)>&.csv", remarks=["<b>1</b>"])
    assert "<img src=x" not in page
    content = read(page)
    assert content.headings[0] == (1, "BreastMNIST test: <img src=x onerror=alert(1)>&.csv")
    assert "<b>1</b>" in content.notes


# Mistakes


def test_the_worst_mistakes_are_shown_as_pictures() -> None:
    result = evaluated("breastmnist")
    images = cached_images(result)
    assert images is not None
    page = read(report(result, images))
    wrong = np.flatnonzero(result.predictions.decisions != result.predictions.labels)
    far = np.abs(result.predictions.scores[wrong, 0] - 0.5)
    expected = wrong[np.argsort(-far, kind="stable")][:12]
    shown = [str(alt) for alt in page.all("img", "alt")]
    assert [f"Image {index} of test:" for index in expected] == [alt.partition(": ")[0] + ":" for alt in shown]
    for index, source in zip(expected, page.all("img", "src"), strict=True):
        assert np.array_equal(images[index], _pixels(source))
    names = {0: "0 malignant", 1: "1 normal, benign"}
    first = expected[0]
    truth = int(result.predictions.labels[first])
    assert f"{names[truth]}, predicted as {names[1 - truth]}" in shown[0]
    assert f"score {result.predictions.scores[first, 0]:.3f} for 1 normal, benign" in page.text


def test_the_middle_slice_of_a_volume_is_shown() -> None:
    result = evaluated("adrenalmnist3d")
    images = cached_images(result)
    assert images is not None
    page = read(report(result, images))
    index = int(str(page.all("img", "alt")[0]).split()[1])
    assert np.array_equal(images[index][14], _pixels(page.all("img", "src")[0]))
    assert "as the middle slice of each volume" in page.text


def test_without_images_the_mistakes_are_a_table() -> None:
    result, page = page_of("chestmnist")
    head, *rows = page.tables["The worst mistakes"]
    assert head == ["image", "true", "predicted", "score"]
    assert len(rows) == 12
    index = int(rows[0][0].removeprefix("#"))
    names = [name for name, there in zip(result.record.class_names, result.y_true[index], strict=True) if there]
    assert ", ".join(names) or "none" == rows[0][1]
    assert "medmnist-np fetch chestmnist" in page.text
    assert page.all("img", "src") == []


def test_perfect_scores_make_no_mistake() -> None:
    evaluator = Evaluator("pathmnist", "test")
    page = read(report(evaluator.evaluate(0.1 + 0.2 * (evaluator.labels == np.arange(9)))))
    assert "Every decision is right." in page.text


def test_a_wrong_number_of_images_is_refused() -> None:
    with pytest.raises(ValueError, match="There are 10 images and 90 samples"):
        report(evaluated("breastmnist"), mm.load("breastmnist", "val").images)


# Splits


def test_a_report_on_train_states_that_intervals_do_not_apply_to_new_images() -> None:
    evaluator = Evaluator("breastmnist", "train")
    page = read(report(evaluator.evaluate(scores_of(evaluator))))
    assert "do not apply to images that the model was not trained on" in page.text
    assert "for unlimited images" not in page.text
    assert any(note.startswith("Measured on the training split") for note in page.notes)


def test_a_report_on_test_explains_the_intervals() -> None:
    page = page_of("breastmnist")[1]
    assert "95 of 100 such intervals contain the value for unlimited images of the same kind." in page.text
    assert not any("Measured on the" in note for note in page.notes)


# What cannot be computed


def test_an_absent_class_is_reported() -> None:
    evaluator = Evaluator("pathmnist", "test")
    scores = scores_of(evaluator)
    evaluator.labels = np.where(evaluator.labels == 3, 2, evaluator.labels)
    page = read(report(evaluator.evaluate(scores, undefined="skip")))
    assert page.tables[f"Each class against the rest{AUC_INTERVALS}"][4][1:4] == ["0", "not defined *", "no interval"]
    assert page.text.count("no images have this label") == 2
    with pytest.raises(ValueError, match="is not defined"):
        evaluator.evaluate(scores)


@pytest.mark.parametrize("undefined", ["nan", "zero"])
def test_a_metric_that_is_not_defined_is_reported(undefined: str) -> None:
    evaluator = Evaluator("pathmnist", "test")
    scores = scores_of(evaluator)
    evaluator.labels = np.where(evaluator.labels == 3, 2, evaluator.labels)
    facts = read(report(evaluator.evaluate(scores, undefined=undefined))).facts  # type: ignore[arg-type]
    assert facts["AUC"].startswith("not defined") == (undefined == "nan")


def test_scores_that_are_not_probabilities_have_no_calibration() -> None:
    evaluator = Evaluator("breastmnist", "test")
    with pytest.warns(UserWarning, match="instead of 0 to 1"):
        result = evaluator.evaluate(5 * scores_of(evaluator))
    page = read(report(result))
    assert any("Scores are from " in note and "but decisions are made at 0.5" in note for note in page.notes)
    assert "The scores are not probabilities. y_score has values from " in page.text
    assert "Not shown: log loss. y_score has values from " in page.text


def test_a_class_with_few_samples_has_a_note() -> None:
    assert any("too narrow for 0 adipose" in x and "fewer than 30 images" in x for x in page_of("pathmnist")[1].notes)
    assert not any("fewer than" in x for x in page_of("breastmnist")[1].notes)


def test_without_matplotlib_nothing_is_computed_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    result = evaluated("breastmnist")
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(type(result), "intervals", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'medmnist-np\[report\]'"):
        report(result)


# Images at hand


def test_images_of_the_nearest_size_are_used(tmp_path: Path) -> None:
    one_size = [fake_record("bloodmnist", size=size, n_samples={"test": 40}) for size in (28, 128)]
    with (
        fake_datasets(tmp_path / "sizes", *one_size) as (small, large),
        registered(replace(small, archives={28: small.archive(28), 128: large.archive(128)})),
    ):
        evaluator = Evaluator("bloodmnist", "test", size=128)
        result = evaluator.evaluate(scores_of(evaluator))
        for size in (28, 128):
            expected = mm.load("bloodmnist", "test", size=size).images
            images = cached_images(result)
            assert images is not None
            assert np.array_equal(expected, images)


def test_images_are_not_downloaded(tmp_path: Path, audit: Callable[[], AbstractContextManager[Recording]]) -> None:
    mm.fetch("breastmnist", labels_only=True, root=tmp_path / "root")
    evaluator = Evaluator("breastmnist", "test", root=tmp_path / "root")
    result = evaluator.evaluate(scores_of(evaluator))
    with audit() as seen:
        assert cached_images(result, root=tmp_path / "root") is None
    assert seen.writes == []
    assert seen.network == []
    assert seen.locks == []


def test_images_of_a_split_that_was_downloaded_alone_are_used(tmp_path: Path) -> None:
    mm.fetch("breastmnist", splits=["test"], root=tmp_path / "root")
    evaluator = Evaluator("breastmnist", "test", root=tmp_path / "root")
    images = cached_images(evaluator.evaluate(scores_of(evaluator)), root=tmp_path / "root")
    assert images is not None
    assert np.array_equal(mm.load("breastmnist", "test").images, images)


def _pixels(source: str | None) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(b64decode(str(source).partition(",")[2]))))
