"""A look at a folder before a build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np.builder import survey
from medmnist_np.builder.surveys import command_of, name_of
from tests.builder.pictures import folder_per_class, noise, save, table


def options_of(found: mm.builder.Survey) -> list[dict[str, object]]:
    return [dict(reading.options) for reading in found.readings]


def test_class_folders_of_square_images_need_no_options(tmp_path: Path) -> None:
    found = survey(folder_per_class(tmp_path / "in", n=3))
    assert found.layout == "<class>/<image>"
    assert found.counts == {"all": {"benign": 3, "malignant": 3}}
    assert found.ready
    assert options_of(found) == [{}]


def test_samples_are_counted_by_split(tmp_path: Path) -> None:
    for number, split in enumerate(("Training", "Testing")):
        folder_per_class(tmp_path / "in" / split, n=number + 1)
    found = survey(tmp_path / "in")
    assert found.layout == "<split>/<class>/<image>"
    assert found.counts == {"train": {"benign": 1, "malignant": 1}, "test": {"benign": 2, "malignant": 2}}


def test_images_that_are_not_square_can_be_cropped_or_stretched(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2)
    save(folder / "benign" / "wide.png", noise(9, (30, 50)))
    found = survey(folder)
    assert (found.n_unequal, found.smallest, found.largest) == (1, 30, 50)
    assert options_of(found) == [{"recipe": "crop"}, {"recipe": "squeeze"}]
    assert found.readings[0].command == f"medmnist-np build {folder} --recipe crop"
    assert options_of(survey(folder, recipe="squeeze")) == [{}]


def test_16_bit_images_need_a_window_and_have_one_proposed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for number, label in enumerate(("a", "b")):
        save(folder / label / "0.png", np.full((8, 8), 1000 + 3000 * number, np.uint16))
    found = survey(folder)
    assert found.dtypes == {"uint16": 2}
    assert found.values == (1000, 4000)
    assert options_of(found) == [{"window": (1000, 4000)}]
    assert found.readings[0].command.endswith("--window 1000:4000")


def test_a_window_for_images_of_two_types_is_questioned(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2)
    save(folder / "benign" / "deep.png", np.full((32, 32), 900, np.uint16))
    assert survey(folder).notes == ("The window would also be applied to 4 images with uint8 values.",)


def test_headers_tell_formats_channels_and_rotation(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=1)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(5, (32, 32, 3))).save(folder / "benign" / "photo.jpg", exif=exif)
    Image.fromarray(noise(6)).convert("P").save(folder / "benign" / "palette.gif")
    np.save(folder / "malignant" / "array.npy", noise(7))
    found = survey(folder, channels="rgb")
    assert options_of(found) == [{}]
    assert found.formats == {"PNG": 2, "JPEG": 1, "GIF": 1, "NPY": 1}
    assert sum(found.channels.values()) == 5
    assert found.channels["RGB"] == 1
    assert found.n_rotated == 1


def test_gray_and_colour_images_together_need_a_choice(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2)
    save(folder / "benign" / "gray-as-rgb.png", np.repeat(noise(8)[..., None], 3, axis=2))
    assert not survey(folder).mixed
    save(folder / "benign" / "colour.png", noise(9, (32, 32, 3)))
    found = survey(folder)
    assert options_of(found) == [{"channels": "gray"}, {"channels": "rgb"}]
    assert [reading.command.split()[-1] for reading in found.readings] == ["--gray", "--rgb"]


def test_volumes_have_their_edges(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    for number, label in enumerate(("a", "b")):
        (tmp_path / "in" / label).mkdir(parents=True)
        voxels = np.full((4, 5, 6), number, np.uint8)
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "in" / label / "0.nii.gz")
    found = survey(tmp_path / "in")
    assert found.formats == {"NIfTI": 2}
    assert (found.smallest, found.largest, found.n_unequal) == (4, 6, 2)


def test_a_damaged_image_is_listed_with_the_option_that_leaves_it_out(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2)
    (folder / "benign" / "bad.png").write_text("no image")
    found = survey(folder)
    assert [file for file, _ in found.unusable] == [str(folder / "benign" / "bad.png")]
    assert options_of(found) == [{"skip_bad": True}]
    assert options_of(survey(folder, skip_bad=True)) == [{}]


def test_a_folder_that_can_be_read_in_two_ways_has_two_commands(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "in" / "ab"[number % 2] / f"p{number}" / "0.png", noise(number))
    found = survey(tmp_path / "in", license="CC0")
    assert "is a folder in a class folder" in found.problem
    assert [reading.command for reading in found.readings] == [
        f"medmnist-np build {tmp_path / 'in'} --license CC0 --group-by-folder",
        f"medmnist-np build {tmp_path / 'in'} --license CC0 --slices",
    ]
    grouped = survey(tmp_path / "in", group_by_folder=True)
    assert grouped.ready
    assert grouped.n_groups == 4


def test_a_folder_that_cannot_be_read_has_a_problem_and_its_images_are_counted(tmp_path: Path) -> None:
    save(tmp_path / "in" / "0.png", noise(0, (20, 30)))
    found = survey(tmp_path / "in")
    assert "has no class folders with images" in found.problem
    assert found.n_images == 1
    assert found.readings == ()


def test_a_table_and_its_columns_are_reported(tmp_path: Path) -> None:
    rows = [[save(tmp_path / "in" / f"{n}.png", noise(n)).name, "ab"[n % 2], n // 2] for n in range(4)]
    labels = table(tmp_path / "in" / "labels.csv", ["image", "label", "patient"], rows)
    found = survey(tmp_path / "in")
    assert found.layout == "a table of images"
    assert any(str(labels) in note for note in found.notes)
    assert survey(tmp_path / "in", group_by="patient").n_groups == 2


def test_masks_are_counted(tmp_path: Path) -> None:
    for part in ("images", "masks"):
        save(tmp_path / "in" / part / "0.png", noise(0))
    assert survey(tmp_path / "in").counts == {"all": {"images with masks": 1}}


def test_a_survey_is_text_and_json(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2)
    (folder / "README.md").write_text("text")
    found = survey(folder)
    assert "    Formats:     PNG 4\n" in str(found)
    assert "Ignored: 1 text file (README.md)." in str(found)
    assert json.loads(json.dumps(found.to_dict()))["ready"] is True


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"survey\(\) has no option crop"):
        survey(folder_per_class(tmp_path / "in", n=1), crop=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label": ["a", "b c"]}, "--label a --label 'b c'"),
        ({"window": (-160.0, 240.5)}, "--window=-160:240.5"),
        ({"sizes": [28, 64], "ratio": [8, 2]}, "--size 28,64 --split 8:2"),
        ({"class_names": ["none", "mild"]}, "--classes none,mild"),
        ({"skip_bad": True, "slices": False, "name": "x"}, "--skip-bad --name x"),
    ],
)
def test_arguments_become_options_of_the_command(options: dict[str, object], words: str) -> None:
    assert command_of("photos", options) == f"medmnist-np build photos {words}"


@pytest.mark.parametrize(("folder", "name"), [("My Photos (2)", "my-photos-2"), ("ISIC_2018.csv", "isic-2018")])
def test_a_folder_gives_its_name(tmp_path: Path, folder: str, name: str) -> None:
    assert name_of(tmp_path / folder) == name
