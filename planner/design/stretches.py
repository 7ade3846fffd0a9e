"""When a demand is served, and with which technologies: to the end with one, or stretch by stretch with several."""

from __future__ import annotations

from planner.scenario import Demand, Scenario, Technology


def phases_of(scenario: Scenario, demand: Demand) -> tuple[int, int]:
    """Return the first and the last phase of a demand, or of a stretch of one."""
    last = scenario.phase_index(demand.until_phase) if demand.until_phase else len(scenario.phases) - 1
    return scenario.phase_index(demand.from_phase), last


def stretches(scenario: Scenario, demand: Demand) -> tuple[Demand, ...]:
    """Return the demand, or its stretches of phases that allow the same technologies, where it may be upgraded."""
    if not demand.upgrades:
        return (demand,)
    first, last = phases_of(scenario, demand)
    allowed = [_counting(scenario, demand, set(phase.technologies)) for phase in scenario.phases]
    starts = [phase for phase in range(first, last + 1) if phase == first or allowed[phase] != allowed[phase - 1]]
    if len(starts) == 1:
        return (demand,)
    ends = [start - 1 for start in starts[1:]] + [last]
    return tuple(
        demand.between(scenario.phases[start].id, scenario.phases[end].id)
        for start, end in zip(starts, ends, strict=True)
    )


def allowed_technologies(scenario: Scenario, demand: Demand) -> tuple[Technology, ...]:
    """Return the technologies that a demand may use: allowed from its first phase to the last one.

    Where it may be upgraded, those that are allowed in some phase.
    """
    if demand.upgrades and not demand.until_phase:
        return conceivable_technologies(scenario, demand)
    return _counting(scenario, demand, set.intersection(*_technologies_by_phase(scenario, demand)))


def conceivable_technologies(scenario: Scenario, demand: Demand) -> tuple[Technology, ...]:
    """Return the technologies that are allowed in some phase of a demand, as a bound must assume."""
    return _counting(scenario, demand, set.union(*_technologies_by_phase(scenario, demand)))


def _technologies_by_phase(scenario: Scenario, demand: Demand) -> list[set[str]]:
    first, last = phases_of(scenario, demand)
    return [set(phase.technologies) for phase in scenario.phases[first : last + 1]]


def _counting(scenario: Scenario, demand: Demand, names: set[str]) -> tuple[Technology, ...]:
    """Return the technologies among these that count pairs where the demand wants, and connect to both of its ends.

    Those with trusted nodes are for demands that allow them.
    """
    chosen = []
    for technology in (scenario.technology(name) for name in sorted(names)):
        hardware = scenario.link_hardware(technology)
        misfits = [scenario.site(site).interface.misfit(hardware) for site in (demand.a, demand.b)]
        is_trusted = demand.trusted_nodes or not technology.trusted_nodes
        if demand.counts(hardware.rate_plane) and is_trusted and not any(misfits):
            chosen.append(technology)
    return tuple(chosen)
