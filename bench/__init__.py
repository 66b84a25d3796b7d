"""Benchmarks: ratios measured side by side in one run. `make bench` writes the figures into bench/README.md."""
