"""Caches for the tests of several commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from medmnist_np.builder import build
from medmnist_np.data.arrays import fetch
from medmnist_np.testing import fake_datasets
from tests.cli.caches import FEW


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """A cache with two sets, a kept archive and an unfinished download."""
    with fake_datasets(tmp_path, "breastmnist", "pathmnist", n_samples=FEW):
        fetch("breastmnist", keep_archive=True)
        fetch("pathmnist")
        (tmp_path / "cache" / "downloads" / "pathmnist.npz.part").write_bytes(b"half")
        yield tmp_path / "cache"


@pytest.fixture
def own(sandbox: Path) -> Path:
    """A cache with a set of one's own; another one was only begun."""
    images = np.random.default_rng(0).integers(256, size=(20, 28, 28), dtype=np.uint8)
    build(name="moles", images=images, labels=[0, 1] * 10)
    (sandbox / "cache" / "built" / "begun" / "unfinished").mkdir(parents=True)
    (sandbox / "cache" / "built" / "begun" / "unfinished" / "0.npz").write_bytes(b"half")
    return sandbox / "cache"
