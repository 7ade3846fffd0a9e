"""The benchmarks by name. To add one: a file with `BENCHMARK`, and a line here."""

from __future__ import annotations

from importlib import import_module

from benchmarks.rows import Benchmark

MODULES = {
    "cities": "benchmarks.cities",
    "geodata": "benchmarks.geodata",
    "geodata-formats": "benchmarks.formats",
    "growth": "benchmarks.growth",
    "huts": "benchmarks.huts",
    "physics": "benchmarks.physics",
    "repalloc": "benchmarks.repalloc",
    "steiner": "benchmarks.steiner",
    "survivable": "benchmarks.survivable",
}
"""Name -> module; a module is imported only when its benchmark runs."""


def benchmark(name: str) -> Benchmark:
    """Return the benchmark with this name; raises KeyError when there is none."""
    found = import_module(MODULES[name]).BENCHMARK
    if not isinstance(found, Benchmark):
        raise TypeError(f"{MODULES[name]}.BENCHMARK is no Benchmark")
    return found
