"""What pages call the samples and the classes of a data set."""

from __future__ import annotations

from medmnist_np.registry import DatasetInfo


def things_of(record: DatasetInfo) -> str:
    """Return what the samples are, in the plural."""
    return "volumes" if record.ndim == 3 else "images"


def class_titles(record: DatasetInfo) -> tuple[str, ...]:
    """Return the classes with their number, or the labels of a multi-label set."""
    if record.multi_label:
        return record.class_names
    numbered = enumerate(record.class_names)
    return tuple(f"class {name}" if name == str(k) else f"{k} {name}" for k, name in numbered)
