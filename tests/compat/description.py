"""What a value is, as a text or a tree of texts: type, dtype, shape, and a checksum of its content."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

MOST = 40  # items of a list or dict

# The attributes that programs read.
PUBLIC = (
    "flag",
    "split",
    "size",
    "size_flag",
    "root",
    "info",
    "as_rgb",
    "transform",
    "target_transform",
    "imgs",
    "labels",
)


def describe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str | bytes):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, float):
        return f"{type(value).__name__} {float(value)!r}"
    if isinstance(value, np.generic):
        return f"{type(value).__name__} {value.item()!r}"
    if isinstance(value, np.ndarray):
        return _array(type(value).__name__, value)
    if isinstance(value, ModuleType):
        return "module"
    if isinstance(value, type):
        return f"class {value.__name__}"
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType):
        return f"function {value.__name__}"
    if isinstance(value, Path):
        return f"path {value}"
    return _framework_object(value) or _container(value) or _object(value)


def describe_file(path: Path) -> str:
    """Describe a picture by its frames, as encoders may compress differently, and any other file by its bytes."""
    if path.suffix not in {".gif", ".jpg", ".png"}:
        return _checksum(re.sub(rb"127\.0\.0\.1:\d+", b"SERVER", path.read_bytes()))
    from PIL import Image, ImageSequence

    with Image.open(path) as picture:
        frames = [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(picture)]
        duration = picture.info.get("duration")
        content = _checksum(b"".join(frames))
        return f"{picture.format} {picture.mode} {picture.size} {len(frames)} frames, {duration} ms {content}"


def _array(name: str, array: np.ndarray) -> str:
    content = repr(array.tolist()).encode() if array.dtype.hasobject else np.ascontiguousarray(array).tobytes()
    return f"{name} {array.dtype} {array.shape} {_checksum(content)}"


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _framework_object(value: Any) -> str | None:
    # Looked up, not imported: a program that does not use a framework must not load it.
    torch, pandas, image = (sys.modules.get(name) for name in ("torch", "pandas", "PIL.Image"))
    if image is not None and isinstance(value, image.Image):
        return f"Image {value.mode} {value.size} {_checksum(value.tobytes())}"
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return f"{type(value).__name__} {value.shape} {_checksum(value.to_csv().encode())}"
    if torch is not None and isinstance(value, torch.Tensor):
        return _array(f"{type(value).__name__} {value.requires_grad}", value.detach().cpu().numpy())
    if torch is not None and isinstance(value, torch.dtype | torch.Size | torch.device):
        return str(value)
    return None


def _container(value: Any) -> Any:
    if isinstance(value, dict):
        items = [[describe(key), describe(item)] for key, item in list(value.items())[:MOST]]
        return [f"{type(value).__name__} of {len(value)}", *items]
    if isinstance(value, set | frozenset):
        return [f"{type(value).__name__} of {len(value)}", *sorted(map(describe, value))[:MOST]]
    if isinstance(value, list | tuple):
        return [f"{type(value).__name__} of {len(value)}", *map(describe, value[:MOST])]
    return None


def _object(value: Any) -> Any:
    if hasattr(value, "flag") and hasattr(value, "labels"):
        attributes = {name: getattr(value, name) for name in PUBLIC if hasattr(value, name)}
        return [type(value).__name__, *([name, describe(item)] for name, item in attributes.items())]
    return type(value).__name__
