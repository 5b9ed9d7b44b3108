"""Benchmarks: `make bench`. Ratios against a floor measured in the same run; no test asserts a time."""
