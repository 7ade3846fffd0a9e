"""Key over trusted nodes: each link by itself, and the weakest decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from physics.parts import hardware, link
from planner.physics.performance import evaluate_route

RELAY = replace(hardware("pair_source"), trusted_nodes=True)


def test_one_link_is_the_same_with_and_without_trusted_nodes() -> None:
    assert evaluate_route((link(10.0),), RELAY) == evaluate_route((link(10.0),), hardware("pair_source"))


def test_equal_links_deliver_the_key_of_one_and_no_ebits() -> None:
    one, three = evaluate_route((link(10.0),), RELAY), evaluate_route((link(10.0),) * 3, RELAY)
    assert (three.key_rate_hz, three.lane_rate_hz, three.fidelity) == (one.key_rate_hz, one.lane_rate_hz, one.fidelity)
    assert three.ebit_rate_hz == 0.0 < one.ebit_rate_hz
    assert three.latency_s == pytest.approx(3.0 * one.latency_s)
    assert three.limits == (
        "route: trusted nodes (2) know the key and pass it on; no pairs are shared from end to end, rate and fidelity "
        "are those of the weakest link",
    )


def test_the_weakest_link_decides_and_the_order_does_not_matter() -> None:
    links = (link(5.0), link(30.0), link(12.0))
    alone = [evaluate_route((one,), RELAY, min_fidelity=0.9) for one in links]
    route = evaluate_route(links, RELAY, min_fidelity=0.9)
    assert route.fidelity >= 0.9
    assert route.key_rate_hz <= min(part.key_rate_hz for part in alone)
    assert route.key_rate_hz == pytest.approx(alone[1].key_rate_hz, rel=0.2)
    assert route.link_rate_hz[1] == min(route.link_rate_hz)
    back = evaluate_route(links[::-1], RELAY, min_fidelity=0.9)
    assert (back.key_rate_hz, back.fidelity) == pytest.approx((route.key_rate_hz, route.fidelity))
    again = evaluate_route(links, RELAY, min_fidelity=0.9, settings=route.settings)
    assert again == route
