"""What all tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import medmnist_np as mm


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    """Go back to the sandbox after a test that plays several people, each with a cache."""
    yield
    mm.configure()
