"""Dossiers of small plans for the tests of the report, and names that try to break a page."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.network import Network, with_digest
from planner.plan import Plan
from planner.report.dossier import Dossier, open_dossier
from planner.scenario import Scenario
from planner.verdict import Verdict
from planner.verify import verify_plan
from plans import Planned, city_plan, make_plan
from worlds import World, demand, make_world, phases

HOSTILE = "<script>alert(1)</script> ${alert(2)} ` ' \" </script> <!-- & \u2028 \u202e url(http://e.example) src=//e.x"
HOSTILE_SEEN = HOSTILE.replace("\u2028", " ").replace("\u202e", "")
"""What a reader sees of it: the line separator is a space, the mark that turns the direction of writing is gone."""


def city_dossier(folder: Path, **changes: Any) -> Dossier:
    """Return a plan with every medium, both technologies, two phases, a backup, a repeater and an unchecked hop."""
    settings: dict[str, Any] = {"description": "First part.\n\nSecond part.", "phases": phases(9.0e6, None), **changes}
    return checked(city_plan(folder, **settings))


def checked(planned: Planned) -> Dossier:
    """Return a plan with the verdict of the real verification."""
    world, plan = planned.world, planned.plan
    verdict = verify_plan(world.network, world.scenario, plan)
    return open_dossier(world.network, world.scenario, plan, verdict)


def bare_dossier(folder: Path, **changes: Any) -> Dossier:
    """Return a plan that builds nothing and serves nobody, in one phase without a budget; nothing was checked."""
    world = make_world(folder, "A---B", [demand("A", "B")], **changes)
    plan = make_plan(world, {("A-B", "p1"): []})
    return open_dossier(world.network, world.scenario, plan, make_verdict(world, plan))


def make_verdict(world: World, plan: Plan, **changes: Any) -> Verdict:
    """Return a verdict without any check or failure, about a plan; `changes` replace fields."""
    values: dict[str, Any] = {
        "scenario_digest": world.scenario.digest,
        "network_digest": world.network.digest,
        "plan_digest": hashlib.sha256(plan.to_json(timing=False).encode()).hexdigest(),
        "checks": (),
        "failures": (),
    }
    return Verdict(**{**values, **changes})


def rejudged(dossier: Dossier, plan: Plan, **changes: Any) -> Dossier:
    """Return a dossier with another plan, and a verdict made by hand."""
    world = World(scenario=dossier.scenario, network=dossier.network)
    return open_dossier(dossier.network, dossier.scenario, plan, make_verdict(world, plan, **changes))


def renamed(network: Network, name: str) -> Network:
    """Return a network in which every span, risk group, note and attribution carries a name."""
    spans = network.spans
    names = {
        "name": tuple(name for _ in spans.ids),
        "surface": tuple(name for _ in spans.ids),
        "zone": tuple(name for _ in spans.ids),
        "road_class": tuple(name for _ in spans.ids),
        "risk_groups": tuple((f"{name} {at}",) for at in range(len(spans))),
    }
    return with_digest(replace(network, spans=replace(spans, **names), notes=(name,), attributions=(name,), digest=""))


def hostile_dossier(folder: Path) -> Dossier:
    """Return a city in which every free text is hostile."""
    planned = city_plan(folder, title="city", description="text")
    scenario = _hostile_scenario(planned.world.scenario)
    network = renamed(planned.world.network, HOSTILE)
    services = tuple(
        service.model_copy(
            update={
                "routes": tuple(route.model_copy(update={"limits": (HOSTILE,)}) for route in service.routes),
                "shared": (HOSTILE,),
            }
        )
        for service in planned.plan.services
    )
    plan = planned.plan.model_copy(
        update={"title": HOSTILE, "notes": (HOSTILE,), "services": services, "versions": {HOSTILE: HOSTILE}}
    )
    world = World(scenario=scenario, network=network)
    real = verify_plan(planned.world.network, planned.world.scenario, planned.plan)
    checks = tuple(
        check.model_copy(update={**dict.fromkeys(("name", "subject", "expected", "unit"), HOSTILE), "passed": at > 2})
        for at, check in enumerate(real.checks[:9])
    )
    hits = [failure for failure in real.failures if failure.kind == "span"]
    failures = tuple(failure.model_copy(update={"risk_group": f"{HOSTILE} {at}"}) for at, failure in enumerate(hits))
    verdict = make_verdict(world, plan, checks=checks, failures=failures, notes=(HOSTILE,))
    return open_dossier(network, scenario, plan, verdict)


def _hostile_scenario(scenario: Scenario) -> Scenario:
    """Return a scenario in which names, kinds, labels and sources are hostile; its digest stays."""

    def spoiled(entry: Any, **fields: str) -> Any:
        return entry.model_copy(update=fields)

    items = {name: spoiled(item, label=HOSTILE, source=HOSTILE) for name, item in scenario.costs.items.items()}
    fibers = {name: spoiled(fiber, label=HOSTILE, source=HOSTILE) for name, fiber in scenario.hardware.fibers.items()}
    demands = tuple(spoiled(asked, group=HOSTILE) for asked in scenario.spec.demands)
    listed = tuple(spoiled(phase, name=HOSTILE) for phase in scenario.spec.phases)
    hops = tuple(spoiled(hop, note=HOSTILE) for hop in scenario.spec.free_space)
    fields = {"title": HOSTILE, "description": HOSTILE, "demands": demands, "phases": listed, "free_space": hops}
    return replace(
        scenario,
        spec=scenario.spec.model_copy(update=fields),
        sites=tuple(spoiled(site, name=f"{HOSTILE} {site.id}", kind=HOSTILE, note=HOSTILE) for site in scenario.sites),
        hardware=spoiled(scenario.hardware, fibers=fibers),
        costs=spoiled(scenario.costs, items=items),
    )
