"""Where things lie, from the environment, the call and configure()."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from medmnist_np._text import redacted
from medmnist_np.cache import settings
from medmnist_np.cache.settings import Settings
from medmnist_np.errors import CacheError, NotCachedError
from tests.test_files import in_child, posix


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    yield
    settings.configure()


def test_the_cache_is_where_the_variable_says(sandbox: Path) -> None:
    cache = sandbox / "cache"
    assert Settings(cache, (cache,)) == settings.current()
    assert not cache.exists()


@pytest.mark.parametrize("text", ["", "   "])
def test_without_the_variable_the_cache_is_that_of_the_platform(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_CACHE", text)
    assert Path(platformdirs.user_cache_dir("medmnist-np")) == settings.current().cache


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.current()
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path))
    assert tmp_path == settings.current().cache


def test_a_tilde_and_a_relative_path_are_expanded(
    sandbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_CACHE", "~/cache")
    assert sandbox / "home" / "cache" == settings.current().cache
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert tmp_path / "here" == settings.current("here").cache


@pytest.mark.parametrize("path", ["$HOME/cache", "${HOME}/cache"])
def test_a_variable_in_a_path_of_the_environment_is_expanded(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_CACHE", path)
    monkeypatch.setenv("MEDMNIST_NP_SHARED", path)
    assert [sandbox / "home" / "cache"] * 2 == list(settings.current().searched)


def test_a_folder_that_the_call_names_is_that_one(tmp_path: Path) -> None:
    folder = tmp_path / "$HOME"
    folder.mkdir()
    assert folder == settings.current(folder).cache
    settings.configure(cache=folder)
    assert folder == settings.current().cache


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such variable")
def test_a_relative_cache_home_is_ignored(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDMNIST_NP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "here/cache")
    assert sandbox / "home" / ".cache" / "medmnist-np" == settings.current().cache


def test_the_root_of_a_call_takes_the_place_of_the_cache(tmp_path: Path, sandbox: Path) -> None:
    found = settings.current(tmp_path)
    assert tmp_path == found.cache
    assert (tmp_path,) == found.searched
    assert tmp_path == found.root
    assert (tmp_path,) == found.archive_folders


def test_a_root_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(NotCachedError, match=f"The folder {tmp_path / 'new'} does not exist"):
        settings.current(tmp_path / "new")


def test_a_root_that_does_not_exist_is_accepted_where_it_may_be_made(tmp_path: Path) -> None:
    assert tmp_path / "new" == settings.current(tmp_path / "new", make=True).cache
    assert not (tmp_path / "new").exists()


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="is not a folder"):
        settings.current(tmp_path / "file", make=True)


@posix
def test_a_root_that_cannot_be_written_to_is_only_read(tmp_path: Path, sandbox: Path) -> None:
    tmp_path.chmod(0o555)
    found = in_child(settings.current, tmp_path, rights=False)
    tmp_path.chmod(0o755)
    expected = (sandbox / "cache", (tmp_path,), tmp_path)
    assert expected == (found.cache, found.searched, found.root)


@posix
def test_a_root_in_a_folder_that_may_not_be_entered_is_no_bare_error(tmp_path: Path) -> None:
    (tmp_path / "closed" / "root").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o000)
    try:
        with pytest.raises(CacheError, match="cannot be opened: Permission denied"):
            in_child(settings.current, tmp_path / "closed" / "root", rights=False)
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_shared_caches_are_searched_and_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_SHARED", os.pathsep.join([str(tmp_path / "a"), "", f" {tmp_path / 'b'} "]))
    found = settings.current()
    assert {tmp_path / "a", tmp_path / "b", found.cache} == set(found.searched)
    assert found.cache not in {tmp_path / "a", tmp_path / "b"}


@pytest.mark.parametrize("text", ["http://a https://b/c", "http://a,https://b/c", " http://a ,\n https://b/c "])
def test_mirrors_stand_in_a_row(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", text)
    assert settings.current().mirrors == ("http://a", "https://b/c")


@pytest.mark.parametrize("text", ["1", "true", "yes", "on", "TRUE", " 1 "])
def test_offline_is_switched_on(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", text)
    assert settings.current().offline is True


@pytest.mark.parametrize("text", ["", "0", "false", "No", "OFF", " "])
def test_offline_is_switched_off(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", text)
    assert settings.current().offline is False


def test_configure_stands_over_the_environment_until_it_is_called_again(
    tmp_path: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", "http://a")
    settings.configure(cache=tmp_path, mirrors=["https://b"], offline=False, shared=[tmp_path / "s"])
    found = settings.current()
    assert tmp_path == found.cache
    assert found.mirrors == ("https://b",)
    assert found.offline is False
    assert {tmp_path, tmp_path / "s"} == set(found.searched)
    settings.configure()
    found = settings.current()
    assert sandbox / "cache" == found.cache
    assert found.mirrors == ("http://a",)
    assert found.offline is True


def test_what_configure_was_given_stays_as_it_was_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    settings.configure(cache="cache", shared=iter(["shared"]), mirrors=iter(["https://b"]))
    monkeypatch.chdir(tmp_path / "other")
    for _ in range(2):
        found = settings.current()
        assert (tmp_path / "cache", tmp_path / "shared") == found.searched
        assert found.mirrors == ("https://b",)


def test_for_a_block_everything_may_be_left_to_the_environment(tmp_path: Path, sandbox: Path) -> None:
    settings.configure(cache=tmp_path, offline=True)
    before = settings.current()
    with settings.unconfigured():
        assert Settings(sandbox / "cache", (sandbox / "cache",)) == settings.current()
        settings.configure(offline=True)
    assert before == settings.current()


@pytest.mark.parametrize("mirror", ["ftp://a", "a.example", "/a", ""])
def test_a_mirror_that_is_no_url_is_refused(mirror: str) -> None:
    with pytest.raises(ValueError, match=r"A mirror must be a URL that starts with https:// or http://, not '"):
        settings.configure(mirrors=[mirror])


@pytest.mark.parametrize("mirror", ["ftp://a", "a.example/medmnist", "/a", "file:///a"])
def test_a_mirror_of_the_environment_that_is_no_url_is_refused(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", f"https://b {mirror}")
    message = rf"^MEDMNIST_NP_MIRRORS must list URLs that start with https:// or http://, not '{mirror}'\. "
    with pytest.raises(CacheError, match=message):
        settings.current()
    settings.configure(mirrors=["https://b"])
    assert settings.current().mirrors == ("https://b",)


def test_the_folders_of_a_cache_have_their_names(tmp_path: Path) -> None:
    found = Settings(tmp_path, (tmp_path,))
    assert tmp_path / "downloads" == found.downloads
    assert tmp_path / "locks" / "medmnist-x_28-00000000.lock" == found.lock_file("medmnist/x_28-00000000")


def test_without_a_home_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("MEDMNIST_NP_CACHE")
    monkeypatch.setattr("os.path.expanduser", str)  # what it does for a user without a home
    with pytest.raises(CacheError, match="Set MEDMNIST_NP_CACHE to a folder"):
        settings.current()


def test_a_root_does_without_a_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("MEDMNIST_NP_CACHE")
    monkeypatch.setattr("os.path.expanduser", str)
    found = settings.current(tmp_path)
    assert tmp_path == found.cache
    assert (tmp_path,) == found.searched
    assert (tmp_path,) == found.archive_folders


def test_a_cache_that_is_named_does_without_a_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path))
    monkeypatch.setattr("os.path.expanduser", str)
    assert tmp_path == settings.current().cache
    assert settings.current().archive_folders == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2@lab.example/x.npz", "https://***@lab.example/x.npz"),
        ("https://hunter2@lab.example:8000/", "https://***@lab.example:8000/"),
        ("http://me:hunt/er2@lab.example/x", "http://***@lab.example/x"),
        ("http://me:hunt@er2@lab.example/x", "http://***@lab.example/x"),
        ("https://lab.example/x.npz?hunter2", "https://lab.example/x.npz?***"),
        ("see https://lab.example/x?a=1&b=hunter2: HTTP 404 (no)", "see https://lab.example/x?***: HTTP 404 (no)"),
        ("'https://lab.example/x?a=1', twice", "'https://lab.example/x?***', twice"),
        (
            "Max retries exceeded with url: /x?a=hunter2 (Caused by y)",
            "Max retries exceeded with url: /x?*** (Caused by y)",
        ),
        ("socks5://me:hunter2@lab:1080", "socks5://***@lab:1080"),
        ("file:///data/@mine/x.npz", "file:///data/@mine/x.npz"),
        ("Did you mean 'x'? Or y=1?", "Did you mean 'x'? Or y=1?"),
    ],
)
def test_passwords_and_tokens_are_not_shown(text: str, shown: str) -> None:
    assert shown == redacted(text)
    assert shown == redacted(shown)


@pytest.mark.parametrize("mirror", ["me:hunter2@lab.example", "ftp://me:hunter2@lab/x", "https://me:hunter2@[lab/"])
def test_a_mirror_that_is_refused_is_shown_without_its_password(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="A mirror must be") as caught:
        settings.configure(mirrors=[mirror])
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", mirror)
    with pytest.raises(CacheError) as refused:
        settings.current()
    assert "hunter2" not in str(caught.value) + str(refused.value)


@pytest.mark.parametrize(("text", "seconds"), [("", 900), ("2.5", 150), ("0", 0), (" inf ", float("inf"))])
def test_the_environment_says_how_long_to_wait_for_a_busy_server(monkeypatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("MEDMNIST_NP_PATIENCE", text)
    assert settings.current().patience_s == seconds
    settings.configure(patience=1)
    assert settings.current().patience_s == 60


@pytest.mark.parametrize("minutes", ["soon", "-1", "nan"])
def test_a_patience_that_is_no_number_of_minutes_is_refused(monkeypatch, minutes: str) -> None:
    with pytest.raises(ValueError, match="The patience must be a number of minutes, at least 0, not '"):
        settings.configure(patience=minutes)  # type: ignore[arg-type]
    monkeypatch.setenv("MEDMNIST_NP_PATIENCE", minutes)
    with pytest.raises(CacheError, match=r"^MEDMNIST_NP_PATIENCE is invalid: The patience must be"):
        settings.current()
