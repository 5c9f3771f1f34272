"""Rows 31 to 35: the user's home, an absent network, proxies, certificates and mirrors."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

import medmnist_np as mm
from medmnist_np.errors import DownloadError, OfflineError
from tests.fault_server import Drop, FaultServer, Status
from tests.faults.lab import K, Lab
from tests.faults.secure import secured, trust


def nobody_there() -> str:
    """Return the address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def proxy_that_answers(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one answer to every connection; yield the address and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()

        def serve() -> None:
            while True:
                connection, _ = listening.accept()
                with connection:
                    request = connection.recv(65536)
                    if not request:
                        return
                    asked.append(request)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{address[1]}", asked
        finally:
            socket.create_connection(address).close()
            thread.join()


@pytest.mark.fault(31)
@pytest.mark.parametrize("locale", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=["C", "C, ASCII only"])
def test_a_home_with_a_name_of_its_own(lab: Lab, tmp_path: Path, locale: dict[str, str]) -> None:
    """`LC_ALL=C`, spaces, non-ASCII home:
    works
    """
    if sys.platform == "win32":
        pytest.skip("Windows has no LC_ALL")
    lab.monkeypatch.delenv("MEDMNIST_NP_CACHE")
    folder = tmp_path / "ein  Haus 家 ñandú's"
    folder.mkdir()
    environment = {"LC_ALL": "C", "LANG": "C", "HOME": str(folder)} | locale
    for command in (["fetch", "breastmnist"], ["verify"], ["cache"]):
        child = lab.program(*command, env=environment)
        assert child.returncode == 0
        assert child.stderr == ""
        assert "breastmnist" in child.stdout
    child = lab.run("load", env=environment)
    assert child.stdout.split() == [lab.fake.digests["test"]]
    assert child.stderr == ""
    assert [path.is_relative_to(folder) for path in tmp_path.rglob("test_images.npy")] == [True]
    assert len(lab.file.requests) == 1


@pytest.mark.fault(32)
def test_no_network(lab: Lab, audit) -> None:
    """offline:
    no socket is opened; the error names the missing data
    """
    lab.monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with audit() as seen:
        message = lab.fails(
            OfflineError,
            "breastmnist.npz is not on this machine",
            f"{lab.cache / 'arrays'}",
            "MEDMNIST_NP_OFFLINE is set, so nothing was downloaded",
            "`medmnist-np import FILE`",
        )
        for arguments in ({"splits": ["test"]}, {"labels_only": True}):
            with pytest.raises(OfflineError):
                mm.fetch("breastmnist", **arguments)
        with pytest.raises(OfflineError):
            mm.load("breastmnist", partial=True)
    assert seen.network == []
    child = lab.program("fetch", "breastmnist", "--offline", env={"MEDMNIST_NP_OFFLINE": ""})
    assert child.returncode == 1
    assert message.splitlines()[0] in child.stderr
    assert lab.server.requests == []

    lab.monkeypatch.delenv("MEDMNIST_NP_OFFLINE")
    mm.fetch("breastmnist")
    lab.monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with audit() as seen:
        assert lab.loads_what_is_right()
    assert seen.network == []


@pytest.mark.fault(33)
def test_a_proxy(lab: Lab) -> None:
    """proxy variables, proxy 407, dead proxy:
    honoured; a clear error
    """
    lab.be_patient(tries=2, connect=5, read=5, first_wait=0.02)
    direct = lab.archive.url
    lab.change(url="http://data.invalid/breastmnist.npz")  # a name that only a proxy could look up
    lab.monkeypatch.setenv("HTTP_PROXY", dead := nobody_there())
    lab.fails(DownloadError, "http://data.invalid/breastmnist.npz: no answer", "HTTPS_PROXY", "given up after 2 tries")
    assert dead

    lab.monkeypatch.setenv("HTTP_PROXY", lab.server.url)
    lab.file.plan(then=Status(407, {"Proxy-Authenticate": "Basic"}))
    lab.fails(DownloadError, "HTTP 407 (the proxy wants a login: put it into HTTPS_PROXY or HTTP_PROXY)")
    assert len(lab.file.requests) == 1

    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with proxy_that_answers(refusal) as (address, asked):
        lab.monkeypatch.setenv("HTTPS_PROXY", address)
        lab.change(url="https://data.invalid/breastmnist.npz")
        lab.fails(DownloadError, "HTTP 407 (the proxy wants a login: put it into HTTPS_PROXY or HTTP_PROXY)")
    assert [request.partition(b" HTTP")[0] for request in asked] == [b"CONNECT data.invalid:443"]

    lab.change(url="http://data.invalid/breastmnist.npz")
    lab.file.plan(Drop(after=K))
    assert lab.loads_what_is_right()
    assert {request.path for request in lab.file.requests} == {"http://data.invalid/breastmnist.npz"}
    assert lab.ranges[1:] == [None, f"bytes={K}-"]

    lab.change(url=direct)
    lab.monkeypatch.setenv("HTTP_PROXY", dead)
    lab.monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    lab.monkeypatch.setenv("MEDMNIST_NP_CACHE", str(lab.folder / "another"))
    assert lab.loads_what_is_right()


@pytest.mark.fault(34)
def test_a_certificate(lab: Lab, tmp_path: Path) -> None:
    """self-signed or wrong-host certificate; own CA bundle:
    refused without fallback; own CA works
    """
    authority = trustme.CA()
    with FaultServer(secured(authority)) as server:
        file = server.file("breastmnist.npz", lab.fake.data)
        lab.change(url=file.url)
        lab.fails(DownloadError, "its certificate was refused", "set REQUESTS_CA_BUNDLE to its file")
        trust(authority, tmp_path, lab.monkeypatch)
        with FaultServer(secured(authority, "example.org")) as other:
            lab.change(url=other.file("breastmnist.npz", lab.fake.data).url)
            lab.fails(DownloadError, "its certificate was refused")
            assert other.requests == []
        assert server.requests == []
        lab.change(url=file.url)
        file.plan(Drop(after=K))
        assert lab.loads_what_is_right()
        assert [request.range for request in file.requests] == [None, f"bytes={K}-"]
    assert lab.server.requests == []  # the same file without encryption, which nobody asked for


@pytest.mark.fault(35)
@pytest.mark.parametrize("configured", [False, True], ids=["variable", "configure()"])
def test_a_mirror_that_dies(lab: Lab, configured: bool) -> None:
    """first mirror dead, second good:
    the same part is resumed from the second mirror
    """
    lab.be_patient(tries=2, connect=5, read=5, first_wait=0.02)
    dying = lab.server.file("dying/breastmnist.npz", lab.fake.data).plan(Drop(after=K), then=Drop(after=0))
    good = lab.server.file("good/breastmnist.npz", lab.fake.data).plan(Drop(after=K))
    mirrors = [nobody_there(), f"{lab.server.url}/dying/", f"{lab.server.url}/good"]
    if configured:
        mm.configure(mirrors=mirrors)
        lab.stack.callback(mm.configure)
    else:
        lab.monkeypatch.setenv("MEDMNIST_NP_MIRRORS", " ".join(mirrors))
    assert lab.loads_what_is_right()
    assert [request.range for request in dying.requests] == [None, *[f"bytes={K}-"] * 2]
    assert [request.range for request in good.requests] == [f"bytes={K}-", f"bytes={2 * K}-"]
    assert dying.body_bytes + good.body_bytes == lab.size
    assert lab.file.requests == []  # the official server was not needed
