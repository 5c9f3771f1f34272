from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.cache.locations import contents
from medmnist_np.cache.settings import current
from medmnist_np.data.identifiers import attach_ids, identifiers, known_groups
from medmnist_np.errors import NotCachedError, UnknownDatasetError
from medmnist_np.registry import registered
from medmnist_np.testing import fake_datasets, fake_record

FEW = {"train": 3, "val": 1, "test": 2}
HEAD = "split,index,image_id,group\n"
LINES = "train,2,c,p2\ntrain,0,a,p1\ntrain,1,b,p1\nval,0,d,p3\ntest,0,e,p4\ntest,1,f,p4\n"


@pytest.fixture
def file(tmp_path: Path):
    with registered(fake_record("breastmnist", n_samples=FEW)):
        yield tmp_path / "ids.csv"


def test_ids_are_in_the_order_of_the_samples(file: Path) -> None:
    file.write_text(HEAD + LINES)
    attach_ids("breastmnist", file)
    record = registry.info("breastmnist")
    ids, groups = identifiers(record, "train")
    assert ids.tolist() == ["a", "b", "c"]
    assert groups.tolist() == ["p1", "p1", "p2"]
    assert identifiers(record, "train+test").ids.tolist() == ["a", "b", "c", "e", "f"]
    assert known_groups(record, "val").tolist() == ["p3"]


def test_ids_may_come_without_groups_and_with_other_columns(file: Path) -> None:
    file.write_text("".join(f"x,{line.rpartition(',')[0]}\n" for line in (HEAD + LINES).splitlines()))
    attach_ids("breastmnist", file)
    record = registry.info("breastmnist")
    assert identifiers(record, "val").ids.tolist() == ["d"]
    assert identifiers(record, "val").groups is None
    with pytest.raises(NotCachedError, match="The groups of breastmnist are unknown"):
        known_groups(record, "val")


def test_later_ids_replace_earlier_ones(file: Path) -> None:
    for text in (LINES, LINES.replace("val,0,d", "val,0,scan-1")):
        file.write_text(HEAD + text)
        attach_ids("breastmnist", file)
    assert identifiers(registry.info("breastmnist"), "val").ids.tolist() == ["scan-1"]


def test_without_ids_the_command_is_named(file: Path) -> None:
    with pytest.raises(NotCachedError, match="`medmnist-np import --ids breastmnist FILE`"):
        identifiers(registry.info("breastmnist"), "val")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("split,index,image\n", "ids.csv has no column 'image_id'. Did you mean"),
        ("", "Available: none"),
        (HEAD + LINES + "test,2,g,p5\n", "line 8: breastmnist has no sample '2' in split 'test'"),
        (HEAD + LINES + "holdout,0,g,p5\n", "line 8: breastmnist has no sample '0' in split 'holdout'"),
        (HEAD + LINES.replace("val,0", "val,-1"), "line 5: breastmnist has no sample '-1'"),
        (HEAD + LINES + "val,0,g,p5\n", "line 8: sample 0 of val is also on an earlier line"),
        (
            HEAD + LINES.replace("train,0,a,p1\n", ""),
            "1 of 3 samples of breastmnist train have no line; the first is index 0",
        ),
        (HEAD + LINES.replace(",p2", ","), "sample 2 of train has no group, but others have one"),
        (HEAD + LINES.replace(",p2", ",nan"), "sample 2 of train has no group, but others have one"),
        (HEAD + LINES.replace(",p2", ", "), "sample 2 of train has no group, but others have one"),
        (HEAD + re.sub(",[a-f],p[0-9]", ",NA,", LINES), "every image_id and group is empty or unknown"),
    ],
)
def test_faulty_ids_are_refused(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        attach_ids("breastmnist", file)
    with pytest.raises(NotCachedError):
        identifiers(registry.info("breastmnist"), "val")


def test_ids_belong_to_a_data_set(file: Path) -> None:
    with pytest.raises(UnknownDatasetError):
        attach_ids("breastmst", file)


def test_a_data_set_knows_the_ids_of_its_selection(file: Path, tmp_path: Path) -> None:
    file.write_text(HEAD + LINES)
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples=FEW):
        attach_ids("breastmnist", file)
        train = mm.Dataset("breastmnist")
        assert train[[2, 0]].ids.tolist() == ["c", "a"]
        assert train[[2, 0]].groups.tolist() == ["p2", "p1"]
        assert (train[1:2] + mm.Dataset("breastmnist", "val")).ids.tolist() == ["b", "d"]


def test_ids_of_sets_of_one_name_in_two_collections_are_apart(tmp_path: Path) -> None:
    texts = {"kvasir": HEAD + LINES, "medsegbench/kvasir": HEAD + LINES.replace("val,0,d,p3", "val,0,theirs,p9")}
    own = replace(fake_record("breastmnist", n_samples=FEW), name="kvasir", python_class="Kvasir")
    with registered(own, fake_record("medsegbench/kvasir_128", n_samples=FEW)):
        for name, text in texts.items():
            (tmp_path / "ids.csv").write_text(text)
            attach_ids(name, tmp_path / "ids.csv")
        found = {name: identifiers(registry.info(name), "val").ids.tolist() for name in texts}
        assert found == {"kvasir": ["d"], "medsegbench/kvasir": ["theirs"]}
        assert set(texts) == {item.name for item in contents(current()) if item.kind == "ids"}
