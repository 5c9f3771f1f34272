"""``montage``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.images import flatten
from medmnist_np.testing import fake_datasets, make_cases
from tests.volumes.published import publish


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with fake_datasets(
        tmp_path / "fakes", "breastmnist", "retinamnist", "adrenalmnist3d", n_samples={"train": 50, "val": 7}
    ):
        yield


def test_a_montage_is_written_and_named() -> None:
    result = run("montage", "retinamnist", "-o", "out/montage.png", "--rows", 4, "--columns", 6)
    assert result.exit_code == 0
    assert result.stdout == "out/montage.png\n"
    assert imageio.imread("out/montage.png").shape == (112, 168, 3)


def test_a_small_split_shows_what_it_has() -> None:
    run("montage", "breastmnist", "-o", "a.png", "--split", "val", "--columns", 5)
    picture = imageio.imread("a.png")
    assert picture.shape == (56, 140)
    images, _ = mm.load("breastmnist", "val")
    tiles = picture.reshape(2, 28, 5, 28).swapaxes(1, 2).reshape(10, 28, 28)[:7]
    assert {image.tobytes() for image in images} == {tile.tobytes() for tile in tiles}


def test_joined_splits_are_shown_as_one() -> None:
    run("montage", "breastmnist", "-o", "both.png", "--split", "train+val", "--rows=19", "--columns=3")
    shown = imageio.imread("both.png").reshape(19, 28, 3, 28).swapaxes(1, 2).reshape(57, 28, 28)
    assert {image.tobytes() for image in mm.Dataset("breastmnist", "train+val").images} == {
        image.tobytes() for image in shown
    }


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (["--rows=100000", "--columns=100000"], (7, 8)),
        (["--rows=2", "--columns=100000"], (2, 25)),
        (["--rows=100000", "--columns=10"], (5, 10)),
    ],
)
def test_a_grid_that_is_too_large_is_cut_to_what_is_needed(options: list[str], shape: tuple[int, int]) -> None:
    run("montage", "breastmnist", "-o", "a.png", *options)
    assert (28 * shape[0], 28 * shape[1]) == imageio.imread("a.png").shape


def test_a_grid_by_class_is_cut_to_what_the_largest_class_needs() -> None:
    run("montage", "breastmnist", "-o", "a.png", "--by-class", "--rows=2", "--columns=100000")
    largest = max(mm.Dataset("breastmnist").class_counts().values())
    assert (2 * 28, largest * 28) == imageio.imread("a.png").shape


def test_each_class_has_a_row_where_fewer_are_requested() -> None:
    run("montage", "retinamnist", "-o", "a.png", "--by-class", "--rows=2", "--columns=1")
    assert (5 * 28, 28, 3) == imageio.imread("a.png").shape


def test_another_seed_shows_other_samples() -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("montage", "breastmnist", "-o", f"{name}.png", "--rows=3", "--columns=3", f"--seed={seed}")
    a, b, c = (Path(f"{name}.png").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_index_shows_one_sample() -> None:
    run("montage", "breastmnist", "-o", "one.png", "--index", 5)
    assert np.array_equal(mm.load("breastmnist").images[5], imageio.imread("one.png"))


@pytest.mark.parametrize("view", ["middle", "orthogonal", "projection", "sheet"])
def test_index_shows_one_volume_in_each_view(view: str) -> None:
    run("montage", "adrenalmnist3d", "-o", "one.png", "--index", 5, "--view", view)
    assert np.array_equal(flatten(mm.load("adrenalmnist3d").images[5], view), imageio.imread("one.png"))


def test_volumes_are_shown_as_the_file_allows() -> None:
    run("montage", "adrenalmnist3d", "-o", "many.gif", "--rows=2", "--columns=3")
    assert imageio.imread("many.gif", mode="L").shape == (28, 56, 84)
    run("montage", "adrenalmnist3d", "-o", "many.png", "--rows=2", "--columns=3")
    assert imageio.imread("many.png").shape == (56, 84)
    run("montage", "adrenalmnist3d", "-o", "one.gif", "--index=0")
    assert np.array_equal(mm.load("adrenalmnist3d").images[0], imageio.imread("one.gif", mode="L"))
    run("montage", "adrenalmnist3d", "-o", "one.png", "--index=0")
    assert imageio.imread("one.png").shape == (140, 168)


def test_by_class_and_labels_show_classes_with_their_names() -> None:
    run("montage", "breastmnist", "-o", "plain.png", "--rows=4", "--columns=8", "--by-class")
    run("montage", "breastmnist", "-o", "labels.png", "--rows=4", "--columns=8", "--by-class", "--labels")
    plain, labels = (imageio.imread(f"{name}.png") for name in ("plain", "labels"))
    assert np.array_equal(plain[:28], labels[:28])
    assert len(labels) > len(plain) + 4 * 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["breastmnist"], "Missing option '-o'"),
        (["breastmnist", "-o", "a.png", "--index", 50], "--index 50 is too large: breastmnist train has 50"),
        (["breastmnist", "-o", "a.png", "--view", "middle"], "these are gray images"),
        (["breastmnist", "-o", "a.webp"], "Unsupported format 'webp'. Supported for gray images: png, jpg"),
        (["adrenalmnist3d", "-o", "a.png", "--view", "animated"], "cannot hold volumes"),
        (["breastmnist", "-o", "a"], "a has no file extension. Supported: png, jpg, tiff, gif, npy, nii"),
        (["breastmnist", "-o", "a.png", "--index", 5, "--rows", 2], "--index shows one sample. Leave out --rows"),
        (["breastmnist", "-o", "a.png", "--index=5", "--by-class", "--seed=0"], "Leave out --seed and --by-class"),
        (["breastmnist", "-o", "a.png", "--split", "train+vla"], "Did you mean 'val'"),
        (["brestmnist", "-o", "a.png"], "Did you mean 'breastmnist'"),
    ],
)
def test_wrong_usage_names_the_right_usage(arguments: list[object], message: str) -> None:
    result = run("montage", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert list(Path().iterdir()) == []


def test_a_file_that_cannot_be_written_is_a_failure() -> None:
    Path("file").write_text("")
    result = run("montage", "breastmnist", "-o", "file/a.png")
    assert result.exit_code == 1
    assert "file/a.png could not be written: " in result.stderr


def test_masks_are_drawn_over_images_unless_they_are_switched_off(tmp_path: Path) -> None:
    options = ("--size", 128, "--rows", 1, "--columns", 3)
    with fake_datasets(tmp_path / "masks", "medsegbench/pandental_128", n_samples={"train": 4}):
        for output, option in (("masks.png", []), ("plain.png", ["--no-masks"]), ("legend.png", ["--labels"])):
            assert run("montage", "medsegbench/pandental", "-o", output, *options, *option).exit_code == 0
        result = run("montage", "medsegbench/pandental", "-o", "a.png", *options, "--by-class")
    assert imageio.imread("masks.png").shape == (128, 384, 3)
    assert imageio.imread("plain.png").shape == (128, 384)
    assert np.array_equal(imageio.imread("masks.png"), imageio.imread("legend.png")[:128])
    assert result.exit_code == 2
    assert "by_class needs one label for each image" in result.stderr


def test_a_slice_of_each_of_volumes_that_differ_in_size_is_drawn(tmp_path: Path, sandbox: Path) -> None:
    hippocampus = mm.info("msd/hippocampus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "volumes"))
        publish(hippocampus, list(make_cases(hippocampus, n_samples={"train": 3})))
        one = run("montage", "msd/hippocampus", "-o", "one.png", "--index", 2)
        all_ = run("montage", "msd/hippocampus", "-o", "all.png", "--columns", 3)
        wrong = run("montage", "msd/hippocampus", "-o", "no.png", "--view", "sheet")
        volumes = mm.VolumeDataset("msd/hippocampus", download=False)
    assert one.exit_code == 0
    assert all_.exit_code == 0
    assert wrong.exit_code == 2
    width, height, _ = volumes.shapes.max(axis=0)
    assert (height, 3 * width, 3) == imageio.imread("all.png").shape
    assert (volumes.shapes[2, 1], volumes.shapes[2, 0], 3) == imageio.imread("one.png").shape
