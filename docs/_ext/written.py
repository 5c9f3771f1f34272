"""A folder of made files: what did not change keeps its time, and what is no longer made goes."""

from __future__ import annotations

from pathlib import Path
from typing import Self


class Pages:
    """Files below a folder, for a ``with`` block that makes all of them anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: set[Path] = set()

    def write(self, name: str, content: str | bytes) -> None:
        """Write ``folder/name``, unless it is there with this content: Sphinx reads again what is newer."""
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        self._made.add(path)
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            for path in self.folder.rglob("*.*"):
                if path.is_file() and path not in self._made and path.parent.name != "pictures":
                    path.unlink()
