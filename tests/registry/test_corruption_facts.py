"""Every fact on MedMNIST-C, walked; what the corruptions do is tested in tests/images/corruptions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from medmnist_np import registry
from medmnist_np.errors import RecordError, UnknownDatasetError
from medmnist_np.registry.corruption_facts import (
    SEVERITIES,
    CorruptedSet,
    CorruptionFacts,
    Strengths,
    corrupted_set,
    corrupted_sets,
    corruption_facts,
)

TABLES = tomllib.loads((Path(registry.__file__).parent / "medmnist_c.toml").read_text("utf-8"))
SETS = list(corrupted_sets().values())
PAIRS = [(each, name) for each in SETS for name in each.corruptions]

each_set = pytest.mark.parametrize("each", SETS, ids=lambda each: each.name)
each_corruption = pytest.mark.parametrize("facts", corruption_facts().values(), ids=lambda facts: facts.name)
each_pair = pytest.mark.parametrize(("each", "name"), PAIRS, ids=lambda value: getattr(value, "name", value))


def test_medmnist_c_has_131_corruptions_of_twelve_sets() -> None:
    assert len(SETS) == 12
    assert len(PAIRS) == 131


def test_every_kind_is_used() -> None:
    assert {facts.kind for facts in corruption_facts().values()} == set(TABLES["kind"])


def test_a_corruption_that_medmnist_c_does_not_have_has_strengths_for_every_set() -> None:
    published = {name for _, name in PAIRS}
    assert {
        name for name, facts in corruption_facts().items() if facts.severities
    } == corruption_facts().keys() - published


def test_the_sets_are_those_of_images_with_their_colours() -> None:
    is_rgb = {record.name: record.n_channels == 3 for record in registry.datasets(ndim=2)}
    assert is_rgb == {name: table["rgb"] for name, table in TABLES["dataset"].items()}


def test_numbers_never_change() -> None:
    published = {
        "pixelate": 0,
        "jpeg_compression": 1,
        "gaussian_noise": 2,
        "speckle_noise": 3,
        "impulse_noise": 4,
        "shot_noise": 5,
        "defocus_blur": 6,
        "motion_blur": 7,
        "zoom_blur": 8,
        "gaussian_blur": 9,
        "brightness_up": 10,
        "brightness_down": 11,
        "contrast_up": 12,
        "contrast_down": 13,
        "saturate": 14,
        "stain_deposit": 15,
        "bubble": 16,
        "black_corner": 17,
        "characters": 18,
        "gamma_corr_up": 19,
        "gamma_corr_down": 20,
    }
    assert published.items() <= {name: facts.number for name, facts in corruption_facts().items()}.items()


def test_numbers_are_unique() -> None:
    numbers = [facts.number for facts in corruption_facts().values()]
    assert numbers == list(range(len(numbers)))


@each_corruption
def test_every_corruption_is_explained_and_used(facts: CorruptionFacts) -> None:
    assert facts.group in {"digital", "noise", "blur", "color", "task-specific"}
    assert [text for text in (facts.definition, *facts.parameters) if not text or text != text.strip()] == []
    assert facts.number > 20 or any(name == facts.name for _, name in PAIRS)  # to 20 they are those of MedMNIST-C


@each_pair
def test_every_severity_has_the_numbers_that_are_explained(each: CorruptedSet, name: str) -> None:
    strengths, table = each.corruptions[name], TABLES["dataset"][each.name]["corruption"][name]
    assert [tuple(numbers) for numbers in table["severity"][:5]] == list(strengths.severities)
    assert tuple(table["severity"][-1]) == strengths.strongest
    for severity in SEVERITIES:
        assert len(corruption_facts()[name].parameters) == len(each.parameters(name, severity))


@each_pair
def test_severities_grow_in_one_direction_but_where_it_is_noted(each: CorruptedSet, name: str) -> None:
    severities = [*each.corruptions[name].severities, each.corruptions[name].strongest]
    first = [numbers[1] if name == "zoom_blur" else numbers[0] for numbers in severities]
    monotonic = first in (sorted(first), sorted(first, reverse=True))
    assert monotonic == ((each.name, name) != ("dermamnist", "black_corner"))


@each_pair
def test_weak_and_strong_names_lie_on_their_side_of_no_change(each: CorruptedSet, name: str) -> None:
    first = [numbers[0] for numbers in each.corruptions[name].severities]
    if name.endswith("_up"):
        assert min(first) > 1
    if name.endswith("_down"):
        assert max(first) < 1


def test_only_three_ranges_of_augmentation_go_beyond_severity_5() -> None:
    beyond = [
        (each.name, name) for each, name in PAIRS if each.corruptions[name].severities[-1] != strongest(each, name)
    ]
    assert beyond == [
        ("retinamnist", "defocus_blur"),
        ("chestmnist", "gaussian_blur"),
        ("pneumoniamnist", "gaussian_blur"),
    ]


def strongest(each: CorruptedSet, name: str) -> tuple[float, ...]:
    return each.corruptions[name].strongest


@each_set
def test_counts_are_the_published_ones(each: CorruptedSet) -> None:
    table = TABLES["dataset"][each.name]
    assert table["n_corruptions"] == len(each.corruptions)
    assert set(table) <= {"rgb", "n_corruptions", "url", "md5", "alexnet_clean_error", "corruption"}


@each_set
def test_reference_errors_are_shares(each: CorruptedSet) -> None:
    assert 0 < each.reference_clean_error < 1
    assert TABLES["dataset"][each.name]["alexnet_clean_error"] == each.reference_clean_error


def test_two_reference_denominators_are_negative() -> None:
    negative = [
        (each.name, name) for each, name in PAIRS if each.corruptions[name].reference_error < each.reference_clean_error
    ]
    assert negative == [("pneumoniamnist", "contrast_up"), ("pneumoniamnist", "gamma_corr_up")]


def test_archives_are_as_published() -> None:
    stated = {name: table["url"] for name, table in TABLES["dataset"].items() if "url" in table}
    assert stated == {name: corrupted_set(name).url for name in stated}
    assert [each.name for each in SETS if each.url is None] == ["tissuemnist"]
    assert [each.name for each in SETS if each.digest is None] == ["tissuemnist", "chestmnist"]
    digests = [each.digest for each in SETS if each.digest is not None]
    assert len(digests) == len(set(digests)) == 10


@each_set
def test_a_set_is_found_by_any_spelling_of_its_name(each: CorruptedSet) -> None:
    assert each is corrupted_set(f"{each.name.upper()}_64")


def test_a_corruption_that_a_set_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(
        ValueError, match=r"does not have 'gaussian_noise' for octmnist.* Available: pixelate, .*, contrast_down\."
    ):
        corrupted_set("octmnist").parameters("gaussian_noise", 1)
    with pytest.raises(ValueError, match="Did you mean 'pixelate'"):
        corrupted_set("octmnist").parameters("pixelated", 1)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5, True, "3", None])
def test_another_severity_is_refused(severity: object) -> None:
    with pytest.raises(ValueError, match=r"Invalid severity: .* from 1 \(weakest\) to 5 \(strongest\)"):
        corrupted_set("octmnist").parameters("pixelate", severity)  # type: ignore[arg-type]


def test_a_set_of_volumes_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"no corruptions for organmnist3d\. It has corruptions for pathmnist, .*, organsmnist"
    ):
        corrupted_set("organmnist3d")
    with pytest.raises(UnknownDatasetError, match="Did you mean 'dermamnist'"):
        corrupted_set("dermanist")


def test_records_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(RecordError, match="five severities"):
        Strengths(((1,),) * 4, (1,), 0.5)
    with pytest.raises(RecordError, match="equally many numbers"):
        Strengths(((1,), (1,), (1,), (1,), (1, 2)), (1,), 0.5)
    with pytest.raises(RecordError, match="between 0 and 1"):
        Strengths(((1,),) * 5, (1,), 1.5)
    with pytest.raises(RecordError, match="at least one corruption"):
        CorruptedSet("octmnist", {}, 0.5, None, None)
    with pytest.raises(RecordError, match="32 lower-case hex digits"):
        CorruptedSet("octmnist", corrupted_set("octmnist").corruptions, 0.5, None, "md5:12")
