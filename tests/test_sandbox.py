"""The sandbox is on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import audit as auditing
from tests.audit import OutsideError, Recording
from tests.fault_server import FaultServer

Audit = Callable[[], AbstractContextManager[Recording]]


@pytest.fixture
def forgiven(sandbox: Path) -> object:
    """Lets a test reach outside on purpose."""
    yield
    auditing.breaches.clear()


@pytest.mark.usefixtures("forgiven")
@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_another_machine_cannot_be_reached(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as outgoing, pytest.raises(OutsideError, match="Tests use loopback only"):
        outgoing.connect(address)
    assert [f"connect to {address}"] == auditing.breaches


@pytest.mark.usefixtures("forgiven")
def test_no_datagram_leaves_the_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as outgoing, pytest.raises(OutsideError):
        outgoing.sendto(b"hello", ("192.0.2.1", 53))


@pytest.mark.usefixtures("forgiven")
def test_no_name_is_looked_up() -> None:
    with pytest.raises(OutsideError, match=r"look up 'zenodo\.org'"):
        socket.create_connection(("zenodo.org", 443), timeout=1)


def test_loopback_can_be_reached() -> None:
    with FaultServer() as server, socket.create_connection(("localhost", int(server.url.rpartition(":")[2]))):
        assert auditing.breaches == []


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_unix_sockets_can_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a Unix socket must be short
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as outgoing:
        listening.bind("s")
        listening.listen()
        outgoing.connect("s")


def test_home_and_cache_are_the_tests_own(sandbox: Path) -> None:
    assert sandbox / "home" == Path.home() == Path("~").expanduser()
    assert str(sandbox / "cache") == os.environ["MEDMNIST_NP_CACHE"]
    assert not (sandbox / "cache").exists()


def test_no_variable_of_the_user_gets_in() -> None:
    ours = {name for name in os.environ if name.startswith("MEDMNIST_NP_")}
    proxies = {name for name in os.environ if name.lower().endswith("_proxy")}
    assert ours == {"MEDMNIST_NP_CACHE"}
    assert proxies == set()


def test_a_child_process_has_the_same_home(sandbox: Path) -> None:
    code = "import pathlib; print(pathlib.Path.home())"
    assert str(sandbox / "home") == subprocess.check_output([sys.executable, "-c", code], text=True).strip()  # noqa: S603


def test_audit_sees_each_way_of_writing(tmp_path: Path, audit: Audit) -> None:
    path = tmp_path / "x"
    with audit() as seen:
        path.write_bytes(b"1")
        with path.open("r+b"), path.open("ab"):
            pass
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT))
        path.chmod(0o600)
        path.rename(tmp_path / "y")
        (tmp_path / "y").unlink()
        (tmp_path / "folder").mkdir()
    changes = ["os.chmod", "os.rename", "os.remove", "os.mkdir"]
    assert ["open"] * 4 + changes == [write.partition(" ")[0] for write in seen.writes]
    assert [str(path)] * 4 == seen.opened_for_writing


def test_audit_does_not_take_reading_for_writing(tmp_path: Path, audit: Audit) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1")
    with audit() as seen:
        path.read_bytes()
        os.close(os.open(path, os.O_RDONLY))
        os.close(os.open(os.devnull, os.O_RDWR))
        path.stat()
    assert seen.writes == []
    assert [str(path)] * 2 + [os.devnull] == seen.opened
    assert seen.locks == []
    assert seen.network == []


def test_audit_sees_sockets_and_locks(tmp_path: Path, audit: Audit) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / "x").open("wb") as file, audit() as seen:
        fcntl.flock(file, fcntl.LOCK_EX)
        socket.socket().close()
    assert seen.locks == ["fcntl.flock"]
    assert len(seen.network) == 1


def test_audit_ends_with_its_block(tmp_path: Path, audit: Audit) -> None:
    with audit() as seen:
        pass
    (tmp_path / "x").write_bytes(b"1")
    assert seen.events == []


def test_real_archives_are_there_if_they_were_announced(real_archives: Path) -> None:
    assert sorted(real_archives.glob("*.npz"))
