"""What the tests of ``cache``, ``clean`` and ``verify`` share."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from medmnist_np.cli import main
from medmnist_np.data.arrays import fetch

FEW = {"train": 20, "val": 4, "test": 6}
EVERYTHING = ["breastmnist.npz", "breastmnist_28", "pathmnist.npz.part", "pathmnist_28"]
KEPT = [("built", "moles"), ("ids", "moles"), ("record", "moles")]


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=typed, catch_exceptions=False)


def held(cache: Path) -> list[str]:
    arrays = [path.name.partition("-")[0] for path in (cache / "arrays" / "medmnist").iterdir()]
    return sorted([*arrays, *(path.name for path in (cache / "downloads").iterdir())])


def listed() -> dict[tuple[str, str], int]:
    return {(item["kind"], item["name"]): item["bytes"] for item in json.loads(run("cache", "--json").stdout)["items"]}


def damage(name: str) -> Path:
    file = fetch(name) / "val_images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    return file
