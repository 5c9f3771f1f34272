"""What this package claims about its speed and memory, measured: ``python -m benchmarks`` (Linux or macOS)."""
