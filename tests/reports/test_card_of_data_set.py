"""Cards of data sets that are on this machine, in part, or not at all."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np.data.arrays import bring
from medmnist_np.errors import UnknownDatasetError, UnknownSizeError
from medmnist_np.images import overlay
from medmnist_np.registry import Collection
from medmnist_np.reports.card_page import card
from medmnist_np.testing import fake_datasets
from tests.audit import Recording
from tests.reports.reading import read

NAMES = ("breastmnist", "chestmnist", "pathmnist", "organmnist3d")
N_SAMPLES = {"train": 60, "val": 12, "test": 25}


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path / "fakes", *NAMES, n_samples=N_SAMPLES):
        yield


def pictures(document: str) -> list[np.ndarray]:
    sources = [str(source) for source in read(document).all("img", "src")]
    return [np.asarray(Image.open(BytesIO(b64decode(source.partition(",")[2])))) for source in sources]


def numbers(document: str) -> list[list[int]]:
    """Return which samples are said to be in each picture."""
    return [
        [int(number) for number in said.split(", ")] for said in re.findall(r"<div>train ([\d, ]+)</div>", document)
    ]


@pytest.mark.parametrize("name", ["breastmnist", "pathmnist"])
def test_the_pictures_show_the_named_samples_of_each_class(name: str) -> None:
    document = card(name, download=True)
    train = mm.Dataset(name, "train")
    assert train.record.n_classes == len(pictures(document)) == len(numbers(document))
    for label, (picture, named) in enumerate(zip(pictures(document), numbers(document), strict=True)):
        assert {label} == set(train.labels[named, 0].tolist())
        for place, index in enumerate(named):
            top, left = 29 * (place // 6), 29 * (place % 6)
            assert np.array_equal(train[index][0], picture[top : top + 28, left : left + 28])


def test_samples_of_each_finding_and_without_a_finding_are_shown() -> None:
    document = card("chestmnist", download=True)
    labels = mm.Dataset("chestmnist", "train").labels
    *with_findings, without = numbers(document) if not labels.any(axis=1).all() else [*numbers(document), []]
    assert len(with_findings) == 14
    assert all(labels[named, k].all() for k, named in enumerate(with_findings))
    assert not labels[without].any()


def test_every_slice_of_a_volume_is_in_the_page() -> None:
    document = card("organmnist3d", download=True)
    train = mm.Dataset("organmnist3d", "train")
    for sheet, named in zip(pictures(document), numbers(document), strict=True):
        slices = sheet.reshape(28, -1, sheet.shape[1])  # with a line below each
        assert slices.shape == (28, 58, 115)
        for place, index in enumerate(named):
            top, left = 29 * (place // 4), 29 * (place % 4)
            assert np.array_equal(train[index][0], slices[:, top : top + 28, left : left + 28])


@pytest.mark.parametrize(("name", "shape"), [("synapsemnist3d_64", (64 * 65, 194)), ("bloodmnist_224", (224, 674, 3))])
def test_fewer_large_images_are_shown_and_none_is_resized(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "large", name, n_samples={"train": 33}):
        assert {shape} == {picture.shape for picture in pictures(card(name, download=True))}


def test_counts_are_those_of_all_samples() -> None:
    content = read(card("breastmnist", download=True))
    first = content.tables["Images of each class, by split"][1]
    shares = [n / total for n, total in _malignant()]
    expected = [f"{n}{share:.1%}" for (n, _), share in zip(_malignant(), shares, strict=True)]
    assert ["0 malignant", *expected] == first


def _malignant() -> list[tuple[int, int]]:
    parts = [mm.Dataset("breastmnist", split) for split in N_SAMPLES]
    counts = [(part.class_counts()["malignant"], len(part)) for part in parts]
    return [*counts, (sum(n for n, _ in counts), sum(total for _, total in counts))]


def test_values_are_those_of_all_pixels() -> None:
    content = read(card("pathmnist", download=True))
    expected = []
    for split in N_SAMPLES:
        images = mm.Dataset("pathmnist", split).images.reshape(-1, 3)
        for channel, values in zip(("red", "green", "blue"), images.T, strict=True):
            mean, std = values.mean(), values.std()
            row = [f"{split}, {channel}", f"{mean:.2f}", f"{std:.2f}", f"{mean / 255:.4f}", f"{std / 255:.4f}"]
            expected.append([*row, f"{(values == 0).mean():.2%}", f"{(values == 255).mean():.2%}"])
    assert expected == content.tables["Values of the pixels"][1:]


def test_the_same_data_gives_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    first = card("organmnist3d", download=True)
    with ThreadPoolExecutor(2) as threads:
        again = card("organmnist3d", download=True, root=tmp_path / "elsewhere", executor=threads)
    assert first == again == card("organmnist3d")


def test_another_seed_shows_other_samples_with_the_same_counts() -> None:
    first, other = card("breastmnist", download=True), card("breastmnist", seed=1)
    assert numbers(first) != numbers(other)
    assert read(first).tables == read(other).tables


@pytest.mark.parametrize("name", ["breastmnist", "chestmnist", "organmnist3d"])
def test_a_data_set_that_is_not_downloaded_has_a_card_without_pictures(name: str) -> None:
    document = card(name)
    content = read(document)
    assert pictures(document) == []
    assert content.facts["Counted"] == "nothing"
    assert f"medmnist-np card {name} --size 28 --download" in content.notes[0]
    assert not any(caption.endswith("by split") for caption in content.tables)


def test_nothing_is_downloaded_or_written_without_download(
    audit: Callable[[], AbstractContextManager[Recording]],
) -> None:
    with audit() as seen:
        card("breastmnist")
    assert seen.network == []
    assert seen.writes == []


def test_labels_without_images_are_counted() -> None:
    mm.fetch("breastmnist", labels_only=True)
    document = card("breastmnist")
    content = read(document)
    assert pictures(document) == []
    assert content.facts["Counted"] == "all samples"
    assert "only labels were counted" in content.notes[0]
    assert "60" in content.tables["Samples of each split"][1]
    assert "Images of each class, by split" in content.tables


def test_without_a_size_the_card_shows_an_available_size(tmp_path: Path) -> None:
    small = mm.info("pneumoniamnist")
    with fake_datasets(tmp_path / "large", "pneumoniamnist_64", n_samples=N_SAMPLES) as (large,):
        both = replace(large, archives={**small.archives, **large.archives})
        bring(both, 64)
        assert read(card(both)).facts["Size of the images"] == "64"
        (tmp_path / "empty").mkdir()
        assert pictures(card(both, size=64, root=tmp_path / "empty")) == []
        assert len(pictures(card(both, size=64))) == 2


def test_an_archive_in_the_root_is_used(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "breastmnist.npz").write_bytes((tmp_path / "fakes" / "archives" / "breastmnist.npz").read_bytes())
    assert len(pictures(card("breastmnist", root=root))) == 2


def test_unknown_names_and_sizes_are_refused() -> None:
    with pytest.raises(UnknownDatasetError, match="breastmnist"):
        card("brestmnist")
    with pytest.raises(UnknownSizeError, match="does not come in size 100"):
        card("breastmnist", size=100)


def test_a_built_data_set_has_a_card_without_published_results() -> None:
    own = Collection(name="local", title="Sets of my own")
    record = replace(mm.info("breastmnist"), collection=own, citations=("unknown2026",), name="mine")
    content = read(card(record))
    assert content.facts["Collection"] == "Sets of my own"
    assert content.facts["Name"] == "mine"
    assert "No published results are known." in content.text


def test_the_card_of_a_built_set_names_the_register_command() -> None:
    images = np.random.default_rng(0).integers(256, size=(20, 28, 28), dtype=np.uint8)
    mm.build(name="moles", images=images, labels=[0, 1] * 10)
    content = read(card("moles"))
    assert "On other machines, first register the file of its record" in content.text
    assert "medmnist-np register moles.toml\nmedmnist-np fetch moles" in content.text
    assert "downloads the data set" not in content.text
    assert content.facts["License"] == "not stated"
    assert "downloads the data set" in read(card("breastmnist")).text


def test_the_card_of_real_data_shows_the_known_counts(real_root: Path) -> None:
    retina = card("retinamnist", root=real_root)
    assert len(pictures(retina)) == 5
    assert retina.count("<script") == 0
    assert read(retina).tables["Images of each class, by split"][1] == [
        "class 0",
        "48645.0%",
        "5445.0%",
        "17443.5%",
        "71444.6%",
    ]
    adrenal = card("adrenalmnist3d", size=64, root=real_root)
    assert [(64 * 65, 194)] * 2 == [sheet.shape for sheet in pictures(adrenal)]
    assert "All voxels are 0 or 255." in read(adrenal).text


# Segmentation sets


def test_masks_are_drawn_over_the_images_of_each_class(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "masks", "medsegbench/abdomenus_128", n_samples={"train": 12, "val": 2, "test": 3}):
        document = card("medsegbench/abdomenus", size=128, download=True)
        train = mm.Dataset("medsegbench/abdomenus", "train", size=128)
        counts = train.class_counts()
    assert 8 == len(pictures(document)) == len(numbers(document))
    for value, (picture, named) in enumerate(zip(pictures(document), numbers(document), strict=True), start=1):
        assert all((train.masks[index] == value).any() for index in named)
        for place, index in enumerate(named):
            expected = overlay(train.images[index], train.masks[index])
            assert np.array_equal(expected, picture[:128, 129 * place : 129 * place + 128])
    content = read(document)
    shown = {row[0]: row[1] for row in content.tables["Pixels of each class, by split"][1:]}
    assert all(shown[f"{k} {name}"].startswith(f"{counts[name]:,}") for k, name in enumerate(counts))
    headings = [text for level, text in content.headings if level == 2]
    assert "Masks" in headings
    assert "Classes" not in headings
    assert "Published results" not in headings


def test_a_segmentation_set_that_is_not_downloaded_has_a_card() -> None:
    content = read(card("medsegbench/kvasir"))
    assert "medmnist-np card medsegbench/kvasir --size 512 --download" in content.notes[0]
    assert "each pixel has one of 2 classes" in content.facts["Task"]
    assert mm.info("medsegbench/kvasir").license == content.facts["Terms of use"]


def test_a_card_of_volumes_that_differ_in_size_is_refused_with_alternatives() -> None:
    with pytest.raises(UnknownSizeError, match="`medmnist-np montage msd/liver` show them"):
        card("msd/liver")
