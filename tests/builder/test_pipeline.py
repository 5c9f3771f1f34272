from __future__ import annotations

import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np.builder import build, preparation
from medmnist_np.builder.image_files import Decoding
from medmnist_np.builder.preparation import chosen_recipe
from medmnist_np.cache import settings
from medmnist_np.data.identifiers import identifiers
from medmnist_np.data.registration import register
from medmnist_np.errors import RecordError, UnknownDatasetError
from medmnist_np.images.interpolation import resize
from medmnist_np.images.recipes import CropCentre, Recipe, Resize
from medmnist_np.testing import fake_datasets
from tests.builder.pictures import folder_per_class, noise, save, table


def digests(built) -> dict[int, str]:
    return {size: archive.digest for size, archive in built.record.archives.items()}


# What comes out


def test_a_folder_becomes_a_set_like_any_other(tmp_path: Path) -> None:
    built = build(folder_per_class(tmp_path / "images"), name="moles", sizes=[28, 16], license="CC0", modality="Photo")
    record = mm.info("moles")
    assert record == built.record
    assert record.sizes == (16, 28)
    assert dict(record.n_samples) == {"train": 14, "val": 2, "test": 4}
    assert record.task == "binary-class"
    assert record.ndim == 2
    assert record.n_channels == 1
    assert record.license == "CC0"
    assert record.modality == "Photo"
    images, labels = mm.load("moles_16", "train", download=False)
    assert images.shape == (14, 16, 16)
    assert labels.shape == (14, 1)
    assert np.bincount(labels[:, 0]).tolist() == [7, 7]
    first = Image.open(tmp_path / "images" / str(identifiers(record, "train").ids[0]))
    assert np.array_equal(resize(np.asarray(first), 16), images[0])
    assert mm.verify("moles").ok
    assert {path.name for path in built.folder.iterdir()} == {"moles.npz", "moles_16.npz", "moles.toml"}


def test_an_audit_of_a_set_built_without_groups_states_that_patients_were_not_checked(tmp_path: Path) -> None:
    build(folder_per_class(tmp_path / "images"), name="moles")
    said = mm.audit("moles").in_words().splitlines()
    assert "Patients:         not checked, since no groups are known" in said


def test_a_built_set_is_evaluated_batched_and_listed(tmp_path: Path) -> None:
    build(folder_per_class(tmp_path / "images"), name="moles")
    evaluator = mm.Evaluator("moles", "test")
    assert evaluator.evaluate(0.1 + 0.8 * evaluator.labels[:, 0]).AUC == 1
    batches = list(mm.Dataset("moles", "train").batches(8))
    assert [len(batch.images) for batch in batches] == [8, 6]
    assert mm.datasets()[-1].name == "moles"
    assert mm.cite("moles") == ""


def test_arrays_keep_their_order_and_values() -> None:
    images = np.stack([noise(number, (28, 28, 3)) for number in range(30)])
    splits = np.array((["train"] * 4 + ["test"] * 2) * 5)
    build(name="noise", images=images, labels=np.arange(30) % 3, splits=splits)
    for split in ("train", "test"):
        found = mm.load("noise", split)
        assert np.array_equal(images[splits == split], found.images)
        assert np.array_equal((np.arange(30) % 3)[splits == split], found.labels[:, 0])


@pytest.mark.parametrize(
    "change",
    [
        lambda images: np.moveaxis(images, -1, 1),
        lambda images: list(np.moveaxis(images, -1, 1)),
        lambda images: images.astype(np.uint8),
    ],
    ids=["array", "list", "usual"],
)
def test_colour_images_may_have_their_channels_first(change) -> None:
    images = np.stack([noise(number, (28, 28, 3)) for number in range(10)])
    built = build(name="colour", images=change(images), labels=[0, 1] * 5, splits=["train"] * 8 + ["test"] * 2)
    assert built.record.ndim == 2
    assert built.record.n_channels == 3
    np.testing.assert_array_equal(images[:8], mm.load("colour", "train").images)


@pytest.mark.parametrize("axis", [1, 3])
def test_gray_images_and_masks_may_have_a_channel_axis(axis: int) -> None:
    images = np.stack([noise(number, (28, 28)) for number in range(10)])
    splits = ["train"] * 8 + ["test"] * 2
    masks = np.expand_dims(images % 2, axis)
    build(name="gray", images=np.expand_dims(images, axis), masks=masks, splits=splits)
    found = mm.load("gray", "train")
    np.testing.assert_array_equal(images[:8], found.images)
    np.testing.assert_array_equal(images[:8] % 2, found.labels)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [((28, 28, 4), "has 4 channels"), ((4, 28, 28), "has 4 channels"), ((3, 28, 3), "is ambiguous")],
)
def test_axes_that_are_not_plain_channels_are_refused(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=rf"images\[0\]: The shape .* {reason}"):
        build(name="strange", images=np.zeros((10, *shape), np.uint8), labels=[0, 1] * 5)


def test_volumes_are_built_of_arrays_of_several_shapes() -> None:
    volumes = [noise(number, (20 + number, 24, 24)) for number in range(20)]
    built = build(name="organs", images=volumes, labels=[0, 1] * 10, recipe="crop", sizes=[16, 28])
    assert built.record.ndim == 3
    assert built.record.enlarged_sizes == (28,)
    assert built.record.source_size == "20x24x24 to 39x24x24"
    assert mm.load("organs", "train", size=16).images.shape == (14, 16, 16, 16)


def test_findings_and_ordered_classes(tmp_path: Path) -> None:
    images = [noise(number) for number in range(40)]
    build(
        name="chest",
        images=images,
        labels=np.random.default_rng(0).integers(2, size=(40, 3)),
        class_names=["a", "b", "c"],
        splits=["train"] * 20 + ["test"] * 20,
    )
    assert mm.info("chest").task == "multi-label, binary-class"
    assert mm.info("chest").class_names == ("a", "b", "c")
    build(name="grades", images=images, labels=np.arange(40) % 4, task="ordinal-regression")
    assert mm.info("grades").task == "ordinal-regression"


def test_gray_images_among_rgb_images_are_repeated_and_noted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(preparation, "_CHUNK_ROWS", 2)
    images = [noise(number, (28, 28, 3) if number == 3 else (28, 28)) for number in range(12)]
    splits = ["train"] * 10 + ["test"] * 2
    built = build(name="mixed", images=images, labels=[0, 1] * 6, splits=splits, channels="rgb")
    found = mm.load("mixed", "train").images
    assert np.array_equal(images[3], found[3])
    assert np.array_equal(np.dstack([images[2]] * 3), found[2])
    assert np.array_equal(np.dstack([images[9]] * 3), found[9])
    assert any("11 gray images were repeated to three channels" in note for note in built.record.notes)


def test_ids_and_groups_are_kept(tmp_path: Path) -> None:
    rows = [[save(tmp_path / f"{n}.png", noise(n)).name, "ab"[n % 2], f"patient {n // 2}"] for n in range(40)]
    build(table(tmp_path / "labels.csv", ["image", "label", "patient"], rows), name="moles", group_by="patient")
    patient_of = {row[0]: row[2] for row in rows}
    seen: dict[str, str] = {}
    for split in ("train", "val", "test"):
        ids, groups = identifiers(mm.info("moles"), split)
        assert [patient_of[one] for one in ids.tolist()] == groups.tolist()
        assert {split} == {seen.setdefault(group, split) for group in groups.tolist()}
    assert "no patient is in two splits" in mm.info("moles").notes[0]
    assert not any("not checked" in note for note in mm.info("moles").notes)


def test_names_of_files_may_be_of_any_script_or_none(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images", classes=("gutartig-ä", "恶性"))
    (folder / "恶性" / "000.png").rename(folder / "恶性" / "图像 0.png")
    (folder / "恶性" / "001.png").rename(folder / "恶性" / os.fsdecode(b"\xff.png"))
    build(folder, name="moles")
    assert mm.info("moles").class_names == ("gutartig-ä", "恶性")
    ids = [one for split in ("train", "val", "test") for one in identifiers(mm.info("moles"), split).ids.tolist()]
    assert {"恶性/图像 0.png", "恶性/\\udcff.png"} <= set(ids)


# How images are brought to size


def test_images_must_have_equal_edges_unless_a_recipe_states_what_to_do(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    path = save(folder / "malignant" / "010.png", noise(7, (40, 30)))
    with pytest.raises(ValueError, match=re.escape(f"{path}: it is 40 x 30, not square. ")) as caught:
        build(folder, name="moles")
    assert "Use recipe='crop' (cut out the centre) or recipe='squeeze' (stretch)." in str(caught.value)
    build(folder, name="cut", recipe="crop")
    build(folder, name="squeezed", recipe="squeeze")
    build(folder, name="like-breastmnist", recipe="breastmnist")
    assert mm.info("cut").source_size == "32x32 to 40x30"
    assert digests_of("squeezed") == digests_of("like-breastmnist") != digests_of("cut")


def digests_of(name: str) -> list[str]:
    return [archive.digest for archive in mm.info(name).archives.values()]


def test_a_custom_recipe_decides_what_is_enlarged() -> None:
    recipe = Recipe((CropCentre((20, 20)), Resize()))
    images = [noise(number, (60, 50)) for number in range(12)]
    built = build(name="own", images=images, labels=[0, 1] * 6, recipe=recipe, sizes=[16, 20, 28])
    assert built.record.enlarged_sizes == (28,)
    assert "Crop to 20 x 20 in the centre. Resize to size x size" in built.record.preparation


def test_deep_values_need_a_window(tmp_path: Path) -> None:
    images = [np.full((28, 28), number * 10 - 50, dtype=np.int16) for number in range(12)]
    given = {"images": images, "labels": [0, 1] * 6, "splits": ["train"] * 12}
    with pytest.raises(
        ValueError,
        match=re.escape(
            "images[0]: its values are int16 from -50 to -50. State which values become 0 and 255 with window="
        ),
    ):
        build(name="ct", **given)
    build(name="ct", window=(-50, 50), **given)
    assert mm.load("ct", "train").images[:3, 0, 0].tolist() == [0, 26, 51]
    assert "Map -50 to 50 linearly" in mm.info("ct").preparation
    with pytest.raises(ValueError, match="has its own window"):
        build(name="ct2", window=(0, 1), recipe="organamnist", **given)


def test_one_size_needs_no_list(tmp_path: Path) -> None:
    assert build(folder_per_class(tmp_path / "images"), name="moles", sizes=16).record.sizes == (16,)


@pytest.mark.parametrize("sizes", [[], [3], [0], [28.0], [True], 0, 28.0, True, "28"])
def test_sizes_are_numbers_of_pixels(sizes) -> None:
    with pytest.raises(ValueError, match="size"):
        build(name="noise", images=[noise(0)], labels=[0], sizes=sizes)


# What is refused


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    whole = (folder / "benign" / "003.png").read_bytes()
    (folder / "benign" / "003.png").write_bytes(whole[:200])
    with pytest.raises(ValueError, match=r"benign/003.png: .*skip_bad"):
        build(folder, name="moles")
    assert not settings.current().cache.joinpath("records").exists()
    assert (
        list(settings.current().cache.rglob("*.npz.*")) + list((settings.current().cache / "built").glob("*/*.npz"))
        == []
    )
    with pytest.raises(UnknownDatasetError):
        mm.info("moles")


def test_bad_images_may_be_left_out_and_are_reported(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    (folder / "benign" / "000.png").write_bytes(b"no image")
    save(folder / "malignant" / "000.png", noise(7, (40, 30)))
    built = build(folder, name="moles", skip_bad=True)
    assert [f"{folder}/benign/000.png", f"{folder}/malignant/000.png"] == [where for where, _ in built.skipped]
    assert sum(built.record.n_samples.values()) == 18
    assert built.record.notes[-1] == "2 of 20 images could not be used and were left out."
    record = (built.folder / "moles.toml").read_text("utf-8")
    assert ".png" not in record  # names of files may say who a patient is


def test_files_that_are_not_images_are_left_out_but_not_counted_as_images(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    (folder / "benign" / "notes.doc").write_text("Taken in May.")
    with pytest.raises(ValueError, match=r"benign/notes.doc: it is not an image\. Leave such files out"):
        build(folder, name="moles")
    built = build(folder, name="moles", skip_bad=True)
    assert built.skipped == ((f"{folder / 'benign' / 'notes.doc'}", "it is not an image"),)
    assert sum(built.record.n_samples.values()) == 20
    assert "left out" not in repr(built.record)


def test_images_of_two_channels_are_not_volumes() -> None:
    message = "images[0]: it has 2 channels (shape (28, 30, 2)): only gray and RGB images are supported"
    with pytest.raises(ValueError, match=re.escape(message)):
        build(name="m", images=np.stack([noise(number, (28, 30, 2)) for number in range(12)]), labels=[0, 1] * 6)


def test_a_split_is_never_left_out_as_a_whole(tmp_path: Path) -> None:
    for split in ("train", "val"):
        folder_per_class(tmp_path / "images" / split, n=2)
    for path in (tmp_path / "images" / "val").rglob("*.png"):
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"No image of the val split can be used.*val/benign/000\.png: .*skip_bad="):
        build(tmp_path / "images", name="moles", skip_bad=True)


def test_an_unknown_recipe_is_rejected_with_the_available_ones(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    build(folder, name="moles")
    for absent in ("circle", "moles"):
        with pytest.raises(
            ValueError, match=f"Unknown recipe '{absent}'.*Available: crop, squeeze, pathmnist"
        ) as caught:
            build(folder, name="m", recipe=absent)
        assert "moles" not in str(caught.value).partition("Available")[2]
    with pytest.raises(ValueError, match="Did you mean 'crop'"):
        build(folder, name="m", recipe="crops")


def test_a_table_of_an_exported_split_is_built_from_in_its_order(tmp_path: Path) -> None:
    numbers = [3, 10, 2, 0, 5]
    for number in numbers:
        save(tmp_path / f"test{number}.png", noise(number, (28, 28)))
    rows = [[f"test{number}.png", "test", number % 2, "ab"[number % 2]] for number in numbers]
    file = table(tmp_path / "metadata.csv", ["file_name", "split", "label", "class_name"], rows)
    built = build(file, name="again")
    found = mm.load("again", "test")
    assert dict(built.record.n_samples) == {"test": 5}
    assert [n % 2 for n in numbers] == found.labels[:, 0].tolist()
    assert np.array_equal([noise(number, (28, 28)) for number in numbers], found.images)
    assert build(file, name="named", label="class_name").record.class_names == ("a", "b")


@pytest.mark.parametrize("name", ["retinamnist", "chestmnist", "adrenalmnist3d"])
def test_an_exported_set_is_built_anew_as_it_was(name: str, tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", name, n_samples={"train": 20, "val": 6, "test": 12}) as (record,):
        for split in record.splits:
            folder = mm.Dataset(name, split=split).save(tmp_path / "out", layout="csv", format="npy")
        several = record.class_names if record.multi_label else "label"
        names = None if record.multi_label else record.class_names
        again = build(folder, name="again", label=several, class_names=names, task=record.task).record
        assert record.n_samples == again.n_samples
        assert record.class_names == again.class_names
        assert record.task == again.task
        for split in record.splits:
            was, now = mm.load(name, split), mm.load("again", split)
            assert np.array_equal(was.images, now.images)
            assert np.array_equal(was.labels, now.labels)
        assert mm.Dataset("again", split="test").ids[0] == "test/test0.npy"


def test_a_table_of_a_split_needs_no_column_of_it(tmp_path: Path) -> None:
    for number, split in enumerate(["train", "test"]):
        rows = []
        for index in range(4):  # the same names in both
            save(tmp_path / "in" / split / f"{index}.png", noise(10 * number + index, (28, 28)))
            rows.append([f"{index}.png", "ab"[index % 2], index // 2])
        table(tmp_path / "in" / split / "metadata.csv", ["file_name", "label", "patient"], rows)
    with pytest.raises(ValueError, match=r"The group '0' is in two splits: train .*train.metadata.csv, line 2"):
        build(tmp_path / "in", name="m", group_by="patient")
    build(tmp_path / "in", name="m", group_by="")
    assert np.array_equal([noise(10 + index, (28, 28)) for index in range(4)], mm.load("m", "test").images)
    table(tmp_path / "in" / "test" / "metadata.csv", ["file_name", "grade"], [["0.png", 1]])
    with pytest.raises(ValueError, match=r"has the columns file_name, grade, but .* has file_name, label, patient"):
        build(tmp_path / "in", name="other")


def test_a_folder_per_class_may_hold_a_table(tmp_path: Path) -> None:
    for split in ("train", "test"):
        folder_per_class(tmp_path / "in" / split, n=2)
        table(tmp_path / "in" / split / "metadata.csv", ["file_name"], [])
    assert build(tmp_path / "in", name="m").record.class_names == ("benign", "malignant")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": [0, 1]}, "The labels have dtype"),
        ({"labels": ["a", None] * 6}, "has no label"),
        ({"labels": [0, 1] * 6, "ratio": (1, 2, 3, 4)}, "ratio must be"),
        ({"labels": [0, 1] * 6, "window": (0, 9), "recipe": "organamnist"}, "its own window"),
    ],
)
def test_what_is_refused_at_once_leaves_no_folder(tmp_path: Path, given, message: str) -> None:
    images = [noise(number) for number in range(12)]
    for output in (None, tmp_path / "deep" / "out"):
        with pytest.raises(ValueError, match=message):
            build(name="m", images=images, output=output, **given)
    assert not (settings.current().cache / "built").exists()
    assert not (tmp_path / "deep").exists()


def test_an_existing_folder_stays_when_a_build_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="no class folders"):
        build(tmp_path / "out", name="m", output=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_absent_image_is_named_with_its_line(tmp_path: Path) -> None:
    rows = [[save(tmp_path / f"{n}.png", noise(n)).name, "ab"[n % 2]] for n in range(10)]
    file = table(tmp_path / "labels.csv", ["image", "label"], [*rows, ["10.png", "a"]])
    with pytest.raises(ValueError, match=r"1 were not found: .*labels.csv, line 12 \(10.png\)"):
        build(file, name="moles")


def test_if_no_image_is_usable_the_first_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    for name in ("a/1.png", "b/2.png"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"None of 2 images can be read. The first error: .*a/1.png: "):
        build(folder, name="moles", skip_bad=True)
    images = [noise(number, (20, 30)) for number in range(3)]
    with pytest.raises(ValueError, match=r"None of 3 images can be used. The first error: images\[0\]: "):
        build(name="moles", images=images, labels=[0, 1, 0], skip_bad=True)


def test_a_volume_among_images_is_refused() -> None:
    with pytest.raises(
        ValueError, match=re.escape("images[1]: it is a volume of shape (28, 28, 28), but the first file")
    ):
        build(name="mixed", images=[noise(0, (28, 28)), noise(1, (28, 28, 28))], labels=[0, 1])


def test_a_class_that_cannot_be_in_each_split_is_refused(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    save(folder / "rare" / "1.png", noise(1000))
    with pytest.raises(
        ValueError, match=r"'rare' has too few samples for 3 splits: 1. The first sample is .*rare/1\.png"
    ):
        build(folder, name="moles")
    patients = ["p", "q"] * 10
    with pytest.raises(ValueError, match="'a' has too few values of group for 3 splits: 1"):
        build(name="m", images=[noise(n) for n in range(20)], labels=["a", "b"] * 10, groups=patients)


def test_a_class_may_be_absent_from_a_given_split_and_is_noted() -> None:
    images = [noise(number) for number in range(6)]
    built = build(name="m", images=images, labels=[0, 1, 0, 1, 0, 0], splits=["train"] * 4 + ["test"] * 2)
    assert built.record.notes == (
        "The splits were given.",
        "Patients: not checked, since no groups were given.",
        "Class '1' has no samples in test: it cannot be evaluated there.",
    )
    with pytest.raises(ValueError, match="The source has its own splits"):
        build(name="m2", images=images, labels=[0, 1] * 3, splits=["train"] * 6, ratio=(7, 1, 2))


def test_a_class_that_the_division_leaves_out_of_a_split_is_noted_with_a_warning() -> None:
    images = [noise(number) for number in range(33)]
    with pytest.warns(UserWarning, match=r"Class 'rare' has no samples in (val|test|val and test): it cannot"):
        built = build(name="m", images=images, labels=["a"] * 30 + ["rare"] * 3, ratio=(28, 1, 1))
    assert any("Class 'rare' has no samples in" in note for note in built.record.notes)


def test_two_parts_are_train_and_test(tmp_path: Path) -> None:
    built = build(folder_per_class(tmp_path / "images"), name="moles", ratio=(8, 2))
    assert dict(built.record.n_samples) == {"train": 16, "test": 4}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("retinamnist", "the name of a published data set"),
        ("Moles", "cannot name a data set"),
        ("moles_28", "cannot name a data set"),
        ("../moles", "cannot name a data set"),
        ("aux", "no name that Windows reserves"),
        ("", "cannot name a data set"),
        ("val", "it is the name of a split"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=message):
        build(folder_per_class(tmp_path / "images"), name=name, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_existing_set_is_never_replaced(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    built = build(folder, name="moles")
    with pytest.raises(RecordError, match=r"The data set 'moles' already exists.*clean moles --built"):
        build(folder, name="moles", output=tmp_path / "elsewhere")
    (settings.current().cache / "records" / "moles.toml").unlink()
    with pytest.raises(ValueError, match=r"moles.toml exists already. Use `medmnist-np register`"):
        build(folder, name="moles")
    assert digests(built) == {28: register(built.folder / "moles.toml").archive(28).digest}


# The same bytes


def test_two_builds_are_identical_to_the_byte_whoever_works(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(preparation, "_CHUNK_ROWS", 3)
    folder = folder_per_class(tmp_path / "images", n=20)
    executors: list[Callable[[], Executor] | None] = [
        None,
        lambda: ThreadPoolExecutor(1),
        lambda: ThreadPoolExecutor(3),
        lambda: ProcessPoolExecutor(2),
    ]
    outcomes = []
    for number, make in enumerate(executors):
        mm.configure(cache=tmp_path / f"cache-{number}")
        executor = make() if make else None
        built = build(folder, name="moles", sizes=[28, 16], executor=executor)
        if executor is not None:
            executor.shutdown()
        outcomes.append({file.name: file.read_bytes() for file in built.folder.iterdir()})
    assert [outcomes[0]] * 4 == outcomes


def test_the_size_of_chunks_does_not_matter(tmp_path: Path, monkeypatch) -> None:
    folder = folder_per_class(tmp_path / "images")
    first = build(folder, name="one")
    monkeypatch.setattr(preparation, "_CHUNK_ROWS", 7)
    assert digests(first) == digests(build(folder, name="other"))


def test_an_archive_is_what_numpy_reads(tmp_path: Path) -> None:
    built = build(folder_per_class(tmp_path / "images"), name="moles")
    with np.load(built.folder / "moles.npz") as arrays:
        names = [f"{split}_{role}" for role in ("images", "labels") for split in ("train", "val", "test")]
        assert names == arrays.files
        assert np.array_equal(mm.load("moles", "val").images, arrays["val_images"])
        assert {np.dtype(np.uint8)} == {arrays[name].dtype for name in names}


# Interrupted


def test_a_run_that_failed_goes_on_where_it_stopped(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(preparation, "_CHUNK_ROWS", 4)
    read = []
    monkeypatch.setattr(
        preparation, "read_image", lambda file, *given, **named: read.append(file) or original(file, *given, **named)
    )
    folder = folder_per_class(tmp_path / "images")
    bad = folder / "malignant" / "005.png"
    whole = bad.read_bytes()
    bad.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"005\.png"):
        build(folder, name="moles")
    assert len(read) == 16
    read.clear()
    bad.write_bytes(whole)
    again = build(folder, name="moles")
    assert 8 == len(read)  # the chunk with the bad image, and the last one
    assert not (again.folder / "unfinished").exists()
    mm.configure(cache=tmp_path / "other")
    assert digests(again) == digests(build(folder, name="moles"))


original = preparation.read_image

KILLED = """
import os, sys
from pathlib import Path
from medmnist_np.builder import build, pipeline, preparation
preparation._CHUNK_ROWS = 4
done = 0
def prepare(chunk):
    global done
    done += 1
    if done == 4:
        os._exit(9)
    return preparation.prepare(chunk)
pipeline.prepare = prepare
build(sys.argv[1], name="moles")
"""


def test_a_run_that_was_killed_has_published_nothing_and_is_gone_on_from(tmp_path: Path, monkeypatch) -> None:
    folder = folder_per_class(tmp_path / "images")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)  # noqa: S603
    cache = settings.current().cache
    assert killed.returncode == 9
    assert len(list((cache / "built" / "moles" / "unfinished").iterdir())) == 3
    assert list(cache.glob("records/*")) == []
    assert list(cache.glob("arrays/*")) == []
    monkeypatch.setattr(preparation, "_CHUNK_ROWS", 4)
    made = []
    monkeypatch.setattr(preparation, "_made", lambda image, chunk: made.append(1) or original_made(image, chunk))
    build(folder, name="moles")
    assert len(made) == 8


original_made = preparation._made


def test_another_recipe_or_image_is_not_taken_from_an_earlier_run(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    images = [noise(number, (40, 30)) for number in range(12)]
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    files = [save(folder / f"{number}.png", image) for number, image in enumerate(images)]
    rows = tuple(preparation.Row(file, None, str(file), file.name) for file in files)
    chunk = {
        choice: preparation.Chunk(
            rows,
            chosen_recipe(choice, None, volumes=False),
            (28,),
            volumes=False,
            folder=unfinished,
            decoding=Decoding(),
        )
        for choice in ("crop", "squeeze")
    }
    before = {choice: one.fingerprint() for choice, one in chunk.items()}
    assert len(set(before.values())) == 2
    save(files[3], noise(99, (41, 30)))
    assert all(one.fingerprint() != before[choice] for choice, one in chunk.items())


@pytest.mark.parametrize("field", ["description", "modality", "license"])
def test_texts_with_control_characters_are_refused_before_any_work(field: str, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=rf"{field} has the control character '\\x1b'"):
        build(name="moles", images=tmp_path / "absent", labels=[0], **{field: "a\x1b[2J"})


# Memory


def test_memory_does_not_grow_with_the_set(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(preparation, "_CHUNK_BYTES", 1 << 20)
    np.save(tmp_path / "a.npy", np.zeros((1, 200, 200), np.uint8))
    files = [save(tmp_path / f"{number}.png", noise(number, (128, 128))) for number in range(400)]
    build(name="warm-up", images=files[:20], labels=[0, 1] * 10)
    tracemalloc.start()
    build(name="large", images=files, labels=[0, 1] * 200, sizes=[256])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6  # all at once: 26 MB
