"""A corruption with strengths for every set, where MedMNIST-C has none."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np.cli import main as program
from medmnist_np.corruptions import corrupt, image_seeds
from medmnist_np.registry import corruption_facts as module
from medmnist_np.registry.corruption_facts import corrupted_set, corruption_names, corruption_strengths
from medmnist_np.testing import fake_datasets

NAME = "gaussian_noise"
LINES = f"[corruption.{NAME}]\nseverity = [[0.1], [0.2], [0.3], [0.4], [0.5]]\n"


@pytest.fixture(autouse=True)
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file of facts give the corruption strengths for every set."""
    file = tmp_path / "facts.toml"
    file.write_text(module._FILE.read_text("utf-8").replace(f"[corruption.{NAME}]\n", LINES), "utf-8")
    monkeypatch.setattr(module, "_FILE", file)
    for name in ("_tables", "corruption_facts", "corrupted_sets"):
        # What the functions have cached stays with the originals, which other tests use.
        monkeypatch.setattr(module, name, cache(getattr(module, name).__wrapped__))


def test_medmnist_c_does_not_have_the_corruption_for_the_sets_of_these_tests() -> None:
    assert NAME not in corrupted_set("octmnist").corruptions


@pytest.mark.parametrize("name", ["octmnist", "organmnist3d"])
def test_a_data_set_is_corrupted_with_these_strengths(tmp_path: Path, name: str) -> None:
    with fake_datasets(tmp_path, name, n_samples={"test": 4}):
        dataset = mm.Dataset(name, "test")
        made = dataset.corrupt(NAME, severity=3)
        expected = corrupt(np.asarray(dataset.images), NAME, (0.3,), image_seeds(0, NAME, 3, range(4)))
        assert np.array_equal(np.asarray(made.images), expected)


def test_the_augmentation_takes_the_corruption_when_it_is_named() -> None:
    ((name, strengths),) = mm.augment("octmnist", [NAME]).strengths
    assert name == NAME
    assert strengths.strongest == (0.5,)


def test_the_augmentation_of_the_publication_stays_as_published() -> None:
    assert [name for name, _ in mm.augment("octmnist").strengths] == list(corrupted_set("octmnist").corruptions)


def test_the_command_stores_the_corruption(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "octmnist", n_samples={"test": 4}):
        arguments = ["corrupt", "octmnist", "--kind", NAME, "--severity", "2", "--workers", "1"]
        result = CliRunner().invoke(program, arguments)
        assert result.exit_code == 0, result.output
        assert "gaussian_noise_2" in result.output


def test_the_corruption_is_offered_after_those_of_the_publication() -> None:
    published = tuple(corrupted_set("octmnist").corruptions)
    assert corruption_names("octmnist")[: len(published) + 1] == (*published, NAME)


def test_published_strengths_come_first() -> None:
    name = next(name for name, each in module.corrupted_sets().items() if NAME in each.corruptions)
    assert corruption_strengths(name, NAME) == corrupted_set(name).corruptions[NAME]


def test_an_empty_list_of_corruptions_is_refused() -> None:
    with pytest.raises(ValueError, match="No corruptions given"):
        mm.augment("octmnist", [])
