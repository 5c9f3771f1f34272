"""Draw the picture of README.md from made-up images: ``make picture``."""

from __future__ import annotations

from pathlib import Path

from docs._ext.landing import picture

TARGET = Path(__file__).parents[1] / "docs" / "_static" / "made_up_images.png"

if __name__ == "__main__":
    TARGET.write_bytes(picture())
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
