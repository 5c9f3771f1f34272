"""A folder of generated files: unchanged files keep their time, and obsolete files are removed."""

from __future__ import annotations

from pathlib import Path
from typing import Self


class Pages:
    """Files in a folder, all written inside one ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: set[Path] = set()

    def write(self, name: str, content: str | bytes) -> None:
        """Write ``folder/name`` unless it has this content already, because Sphinx reads newer files again."""
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
