"""Real pairs of the Decathlon, where they are available."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import TEST_DATA


@pytest.fixture(scope="session")
def real_pairs() -> Path:
    if not TEST_DATA or not (Path(TEST_DATA) / "msd" / "hippocampus").is_dir():
        pytest.skip("MEDMNIST_NP_TEST_DATA is not set: it names a folder with pairs of the Decathlon")
    return Path(TEST_DATA) / "msd" / "hippocampus"
