"""Measure all that RESULTS.md reports on speed and memory, and print it."""

from __future__ import annotations

from benchmarks import (
    audit,
    batches,
    corruptions,
    counting,
    evaluate,
    export,
    import_time,
    interop,
    metrics,
    opening,
    pictures,
    resize,
    segmentation_metrics,
    unpacking,
    volumes,
    wire,
)

for benchmark in (
    import_time,
    opening,
    unpacking,
    wire,
    metrics,
    evaluate,
    batches,
    counting,
    interop,
    export,
    pictures,
    resize,
    audit,
    corruptions,
    volumes,
    segmentation_metrics,
):
    benchmark.main()
