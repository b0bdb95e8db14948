"""What the app costs, each figure beside its reference in one run: `make bench` writes docs/performance.md."""
