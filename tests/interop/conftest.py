"""Made-up data sets for the adapters, in one cache that no test changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from medmnist_np.data.arrays import fetch
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import fake_datasets

NAMES = ("breastmnist", "retinamnist", "chestmnist", "adrenalmnist3d")


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[DatasetInfo, ...]]:
    folder = tmp_path_factory.mktemp("complete")
    with fake_datasets(folder, *NAMES, n_samples={"train": 37, "val": 6, "test": 10}) as records:
        for record in records:
            fetch(record)
    return folder / "cache", records


@pytest.fixture
def fakes(complete: tuple[Path, tuple[DatasetInfo, ...]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The fakes in place of the sets; their cache folder."""
    cache, records = complete
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(cache))
    with registered(*records):
        yield cache
