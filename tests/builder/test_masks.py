"""Sets of images and masks: where they are found, how they are read, and what comes out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import medmnist_np as mm
from medmnist_np.builder import build
from medmnist_np.builder.image_files import read_mask
from medmnist_np.images.interpolation import resize
from medmnist_np.images.recipes import CropCentre, CropToShortEdge, Recipe, Resize, Window
from tests.builder.pictures import noise, save, table


def blob(number: int, shape: tuple[int, int] = (32, 40), values: tuple[int, ...] = (1,)) -> NDArray[np.uint8]:
    """A mask with a rectangle of each value, elsewhere for each number."""
    rng = np.random.default_rng(number)
    mask = np.zeros(shape, dtype=np.uint8)
    for value in values:
        top, left = (int(rng.integers(length - 8)) for length in shape)
        mask[top : top + 8, left : left + 8] = value
    return mask


def pairs(folder: Path, n: int = 10, shape: tuple[int, ...] = (32, 40), values: tuple[int, ...] = (1,)) -> Path:
    """``<folder>/images/<number>.png`` and ``<folder>/masks/<number>.png``."""
    for number in range(n):
        save(folder / "images" / f"{number:03}.png", noise(number, shape))
        save(folder / "masks" / f"{number:03}.png", blob(number, shape[:2], values))  # type: ignore[arg-type]
    return folder


def palette(path: Path, mask: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(mask, "P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    picture.save(path)
    return path


# What comes out


def test_folders_of_images_and_masks_become_a_set_like_any_other(tmp_path: Path) -> None:
    built = build(pairs(tmp_path / "polyps", 20, (32, 40, 3)), name="polyps", recipe="crop", sizes=[28, 16])
    record = mm.info("polyps")
    assert record == built.record
    assert record.task == "segmentation"
    assert record.target == "masks"
    assert record.n_channels == 3
    assert record.class_names == ("background", "foreground")
    assert dict(record.n_samples) == {"train": 14, "val": 2, "test": 4}
    images, masks = mm.load("polyps_16", "train", download=False)
    assert images.shape == (14, 16, 16, 3)
    assert masks.shape == (14, 16, 16)
    assert np.unique(masks).tolist() == [0, 1]
    assert mm.verify("polyps").ok
    train = mm.Dataset("polyps", "train")
    batch = next(iter(train.batches(8)))
    assert batch.images.shape == (8, 28, 28, 3)
    assert batch.masks.shape == (8, 28, 28)


def test_a_mask_has_the_geometry_of_its_image_and_only_numbers_of_the_source(tmp_path: Path) -> None:
    build(pairs(tmp_path / "organs", 12, values=(1, 2, 3)), name="organs", recipe="crop", sizes=[12])
    for split in ("train", "val", "test"):
        found = mm.Dataset("organs", split, size=12)
        for (image, mask), name in zip(found, found.ids.tolist(), strict=True):
            number = int(Path(name).stem)
            cut = CropToShortEdge()(noise(number, (32, 40)), 12)
            assert np.array_equal(resize(cut, 12), image)
            of_mask = CropToShortEdge()(blob(number, (32, 40), (1, 2, 3)), 12)
            assert np.array_equal(resize(of_mask, 12, resampler="nearest"), mask)


def test_given_splits_are_kept(tmp_path: Path) -> None:
    for split, n in {"train": 4, "val": 2, "test": 3}.items():
        pairs(tmp_path / "polyps" / split, n)
    built = build(tmp_path / "polyps", name="polyps", recipe="squeeze")
    assert dict(built.record.n_samples) == {"train": 4, "val": 2, "test": 3}
    assert "The splits were given." in built.record.notes


def test_a_table_names_masks_splits_and_groups(tmp_path: Path) -> None:
    pairs(tmp_path, 12)
    rows = [[f"images/{n:03}.png", f"masks/{n:03}.png", f"patient {n // 2}"] for n in range(12)]
    build(
        table(tmp_path / "t.csv", ["image", "mask", "patient"], rows),
        name="polyps",
        group_by="patient",
        recipe="squeeze",
        task="segmentation",
    )
    found = {split: set(mm.Dataset("polyps", split).groups.tolist()) for split in ("train", "val", "test")}
    assert not found["train"] & found["test"]
    assert sum(map(len, (mm.load("polyps", split).images for split in found))) == 12
    assert 2 * sum(len(mm.load("polyps", split).masks) for split in found) == 24


def test_arrays_keep_their_order_and_values() -> None:
    images = np.stack([noise(number, (28, 28, 3)) for number in range(9)])
    masks = np.stack([blob(number, (28, 28), (1, 2)) for number in range(9)])
    splits = ["train"] * 6 + ["test"] * 3
    build(name="cells", images=images, masks=masks, splits=splits, class_names=["background", "nucleus", "border"])
    found = mm.load("cells", "test")
    assert np.array_equal(images[6:], found.images)
    assert np.array_equal(masks[6:], found.masks)
    assert mm.info("cells").class_names[1] == "nucleus"


def test_the_same_input_gives_the_same_archive_whoever_works(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 12)
    one = build(source, name="one", recipe="squeeze", output=tmp_path / "out1")
    with ThreadPoolExecutor(2) as threads:
        two = build(source, name="two", recipe="squeeze", output=tmp_path / "out2", executor=threads)
    assert one.record.archive(28).digest == two.record.archive(28).digest


def test_another_machine_registers_it(tmp_path: Path) -> None:
    built = build(pairs(tmp_path / "polyps"), name="polyps", recipe="squeeze", output=tmp_path / "out")
    mm.configure(cache=tmp_path / "colleague")
    record = mm.register(built.folder / "polyps.toml")
    assert record.target == "masks"
    assert built.record == record
    assert mm.load("polyps", "train").masks.shape[1:] == (28, 28)


def test_images_with_and_without_an_area_are_divided_in_the_same_shares(tmp_path: Path) -> None:
    images = [noise(number, (28, 28)) for number in range(40)]
    masks = [blob(number, (28, 28), (1,) if number % 2 else ()) for number in range(40)]
    built = build(name="half", images=images, masks=masks)
    test = mm.Dataset("half", "test")
    assert len(test) == 8
    assert int(test.masks.any(axis=(1, 2)).sum()) == 4
    assert "stratified by the classes in masks" in built.record.notes[0]


def test_a_class_that_a_split_lacks_is_noted() -> None:
    masks = [blob(number, (28, 28), (1, 2) if number < 4 else (1,)) for number in range(6)]
    built = build(
        name="rare", images=[noise(n, (28, 28)) for n in range(6)], masks=masks, splits=["train"] * 4 + ["test"] * 2
    )
    assert "Class '2' has no samples in test: it cannot be evaluated there." in built.record.notes


# How masks are read


def test_255_becomes_1_with_a_remark(tmp_path: Path) -> None:
    built = build(pairs(tmp_path / "polyps", values=(255,)), name="polyps", recipe="squeeze")
    assert np.unique(mm.load("polyps", "train").masks).tolist() == [0, 1]
    assert "The value 255 of the source masks, which meant foreground, is stored as 1." in built.record.notes


@pytest.mark.parametrize("ending", ["png", "tiff", "npy", "palette.png", "bilevel.png", "gray-as-rgb.png", "16.png"])
def test_every_kind_of_mask_file_is_read_as_numbers(ending: str, tmp_path: Path) -> None:
    mask = blob(0, values=(1, 2) if ending != "bilevel.png" else (1,))
    path = tmp_path / f"m.{ending}"
    if ending == "npy":
        np.save(path, mask.astype(np.int64)[..., None])
    elif ending == "palette.png":
        palette(path, mask)
    elif ending == "bilevel.png":
        Image.fromarray(mask.astype(bool)).save(path)
    elif ending == "gray-as-rgb.png":
        save(path, np.dstack([mask] * 3))
    else:
        save(path, mask.astype(np.uint16) if ending == "16.png" else mask)
    found = read_mask(path)
    assert np.uint8 == found.dtype
    assert np.array_equal(mask, found)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("m.png", np.dstack([blob(0), blob(1), blob(2)]), "its pixels are colours \\(mode RGB\\), not class numbers"),
        ("m.jpg", blob(0), "is a JPEG file, which may change values"),
        ("m.npy", blob(0).astype(np.float32), "dtype float32 and shape"),
        ("m.npy", blob(0).astype(np.int64) - 1, "its values are -1 to 0: class numbers must be 0 to 255"),
        ("m.npy", np.zeros((4, 5, 6), np.uint8), r"dtype uint8 and shape \(4, 5, 6\)"),
        ("m.png", np.zeros((4, 5), np.uint16) + 300, "its values are 300 to 300"),
    ],
)
def test_an_invalid_mask_is_rejected(name: str, array: NDArray[Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        save(path, array)
    with pytest.raises(ValueError, match=reason):
        read_mask(path)


# What cannot be built


def test_images_and_masks_without_the_other_are_all_named_or_left_out(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 12)
    for lost in ("masks/003.png", "masks/005.png", "images/007.png"):
        (source / lost).unlink()
    with pytest.raises(ValueError, match="have the same name") as caught:
        build(source, name="polyps", recipe="squeeze")
    message = str(caught.value)
    assert all(f"{source}/{one}" in message for one in ("images/003.png", "images/005.png", "masks/007.png"))
    assert not (tmp_path / "polyps.toml").exists()
    built = build(source, name="polyps", recipe="squeeze", skip_bad=True)
    expected = {
        "images/003.png": "it has no mask",
        "images/005.png": "it has no mask",
        "masks/007.png": "it is a mask without an image",
    }
    assert {str(source / name): reason for name, reason in expected.items()} == dict(built.skipped)
    assert sum(built.record.n_samples.values()) == 9
    assert "3 images or masks could not be used and were left out." in built.record.notes


def test_a_split_without_masks_is_not_overlooked(tmp_path: Path) -> None:
    pairs(tmp_path / "polyps" / "train", 4)
    save(tmp_path / "polyps" / "test" / "images" / "1.png", noise(1))
    with pytest.raises(ValueError, match=r"test/images/1\.png: it has no mask"):
        build(tmp_path / "polyps", name="polyps")


def test_pairs_of_other_names_are_sent_to_a_table(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 3)
    for mask in (source / "masks").iterdir():
        mask.rename(mask.with_stem(f"{mask.stem}_mask"))
    with pytest.raises(ValueError, match=r"name \(found images/000\.png and masks/002_mask\.png\)"):
        build(source, name="polyps")


@pytest.mark.parametrize(
    ("images", "masks", "called"), [("images", "labels", "images, labels"), ("train/images", "train/gt", "gt, images")]
)
def test_images_beside_masks_of_another_name_are_not_classes(
    images: str, masks: str, called: str, tmp_path: Path
) -> None:
    for number in range(6):
        save(tmp_path / "polyps" / images / f"{number}.png", noise(number, (28, 28)))
        save(tmp_path / "polyps" / masks / f"{number}.png", blob(number, (28, 28)))
    with pytest.raises(ValueError, match=f"has the folders {called}. For images and their masks, name them"):
        build(tmp_path / "polyps", name="polyps")


def test_a_mask_that_cannot_be_read_is_distinguished_from_its_image(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 10)
    mask = source / "masks" / "004.png"
    mask.write_bytes(mask.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"images/004\.png: its mask: "):
        build(source, name="polyps", recipe="squeeze")


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 10)
    save(source / "masks" / "004.png", blob(4, (16, 20)))
    with pytest.raises(ValueError, match=r"004\.png: its mask is 16 x 20 but the image is 32 x 40"):
        build(source, name="polyps", recipe="squeeze")
    assert len(build(source, name="polyps", recipe="squeeze", skip_bad=True).skipped) == 1


def test_values_without_a_name_are_refused(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 10)
    save(source / "masks" / "006.png", blob(6, values=(1, 4)))
    with pytest.raises(ValueError, match=r"006\.png has the value 4, but the 2 classes are numbered 0 to 1"):
        build(source, name="polyps", recipe="squeeze", class_names=["background", "polyp"])
    with pytest.raises(ValueError, match="The masks have the values 0, 1, 4, but no mask has 2, 3"):
        build(source, name="polyps", recipe="squeeze")


def test_masks_without_any_area_need_names(tmp_path: Path) -> None:
    source = pairs(tmp_path / "polyps", 10, values=())
    with pytest.raises(ValueError, match="No mask has a labelled pixel"):
        build(source, name="polyps", recipe="squeeze")
    with pytest.warns(UserWarning, match="Class 'polyp' has no samples"):
        built = build(source, name="polyps", recipe="squeeze", class_names=["background", "polyp"])
    assert built.record.class_names == ("background", "polyp")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"labels": [0, 1]}, "give either labels"),
        ({"task": "binary-class"}, "does not fit masks"),
        ({"masks": np.zeros((3, 28, 28), np.uint8)}, "images has 2 items, but masks has 3"),
    ],
)
def test_conflicting_arguments_are_rejected(options: dict[str, Any], reason: str) -> None:
    arguments = {"images": np.zeros((2, 28, 28), np.uint8), "masks": np.ones((2, 28, 28), np.uint8), **options}
    with pytest.raises(ValueError, match=reason):
        build(name="polyps", **arguments)


def test_segmentation_is_not_the_task_of_labels_nor_of_other_folders(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not fit samples with one of 2 classes"):
        build(name="polyps", images=np.zeros((2, 28, 28), np.uint8), labels=[0, 1], task="segmentation")
    with pytest.raises(ValueError, match="must have the folders images and masks"):
        build(tmp_path, name="polyps", task="segmentation")


def test_volumes_are_refused() -> None:
    volumes = np.zeros((2, 9, 28, 28), np.uint8)
    with pytest.raises(ValueError, match="Sets with masks can only have images"):
        build(name="polyps", images=volumes, masks=volumes[:, 0])


# Recipes


def test_a_recipe_for_masks_cuts_alike_and_leaves_values_alone() -> None:
    of_images = Recipe((Window(-160, 240), CropCentre((20, 20)), Resize("lanczos")), name="ct")
    assert (CropCentre((20, 20)), Resize("nearest")) == of_images.for_masks().steps
    mask = blob(1, (30, 30), (1, 2, 3))
    assert set(np.unique(of_images.for_masks()(mask, 7)).tolist()) <= set(np.unique(mask).tolist())


def test_a_step_without_a_counterpart_is_refused() -> None:
    def inverted(image: NDArray[Any], size: int) -> NDArray[Any]:
        return 255 - image

    with pytest.raises(ValueError, match=r"This step needs a method for_masks\(\)"):
        Recipe((inverted, Resize())).for_masks()


# EXIF orientation


def pairs_with_a_rotated_image(folder: Path, orientation: int, mask: NDArray[np.uint8]) -> Path:
    """Write pairs of 32 x 40; the image of the first, which is in the test split, has an EXIF orientation."""
    for split, numbers in (("test", [0]), ("train", range(1, 5))):
        for number in numbers:
            save(folder / split / "images" / f"{number}.png", noise(number, (32, 40)))
            save(folder / split / "masks" / f"{number}.png", mask if number == 0 else blob(number))
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(noise(0, (40, 32) if orientation > 4 else (32, 40))).save(
        folder / "test" / "images" / "0.png", exif=exif
    )
    return folder


@pytest.mark.parametrize("turned_back", [True, False], ids=["drawn on the stored pixels", "drawn on the upright image"])
def test_a_mask_matches_its_rotated_image(tmp_path: Path, turned_back: bool) -> None:
    mask = blob(0)
    folder = pairs_with_a_rotated_image(tmp_path, 6, np.rot90(mask) if turned_back else mask)
    build(folder, name="polyps", recipe="squeeze", sizes=40)
    expected = Recipe((Resize("nearest"),))(mask, 40)
    assert np.array_equal(expected, mm.load("polyps", "test", size=40, download=False).masks[0])


def test_a_mask_that_fits_before_and_after_a_rotation_is_refused(tmp_path: Path) -> None:
    folder = pairs_with_a_rotated_image(tmp_path, 3, blob(0))
    with pytest.raises(ValueError, match="its mask: it fits the image both before and after the rotation"):
        build(folder, name="polyps", recipe="squeeze", sizes=40)


@pytest.mark.parametrize("exif", ["apply", "ignore"])
def test_exif_decides_about_a_mask_that_fits_both_ways(tmp_path: Path, exif: str) -> None:
    folder = pairs_with_a_rotated_image(tmp_path, 3, blob(0))
    build(folder, name="polyps", recipe="squeeze", sizes=40, exif=exif)
    found = mm.load("polyps", "test", size=40, download=False)
    image = noise(0, (32, 40))[:: -1 if exif == "apply" else 1, :: -1 if exif == "apply" else 1]
    assert np.array_equal(resize(image, 40), found.images[0])
    assert np.array_equal(Recipe((Resize("nearest"),))(blob(0), 40), found.masks[0])


def test_a_mask_with_its_own_exif_orientation_is_rotated_by_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.rot90(blob(0))).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(blob(0), read_mask(tmp_path / "a.png"))
