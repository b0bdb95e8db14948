"""Measures what the app costs, beside references of the same run. `make bench` writes docs/performance.md."""
