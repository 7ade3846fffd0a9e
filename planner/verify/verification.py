"""The verdict on a plan: checks, failures, and what was left unchecked."""

from __future__ import annotations

from collections.abc import Iterator

from planner.network import Network
from planner.plan import Plan
from planner.scenario import Scenario
from planner.verdict import Verdict
from planner.verify.ceilings import network_ceilings
from planner.verify.checks import run_checks, run_input_checks
from planner.verify.facts import Facts, collect_facts
from planner.verify.failures import list_failures
from planner.verify.input_checks import names_are_known
from planner.verify.override_checks import unread_drawing
from planner.verify.place_checks import unread_buildings
from planner.verify.sampling_checks import different_chains


def verify_plan(network: Network, scenario: Scenario, plan: Plan) -> Verdict:
    """Return what a recomputation from geometry, catalogs and the plan's quantities says about the plan.

    A plan that names things which do not exist fails `names_are_known`, and nothing else is recomputed. A route whose
    course or stations are wrong is not judged by the physics; `notes` name it. Nothing is raised for a wrong plan.
    """
    scenario = scenario.with_sites(network.found_sites)
    checks = run_input_checks(network, scenario, plan)
    if any(check.name == names_are_known.__name__ and not check.passed for check in checks):
        notes: tuple[str, ...] = ("The plan names things that do not exist, so that nothing was recomputed.",)
        return Verdict(
            scenario_digest=scenario.digest,
            network_digest=network.digest,
            plan_digest=plan.digest,
            checks=checks,
            failures=(),
            notes=notes,
        )
    facts = collect_facts(network, scenario, plan)
    return Verdict(
        scenario_digest=scenario.digest,
        network_digest=network.digest,
        plan_digest=plan.digest,
        checks=(*checks, *run_checks(facts)),
        failures=list_failures(network, scenario, plan),
        ceilings=network_ceilings(facts),
        notes=tuple(_unchecked(facts)),
    )


def _unchecked(facts: Facts) -> Iterator[str]:
    """Yield what could not be checked, and why."""
    if facts.streets.unread:
        yield f"Whether trenches lie in streets of the raw layer was not checked: {facts.streets.unread}."
    slow = [subject for subject, chain in different_chains(facts).items() if not chain.pairs]
    if slow:
        yield f"Chains too slow to be sampled beside the closed forms: {', '.join(slow)}."
    for unread in facts.prices.own.unread:
        yield f"Rents and leases of ducts were taken from the network: {unread}."
    for layer in facts.scenario.spec.layers.overrides:
        if unread := unread_drawing(facts.scenario, layer):
            yield f"Which spans the drawn overrides concern was taken from the network: {unread}."
    if unread := unread_buildings(facts.scenario):
        yield f"Which sites share a building was taken from the network: {unread}."
    own = [facts.network.spans.ids[index] for index in facts.used_spans if facts.prices.is_own(index)]
    if own:
        yield f"Spans with a rent or lease of their own instead of the price list's: {', '.join(own)}."
    skipped = sorted(route.subject for route in facts.routes if route.performance is None)
    if skipped:
        yield f"Rate and fidelity were not recomputed for routes that cannot work: {', '.join(skipped)}."
