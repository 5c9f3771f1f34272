"""What a cache holds, also while other processes work in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medmnist_np.cache import contents
from medmnist_np.cache.settings import Settings


def test_what_another_process_has_just_moved_has_no_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["arrays/medmnist/.x.staging/train_images.npy", "downloads/x.npz.part", "records/x.toml"]
    for file in files:
        path = tmp_path / file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"1234")
    monkeypatch.setattr(Path, "lstat", _gone)
    assert [0, 0, 0] == [item.bytes for item in contents.contents(Settings(tmp_path, (tmp_path,)))]
    monkeypatch.undo()
    assert [4, 4, 4] == [item.bytes for item in contents.contents(Settings(tmp_path, (tmp_path,)))]


def _gone(path: Path) -> Any:
    raise FileNotFoundError(2, "No such file or directory", str(path))
