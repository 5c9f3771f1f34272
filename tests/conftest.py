"""The sandbox of every test: its own cache and home, no proxy, no other machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests import audit as auditing

auditing.install()

# How long an example takes says more of the machine than of the code; a test that hangs is stopped by its timeout.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A shell's background job ignores SIGINT, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Read before the sandbox takes such variables away.
TEST_DATA = os.environ.get("MEDMNIST_NP_TEST_DATA")

STRAY = {
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NETRC",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
}


HOMES = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")


def pytest_configure(config: pytest.Config) -> None:
    """Have tests collected without the sets that somebody has on this machine: the sandbox is not on yet.

    It is not on either for fixtures of a module. Processes that tests start import this file too, and keep the sandbox
    of the test.
    """
    home = TemporaryDirectory(prefix="home-")
    config.add_cleanup(home.cleanup)
    os.environ.update(dict.fromkeys(HOMES, home.name))
    os.environ["MEDMNIST_NP_CACHE"] = str(Path(__file__).with_name("no cache"))
    os.environ.pop("MEDMNIST_NP_SHARED", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what Windows refuses: on Windows, and where its rules are imitated."""
    if os.name != "posix" or "windows_rules" in sys.modules:
        for item in items:
            if item.get_closest_marker("windows_refuses"):
                item.add_marker(pytest.mark.skip(reason="does what the file rules of Windows refuse"))


@pytest.fixture(autouse=True)
def sandbox(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the test's own, outside `tmp_path`, that holds ``cache`` (not made yet) and ``home``."""
    folder = tmp_path_factory.mktemp("sandbox")
    home = folder / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.upper() in STRAY or name.startswith(("MEDMNIST_NP_", "XDG_")):
            monkeypatch.delenv(name)
    for name in HOMES:
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(folder / "cache"))
    auditing.breaches.clear()
    yield folder
    assert auditing.breaches == [], "the test reached for another machine"


@pytest.fixture
def audit() -> Callable[[], AbstractContextManager[auditing.Recording]]:
    """``with audit() as seen: ...``, then ``seen.writes``, ``seen.network``, ``seen.locks`` and ``seen.opened``."""
    return auditing.record


@pytest.fixture(scope="session")
def real_archives() -> Path:
    """The folder of real MedMNIST archives."""
    if not TEST_DATA:
        pytest.skip("MEDMNIST_NP_TEST_DATA is not set: it names a folder whose medmnist/ holds official archives")
    folder = Path(TEST_DATA) / "medmnist"
    if not folder.is_dir():
        pytest.skip(f"MEDMNIST_NP_TEST_DATA has no folder medmnist: {folder}")
    return folder


@pytest.fixture(scope="session")
def real_root(real_archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``root=`` from which the real archives are adopted: arrays are written into it, not beside the originals."""
    root = tmp_path_factory.mktemp("real")
    for archive in real_archives.glob("*.npz"):
        (root / archive.name).symlink_to(archive)
    return root
