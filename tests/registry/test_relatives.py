"""The records of the other collections, walked, and how their names are found."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from medmnist_np import registry
from medmnist_np.errors import RecordError, UnknownDatasetError, UnknownSizeError, UnknownSplitError
from medmnist_np.registry import DatasetInfo, Record, VolumeInfo, bundled_records

MEDSEGBENCH = registry.datasets(collection="medsegbench")
VOLUMES = [record for name in ("msd", "amos", "brats") for record in registry.datasets(collection=name)]
PARTS = [registry.info(f"medsegbench/{part}") for record in MEDSEGBENCH for part in record.parts]

each = pytest.mark.parametrize("record", [*MEDSEGBENCH, *PARTS, *VOLUMES], ids=lambda record: record.qualified_name)


@pytest.mark.parametrize("collection", bundled_records.COLLECTIONS)
def test_every_file_of_a_collection_is_in_its_order(collection: str) -> None:
    folder = Path(registry.__file__).parent / collection
    files = {path.stem for path in folder.glob("*.toml") if not path.name.startswith("_")}
    assert files == set(bundled_records.names(collection))


def test_the_collections_of_the_package_are_its_folders() -> None:
    assert sorted(bundled_records.COLLECTIONS) == sorted(
        path.parent.name for path in bundled_records._FOLDER.glob("*/_collection.toml")
    )


@each
def test_a_record_is_found_by_its_name_and_survives_a_pickle(record: DatasetInfo) -> None:
    assert registry.info(record.qualified_name) is registry.info(record.qualified_name.upper())
    assert record == pickle.loads(pickle.dumps(record))


@each
def test_every_text_is_there_and_tidy(record: DatasetInfo) -> None:
    texts = [record.description, record.modality, record.license, *record.class_names, *record.notes]
    assert [text for text in texts if not text or text != text.strip()] == []


@each
def test_masks_stand_in_the_place_of_labels(record: DatasetInfo) -> None:
    assert record.task == "segmentation"
    assert record.target == "masks"
    assert record.roles == ("images", "masks")


@each
def test_there_is_a_paper_to_cite(record: DatasetInfo) -> None:
    assert registry.cite(record).startswith("@")


def test_medsegbench_counts_add_up_to_the_published_total() -> None:
    assert sum(sum(record.n_samples.values()) for record in MEDSEGBENCH) == 66_165


def test_each_set_of_medsegbench_comes_in_three_sizes_the_largest_by_default() -> None:
    assert {record.sizes for record in MEDSEGBENCH} == {(128, 256, 512)}
    assert {registry.resolve_size(record)[1] for record in MEDSEGBENCH} == {512}


def test_all_digests_are_clean_and_differ() -> None:
    digests = [archive.digest for _, _, archive in registry.known_archives()]
    assert all(re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", digest) for digest in digests)
    assert len(digests) == len(set(digests))


def test_two_sets_have_masks_that_are_not_zeros_and_ones() -> None:
    assert [record.name for record in MEDSEGBENCH if record.binarise_masks] == ["pandental", "dynamicnuclear"]


# Categories


def test_a_part_lies_in_the_archive_and_the_folder_of_the_whole() -> None:
    whole, part = registry.info("medsegbench/wbc"), registry.info("medsegbench/wbc_C1")
    assert part.name == "wbc-c1"
    assert whole.storage_key(128) == part.storage_key(128)
    assert {m.name for m in whole.archive(128).members} == {m.name for m in part.archive(128).members}
    assert tuple(part.member_name("train", role) for role in part.roles) == ("train_images_C1", "train_label_C1")


def test_the_parts_of_idrib_share_their_images() -> None:
    part = registry.info("medsegbench/idrib-c3")
    assert tuple(part.member_name("test", role) for role in part.roles) == ("test_images", "test_label_C3")


def test_the_counts_of_parts_add_up_to_the_whole_where_they_are_apart() -> None:
    apart = [record for record in MEDSEGBENCH if record.parts and not record.shares_images]
    sums = {
        record.name: sum(sum(registry.info(f"medsegbench/{part}").n_samples.values()) for part in record.parts)
        for record in apart
    }
    wholes = {record.name: sum(record.n_samples.values()) for record in apart}
    assert {n: (wholes[n], sums[n]) for n in sums if wholes[n] != sums[n]} == {"wbc": (400, 396)}


@pytest.mark.parametrize("name", ["medsegbench/wbc_C5", "medsegbench/kvasir_C1", "medsegbench/wbc_", "msd/liver-c1"])
def test_there_is_no_other_part(name: str) -> None:
    with pytest.raises(UnknownDatasetError):
        registry.info(name)


# Names


@pytest.mark.parametrize(
    ("name", "expected", "size"),
    [
        ("medsegbench/kvasir", "medsegbench/kvasir", None),
        ("MedSegBench/Kvasir_256", "medsegbench/kvasir", 256),
        ("medsegbench/wbc_C2_128", "medsegbench/wbc-c2", 128),
        ("medmnist/pathmnist_64", "pathmnist", 64),
        ("msd/Task03_Liver", "msd/liver", None),
        ("msd/hepatic", "msd/hepaticvessel", None),
        ("amos22", "amos22", None),
        ("amos/amos22", "amos22", None),
        ("brats2021", "brats2021", None),
    ],
)
def test_a_name_may_stand_after_its_collection(name: str, expected: str, size: int | None) -> None:
    record, found = registry.find(name)
    assert expected == record.qualified_name
    assert size == found


def test_a_name_of_another_collection_does_not_stand_alone() -> None:
    with pytest.raises(UnknownDatasetError, match="Did you mean 'medsegbench/kvasir'"):
        registry.info("kvasir")


def test_a_misspelt_name_is_told_the_nearest_of_its_collection() -> None:
    with pytest.raises(UnknownDatasetError, match="Did you mean 'medsegbench/kvasir'"):
        registry.info("medsegbench/kvasr")


def test_an_unknown_collection_is_told_the_others() -> None:
    with pytest.raises(ValueError, match=r"Unknown collection 'medseg'\. Did you mean 'medsegbench'"):
        registry.datasets(collection="medseg")


# Volumes


def test_volumes_come_in_no_sizes() -> None:
    liver = registry.info("msd/liver")
    assert liver.sizes == ()
    assert liver.editions == (0,)
    assert registry.resolve_size("msd/liver")[1] == 0
    with pytest.raises(UnknownSizeError, match="has no size 64, because its volumes differ in size"):
        registry.resolve_size("msd/liver", 64)


def test_a_set_of_volumes_is_not_a_set_of_arrays() -> None:
    liver = registry.info("msd/liver")
    assert not isinstance(liver, DatasetInfo)
    assert not liver.same_shape
    assert liver.opener == "VolumeDataset"


def test_only_sets_of_one_shape_are_resolved_as_such() -> None:
    assert registry.resolve_dataset("breastmnist_64")[1] == 64
    with pytest.raises(UnknownSizeError, match=r'Open the set with medmnist_np\.VolumeDataset\("msd/liver"\)'):
        registry.resolve_dataset("msd/liver")


@pytest.mark.parametrize("record", [*VOLUMES, registry.info("chestmnist")], ids=lambda record: record.name)
def test_the_highest_label_is_the_highest_of_the_values(record: Record) -> None:
    assert record.highest_label == max(record.label_values)


@pytest.mark.parametrize("name", ["chestmnist", "msd/liver"])
def test_records_of_both_kinds_hash_and_pickle(name: str) -> None:
    record = registry.info(name)
    assert {pickle.loads(pickle.dumps(record)): 1}[record] == 1


@pytest.mark.parametrize("name", ["chestmnist", "msd/liver"])
def test_a_moved_record_has_the_new_address_only(name: str) -> None:
    record = registry.info(name).moved_to("http://127.0.0.1:9")
    edition = record.editions[-1]
    assert record.addresses(edition) == (f"http://127.0.0.1:9/{record.archive(edition).file_name}",)


def test_what_cannot_be_downloaded_says_how_to_get_it() -> None:
    said = r"cannot be downloaded automatically\. Register at https.*import --as brats2021 FOLDER`\. License: the terms"
    with pytest.raises(UnknownSizeError, match=said):
        registry.info("brats2021").archive(0)


@pytest.mark.parametrize("record", VOLUMES, ids=lambda record: record.name)
def test_a_volume_record_says_what_its_values_and_channels_are(record: VolumeInfo) -> None:
    assert len(record.label_values) == len(record.class_names)
    assert record.label_values[0] == 0
    assert record.n_channels == len(record.modalities)
    assert record.array_bytes() > 0 or not all(record.n_samples.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_values": (0, 1)}, "label_values are not one number"),
        ({"label_values": (0, 1, 300)}, "label_values are not one number"),
        ({"modalities": ("CT", "PET")}, "1 channels are not possible in 3D"),
        ({"archive_file": None}, "neither an archive nor instructions"),
        ({"task": "multi-class"}, "the task 'multi-class' does not match arrays of masks"),
    ],
)
def test_a_volume_record_that_contradicts_itself_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        replace(registry.info("msd/liver"), **changes)


@pytest.mark.parametrize("name", ["hippocampus", "Task04_Hippocampus", "hippocampus_64"])
def test_a_name_that_another_collection_has_is_told_with_it(name: str) -> None:
    with pytest.raises(UnknownDatasetError, match="Did you mean 'msd/hippocampus'"):
        registry.info(name)


def test_the_name_of_a_collection_is_told_its_sets() -> None:
    with pytest.raises(
        UnknownDatasetError, match=r"'amos'\. This is the name of a collection\. Available: amos/amos22\.$"
    ):
        registry.info("amos")
    with pytest.raises(UnknownDatasetError, match="Did you mean 'brats2021'"):
        registry.info("brats2022")


def test_the_decathlon_has_no_validation_split_and_says_what_makes_one() -> None:
    with pytest.raises(UnknownSplitError, match=r"msd/liver has no split 'val'\..*split_off"):
        registry.info("msd/liver").check_split("val")
