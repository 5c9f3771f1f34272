"""From names to cases: the Decathlon, AMOS and BraTS, complete and not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import medmnist_np as mm
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import VolumeInfo
from medmnist_np.volumes.layouts import Case, LeftOut, Listing, find_cases, refuse_another_data_set


def info(name: str) -> VolumeInfo:
    record = mm.info(name)
    assert isinstance(record, VolumeInfo)
    return record


HIPPOCAMPUS, AMOS, BRATS = info("msd/hippocampus"), info("amos/amos22"), info("brats/brats2021")
TRAIN = "RSNA_ASNR_MICCAI_BraTS2021_TrainingData"
VAL = "RSNA_ASNR_MICCAI_BraTS2021_ValidationData"


def found(record: VolumeInfo, *names: str, table: object = None) -> Listing:
    return find_cases(names, record, lambda _: json.dumps(table).encode())


def pair(case: str, root: str = "Task04_Hippocampus/", kind: str = "Tr") -> tuple[str, str]:
    return f"{root}images{kind}/{case}.nii.gz", f"{root}labels{kind}/{case}.nii.gz"


def brats(case: str, folder: str, *kinds: str, separator: str = "_") -> list[str]:
    return [f"{folder}/{case}/{case}{separator}{kind}.nii.gz" for kind in kinds]


def test_images_and_masks_of_a_task_are_paired_by_name() -> None:
    image, mask = pair("h_1")
    test = "Task04_Hippocampus/imagesTs/h_2.nii.gz"
    listing = found(HIPPOCAMPUS, test, mask, image, "Task04_Hippocampus/notes.txt")
    assert [Case("h_1", "train", (image,), mask), Case("h_2", "test", (test,), None)] == listing.cases
    assert listing.faults == []
    assert listing.missing == []
    assert listing.remarks == []


@pytest.mark.parametrize("root", ["", "Task04_Hippocampus/", "data/msd/Task04_Hippocampus/", "renamed/"])
def test_the_folder_of_a_task_may_lie_anywhere(root: str) -> None:
    assert [case.name for case in found(HIPPOCAMPUS, *pair("h_1", root)).cases] == ["h_1"]


def test_of_several_tasks_the_one_with_the_right_name_is_taken() -> None:
    listing = found(HIPPOCAMPUS, *pair("h_1"), *pair("l_1", "Task03_Liver/"))
    assert [case.name for case in listing.cases] == ["h_1"]
    with pytest.raises(ArchiveError, match="several folders that could be msd/hippocampus: a/, b/"):
        found(HIPPOCAMPUS, *pair("h_1", "a/"), *pair("h_1", "b/"))


def test_the_folder_of_another_task_is_refused() -> None:
    with pytest.raises(ArchiveError, match="mine/Task03_Liver/ is the folder of another set: msd/hippocampus is in"):
        found(HIPPOCAMPUS, *pair("l_1", "mine/Task03_Liver/"))
    assert len(found(HIPPOCAMPUS, *pair("h_1", "Task04_Hippocampus_rs/")).cases) == 1


def test_an_image_without_a_mask_and_the_reverse_are_named() -> None:
    listing = found(HIPPOCAMPUS, *pair("h_1"), pair("h_2")[0], pair("h_3")[1], "Task04_Hippocampus/imagesTr/h_1.nii")
    assert [
        LeftOut("h_1", "it is there as Task04_Hippocampus/imagesTr/h_1.nii and Task04_Hippocampus/imagesTr/h_1.nii.gz "
                "and Task04_Hippocampus/labelsTr/h_1.nii.gz"),
        LeftOut("h_2", "it has an image and no mask"),
        LeftOut("h_3", "it has a mask and no image"),
    ] == listing.faults  # fmt: skip


def test_a_case_whose_name_could_not_be_kept_is_a_fault() -> None:
    assert [one.case for one in found(HIPPOCAMPUS, *pair("h ü")).faults] == ["h ü"]


def test_a_dataset_json_that_lists_more_or_less_is_reported() -> None:
    table = {
        "labels": {"0": "background", "1": "Anterior"},
        "modality": {"0": "MRI", "1": "CT"},
        "numTraining": 7,
        "training": [{"image": "./imagesTr/h_1.nii.gz", "label": ""}, {"image": "./imagesTr/h_9.nii.gz", "label": ""}],
        "test": ["./imagesTs/h_8.nii.gz"],
    }
    listing = found(HIPPOCAMPUS, *pair("h_1"), *pair("h_2"), "Task04_Hippocampus/dataset.json", table=table)
    assert [one.case for one in listing.missing] == ["h_8", "h_9"]
    said = " ".join(listing.remarks)
    for words in ("does not list 1 of the existing cases: h_2", "labels {0:", "2 modalities", "says 7 training"):
        assert words in said
    assert [case.name for case in listing.cases] == ["h_1", "h_2"]


@pytest.mark.parametrize("table", [None, [], 3, {"training": 5}, {"training": [3]}, {"labels": {"x": "y"}}])
def test_a_dataset_json_of_another_kind_is_reported(table: object) -> None:
    listing = found(HIPPOCAMPUS, *pair("h_1"), "Task04_Hippocampus/dataset.json", table=table)
    assert len(listing.cases) == 1
    assert "is not valid" in listing.remarks[0]


def test_what_is_no_task_is_refused_with_what_was_expected() -> None:
    for names in ([], ["a.nii.gz"], ["Task04_Hippocampus/imagesTr/readme.txt"]):
        with pytest.raises(ArchiveError, match="Task04_Hippocampus has imagesTr/CASE"):
            found(HIPPOCAMPUS, *names)
    with pytest.raises(ArchiveError, match=r"There is a/h_1\.nii\.gz, b/h_1\.nii\.gz\. Unpack"):
        found(HIPPOCAMPUS, "b/h_1.nii.gz", "a/h_1.nii.gz")
    with pytest.raises(ArchiveError, match=r"CASE_flair\.nii\.gz, CASE_t1\.nii\.gz"):
        found(BRATS, *pair("h_1"))


def test_amos_has_three_splits_and_perhaps_masks_of_the_test_split() -> None:
    names = [name for kind in ("Tr", "Va") for name in pair(f"amos_000{len(kind)}{kind[0]}", "amos22/", kind)]
    test = pair("amos_0009", "amos22/", "Ts")
    assert [case.split for case in found(AMOS, *names, test[0]).cases] == ["train", "val", "test"]
    assert None is found(AMOS, *names, test[0]).cases[-1].mask
    assert test[1] == found(AMOS, *names, *test).cases[-1].mask
    more = pair("amos_0010", "amos22/", "Ts")
    assert [LeftOut("amos_0010", "it has an image and no mask")] == found(AMOS, *names, *test, more[0]).faults


def test_cases_that_are_known_to_be_damaged_are_left_out() -> None:
    listing = found(AMOS, *pair("amos_5514", "amos22/"), *pair("amos_0001", "amos22/"))
    assert [case.name for case in listing.cases] == ["amos_0001"]
    assert listing.remarks == ["amos_5514 is known to be damaged and was left out."]


KINDS = ("flair", "t1", "t1ce", "t2")


def test_brats_has_a_folder_for_each_case_and_a_file_for_each_channel() -> None:
    train = brats("BraTS2021_00001", f"x/{TRAIN}", *reversed(KINDS), "seg")
    val = brats("BraTS2021_00002", f"x/{VAL}", *KINDS)
    assert [
        Case("BraTS2021_00001", "train", tuple(reversed(train[:4])), train[4]),
        Case("BraTS2021_00002", "val", tuple(val), None),
    ] == found(BRATS, *train, *val).cases


def test_without_the_name_of_a_split_masks_tell_which_it_is() -> None:
    assert [case.split for case in found(BRATS, *brats("c_1", "mine", *KINDS, "seg")).cases] == ["train"]
    assert [case.split for case in found(BRATS, *brats("c_1", "mine", *KINDS)).cases] == ["val"]


def test_grades_are_folders_in_between() -> None:
    names = [*brats("c_1", "data/HGG", *KINDS, "seg"), *brats("c_2", "data/LGG", *KINDS, "seg")]
    assert [case.name for case in found(info("brats/brats2018"), *names).cases] == ["c_1", "c_2"]


@pytest.mark.parametrize(
    ("year", "train", "val"),
    [
        (2017, "Brats17TrainingData/HGG", "Brats17ValidationData"),
        (2019, "MICCAI_BraTS_2019_Data_Training/LGG", "MICCAI_BraTS_2019_Data_Validation"),
        (
            2020,
            "BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData",
            "BraTS2020_ValidationData/MICCAI_BraTS2020_ValidationData",
        ),
    ],
)
def test_the_folders_of_each_year_are_the_splits(year: int, train: str, val: str) -> None:
    names = [*brats("c_1", f"kaggle/{train}", *KINDS, "seg"), *brats("c_2", f"kaggle/{val}", *KINDS)]
    assert [case.split for case in found(info(f"brats{year}"), *names).cases] == ["train", "val"]


def test_the_misnamed_mask_of_2020_is_found_under_either_name() -> None:
    case = "BraTS20_Training_355"
    images = brats(case, "MICCAI_BraTS2020_TrainingData", *KINDS)
    masks = [f"MICCAI_BraTS2020_TrainingData/{case}/{stem}.nii" for stem in ("W39_1998.09.19_Segm", f"{case}_seg")]
    assert [[one.mask for one in found(info("brats2020"), *images, mask).cases] for mask in masks] == [
        [m] for m in masks
    ]


def test_the_names_of_2023_and_those_before_are_both_known() -> None:
    record = info("brats/brats2023-men")
    for kinds in (record.layout_facts["files"], record.modalities):
        names = brats("BraTS-MEN-00004-000", "d", *kinds, "seg", separator="-")
        assert tuple(names[:4]) == found(record, *names).cases[0].images


def refusal(record: VolumeInfo, *names: str) -> str:
    with pytest.raises(ArchiveError) as caught:
        refuse_another_data_set(found(record, *names), record)
    return str(caught.value)


def of_2023(case: str, folder: str = "d") -> list[str]:
    return brats(case, folder, "t1c", "t1n", "t2f", "t2w", "seg", separator="-")


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("msd/brain", "BRATS_001"),
        ("msd/heart", "la_003"),
        ("msd/liver", "liver_0"),
        ("msd/prostate", "prostate_00"),
        ("msd/hepaticvessel", "hepaticvessel_001"),
        ("msd/spleen", "spleen_2"),
        ("amos22", "amos_0001"),
    ],
)
def test_published_names_of_images_in_one_folder_are_accepted(name: str, case: str) -> None:
    record = info(name)
    refuse_another_data_set(found(record, *pair(case, f"{record.layout_facts['folder']}/")), record)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("brats2017", "Brats17_CBICA_AAB_1"),
        ("brats2018", "Brats18_CBICA_AAP_1"),
        ("brats2018", "Brats18_2013_2_1"),
        ("brats2019", "BraTS19_2013_0_1"),
        ("brats2020", "BraTS20_Training_001"),
        ("brats2021", "BraTS2021_00000"),
    ],
)
def test_published_names_of_brats_are_accepted(name: str, case: str) -> None:
    record = info(name)
    refuse_another_data_set(found(record, *brats(case, "d", *KINDS, "seg")), record)


@pytest.mark.parametrize("track", ["gli", "men", "met", "ped", "ssa"])
def test_published_names_of_brats_2023_are_accepted(track: str) -> None:
    record = info(f"brats2023-{track}")
    refuse_another_data_set(found(record, *of_2023(f"BraTS-{track.upper()}-00004-000")), record)


def test_cases_of_an_unknown_data_set_are_refused_by_their_names() -> None:
    names = [name for number in range(1, 8) for name in pair(f"FLARE22_Tr_{number:04}", "FLARE22Train/")]
    assert (
        "7 of 7 cases are not named spleen_<number>: FLARE22_Tr_0001, FLARE22_Tr_0002, FLARE22_Tr_0003, "
        "FLARE22_Tr_0004, FLARE22_Tr_0005 and 2 more." in refusal(info("msd/spleen"), *names)
    )


def test_cases_of_another_year_are_refused_by_their_names() -> None:
    names = brats("BraTS20_Training_001", "MICCAI_BraTS2020_TrainingData", *KINDS, "seg")
    said = refusal(info("brats2018"), *names)
    assert "1 of 1 cases are not named Brats18_<id>: BraTS20_Training_001." in said
    assert "BraTS20_Training_001 is a case of brats2020" in said


def test_cases_of_a_known_data_set_are_refused_with_its_name() -> None:
    assert "colon_001 is a case of msd/colon: import the folder of that with `medmnist-np import --as msd/colon`" in (
        refusal(info("msd/lung"), *pair("colon_001", "renamed/"))
    )
    assert "Brats18_2013_2_1 is a case of brats2018" in refusal(BRATS, *brats("Brats18_2013_2_1", "d", *KINDS, "seg"))


def test_one_case_of_another_track_among_the_right_ones_is_refused() -> None:
    names = [*of_2023("BraTS-MEN-00004-000"), *of_2023("BraTS-GLI-00004-000")]
    assert "1 of 2 cases are not named BraTS-MEN-<id>: BraTS-GLI-00004-000." in (refusal(info("brats2023-men"), *names))


def nnunet(case: str, root: str, channels: int = 1, kind: str = "Tr") -> list[str]:
    images = [f"{root}images{kind}/{case}_{channel:04}.nii.gz" for channel in range(channels)]
    return [*images, f"{root}labels{kind}/{case}.nii.gz"]


@pytest.mark.parametrize("folder", ["Task004_Hippocampus/", "Dataset004_Hippocampus/", "Dataset501_Mine/", ""])
def test_the_folder_of_nnunet_is_the_known_task(folder: str) -> None:
    image, mask = nnunet("hippocampus_001", folder)
    assert [Case("hippocampus_001", "train", (image,), mask)] == found(HIPPOCAMPUS, image, mask).cases


def test_nnunet_has_a_file_for_each_channel() -> None:
    *images, mask = nnunet("BRATS_001", "Dataset001_BrainTumour/", 4)
    assert [Case("BRATS_001", "train", tuple(images), mask)] == found(info("msd/brain"), *images, mask).cases


def test_the_test_split_of_nnunet_has_images_alone() -> None:
    names = [*nnunet("hippocampus_001", "d/"), *nnunet("hippocampus_002", "d/", kind="Ts")[:1]]
    assert [(case.name, case.split) for case in found(HIPPOCAMPUS, *names).cases] == [
        ("hippocampus_001", "train"),
        ("hippocampus_002", "test"),
    ]


def test_a_case_of_nnunet_without_one_of_its_channels_is_a_fault() -> None:
    whole = nnunet("BRATS_001", "d/", 4)
    names = [*whole, *(name for name in nnunet("BRATS_002", "d/", 4) if "_0002" not in name)]
    listing = found(info("msd/brain"), *names)
    assert [case.name for case in listing.cases] == ["BRATS_001"]
    assert [one.case for one in listing.faults] == ["BRATS_002"]
    assert "its name with _0000, _0001, _0002, _0003 is needed" in listing.faults[0].why


def test_more_channels_than_the_data_set_has_are_a_fault() -> None:
    assert [one.case for one in found(HIPPOCAMPUS, *nnunet("hippocampus_001", "d/", 2)).faults] == ["hippocampus_001"]


def test_cases_with_four_digits_are_not_taken_for_channels() -> None:
    names = [*pair("amos_0000", "amos22/"), *pair("amos_0001", "amos22/"), "amos22/imagesTs/amos_0002.nii.gz"]
    assert [case.name for case in found(AMOS, *names).cases] == ["amos_0000", "amos_0001", "amos_0002"]
    assert [case.name for case in found(AMOS, *nnunet("amos_0001", "Dataset218_AMOS/")).cases] == ["amos_0001"]


@pytest.mark.parametrize(
    ("table", "remarks"),
    [
        ({"labels": {"background": 0, "Anterior": 1, "Posterior": 2}, "channel_names": {"0": "MRI"}}, []),
        ({"labels": {"0": "background", "1": "Anterior", "2": "Posterior"}, "modality": {"0": "MRI"}}, []),
        ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, []),
        ({"labels": {"background": 0, "Anterior": 1}}, ["d/dataset.json has the labels"]),
        ({"channel_names": {"0": "a", "1": "b"}}, ["d/dataset.json has 2 modalities"]),
    ],
)
def test_the_dataset_json_of_nnunet_is_compared(table: object, remarks: list[str]) -> None:
    listing = found(HIPPOCAMPUS, *nnunet("hippocampus_001", "d/"), "d/dataset.json", table=table)
    assert [remark[: len(start)] for remark, start in zip(listing.remarks, remarks, strict=True)] == remarks


def test_a_folder_of_nnunet_with_fewer_cases_than_its_dataset_json_says_is_incomplete() -> None:
    names = [*nnunet("hippocampus_001", "d/"), "d/dataset.json"]
    assert found(HIPPOCAMPUS, *names, table={"numTraining": 2}).missing == [
        LeftOut("train split", "dataset.json says 2 cases, and 1 are there")
    ]
    assert found(HIPPOCAMPUS, *names, table={"numTraining": 1}).missing == []


@pytest.mark.parametrize("masks", ["masks", "labels"])
def test_images_and_masks_may_lie_in_plain_folders(masks: str) -> None:
    names = [f"mine/{folder}/hippocampus_001.nii.gz" for folder in ("images", masks)]
    assert [Case("hippocampus_001", "train", (names[0],), names[1])] == found(HIPPOCAMPUS, *names).cases


def test_plain_folders_may_lie_in_folders_of_splits() -> None:
    train = [f"hippocampus/train/{folder}/hippocampus_001.nii.gz" for folder in ("images", "masks")]
    listing = found(HIPPOCAMPUS, *train, "hippocampus/test/images/hippocampus_002.nii.gz")
    assert [(case.name, case.split) for case in listing.cases] == [
        ("hippocampus_001", "train"),
        ("hippocampus_002", "test"),
    ]


def test_a_split_that_the_data_set_does_not_have_is_refused() -> None:
    assert "msd/hippocampus has no val split." in refusal(HIPPOCAMPUS, *pair("hippocampus_001", "d/", "Va"))


def test_a_split_with_more_cases_than_were_published_is_refused() -> None:
    record = info("msd/heart")
    names = [name for number in range(21) for name in pair(f"la_{number:03}", "Task02_Heart/")]
    assert "The train split has 21 cases, and that of msd/heart has 20." in refusal(record, *names)
    refuse_another_data_set(found(record, *names[2:]), record)


def test_the_year_in_the_name_of_a_folder_distinguishes_cases_that_are_named_alike() -> None:
    record = info("brats2023-gli")
    for folder in ("BraTS2024-BraTS-GLI-TrainingData/training_data1_v2", "brats2024-brats-gli-trainingdata"):
        assert "The name of its folder says BraTS 2024." in refusal(record, *of_2023("BraTS-GLI-02405-100", folder))
    inner = "BraTS2024/ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"
    refuse_another_data_set(found(record, *of_2023("BraTS-GLI-00000-000", inner)), record)


def test_a_case_without_a_channel_or_mask_is_named() -> None:
    names = [*brats("c_1", TRAIN, *KINDS, "seg"), *brats("c_2", TRAIN, "t1", "t2"), *brats("c_3", TRAIN, *KINDS)]
    assert [LeftOut("c_2", "flair, t1ce, seg are missing"), LeftOut("c_3", "seg is missing")] == found(
        BRATS, *names
    ).faults


def test_a_name_that_comes_twice_is_a_fault() -> None:
    names = [*brats("c_1", "a", *KINDS, "seg"), *brats("c_1", "b", *KINDS, "seg")]
    assert [one.case for one in found(BRATS, *names).faults] == ["c_1"]


def test_letter_case_of_the_ending_does_not_matter() -> None:
    record = replace(HIPPOCAMPUS)
    assert len(found(record, "imagesTr/a.NII.GZ", "labelsTr/a.nii").cases) == 1
