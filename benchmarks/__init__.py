"""Benchmarks: plans and proofs on cities, street Steiner trees and survivable networks, beside peers and known optima.

`python -m benchmarks NAME`; see `registry.py` for the names and how to add one. Nothing here is part of the installed
program, and no timing is asserted anywhere.
"""
