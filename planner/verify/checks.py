"""All checks of a plan, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from planner.network import Network
from planner.plan import Plan
from planner.scenario import Scenario
from planner.verdict import Check
from planner.verify.ceilings import network_ceiling_holds
from planner.verify.disjointness_checks import (
    full_target_comes_first,
    routes_are_disjoint,
    routes_lie_apart,
    shared_spans_are_told,
)
from planner.verify.facts import Facts
from planner.verify.findings import Finding
from planner.verify.input_checks import inputs_match, names_are_known
from planner.verify.light_checks import light_is_as_stated
from planner.verify.money_checks import budget_holds, cost_is_right, gap_is_honest, rollout_is_kept
from planner.verify.outages import availability_is_reached, availability_is_right
from planner.verify.override_checks import overrides_are_kept
from planner.verify.place_checks import sites_share_as_they_lie
from planner.verify.resource_checks import (
    built_before_use,
    built_once,
    demands_are_served,
    digging_is_allowed,
    equipment_suffices,
    fibers_suffice,
    served_weight_is_right,
    sites_have_room,
)
from planner.verify.rings import rings_survive_any_cut
from planner.verify.route_checks import (
    ceiling_holds,
    fidelity_is_reached,
    fidelity_is_right,
    latency_is_reached,
    latency_is_right,
    limits_are_told,
    rate_is_reached,
    rate_is_right,
    relayed_key_is_right,
    routes_are_walks,
    settings_are_allowed,
    stations_are_guarded,
    stations_are_hosted,
    stations_are_in_order,
    technology_is_allowed,
)
from planner.verify.sampling_checks import sampling_agrees
from planner.verify.settled_checks import forbidden_is_left, forced_is_there
from planner.verify.span_checks import (
    lengths_are_right,
    losses_are_right,
    prices_are_right,
    spans_join_their_nodes,
    trenches_follow_streets,
)

INPUT_CHECKS: tuple[Callable[[Network, Scenario, Plan], Iterator[Finding]], ...] = (inputs_match, names_are_known)
"""Checks before anything is recomputed: what the second one finds makes recomputing impossible."""

CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    spans_join_their_nodes,
    trenches_follow_streets,
    lengths_are_right,
    losses_are_right,
    light_is_as_stated,
    overrides_are_kept,
    prices_are_right,
    routes_are_walks,
    stations_are_in_order,
    stations_are_hosted,
    stations_are_guarded,
    technology_is_allowed,
    settings_are_allowed,
    rate_is_reached,
    rate_is_right,
    relayed_key_is_right,
    fidelity_is_reached,
    fidelity_is_right,
    availability_is_reached,
    availability_is_right,
    latency_is_reached,
    latency_is_right,
    ceiling_holds,
    network_ceiling_holds,
    sampling_agrees,
    limits_are_told,
    full_target_comes_first,
    sites_share_as_they_lie,
    routes_are_disjoint,
    routes_lie_apart,
    shared_spans_are_told,
    rings_survive_any_cut,
    fibers_suffice,
    equipment_suffices,
    sites_have_room,
    built_before_use,
    built_once,
    digging_is_allowed,
    forced_is_there,
    forbidden_is_left,
    demands_are_served,
    served_weight_is_right,
    cost_is_right,
    budget_holds,
    rollout_is_kept,
    gap_is_honest,
)
"""What must be true of every plan; a new check is a function and a line here."""


def named(check: Callable[..., Iterator[Finding]], findings: Iterable[Finding]) -> Iterator[Check]:
    """Yield findings as checks that carry the name of the function that made them."""
    for finding in findings:
        yield Check(
            name=check.__name__,
            subject=finding.subject,
            expected=finding.expected,
            actual=finding.actual,
            unit=finding.unit,
            passed=finding.passed,
        )


def run_input_checks(network: Network, scenario: Scenario, plan: Plan) -> tuple[Check, ...]:
    """Return the checks that need nothing but the inputs."""
    return tuple(item for check in INPUT_CHECKS for item in named(check, check(network, scenario, plan)))


def run_checks(facts: Facts) -> tuple[Check, ...]:
    """Return all checks of a plan whose names are known."""
    return tuple(item for check in CHECKS for item in named(check, check(facts)))
