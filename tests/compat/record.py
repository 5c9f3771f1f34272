"""What programs do with the official package, written down for tests where it is not installed.

    python -m tests.compat.record

rewrites ``recorded.json``; it needs the official package and PyTorch.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded.json")
LONGEST = 160  # characters; of what is longer, a checksum is kept

# Their numbers depend on the release and on the processor.
INEXACT = ("import matplotlib", "import pandas", "import torch", "from sklearn", "from skimage", "from torch")


def recorded() -> dict[str, Any]:
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def brief(result: dict[str, Any], source: str) -> dict[str, Any]:
    """Return what of a result holds on every machine."""
    inexact = any(word in source for word in INEXACT)
    variables = {name: _short(_portable(value, inexact)) for name, value in result["variables"].items()}
    return {
        "printed": _short(_masked(result["printed"])),
        "variables": variables,
        "files": _short([_masked(name) for name in result["files"]]),
    }


def _masked(text: str) -> str:
    """Replace decimal numbers, and the checksums of archives, which depend on the release of zlib."""
    return re.sub(r"\b[0-9a-f]{32}\b", "MD5", re.sub(r"-?\d+\.\d+(e-?\d+)?", "#.#", text))


def _portable(value: Any, inexact: bool) -> Any:
    if isinstance(value, list):
        return [_portable(item, inexact) for item in value]
    kind = value.partition(" ")[0]
    if kind in {"float", "float16", "float32", "float64", "DataFrame", "Series"}:
        return kind
    if value.startswith(("ndarray float", "Tensor")) or (inexact and value.startswith(("ndarray", "Image"))):
        return value.rpartition(" ")[0]
    return _masked(value)


def _short(value: Any) -> Any:
    text = json.dumps(value)
    return value if len(text) <= LONGEST else f"checksum {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def main() -> None:
    from tests.compat.running import PROGRAMS, all_results

    with tempfile.TemporaryDirectory() as folder:
        official = all_results(Path(folder) / "runs", None)["official"]
    content = {name: brief(official[name], path.read_text(encoding="utf-8")) for name, path in PROGRAMS.items()}
    RECORDED.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
