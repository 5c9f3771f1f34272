"""Results of the programs, which all tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.compat.running import all_results
from tests.conftest import TEST_DATA


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each program did, by run."""
    base = tmp_path_factory.getbasetemp()
    # With several test processes, the folder above is that of the whole session.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "programs"
    return all_results(shared, Path(TEST_DATA) / "medmnist" if TEST_DATA else None)
