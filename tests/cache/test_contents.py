"""What a cache holds, also while other processes work in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medmnist_np.cache import locations
from medmnist_np.cache.settings import Settings


def test_what_another_process_has_just_moved_has_no_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["arrays/medmnist/.x.staging/train_images.npy", "downloads/x.npz.part", "records/x.toml"]
    for file in files:
        path = tmp_path / file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"1234")
    monkeypatch.setattr(Path, "lstat", _gone)
    assert [item.bytes for item in locations.contents(Settings(tmp_path, (tmp_path,)))] == [0, 0, 0]
    monkeypatch.undo()
    assert [item.bytes for item in locations.contents(Settings(tmp_path, (tmp_path,)))] == [4, 4, 4]


def test_files_of_others_in_a_root_are_none_of_ours(tmp_path: Path) -> None:
    theirs = ["arrays/runs/first/weights.npy", "built/app/main.o", "downloads/thesis.pdf", "downloads/thesis.pdf.part"]
    theirs += ["downloads/photos/1.png", "downloads/.config/x", "downloads/record", "downloads/x.zip", "ids/readme.txt"]
    ours = ["arrays/medmnist/x_28-0123abcd/manifest.json", "arrays/medmnist/x_28-0123abcd-partial/test_images.npy"]
    ours += ["arrays/msd/liver-folder/manifest.json", "arrays/corrupted/x_28-0123abcd-fog_1-seed0-v1/manifest.json"]
    ours += [
        "built/x/unfinished/1.npz",
        "downloads/.x.npz.passing.here~1~0123abcd.staging/x.npz",
        "downloads/pathmnist.npz",
    ]
    ours += [f"downloads/{name}" for name in ("x.npz.passing", "x.npz.part", "x.npz.part.json", "x.npz.0123abcd.part")]
    ours += [
        "downloads/dermamnist.zip",
        "downloads/x.npz.test_images-0123abcd.part.json.0123abcd",
        "downloads/record.0123abcd.part",
    ]
    for file in [*theirs, *ours]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    for item in locations.contents(Settings(tmp_path, (tmp_path,))):
        locations.remove(item)
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(theirs) == sorted(left)


def _gone(path: Path) -> Any:
    raise FileNotFoundError(2, "No such file or directory", str(path))
