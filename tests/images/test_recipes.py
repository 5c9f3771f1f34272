from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from medmnist_np import registry
from medmnist_np.errors import UnknownDatasetError
from medmnist_np.images.interpolation import resize
from medmnist_np.images.recipes import (
    At,
    Binarise,
    CentreSlice,
    CropCentre,
    CropToShortEdge,
    ProjectMaximum,
    Recipe,
    Resize,
    Window,
    Zoom,
    recipe,
)

RECORDS = registry.datasets()
each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(list(shape)).integers(0, 256, shape, dtype=np.uint8)


def source_of(name: str, size: int) -> NDArray[Any]:
    """Return an image of the kind that a recipe takes."""
    if name == "vesselmnist3d":
        return noise(size, size, size)
    if name.startswith("organ"):
        return np.random.default_rng(0).normal(0, 200, (30, 40, 50))
    if name.endswith("3d"):
        return noise(80, 80, 80)
    if name == "tissuemnist":
        return noise(32, 32, 7)
    return noise(360, 450, 3) if registry.info(name).n_channels == 3 else noise(360, 450)


# On the published files.


@pytest.mark.parametrize(("split", "exceptions"), [("val", {}), ("test", {}), ("train", {820: 11})])
def test_the_adrenal_recipe_reproduces_published_volumes_of_28(
    split: str, exceptions: dict[int, int], real_archives: Path
) -> None:
    with (
        np.load(real_archives / "adrenalmnist3d_64.npz") as large,
        np.load(real_archives / "adrenalmnist3d.npz") as small,
    ):
        sources, published = large[f"{split}_images"], small[f"{split}_images"]
    adrenal = recipe("adrenalmnist3d")

    found = {
        number: int(np.count_nonzero(adrenal(source, size=28) != published[number]))
        for number, source in enumerate(sources)
    }

    assert exceptions == {number: voxels for number, voxels in found.items() if voxels}


def test_the_adrenal_recipe_does_not_change_published_volumes_of_64(real_archives: Path) -> None:
    with np.load(real_archives / "adrenalmnist3d_64.npz") as archive:
        volumes = archive["val_images"][:9]

    assert np.array_equal(volumes, [recipe("adrenalmnist3d")(volume, size=64) for volume in volumes])


def test_published_adrenal_volumes_have_the_empty_last_planes_of_scipys_constant_mode(real_archives: Path) -> None:
    with (
        np.load(real_archives / "adrenalmnist3d_64.npz") as large,
        np.load(real_archives / "adrenalmnist3d.npz") as small,
    ):
        sources, published = large["train_images"], small["train_images"]

    assert not any(published.take(27, axis=axis).any() for axis in (1, 2, 3))
    source = sources[1052] > 0  # reaches the border
    mirrored = 255 * (ndimage.zoom(source.astype(float), 28 / 64, order=3, mode="mirror") > 0.5)
    assert np.count_nonzero(mirrored != published[1052]) == 27


# The recipes of all sets.


@each_record
def test_every_recipe_returns_images_of_the_published_shapes(record: registry.DatasetInfo) -> None:
    prepare = recipe(record.name)
    for size in record.sizes:
        source = source_of(record.name, size)
        before = source.copy()
        image = prepare(source, size=size)
        assert record.image_shape(size) == image.shape
        assert np.uint8 == image.dtype
        assert np.array_equal(before, source)
        assert not np.shares_memory(source, image) or image is source


@each_record
def test_several_sizes_equal_separate_calls(record: registry.DatasetInfo) -> None:
    prepare = recipe(record.name)
    sizes = record.sizes[:1] if record.name == "vesselmnist3d" else record.sizes
    source = source_of(record.name, 28)

    images = prepare.each(source, sizes)

    assert list(sizes) == list(images)
    assert all(np.array_equal(prepare(source, size), image) for size, image in images.items())


@each_record
def test_a_recipe_is_equal_to_itself_hashable_and_pickles_small(record: registry.DatasetInfo) -> None:
    prepare = recipe(record.name)

    assert {prepare} == {recipe(f"{record.python_class}_{record.sizes[-1]}")}
    assert prepare == pickle.loads(pickle.dumps(prepare))
    assert len(pickle.dumps(prepare)) < 2000


@each_record
def test_a_recipe_reads_as_a_numbered_list(record: registry.DatasetInfo) -> None:
    prepare = recipe(record)
    head, *lines = str(prepare).splitlines()

    assert f"{record.name}, from {prepare.takes}" == head
    assert [f"  {number}. {step}" for number, step in enumerate(prepare.steps, 1)] == lines[: len(prepare.steps)]
    assert [f"  Note: {note}" for note in prepare.notes] == lines[len(prepare.steps) :]
    assert all(line.endswith(".") for line in lines)


def test_a_printed_recipe_lists_its_steps() -> None:
    assert str(replace(recipe("tissuemnist"), notes=())) == (
        "tissuemnist, from a gray volume (h, w, slices), 32x32x7 voxels at the source\n"
        "  1. Take the maximum along axis 2.\n"
        "  2. Resize to size x size with the bicubic filter of Pillow."
    )


def test_the_oct_recipe_resizes_the_central_square() -> None:
    image = noise(496, 768)

    assert np.array_equal(resize(image[:, 136:632], 64), recipe("octmnist")(image, size=64))


def test_the_organ_recipes_differ_in_the_axis_of_their_slice() -> None:
    axes = {name: recipe(name).steps[1] for name in ("organamnist", "organcmnist", "organsmnist")}
    assert {"organamnist": CentreSlice(0), "organcmnist": CentreSlice(1), "organsmnist": CentreSlice(2)} == axes


def test_a_nodule_of_64_is_the_crop_of_28_enlarged() -> None:
    volume = noise(80, 80, 80)
    prepare = recipe("nodulemnist3d")

    assert np.array_equal(volume[26:54, 26:54, 26:54], prepare(volume, size=28))
    assert np.array_equal(Zoom()(prepare(volume, size=28), 64), prepare(volume, size=64))


def test_a_synapse_is_cropped_only_at_64() -> None:
    volume = noise(80, 80, 80)

    assert np.array_equal(volume[8:72, 8:72, 8:72], recipe("synapsemnist3d")(volume, size=64))
    assert np.array_equal(Zoom()(volume, 28), recipe("synapsemnist3d")(volume, size=28))


def test_the_resampler_can_be_chosen_and_approximation_allowed() -> None:
    image = noise(400, 400)
    changed = recipe("chestmnist", resampler="lanczos", approximate=True)

    assert (Resize("lanczos", approximate=True),) == changed.steps
    assert changed != recipe("chestmnist")
    assert np.array_equal(resize(image, 28, resampler="lanczos", approximate=True), changed(image, size=28))


def test_a_resampler_for_volumes_is_refused() -> None:
    with pytest.raises(ValueError, match="recipe of nodulemnist3d does not resize with Pillow"):
        recipe("nodulemnist3d", resampler="box")
    with pytest.raises(ValueError, match="Leave out resampler and approximate"):
        recipe("vesselmnist3d", approximate=True)


def test_an_unknown_resampler_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown resampler 'cubic'\. Did you mean 'bicubic'"):
        recipe("octmnist", resampler="cubic")  # type: ignore[arg-type]


def test_an_unknown_set_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UnknownDatasetError, match="Did you mean 'octmnist'"):
        recipe("octmist")


def test_the_error_for_a_set_without_a_recipe_lists_those_with_one() -> None:
    mine = replace(registry.info("octmnist"), name="mine")
    with pytest.raises(ValueError, match=r"No recipe is known for mine\..*: pathmnist, chestmnist"):
        recipe(mine)


# Your own recipes.


def test_any_function_of_image_and_size_is_a_step() -> None:
    def mirror(image: NDArray[Any], size: int) -> NDArray[Any]:
        return image[:, ::-1]

    mirrored = Recipe((mirror, Resize()))
    image = noise(50, 50)

    assert np.array_equal(resize(image[:, ::-1], 28), mirrored(image, 28))


def test_an_error_names_the_step_and_describes_the_expected_input() -> None:
    with pytest.raises(
        ValueError,
        match=r"An image of 100 x 300 cannot be cropped to 200 x 200\. Step 1 of the recipe 'bloodmnist' failed",
    ) as caught:
        recipe("bloodmnist")(noise(100, 300, 3), size=28)
    assert str(caught.value).endswith("It takes an RGB image (h, w, 3), 360x363 pixels at the source.")
    with pytest.raises(ValueError, match=r"dtype float64.* Step 1 of the recipe 'chestmnist' failed"):
        recipe("chestmnist").each(np.zeros((9, 9)), [28])


def test_a_result_with_another_shape_or_dtype_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"recipe 'octmnist' returned uint8 of shape \(28, 28, 3\)\. .* \(28, 28\)\. It takes"
    ):
        recipe("octmnist")(noise(50, 50, 3), size=28)
    with pytest.raises(ValueError, match=r"recipe 'vesselmnist3d' returned uint8 of shape \(30, 30, 30\)"):
        recipe("vesselmnist3d")(noise(30, 30, 30), size=28)
    with pytest.raises(
        ValueError, match=r"recipe 'recipe' returned float64 .* \(28, 28\) or \(28, 28, 3\) or \(28, 28, 28\)\.$"
    ):
        Recipe((Binarise(0.5), Zoom()))(noise(50, 50, 50), size=28)


def test_a_recipe_without_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at least one step"):
        Recipe(())


# Steps.

shapes = st.lists(st.integers(1, 40), min_size=2, max_size=2)


@given(shape=shapes, rgb=st.booleans())
def test_the_square_is_central_and_as_large_as_possible(shape: list[int], rgb: bool) -> None:
    image = noise(*shape, *([3] if rgb else []))
    square = CropToShortEdge()(image, 28)

    assert square.shape[:2] == (min(shape),) * 2
    assert np.shares_memory(image, square)
    top, left = (shape[0] - min(shape)) // 2, (shape[1] - min(shape)) // 2
    assert np.array_equal(image[top : top + min(shape), left : left + min(shape)], square)
    assert np.array_equal(square, CropToShortEdge()(square, 28))


@given(
    whole=st.lists(st.integers(4, 20), min_size=3, max_size=3), part=st.lists(st.integers(1, 4), min_size=3, max_size=3)
)
def test_a_crop_is_centred_with_an_odd_pixel_removed_at_the_end(whole: list[int], part: list[int]) -> None:
    places = np.stack(np.indices(whole), axis=-1).reshape(*whole, 3)
    first = [CropCentre(tuple(part))(places[..., axis], 28).min() for axis in range(3)]
    last = [CropCentre(tuple(part))(places[..., axis], 28).max() for axis in range(3)]

    for length, cut, start, end in zip(whole, part, first, last, strict=True):
        assert end - start + 1 == cut
        assert (length - 1 - end) - start in (0, 1)


@pytest.mark.parametrize("shape", [(30, 20), (20, 20, 20), (200, 300)])
def test_a_crop_larger_than_the_image_or_with_other_axes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"An image of .* cannot be cropped to 25 x 25 x 25"):
        CropCentre((25, 25, 25))(noise(*shape), 28)


@pytest.mark.parametrize("shape", [(), (5,), (5, 0), (1, 2, 3, 4)])
def test_an_invalid_crop_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two or three lengths of at least 1"):
        CropCentre(shape)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_slices_and_projections_remove_an_axis(axis: int) -> None:
    volume = noise(5, 6, 7)

    assert np.array_equal(volume.take(volume.shape[axis] // 2, axis), CentreSlice(axis)(volume, 28))
    assert np.array_equal(volume.max(axis=axis), ProjectMaximum(axis)(volume, 28))


@pytest.mark.parametrize("step", [CentreSlice(0), ProjectMaximum(1), ProjectMaximum(3)])
def test_slices_and_projections_need_a_volume_with_that_axis(step: Any) -> None:
    with pytest.raises(ValueError, match="This needs a volume with that axis"):
        step(noise(*((5, 5, 5) if step.axis == 3 else (5, 5))), 28)


def test_a_window_maps_its_limits_to_black_and_white_and_clips() -> None:
    hounsfield = np.array([[-1000, -160, 40, 240, 3000]], dtype=np.int16)

    assert Window(-160, 240)(hounsfield, 28).tolist() == [[0, 0, 128, 255, 255]]


@given(st.lists(st.floats(-2000, 2000), min_size=2, max_size=50), st.floats(-500, 0), st.floats(1, 500))
def test_a_window_keeps_the_order_of_values(values: list[float], low: float, high: float) -> None:
    levels = Window(low, high)(np.sort(values), 28)

    assert (np.diff(levels.astype(int)) >= 0).all()


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (0, float("inf")), (float("-inf"), 0), (float("nan"), 1)])
def test_an_invalid_window_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="two finite numbers with low < high"):
        Window(low, high)


def test_a_window_refuses_nan() -> None:
    with pytest.raises(ValueError, match="contains NaN"):
        Window(0, 1)(np.array([[0.5, np.nan]]), 28)


@given(st.floats(-1, 1), st.lists(st.floats(-2, 2), min_size=1))
def test_binarising_returns_zeros_and_ones(above: float, values: list[float]) -> None:
    assert [float(value > above) for value in values] == Binarise(above)(np.array(values), 28).tolist()


def test_a_step_for_some_sizes_does_nothing_at_others() -> None:
    step = At((64,), CropCentre((2, 2)))

    assert step(noise(5, 5), 64).shape == (2, 2)
    assert step(noise(5, 5), 28).shape == (5, 5)
    assert str(step) == "At size 64 only: crop to 2 x 2 in the centre."
