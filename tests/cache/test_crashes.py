"""Kill -9 at every step and at random moments: nothing or everything, and the next run finishes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from medmnist_np.cache import store
from tests.cache import kills
from tests.cache.kills import Site

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork, SIGKILL and /proc")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with kills.site(tmp_path_factory.mktemp("site") / "archives") as served:
        yield served


def test_a_run_passes_through_the_steps_that_are_killed(site: Site, tmp_path: Path) -> None:
    names = kills.trace(site, tmp_path / "cache")
    arrays, downloads = f"/arrays/{site.key}", "/downloads"
    staging = f"{arrays.rpartition('/')[0]}/.{arrays.rpartition('/')[2]}."
    for step in (
        "socket.connect",
        f"open {downloads}/{site.record.archive(28).file_name}.part",
        f"progress {site.record.archive(28).file_name}",
        f"os.rename {downloads}/.{site.record.archive(28).file_name}.part.json",
        f"os.mkdir {staging}",
        f"open {staging}",
        f"os.fsync {staging}",
        f"os.rename {staging}",
        f"os.remove {downloads}/{site.record.archive(28).file_name}",
    ):
        assert [name for name in names if name.startswith(step)], step
    assert kills.leftovers(site, tmp_path / "cache") == set()


def test_a_run_that_is_killed_at_any_step_leaves_nothing_or_everything(site: Site, tmp_path: Path) -> None:
    """Row 22."""
    counts = kills.kill_at_steps(site, tmp_path, every=2)  # tests/cache/kills.py takes every one
    assert counts.wrong == []
    assert counts.killed >= 20
    assert counts.nothing
    assert counts.everything


def test_a_run_that_is_killed_at_a_random_moment_leaves_nothing_or_everything(site: Site, tmp_path: Path) -> None:
    counts = kills.kill_at_random(site, tmp_path, 8, seed=0)
    assert counts.wrong == []
    assert counts.nothing + counts.everything == 8


def test_a_download_that_is_killed_three_times_goes_on_each_time(site: Site, tmp_path: Path) -> None:
    """Row 21."""
    name = site.record.archive(28).file_name
    cache = tmp_path / "cache"
    sizes = [0]
    for _ in range(3):
        kills.start(site, cache, f"progress {name}").join()
        assert store.find(site.key, [cache]) is None
        sizes.append((cache / "downloads" / f"{name}.part").stat().st_size)
    assert sorted(set(sizes)) == sizes
    assert site.is_right(site.prepare(cache))
    assert kills.leftovers(site, cache) == set()
