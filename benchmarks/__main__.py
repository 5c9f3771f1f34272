"""Measure all that RESULTS.md reports on speed and memory, and print it."""

from __future__ import annotations

from benchmarks import evaluate, import_time, metrics, opening, unpacking, wire

for benchmark in (import_time, opening, unpacking, wire, metrics, evaluate):
    benchmark.main()
