"""What spans and joints lose, worked out again from lengths and catalogs, and where digging is forbidden."""

from __future__ import annotations

from planner.errors import InputError
from planner.network import Network
from planner.physics.freespace import hop_loss_db
from planner.scenario import FreeSpaceCandidate, Scenario


def fiber_loss_db(scenario: Scenario, length_km: float) -> float:
    """Return the loss in dB of fiber laid along `length_km` of ground: attenuation and spread splices, with slack."""
    fiber = scenario.hardware.fibers[scenario.spec.fiber]
    splices = length_km * fiber.slack / fiber.reel_length_km
    return length_km * fiber.slack * fiber.attenuation_db_per_km + splices * fiber.splice_loss_db


def span_loss_db(network: Network, scenario: Scenario, index: int) -> float:
    """Return the loss in dB of a span from its length.

    A measured loss is taken as it is: `light_is_as_stated` compares it with the layer. A free-space hop has two patches
    on top, and the laterals of both sites: a route changes to it at the street. Raises KeyError for a hop that the
    network does not explain, InputError for one beyond its terminals' range.
    """
    length_km = float(network.spans.length_km[index])
    if network.spans.is_measured[index]:
        return float(network.spans.loss_db[index])
    if network.spans.medium[index] != "free_space":
        return fiber_loss_db(scenario, length_km)
    candidate = network.hop(network.spans.ids[index])
    terminal = scenario.hardware.free_space_terminals[candidate.terminal]
    try:
        air_db = hop_loss_db(length_km, terminal, visibility_km=candidate.visibility_km, cn2_m23=candidate.cn2_m23)
    except ValueError as error:
        raise InputError.at("network", str(error), key_path=candidate.id) from error
    laterals_db = sum(fiber_loss_db(scenario, network.site(site).lateral_km) for site in (candidate.a, candidate.b))
    return air_db + 2.0 * scenario.hardware.fibers[scenario.spec.fiber].patch_loss_db + laterals_db


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


def hop_is_asked_for(scenario: Scenario, hop: FreeSpaceCandidate) -> bool:
    """Return whether the scenario declares a hop, or its search for hops may have found it."""
    if hop in scenario.spec.free_space:
        return True
    search = scenario.spec.free_space_search
    if search is None or hop.sightline_checked:
        return False
    kinds = {scenario.site(site).kind for site in (hop.a, hop.b)}
    same_terms = (hop.terminal, hop.visibility_km, hop.cn2_m23, hop.sky) == (
        search.terminal,
        search.visibility_km,
        search.cn2_m23,
        search.sky,
    )
    return same_terms and (not search.site_kinds or kinds <= set(search.site_kinds))


def digging_is_forbidden(network: Network, scenario: Scenario, index: int, year: int | None = None) -> str:
    """Return why a trench may not be dug along a span in a year (none: ever), or nothing where it may."""
    spans, rules = network.spans, scenario.spec.right_of_way
    if not spans.buildable[index]:
        return "the network marks it as not buildable"
    if spans.road_class[index] in rules.forbidden_road_classes:
        return f"road class {spans.road_class[index]} is forbidden"
    if any(rule.forbidden and rule.kind == spans.zone[index] for rule in rules.zones):
        return f"zone {spans.zone[index]} is forbidden"
    if year is not None and spans.closed_until_year[index] > year:
        return f"closed until {spans.closed_until_year[index]}, dug in {year}"
    return ""
