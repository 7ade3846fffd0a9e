"""What a span loses and costs, worked out again from its length, its attributes and the catalogs."""

from __future__ import annotations

from dataclasses import dataclass

from planner.catalog import CostFactor
from planner.errors import InputError
from planner.network import Network
from planner.physics.freespace import hop_loss_db
from planner.scenario import FreeSpaceCandidate, Scenario

UNKNOWN = "unknown"
"""Entry of the price list for road classes and surfaces that it does not name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanPrices:
    """What one span costs, in the scenario's money; what does not apply to its medium is zero."""

    trench_capex: float = 0.0
    right_of_way_capex: float = 0.0
    cable_capex: float = 0.0
    rent_per_year: float = 0.0
    lease_per_fiber_year: float = 0.0


def fiber_loss_db(scenario: Scenario, length_km: float) -> float:
    """Return the loss in dB of fiber laid along `length_km` of ground: attenuation and spread splices, with slack."""
    fiber = scenario.hardware.fibers[scenario.spec.fiber]
    splices = length_km * fiber.slack / fiber.reel_length_km
    return length_km * fiber.slack * fiber.attenuation_db_per_km + splices * fiber.splice_loss_db


def span_loss_db(network: Network, scenario: Scenario, index: int) -> float:
    """Return the loss in dB of a span from its length; a free-space hop has two patches on top.

    Raises KeyError for a hop that the scenario does not declare, InputError for one beyond its terminals' range.
    """
    length_km = float(network.spans.length_km[index])
    if network.spans.medium[index] != "free_space":
        return fiber_loss_db(scenario, length_km)
    candidate = declared_hop(scenario, network.spans.ids[index])
    terminal = scenario.hardware.free_space_terminals[candidate.terminal]
    try:
        air_db = hop_loss_db(length_km, terminal, visibility_km=candidate.visibility_km, cn2_m23=candidate.cn2_m23)
    except ValueError as error:
        raise InputError.at("network", str(error), key_path=candidate.id) from error
    return air_db + 2.0 * scenario.hardware.fibers[scenario.spec.fiber].patch_loss_db


def joint_loss_db(network: Network, scenario: Scenario, node: int) -> float:
    """Return the loss in dB of passing a node without a station: a joint in a handhole, nothing at a junction.

    At the node of a site it is what the network says, for only the layers know how fiber passes there.
    """
    match network.nodes.kinds[node]:
        case "handhole":
            return scenario.hardware.fibers[scenario.spec.fiber].joint_loss_db
        case "junction":
            return 0.0
        case _:
            return float(network.nodes.joint_loss_db[node])


def optical_length_km(network: Network, scenario: Scenario, index: int) -> float:
    """Return the length in km that light travels in a span: slack counts in fiber, not in air."""
    length_km = float(network.spans.length_km[index])
    in_air = network.spans.medium[index] == "free_space"
    return length_km if in_air else length_km * scenario.hardware.fibers[scenario.spec.fiber].slack


def declared_hop(scenario: Scenario, span_id: str) -> FreeSpaceCandidate:
    """Return the free-space candidate behind a span; raises KeyError when there is none of that id."""
    for candidate in scenario.spec.free_space:
        if candidate.id == span_id:
            return candidate
    raise KeyError(span_id)


def span_prices(network: Network, scenario: Scenario, index: int) -> SpanPrices:
    """Return the prices of a span from the price list, its length and its attributes."""
    spans = network.spans
    metres = float(spans.length_km[index]) * 1000.0
    match spans.medium[index]:
        case "trench":
            return _trench_prices(network, scenario, index)
        case "duct":
            cable, rent = _price(scenario, "cable-pull"), _price(scenario, "duct-rental")
            return SpanPrices(cable_capex=cable * metres, rent_per_year=rent * metres)
        case "dark_fiber":
            return SpanPrices(lease_per_fiber_year=_price(scenario, "dark-fiber-lease") * metres / 1000.0)
        case "free_space":
            return SpanPrices(cable_capex=2.0 * _price(scenario, "free-space-terminal"))


def lateral_price(network: Network, scenario: Scenario, site_id: str) -> float:
    """Return what the lateral of a site costs: trench in the scenario's density, and its permit, by length."""
    density = scenario.costs.densities[scenario.spec.right_of_way.density].factor
    per_metre = _price(scenario, "trench") * density + _price(scenario, "right-of-way-permit")
    return per_metre * network.site(site_id).lateral_km * 1000.0


def digging_is_forbidden(network: Network, scenario: Scenario, index: int) -> str:
    """Return why a trench may not be dug along a span, or nothing where it may."""
    spans, rules = network.spans, scenario.spec.right_of_way
    if not spans.buildable[index]:
        return "the network marks it as not buildable"
    if spans.road_class[index] in rules.forbidden_road_classes:
        return f"road class {spans.road_class[index]} is forbidden"
    if any(rule.forbidden and rule.kind == spans.zone[index] for rule in rules.zones):
        return f"zone {spans.zone[index]} is forbidden"
    return ""


def _trench_prices(network: Network, scenario: Scenario, index: int) -> SpanPrices:
    spans, costs = network.spans, scenario.costs
    metres = float(spans.length_km[index]) * 1000.0
    road = _factor(costs.road_classes, spans.road_class[index])
    zone = next((rule.factor for rule in scenario.spec.right_of_way.zones if rule.kind == spans.zone[index]), 1.0)
    density = costs.densities[scenario.spec.right_of_way.density].factor
    ground = density * road * _factor(costs.surfaces, spans.surface[index]) * zone
    return SpanPrices(
        trench_capex=_price(scenario, "trench") * ground * metres,
        right_of_way_capex=_price(scenario, "right-of-way-permit") * road * zone * metres,
    )


def _factor(factors: dict[str, CostFactor], name: str) -> float:
    return factors[name if name in factors else UNKNOWN].factor


def _price(scenario: Scenario, item: str) -> float:
    return scenario.costs.items[item].price
