"""A rule for hut sites against 3,277 parcels that a city's reviewers judged one by one.

The rule knows size, shape, zoning and owner. Reviewers saw more: buildings, trees, slopes, what a bureau plans with its
land. The parcels that they refused for reasons of the first kind are compared apart.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.rows import ROOT, Benchmark, Instance, Request, Row, SkippedError
from benchmarks.runner import peak_mb
from planner.geodata.layers import read_layer
from planner.geodata.parcels import PARCEL_COLUMNS, read_parcels
from planner.scenario import ParcelRule

RULE = ROOT / "benchmarks" / "portland-huts.yaml"
REFUSED = "Not Suitable"
KNOWN_REASONS = ("park", "PAR greater", "Open Space", "Residential Use")
"""Reasons of size, shape, zoning and use, as the reviewers wrote them."""


def instances(request: Request) -> Sequence[Instance]:
    """Return the comparison with Portland's review."""
    del request
    return [Instance(name="portland", estimate_s=10.0, run=partial(compare, RULE))]


def compare(path: Path) -> Row:
    """Return how often the rule and the reviewers agree; raises SkippedError where the parcels are absent."""
    rule = ParcelRule.model_validate_json(_json(path))
    if not (path.parent / rule.layer.path).exists():
        raise SkippedError(f"{rule.layer.path} is not there")
    start_s = time.perf_counter()
    parcels = read_parcels(path.parent, rule)
    seconds = time.perf_counter() - start_s
    collection = read_layer(path.parent / rule.layer.path, rule.layer, PARCEL_COLUMNS)
    reviews = [collection.properties(index) for index in parcels.features]
    pairs = [(bool(fits), review["Review_Cla"] != REFUSED) for fits, review in zip(parcels.fits, reviews, strict=True)]
    known = [
        pair
        for pair, review in zip(pairs, reviews, strict=True)
        if pair[1] or any(reason in str(review["Review_Rea"]) for reason in KNOWN_REASONS)
    ]
    missed = Counter(
        str(review["Review_Rea"]).rpartition("; ")[2]
        for pair, review in zip(pairs, reviews, strict=True)
        if pair == (True, False)
    )
    return Row(
        instance="portland",
        seconds=round(seconds, 3),
        peak_mb=peak_mb(),
        more={
            "parcels": len(pairs),
            "agreement_percent": _percent(pairs),
            "agreement_known_reasons_percent": _percent(known),
            "refused_by_both": pairs.count((False, False)),
            "refused_by_rule_only": pairs.count((False, True)),
            "refused_by_reviewers_only": pairs.count((True, False)),
            "why_not_more": dict(missed.most_common(4)),
        },
    )


def _percent(pairs: Sequence[tuple[bool, bool]]) -> float:
    return round(100.0 * sum(a == b for a, b in pairs) / len(pairs), 2)


def _json(path: Path) -> str:
    import json

    rule: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    return json.dumps(rule)


BENCHMARK = Benchmark(
    summary="a rule for hut sites against a city's own review of its parcels", instances=instances, needs_warm_up=False
)
