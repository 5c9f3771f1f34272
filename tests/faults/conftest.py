"""The fault table: ``pytest tests/faults --fault-table docs/faults.md`` writes what became of each row.

A row is one test, marked ``fault(row)``, whose docstring is the row: the fault, ``:``, a new line, what is expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from medmnist_np.testing import make_archive, make_arrays
from tests.fault_server import FaultServer
from tests.faults.lab import Fake, Lab, digest
from tests.faults.table import Outcomes

OPTION = "--fault-table"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, metavar="PATH", help="write a page with the outcome of each row of faults")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(row): the test of that row of the fault table")
    if page := config.getoption(OPTION, default=None):
        config.pluginmanager.register(Outcomes(page))


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Fake:
    folder = tmp_path_factory.mktemp("fake")
    record = make_archive(folder, "breastmnist", n_samples={"train": 1500, "val": 30, "test": 60})
    arrays = make_arrays(record)
    digests = {split: digest(*(arrays[f"{split}_{role}"] for role in ("images", "labels"))) for split in record.splits}
    return Fake(record, (folder / "breastmnist.npz").read_bytes(), digests)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def lab(
    tmp_path: Path, sandbox: Path, fake: Fake, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(tmp_path, sandbox / "cache", server, fake, monkeypatch, stack)
