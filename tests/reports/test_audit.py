"""The page of an audit: what stands on it, and that in a real browser."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from medmnist_np import registry
from medmnist_np.audits import Audit, ExactDuplicates, NearPair, Place, SharedGroup, SplitSummary, audit
from medmnist_np.reports.audit_page import audit_page
from medmnist_np.reports.page import write_page
from tests.audits.planted import save, sound
from tests.browser import DESK_PX, LOWEST_CONTRAST, PHONE_PX, Browser
from tests.reports.reading import Content, read

UNCHECKED = "Patients: not checked, since no groups are known."


def audit_of(of: str = "breastmnist", /, **changes: Any) -> Audit:
    """Return an audit that found nothing, with changes."""
    record = registry.info(of)
    counts = tuple(range(2, 2 + record.n_classes))
    empty = Audit(
        name=of,
        image_shape=record.image_shape(28),
        record=record,
        digest="md5:0",
        splits={split: SplitSummary(sum(counts), (0, 1), counts) for split in record.splits},
        duplicates=(),
        near=(),
        near_distance=4,
        blank=(),
        bad_labels=(),
        shared_groups=None,
        grouped_by=None,
        remarks=(),
    )
    return replace(empty, **changes)


def shown(*arguments: Any, **changes: Any) -> Content:
    return read(audit_page(audit_of(*arguments, **changes)))


def copies_of(n: int, *, labels: tuple[int, ...] = (0, 0, 0)) -> tuple[ExactDuplicates, ...]:
    places = [(Place("train", k), Place("test", k), Place("test", k + 1)) for k in range(n)]
    return tuple(ExactDuplicates(each, tuple((label,) for label in labels)) for each in places)


def pixels(copies: tuple[ExactDuplicates | NearPair, ...], *shape: int) -> dict[Place, NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    return {place: random.integers(0, 256, shape, dtype=np.uint8) for each in copies for place in each.places}


PAIR = (NearPair((Place("train", 1), Place("val", 2)), ((0,), (0,)), distance=1, difference=2.5),)


def test_a_page_without_findings_states_that_there_are_none() -> None:
    content = shown()
    assert content.headings[0][1] == "Audit of breastmnist"
    assert content.notes == [UNCHECKED]
    assert all(later - earlier <= 1 for (earlier, _), (later, _) in pairwise(content.headings))
    assert "Identical images: none." in content.text
    assert "No images are blank." in content.text
    assert content.all("img", "src") == []
    assert "Groups in several splits" not in content.text


def test_duplicates_are_shown_side_by_side() -> None:
    copies = copies_of(40)
    images = pixels(copies, 28, 28)
    content = shown(duplicates=copies, pictures=images)
    picture = next(attributes for tag, attributes in content.elements if tag == "img")
    drawn = np.asarray(Image.open(BytesIO(b64decode(str(picture["src"]).partition(",")[2]))))
    assert (28, 3 * 28 + 2) == drawn.shape
    for k, place in enumerate(copies[0].places):
        assert np.array_equal(images[place], drawn[:, 29 * k : 29 * k + 28])
    assert picture["alt"] == "train 0; test 0, 1: 0 malignant"


def test_only_the_first_groups_are_shown_and_all_are_counted() -> None:
    copies = copies_of(35) + copies_of(5, labels=(0, 1, 0))
    content = shown(duplicates=copies, pictures=pixels(copies, 28, 28))
    assert len(content.all("img", "src")) == 24
    assert "These are the first 24 of 40." in content.text
    assert content.facts["Exact duplicates"] == "40groups of identical images"
    assert content.facts["Contradictions"] == "5of these groups have different labels"


def test_pairs_of_colour_images_are_shown_in_colour() -> None:
    content = shown("retinamnist", near=PAIR, pictures=pixels(PAIR, 64, 64, 3))
    (picture,) = [attributes for tag, attributes in content.elements if tag == "img"]
    assert picture["width"] == "130"
    assert picture["height"] == "64"
    assert content.facts["Near duplicates"] == "1pairs to look at, 1 of them in two splits"


def test_a_near_pair_shows_its_distance_and_difference() -> None:
    content = shown(near=PAIR, pictures=pixels(PAIR, 28, 28))
    assert "1 bit, mean difference 2.50 of 255" in content.text


def test_the_page_states_which_slice_of_a_volume_is_shown() -> None:
    content = shown("organmnist3d", near=PAIR, pictures=pixels(PAIR, 28, 28))
    assert "Volumes are shown as their middle slice." in content.text
    assert "No volumes are blank." in content.text


def test_checks_that_were_skipped_are_noted_in_the_summary() -> None:
    content = shown(near=None, remarks=["Near duplicates were not searched: why."])
    assert content.notes == ["Near duplicates were not searched: why.", UNCHECKED]
    assert "Near duplicates" not in content.facts


def test_leaks_are_counted_by_split() -> None:
    splits = {"train": SplitSummary(10, (0, 1), (4, 6)), "test": SplitSummary(5, (0, 1), (2, 3))}
    copies = copies_of(3)
    content = shown(splits=splits, duplicates=copies, pictures=pixels(copies, 28, 28))
    assert content.tables["Images of each split"][1:] == [["train", "10", "3", "7"], ["test", "5", "0", "5"]]
    assert content.facts["Leaks"] == "3images that also occur in a later split; patients were not checked"
    assert 'ds = mm.Dataset("breastmnist", "train").without(audit.leaks)' in content.text


def test_labels_are_counted_and_problems_are_noted() -> None:
    splits = {"train": SplitSummary(5, (0, 1), (2, 3)), "val": SplitSummary(3, (1, 1), (0, 3))}
    bad, blank = (Place("train", 3), Place("train", 8)), (Place("test", 1), Place("test", 2))
    content = shown(splits=splits, bad_labels=bad, blank=blank)
    assert content.tables["Samples by label and split"][1] == ["0 malignant", "240.0%", "00.0%"]
    assert content.notes == ["val has no sample of 0 malignant.", "Invalid labels: train 3, 8.", UNCHECKED]
    assert "Range of the labels: train 0 to 1, val 1 to 1." in content.text
    assert "test 1, 2" in content.text


def test_only_the_first_groups_are_listed() -> None:
    groups = tuple(SharedGroup(f"p{k}", (Place("train", k), Place("test", 1))) for k in range(60))
    content = shown(shared_groups=groups, grouped_by="group")
    rows = content.tables["Groups in several splits; the first 50 of 60"]
    assert len(rows) == 51
    assert rows[1] == ["p0", "train 0; test 1"]
    assert content.notes == []
    assert "not checked" not in content.facts["Leaks"]


def test_groups_that_share_no_splits_are_reported() -> None:
    content = shown(shared_groups=(), grouped_by="group")
    assert "No groups have samples in more than one split." in content.text


def test_patients_that_were_not_checked_are_not_reported_as_patients_without_leaks() -> None:
    content = shown(shared_groups=(), grouped_by="image_id")
    assert content.notes == [UNCHECKED]
    assert "No image ids have samples in more than one split." in content.text
    assert "No groups" not in content.text


def test_a_single_split_has_no_leaks_to_look_for() -> None:
    content = shown(splits={"train": SplitSummary(10, (0, 1), (4, 6))})
    assert content.facts["Leaks"] == "0not checked: there is only one split"


def test_names_are_escaped() -> None:
    group = SharedGroup("<i>", (Place("train", 1), Place("test", 1)))
    content = shown(name="<b>&.npz", shared_groups=(group,), grouped_by="group", digest="<script>")
    assert content.headings[0][1] == "Audit of <b>&.npz"
    assert content.facts["Archive"] == "<script>"
    assert "<i>" in content.text


# In a real browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an archive in which all is wrong that can be."""
    folder = tmp_path_factory.mktemp("pages")
    arrays = sound((28, 28, 3))
    arrays["train_images"] //= 2
    arrays["train_images"][[1, 2, 3]] = arrays["test_images"][[4, 5, 6]]
    arrays["train_images"][20:30] = arrays["test_images"][9]
    arrays["val_images"][:5] = arrays["train_images"][10:15] + 30
    arrays["val_images"][6:] = 0
    arrays["val_labels"][:] = 2
    ids = folder / "ids.csv"
    rows = [f"{name},{k},{'long name of a patient ' * 3 if k == 9 else f'{name}{k}'}" for name, n in
            (("train", 30), ("val", 10), ("test", 14)) for k in range(n)]  # fmt: skip
    ids.write_text("\n".join(["split,index,image_id", *rows]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDMNIST_NP_CACHE", str(folder / "cache"))
        found = audit(save(folder, arrays), ids=ids)
    assert tuple(map(len, (found.duplicates, found.near or (), found.blank, found.shared_groups or ()))) == (4, 5, 4, 1)
    path = folder / "audit [1]&#.html"
    write_page(path, found.page())
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, PHONE_PX, DESK_PX])
def test_the_page_loads_nothing_and_fits(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    assert tab.complaints == []
    assert [page.as_uri()] == [url for url in tab.requests if not url.startswith("data:")]
    assert width == tab.evaluate("document.documentElement.scrollWidth")


@pytest.mark.browser
@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_every_pair_is_visible(page: Path, tab: Browser, width: int) -> None:
    tab.show(width=width)
    tab.open(page)
    sizes = tab.evaluate(
        "[...document.images].map(one => [one.naturalWidth, one.naturalHeight, one.clientWidth, one.clientHeight])"
    )
    assert len(sizes) == 9
    assert {height for _, height, _, _ in sizes} == {28}
    assert {2 * 28 + 1, 6 * 28 + 5} == {wide for wide, _, _, _ in sizes}
    assert all(shown > 200 for _, _, shown, _ in sizes)
    # Pixels stay square.
    assert all(abs(shown / high - wide / 28) < 0.1 for wide, _, shown, high in sizes)


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(page: Path, tab: Browser, dark: bool) -> None:
    tab.show(width=DESK_PX, dark=dark)
    tab.open(page)
    contrast, text = tab.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, text
