from __future__ import annotations

import pickle
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from medmnist_np import registry
from medmnist_np.corruptions import CORRUPTIONS, corrupt, image_seeds
from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_sets, corruption_facts
from tests.corruptions.pictures import Images, textured

# Strong numbers of corruptions that MedMNIST-C does not have.
OWN = {name: facts.severities[-1] for name, facts in corruption_facts().items() if facts.severities}

STRONG = {
    name: strengths.severities[-1] for each in corrupted_sets().values() for name, strengths in each.corruptions.items()
} | OWN
VOLUMES = [name for name, corruption in CORRUPTIONS.items() if corruption.takes_volumes]

each_name = pytest.mark.parametrize("name", CORRUPTIONS)


def made(images: Images, name: str, indices: Any = None, seed: int = 0) -> Images:
    indices = range(len(images)) if indices is None else indices
    return corrupt(images, name, STRONG[name], image_seeds(seed, name, 5, indices))


def shape_for(name: str, size: int) -> tuple[int, ...]:
    return (size, size) if CORRUPTIONS[name].takes_gray else (size, size, 3)


def test_functions_have_the_names_and_order_of_the_facts() -> None:
    assert list(corruption_facts()) == list(CORRUPTIONS)


@each_name
def test_every_parameter_has_limits(name: str) -> None:
    assert len(corruption_facts()[name].parameters) == len(CORRUPTIONS[name].limits)


@pytest.mark.parametrize("each", corrupted_sets().values(), ids=lambda each: each.name)
@pytest.mark.parametrize("size", [28, 64])
def test_every_data_set_and_corruption_works_at_every_severity(each: Any, size: int) -> None:
    images = textured(2, *registry.info(each.name).image_shape(size))
    for name in each.corruptions:
        for severity in SEVERITIES:
            seeds = image_seeds(3, name, severity, (0, 1))
            found = corrupt(images, name, each.parameters(name, severity), seeds)
            assert images.shape == found.shape
            assert np.uint8 == found.dtype
        assert not np.array_equal(images, found), f"{name} changes nothing"


@pytest.mark.parametrize("each", corrupted_sets().values(), ids=lambda each: each.name)
def test_the_strongest_augmentation_is_within_the_limits(each: Any) -> None:
    images = textured(1, *registry.info(each.name).image_shape(28))
    for name, strengths in each.corruptions.items():
        for share in (0, 0.37, 1):
            weak, strong = np.array(strengths.severities[0]), np.array(strengths.strongest)
            corrupt(images, name, weak + share * (strong - weak), [1])


@each_name
def test_an_image_depends_only_on_its_own_seed(name: str) -> None:
    images = textured(6, *shape_for(name, 40))
    together = made(images, name)
    order = np.array([4, 0, 5, 2])

    assert np.array_equal(together[order], made(images[order], name, order))
    for index in range(len(images)):
        assert np.array_equal(together[index], made(images[index : index + 1], name, [index])[0])


@pytest.mark.parametrize("name", [name for name, corruption in CORRUPTIONS.items() if corruption.random])
def test_another_seed_severity_index_or_corruption_gives_another_image(name: str) -> None:
    image = textured(1, 64, 64, 3)
    seeds = [(0, 5, 1, 0), (1, 5, 1, 0), (0, 6, 1, 0), (0, 5, 2, 0), (0, 5, 1, 1)]
    found = {corrupt(image, name, STRONG[name], [seed]).tobytes() for seed in seeds}
    assert len(seeds) == len(found)


def test_seeds_name_the_corruption_by_its_number() -> None:
    assert image_seeds(9, "characters", 2, np.array([5, 3])) == [(9, 18, 2, 5), (9, 18, 2, 3)]
    assert int is type(image_seeds(9, "characters", 2, np.array([5]))[0][3])


def test_every_process_computes_the_same_bytes() -> None:
    images = textured(4, 32, 32, 3)
    names = ["gaussian_noise", "defocus_blur", "gaussian_blur", "zoom_blur", "characters", "bubble"]
    here = [made(images[[index]], name, [index]) for name in names for index in range(4)]

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        tasks = [(images[[index]], name, [index]) for name in names for index in range(4)]
        there = list(pool.map(partial(_made_of), tasks))

    assert [image.tobytes() for image in here] == [image.tobytes() for image in there]


def _made_of(task: tuple[Images, str, list[int]]) -> Images:
    return made(*task)


@settings(max_examples=60)
@given(
    name=st.sampled_from(list(CORRUPTIONS)),
    height=st.integers(1, 60),
    width=st.integers(1, 60).filter(lambda width: width != 3),
    rgb=st.booleans(),
    n=st.integers(0, 3),
    seed=st.integers(0, 2**40),
)
def test_any_shape_and_number_of_images_is_accepted(
    name: str, height: int, width: int, rgb: bool, n: int, seed: int
) -> None:
    images = textured(n, height, width, 3) if rgb or not CORRUPTIONS[name].takes_gray else textured(n, height, width)
    before = images.copy()

    found = made(images, name, seed=seed)

    assert images.shape == found.shape
    assert np.uint8 == found.dtype
    assert np.array_equal(before, images)
    assert not np.shares_memory(images, found)


@each_name
def test_read_only_maps_are_read(name: str, tmp_path: Path) -> None:
    images = textured(2, *shape_for(name, 30))
    np.save(tmp_path / "images.npy", images)

    found = made(np.load(tmp_path / "images.npy", mmap_mode="r"), name)

    assert np.ndarray is type(found)
    assert np.array_equal(made(images, name), found)


@pytest.mark.parametrize("name", [*VOLUMES, "motion_blur", "zoom_blur", "defocus_blur", "bubble"])
def test_memory_is_limited_to_the_result_and_a_few_images(name: str) -> None:
    images = textured(100, 96, 96)
    made(images[:1], name)  # loads what it needs

    tracemalloc.start()
    found = made(images, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # An image of 9 KB has 37 KB as float32, and 74 KB as the counts of photons.
    assert peak < found.nbytes + 60 * images[0].nbytes


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_are_corrupted(name: str) -> None:
    volumes = textured(3, 28, 28, 28)

    found = made(volumes, name)

    assert volumes.shape == found.shape
    assert np.uint8 == found.dtype
    assert not np.array_equal(volumes, found)
    assert np.array_equal(found[1], made(volumes[1:2], name, [1])[0])


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in VOLUMES])
def test_corruptions_for_images_refuse_volumes(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} does not support volumes. These corruptions do: pixelate, "):
        made(textured(1, 28, 28, 28), name)


def test_volumes_are_accepted_by_corruptions_in_space_or_of_voxels() -> None:
    noises = ["gaussian_noise", "speckle_noise", "impulse_noise", "shot_noise"]
    tones = ["brightness_up", "brightness_down", "contrast_up", "contrast_down"]
    published = [name for name in VOLUMES if name not in OWN]
    assert published == ["pixelate", *noises, "gaussian_blur", *tones, "gamma_corr_up", "gamma_corr_down"]


def test_an_unknown_corruption_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown corruption 'motion'\..* Available: pixelate, .*, gamma_corr_down"):
        corrupt(textured(1, 28, 28), "motion", 1)
    with pytest.raises(ValueError, match="Did you mean 'pixelate'"):
        image_seeds(0, "pixelat", 1, [0])


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28)),
        np.zeros((2, 28, 28), dtype=np.int16),
        np.zeros((2, 28, 28), dtype=bool),
        np.zeros((2, 0, 28), dtype=np.uint8),
        [[1, 2], [3, 4]],
    ],
)
def test_other_dtypes_and_empty_images_are_refused(images: Any) -> None:
    with pytest.raises(ValueError, match=r"The images must be an array \(n, h, w\)"):
        corrupt(images, "pixelate", 0.5)


@pytest.mark.parametrize("shape", [(2, 28, 28, 1), (2, 28, 28, 4), (2, 1, 28, 28), (2, 3, 28, 28)])
def test_a_channel_axis_is_not_treated_as_spatial(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ValueError, match=r"one axis seems to have channels\. Pass gray images without it \(images\[\.\.\., 0\]\)"
    ):
        corrupt(np.zeros(shape, dtype=np.uint8), "gaussian_blur", 5)


@each_name
@pytest.mark.parametrize("channels", [3, 4])
def test_one_colour_image_without_a_batch_is_refused(name: str, channels: int) -> None:
    with pytest.raises(
        ValueError, match=r"one colour image \(h, w, [34]\), but a batch is needed\. Pass image\[None\]"
    ):
        made(np.zeros((28, 28, channels), dtype=np.uint8), name)


@pytest.mark.parametrize("shape", [(28, 28), (1, 4, 4, 4, 3)])
def test_one_image_without_a_batch_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"Pass a single image as image\[None\]"):
        corrupt(np.zeros(shape, dtype=np.uint8), "pixelate", 0.5)


@pytest.mark.parametrize("parameters", [(), (1, 2), "a", None, [[1]], [None], True, 1j])
def test_a_wrong_number_of_parameters_is_refused(parameters: Any) -> None:
    with pytest.raises(ValueError, match=r"Invalid parameters of pixelate: .* It needs a number for: factor\."):
        corrupt(textured(1, 28, 28), "pixelate", parameters)


@each_name
def test_parameters_out_of_range_are_refused(name: str) -> None:
    images = textured(1, *shape_for(name, 28))
    for place, (least, most) in enumerate(CORRUPTIONS[name].limits):
        for wrong in (least - 1, most + 1, float("nan"), float("inf")):
            numbers = [*STRONG[name]]
            numbers[place] = wrong
            with pytest.raises(ValueError, match=rf"{name}: the .* is .*\. It must be between .* and "):
                corrupt(images, name, numbers, [0])


@pytest.mark.parametrize("seeds", [[], [1], [1, 2, 3]])
def test_a_wrong_number_of_seeds_is_refused(seeds: list[int]) -> None:
    with pytest.raises(ValueError, match=f"one seed for each of 2 images, but {len(seeds)} were given"):
        corrupt(textured(2, 28, 28), "gaussian_noise", 0.1, seeds)


def test_negative_seeds_are_refused() -> None:
    for numbers in ((-1, 1, 0), (0, -1, 0), (0, 1, -1)):
        with pytest.raises(ValueError, match="at least 0"):
            image_seeds(numbers[0], "bubble", numbers[1], [numbers[2]])


def test_corruption_functions_can_be_pickled() -> None:
    for corruption in CORRUPTIONS.values():
        assert corruption == pickle.loads(pickle.dumps(corruption))
