"""Which flows the orientation program needs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from planner.design.commodities import Commodities, Demand, build_commodities


def on_a_line(*demands: Demand) -> Commodities:
    """Return the flows for sites on a line, where site number is position."""
    return build_commodities(demands, lambda site: np.abs(np.arange(20.0) - site))


def flows(commodities: Commodities) -> list[set[tuple[int, int]]]:
    first = commodities.first
    pairs = list(zip(commodities.sources.tolist(), commodities.targets.tolist(), strict=True))
    return [set(pairs[a:b]) for a, b in pairwise(first)]


def test_a_two_route_group_is_reached_around_a_short_circle() -> None:
    (found,) = flows(on_a_line((0, 9, 2, 0), (9, 3, 2, 0), (0, 5, 2, 0)))
    assert len(found) == 4
    assert {source for source, _ in found} == {target for _, target in found} == {0, 3, 5, 9}
    assert sum(abs(a - b) for a, b in found) == 18


def test_other_sites_are_reached_from_the_nearest_site_of_the_root_group() -> None:
    (found,) = flows(on_a_line((0, 9, 2, 0), (9, 12, 1, 0), (12, 11, 1, 0)))
    assert found == {(0, 9), (9, 0), (9, 12), (9, 11)}


def test_a_smaller_group_hangs_on_the_root_group_by_one_flow() -> None:
    (found,) = flows(on_a_line((0, 1, 2, 0), (1, 2, 2, 0), (8, 9, 2, 0), (2, 9, 1, 0)))
    assert {(8, 9), (9, 8), (2, 8)} <= found
    assert len(found) == 6


def test_without_two_route_demands_the_most_central_site_is_the_root() -> None:
    (found,) = flows(on_a_line((0, 9, 1, 0), (9, 4, 1, 0)))
    assert found == {(4, 0), (4, 9)}


def test_parts_are_layers_and_a_phase_repeats_only_what_changed() -> None:
    commodities = on_a_line((0, 1, 1, 0), (5, 6, 1, 0), (1, 2, 1, 2), (10, 11, 2, 2))
    assert commodities.phases.tolist() == [0, 0, 2, 2]
    assert [len(layer) for layer in flows(commodities)] == [1, 1, 2, 2]
    assert commodities.layers == 4


def test_a_second_route_asked_for_later_makes_a_new_layer() -> None:
    assert on_a_line((0, 1, 1, 0), (0, 1, 2, 1)).phases.tolist() == [0, 1]


def test_without_demands_there_are_no_flows() -> None:
    commodities = on_a_line()
    assert (commodities.layers, commodities.first.tolist(), commodities.sources.tolist()) == (0, [0], [])
