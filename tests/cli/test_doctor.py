"""``doctor``: what it finds, that it is safe to show, and that it neither hangs nor writes."""

from __future__ import annotations

import json
import re
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from medmnist_np import __version__
from medmnist_np.cli import doctor, main
from medmnist_np.cli.doctor import reach, servers
from medmnist_np.data.arrays import fetch
from medmnist_np.testing import fake_datasets, serve

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], catch_exceptions=False)


def tables(*arguments: str) -> dict[str, Any]:
    return json.loads(run("--json", *arguments).stdout)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 20, "val": 4, "test": 6}):
        fetch("breastmnist")
        monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "cache"))
        yield tmp_path / "cache"


def test_a_sound_machine_has_no_problem(cache: Path) -> None:
    result = run("--offline")
    assert result.exit_code == 0
    assert result.stdout.endswith("No problems found. Servers were not asked.\n")
    assert f"medmnist-np  {__version__}\n" in result.stdout


def test_servers_that_were_not_asked_are_no_list_of_servers(cache: Path) -> None:
    assert tables("--offline")["network"] is None


def test_what_is_in_the_cache_is_counted(cache: Path) -> None:
    found = tables("--offline")["cache"]
    assert found["writable"] == "yes"
    assert re.fullmatch(r"1, [0-9.]+ kB", found["arrays"])


def test_offline_no_socket_is_opened_and_nothing_is_written(cache: Path, audit) -> None:
    before = sorted(cache.rglob("*"))
    with audit() as seen:
        result = run("--offline")
    assert result.exit_code == 0
    assert seen.network == []
    assert before == sorted(cache.rglob("*"))
    assert "servers  not asked" in result.stdout


def test_the_variable_for_offline_is_honoured(cache: Path, monkeypatch: pytest.MonkeyPatch, audit) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with audit() as seen:
        assert run().exit_code == 0
    assert seen.network == []


def test_a_missing_cache_is_not_a_problem_and_is_not_created(sandbox: Path) -> None:
    assert run("--offline").exit_code == 0
    assert not (sandbox / "cache").exists()


def test_a_cache_path_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("--offline", "--root", str(tmp_path / "file" / "cache"))
    assert result.exit_code == 1
    assert f"The folder {tmp_path / 'file' / 'cache'} does not exist" in result.stdout


def test_damaged_arrays_are_a_problem(cache: Path) -> None:
    folder = next((cache / "arrays" / "medmnist").iterdir())
    (folder / "test_images.npy").write_bytes(b"short")
    result = run("--offline")
    assert result.exit_code == 1
    assert re.search(r"Problem 1: medmnist/breastmnist_28-\w+ is damaged: .*5 bytes", result.stdout)
    assert "`medmnist-np clean breastmnist_28`, then download it again." in result.stdout


def test_a_shared_cache_that_is_missing_is_a_problem(cache: Path) -> None:
    result = run("--offline", "--shared", str(cache / "nowhere"))
    assert result.exit_code == 1
    assert "nowhere does not exist." in result.stdout


def test_unfinished_downloads_are_counted(cache: Path) -> None:
    (cache / "downloads").mkdir(exist_ok=True)
    (cache / "downloads" / "pathmnist.npz.part").write_bytes(b"half")
    assert tables("--offline")["cache"]["unfinished"] == "1, 4 bytes"


def test_an_invalid_environment_variable_is_reported_as_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", "nonsense")
    result = run()
    assert result.exit_code == 1
    assert "Problem 1: MEDMNIST_NP_MIRRORS must list URLs" in result.stdout
    assert "numpy" in result.stdout


def test_a_dependency_that_cannot_be_imported_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    result = run("--offline")
    assert result.exit_code == 1
    assert "Problem 1: scipy cannot be imported: import of scipy halted" in result.stdout
    assert "pip install --upgrade scipy" in result.stdout


def test_arrays_of_a_newer_version_are_a_problem_and_not_damaged(cache: Path) -> None:
    manifest = next((cache / "arrays" / "medmnist").iterdir()) / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 999}))
    result = run("--offline")
    assert result.exit_code == 1
    assert "was written by a newer version of medmnist-np" in result.stdout
    assert "medmnist-np clean" not in result.stdout


def test_the_packages_are_those_that_this_installation_requires() -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[\[>=]", requirement)[0] for requirement in project["dependencies"]}
    assert required <= set(tables("--offline")["packages"])


def test_packages_that_only_developers_need_are_not_listed() -> None:
    assert {"pytest", "ruff", "sphinx"}.isdisjoint(tables("--offline")["packages"])


# What others may see


def test_nothing_private_is_printed(cache: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy.lab.example:3128")
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", "https://token@data.lab.example/x https://other.lab.example")
    monkeypatch.setenv("MEDMNIST_NP_SHARED", str(sandbox / "home" / "shared"))
    for text in (run("--offline").stdout, run("--offline", "--json").stdout):
        assert re.findall(r"password|token|lab\.example|" + re.escape(str(sandbox / "home")), text) == []
        assert str(Path("~/shared")) in text
        assert "2 address(es)" in text
    assert "HTTPS_PROXY" in run("--offline").stdout


def test_mirrors_and_proxies_are_not_named_in_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://localhost:{free_port()}/x.npz"
    assert reach({"mirror 1": url}) == {"mirror 1": (False, "not reached (ConnectionError)")}
    monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@localhost:{free_port()}")
    answers = reach({"data.example": "http://data.example/x.npz"})
    assert answers == {"data.example": (False, "not reached (ProxyError)")}


# The network


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_server_is_asked_for_one_byte(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"x" * 100)
    with serve(tmp_path) as url:
        works, answer = reach({"here": f"{url}/x.npz"})["here"]
    assert works is True
    assert re.fullmatch(r"answers in \d+\.\d\d s", answer)


def test_a_server_without_the_file_is_not_reached_but_a_mirror_may_lack_it(tmp_path: Path) -> None:
    with serve(tmp_path) as url:
        answers = reach({"here": f"{url}/x.npz", "mirror 1": f"{url}/x.npz"})
    assert [works for works, _ in answers.values()] == [False, True]
    assert all(answer.endswith("s: HTTP 404 (there is no such file)") for _, answer in answers.values())


def test_a_server_that_does_not_answer_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LONGEST_S", 0.5)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        answers = reach({"mute": f"http://127.0.0.1:{mute.getsockname()[1]}/x.npz"})
    assert answers == {"mute": (False, "no answer within 0 s")}


def test_servers_that_were_not_reached_are_problems(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.npz").write_bytes(b"x")
    with serve(tmp_path) as url:
        wanted = {"here": f"{url}/x.npz", "gone": f"http://127.0.0.1:{free_port()}/x.npz"}
        monkeypatch.setattr(doctor, "servers", lambda _: wanted)
        result = run()
    assert result.exit_code == 1
    assert re.search(r"  here  answers in \d\.\d\d s\n  gone  no answer \(.*refused", result.stdout)
    assert "Problem 1: Downloads from gone are not possible." in result.stdout
    assert "Check the network" in result.stdout


def test_mirrors_are_asked_first_then_each_server_of_published_sets_once() -> None:
    (mirror, url), *others = servers(["https://data.example/medmnist/"]).items()
    assert (mirror, url) == ("mirror 1", "https://data.example/medmnist/breastmnist.npz")
    assert "zenodo.org" in dict(others)
    assert all(name in url for name, url in others)


def test_servers_of_sets_that_users_registered_are_not_asked(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 20, "val": 4, "test": 6}):
        assert not any("127.0.0.1" in url for url in servers([]).values())
