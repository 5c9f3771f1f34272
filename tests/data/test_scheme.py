from __future__ import annotations

import csv
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.data.scheme import Scheme, read_scheme
from medmnist_np.errors import CacheError, UnknownSplitError
from medmnist_np.testing import fake_datasets, fake_record

RECORD = fake_record("breastmnist", n_samples={"train": 6, "val": 3, "test": 4})
BREAST = mm.info("breastmnist")
SPLITS = tuple(RECORD.splits)

samples = st.sampled_from([(split, index) for split, n in RECORD.n_samples.items() for index in range(n)])
any_moves = st.dictionaries(samples, st.sampled_from(["", *SPLITS]))


def selected(scheme: Scheme, split: str) -> list[tuple[str, int]]:
    """Return the published places of the samples of a corrected split."""
    sources, positions = scheme.selection(RECORD, split)
    joined = [(source, index) for source in sources.split("+") for index in range(RECORD.n_samples[source])]
    return [joined[position] for position in positions]


@given(moves=any_moves)
def test_every_sample_is_where_the_scheme_says(moves: dict[tuple[str, int], str]) -> None:
    everything = [(split, index) for split, n in RECORD.n_samples.items() for index in range(n)]
    for split in SPLITS:
        expected = [place for place in everything if moves.get(place, place[0]) == split]
        assert expected == selected(Scheme(moves), split)


@given(moves=any_moves)
def test_several_splits_are_their_parts_together(moves: dict[tuple[str, int], str]) -> None:
    scheme = Scheme(moves)
    assert sorted(selected(scheme, "train") + selected(scheme, "val")) == sorted(selected(scheme, "train+val"))


def test_only_splits_that_samples_come_from_are_opened() -> None:
    scheme = Scheme({("train", 1): "", ("val", 2): "test"})
    assert scheme.selection(RECORD, "train")[0] == "train"
    assert scheme.selection(RECORD, "train")[1].tolist() == [0, 2, 3, 4, 5]
    assert scheme.selection(RECORD, "test")[0] == "val+test"
    assert scheme.selection(RECORD, "test")[1].tolist() == [2, 3, 4, 5, 6]


def test_moves_that_change_afterwards_do_not_change_the_scheme() -> None:
    moves = {("train", 0): ""}
    scheme = Scheme(moves)

    moves.clear()

    assert scheme.moves == {("train", 0): ""}


def test_a_split_may_be_left_without_samples() -> None:
    split, positions = Scheme({("val", index): "" for index in range(3)}).selection(RECORD, "val")
    assert split == "val"
    assert len(positions) == 0
    assert np.dtype(np.intp) == positions.dtype


@given(moves=any_moves)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, moves: dict[tuple[str, int], str]
) -> None:
    scheme = Scheme(moves, dataset="breastmnist", digest=BREAST.archive(28).digest)
    path = tmp_path_factory.mktemp("scheme") / "corrected.csv"
    scheme.write(path)
    assert scheme == read_scheme(path) == pickle.loads(pickle.dumps(scheme))


def test_a_scheme_is_a_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "corrected.csv"
    Scheme({("train", 115): "", ("val", 3): "test"}, "breastmnist", BREAST.archive(64).digest).write(path)
    expected = f"""\
# medmnist-np scheme 1
# dataset: breastmnist
# digest: {BREAST.archive(64).digest}
split,index,new_split
train,115,
val,3,test
"""
    assert expected == path.read_text("utf-8")
    read_scheme(path).check(BREAST)


def test_a_scheme_of_another_hand_needs_three_columns_only(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text("\ufeffnew_split,remark,split,index\r\n ,blurred,train,5\r\ntest,,val,2\r\n", "utf-8")
    assert Scheme({("train", 5): "", ("val", 2): "test"}) == read_scheme(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'split'. Available: none"),
        ("split,index,new\n", "has no column 'new_split'. Did you mean"),
        ("# a remark\nsplit,index,new_split\ntrain,x,\n", "line 3: the index must be an integer of 0 or more, not 'x'"),
        ("split,index,new_split\ntrain,-1,\n", "line 2: the index must be an integer of 0 or more, not '-1'"),
        ("split,index,new_split\ntrain\n", "line 2: the index must be an integer of 0 or more, not ''"),
        ("split,index,new_split\ntrain,1,\ntrain,01,val\n", "line 3: sample 01 of train is also on an earlier line"),
        ("split,index,new_split\n\0\xff", "is not a CSV file in UTF-8"),
    ],
)
def test_an_invalid_scheme_is_rejected_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scheme.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=re.escape(message)):
        read_scheme(path)


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        (Scheme({("train", 546): ""}), "moves sample 546 of train, but breastmnist train has 546 samples"),
        (
            Scheme({}, dataset="pathmnist"),
            "The scheme is for pathmnist with the checksum (not stated), but this is breast",
        ),
        (
            Scheme({}, digest="md5:0"),
            "The scheme is for a data set with the checksum md5:0, but this is breastmnist with md5",
        ),
    ],
)
def test_a_scheme_of_another_data_set_is_refused(scheme: Scheme, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        scheme.selection(BREAST, "train")


@pytest.mark.parametrize("moves", [{("trian", 0): ""}, {("train", 0): "trian"}])
def test_unknown_splits_are_named(moves: dict[tuple[str, int], str]) -> None:
    with pytest.raises(UnknownSplitError, match=r"'trian'\. Did you mean 'train'"):
        Scheme(moves).selection(BREAST, "train")


def test_a_scheme_that_cannot_be_written_or_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="write a scheme"):
        Scheme({}).write(tmp_path / "no folder" / "scheme.csv")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv"):
        read_scheme(tmp_path / "nowhere.csv")


# Saved as files


MOVES = Scheme({("train", 0): "", ("train", 2): "test", ("val", 1): "test", ("test", 3): "train"})
CORRECTED = {
    "train": ["test3", "train1", "train3", "train4", "train5"],
    "val": ["val0", "val2"],
    "test": ["test0", "test1", "test2", "train2", "val1"],
}


@pytest.fixture
def breast(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path, "breastmnist", n_samples=dict(RECORD.n_samples)):
        yield


def save_corrected(folder: Path, layout: Any) -> Path:
    """Save the corrected splits, twice: as one, of which a part is left for the second time, and one by one."""
    joined = mm.Dataset("breastmnist", "train+val", scheme=MOVES)
    pickle.loads(pickle.dumps(joined[1:])).save(folder, layout, "npy", progress=silent)
    for split in CORRECTED:
        saved = mm.Dataset("breastmnist", split, scheme=MOVES).save(folder, layout, "npy", progress=silent)
    return saved


@pytest.mark.usefixtures("breast")
@pytest.mark.parametrize(("layout", "pattern"), [("imagefolder", "*/*.npy"), ("csv", "*.npy")])
def test_files_of_corrected_splits_lie_where_they_belong(tmp_path: Path, layout: str, pattern: str) -> None:
    saved = save_corrected(tmp_path / "files", layout)
    found = {split: sorted(path.stem for path in (saved / split).glob(pattern)) for split in CORRECTED}
    assert found == CORRECTED
    (moved,) = (saved / "test").glob(pattern.replace("*.npy", "val1.npy"))
    np.testing.assert_array_equal(mm.Dataset("breastmnist", "val").images[1], np.load(moved))


@pytest.mark.usefixtures("breast")
def test_tables_of_corrected_splits_say_where_files_belong(tmp_path: Path) -> None:
    found: dict[str, list[str]] = {split: [] for split in CORRECTED}
    for split in CORRECTED:
        with (save_corrected(tmp_path / "csv", "csv") / split / "metadata.csv").open(newline="") as stream:
            for row in csv.DictReader(stream):
                found[row["split"]].append(row["file_name"].removesuffix(".npy"))
    assert {split: sorted(names) for split, names in found.items()} == CORRECTED
    lines = save_corrected(tmp_path / "automl", "automl").with_suffix(".csv").read_text().splitlines()
    official = {"TRAIN": "train", "VALIDATION": "val", "TEST": "test"}
    rows = sorted((official[line.split(",")[0]], line.split(",")[1].partition("_")[0]) for line in lines)
    assert sorted((split, name) for split, names in CORRECTED.items() for name in names) == rows


def test_joined_parts_keep_the_corrected_splits(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples=dict(RECORD.n_samples)):
        train, test = (mm.Dataset("breastmnist", split, scheme=MOVES) for split in ("train", "test"))
        saved = (train + test).save(tmp_path / "files", "csv", "npy", progress=silent)
        assert CORRECTED["test"] == sorted(path.stem for path in (saved / "test").glob("*.npy"))


def test_masks_of_corrected_splits_lie_beside_their_images(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "medsegbench/kvasir", n_samples={"train": 2, "val": 1, "test": 1}):
        scheme = Scheme({("train", 1): "test"})
        for split in ("train", "test"):
            saved = mm.Dataset("medsegbench/kvasir", split, scheme=scheme).save(tmp_path / "files", progress=silent)
        for kind in ("images", "masks"):
            assert [path.name for path in (saved / "train" / kind).iterdir()] == ["train0.png"]
            assert sorted(path.name for path in (saved / "test" / kind).iterdir()) == ["test0.png", "train1.png"]
