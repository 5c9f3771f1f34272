"""The real RetinaMNIST, exported as PNG files, built anew, and fetched by a colleague who has the record alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np.builder import Built, build
from medmnist_np.data.registration import register
from medmnist_np.testing import serve
from tests.builder.pictures import table

SPLITS = ("train", "val", "test")


@pytest.fixture
def rebuilt(real_root: Path, tmp_path: Path) -> Built:
    rows = []
    for split in SPLITS:
        images, labels = mm.load("retinamnist", split, root=real_root, download=False)
        for number, (image, label) in enumerate(zip(images, labels[:, 0], strict=True)):
            name = f"{split}-{number:04}.png"
            Image.fromarray(np.asarray(image)).save(tmp_path / name)
            rows.append([name, label, split])
    return build(
        table(tmp_path / "labels.csv", ["image", "label", "split"], rows),
        name="retina-again",
        task="ordinal-regression",
        license="CC BY 4.0",
        output=tmp_path / "out",
    )


def test_a_set_that_is_built_of_exported_images_equals_the_original(rebuilt: Built, real_root: Path) -> None:
    original = mm.info("retinamnist")
    assert original.n_samples == rebuilt.record.n_samples
    assert original.task == rebuilt.record.task
    assert original.class_names == rebuilt.record.class_names
    assert original.n_channels == rebuilt.record.n_channels
    for split in SPLITS:
        was, now = mm.load("retinamnist", split, root=real_root), mm.load("retina-again", split, download=False)
        assert np.array_equal(was.images, now.images)
        assert np.array_equal(was.labels, now.labels)
        scores = np.random.default_rng(0).random((len(was.labels), 5))
        expected = mm.Evaluator("retinamnist", split, root=real_root).evaluate(scores)
        assert tuple(expected) == tuple(mm.Evaluator("retina-again", split).evaluate(scores))


def test_a_colleague_fetches_it_by_its_record_alone(rebuilt: Built, tmp_path: Path) -> None:
    expected = np.array(mm.load("retina-again", "test").images)
    mm.configure(cache=tmp_path / "colleague")
    with serve(rebuilt.folder) as base_url:
        register(f"{base_url}/retina-again.toml")
        folder = mm.fetch("retina-again")
    assert np.array_equal(expected, mm.load("retina-again", "test", download=False).images)
    assert folder.is_relative_to(tmp_path / "colleague")


def test_the_record_may_come_by_mail_and_the_archives_from_a_server(rebuilt: Built, tmp_path: Path) -> None:
    shutil.copy(rebuilt.folder / "retina-again.toml", tmp_path / "mailed.toml")
    mm.configure(cache=tmp_path / "colleague")
    with serve(rebuilt.folder) as base_url:
        register(tmp_path / "mailed.toml", base_url=base_url)
        assert mm.load("retina-again", "test", partial=True).images.shape == (400, 28, 28, 3)
