"""``cache``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.caches import KEPT, listed, run


def test_cache_says_where_it_is_and_how_much_is_in_it(cache: Path) -> None:
    lines = run("cache").stdout.splitlines()
    assert str(cache) == lines[0]
    assert lines[1].split() == ["kind", "name", "size", "path"]
    assert lines[2].endswith("downloads/breastmnist.npz")
    assert [line.split()[0] for line in lines[2:7]] == ["archive", "arrays", "arrays", "unfinished", "total"]
    assert "free. Set MEDMNIST_NP_CACHE to use another folder." in lines[-1]


def test_cache_may_be_read_by_a_program(cache: Path) -> None:
    found = json.loads(run("cache", "--json").stdout)
    assert str(cache) == found["cache"]
    assert len(found["items"]) == 4
    for item in found["items"]:
        path = Path(item["path"])
        files = list(path.iterdir()) if path.is_dir() else [path]
        assert sum(file.stat().st_size for file in files) == item["bytes"]


def test_an_empty_cache_is_not_made_by_asking(sandbox: Path) -> None:
    result = run("cache")
    assert result.exit_code == 0
    assert "The cache is empty." in result.stdout
    assert not (sandbox / "cache").exists()


def test_the_cache_of_a_folder_may_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert str(tmp_path / "mine") == run("cache", "--root", str(tmp_path / "mine")).stdout.splitlines()[0]


def test_cache_counts_what_was_built(own: Path) -> None:
    files = list((own / "built" / "moles").iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) == listed()["built", "moles"]
    assert {*KEPT, ("unfinished", "built/begun")} < set(listed())
    (line,) = [line for line in run("cache").stdout.splitlines() if line.startswith("built ")]
    assert ["built", "moles", str(Path("built/moles"))] == [line.split()[number] for number in (0, 1, -1)]
