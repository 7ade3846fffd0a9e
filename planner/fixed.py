"""What a scenario settles beforehand, as built, forced or forbidden, looked up in a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.errors import InputError, Problem
from planner.network import Network, Spans
from planner.scenario import Scenario
from planner.scenario.parts import SpanChoice
from planner.yamlio import nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedParts:
    """Spans by index and sites by id that are as built, forced by a phase (its index), or forbidden."""

    built_spans: frozenset[int]
    built_sites: frozenset[str]
    owned_units: Mapping[tuple[str, str], int]
    """(site, item) -> units that stand there."""
    forced_spans: Mapping[int, int]
    forced_sites: Mapping[str, int]
    forced_units: Mapping[tuple[str, str, int], int]
    """(site, item, phase) -> units that must be there by then, those that stand already included."""
    forbidden_spans: frozenset[int]
    forbidden_roles: Mapping[str, frozenset[str]]
    """Site -> stations that must not stand there."""

    def units_due(self, site: str, item: str, phase: int) -> int:
        """Return how many units a site must have by a phase."""
        due = [n for (s, i, t), n in self.forced_units.items() if (s, i) == (site, item) and t <= phase]
        return max(due, default=0)


def fixed_parts(network: Network, scenario: Scenario) -> FixedParts:
    """Return what the scenario settles beforehand in a network.

    Raises InputError with every span, street, duct and status that the network does not have, and with contradictions.
    """
    spec, names = scenario.spec, SpanNames(network.spans, str(scenario.path))
    built = [names.spans(part, f"as_built[{n}]") for n, part in enumerate(spec.as_built)]
    forbidden = [names.spans(part, f"forbid[{n}]") for n, part in enumerate(spec.forbid)]
    drawn, problems = _drawn_forced(network, scenario)
    forced = dict(drawn)
    for number, part in enumerate(spec.force):
        phase = scenario.phase_index(part.phase)
        for span in names.spans(part, f"force[{number}]"):
            forced[span] = min(phase, forced.get(span, phase))
    roles: set[str] = {role for site in scenario.sites for role in site.hosts}
    closed: dict[str, frozenset[str]] = {}
    for taboo in spec.forbid:
        for site in taboo.sites:
            closed[site] = closed.get(site, frozenset()) | frozenset(taboo.roles or roles)
    found = FixedParts(
        built_spans=frozenset().union(*built),
        built_sites=frozenset(site for part in spec.as_built for site in part.sites),
        owned_units=_owned_units(scenario),
        forced_spans={span: phase for span, phase in sorted(forced.items()) if not _holds(built, span)},
        forced_sites=_forced_sites(scenario),
        forced_units=_forced_units(scenario),
        forbidden_spans=frozenset(np.flatnonzero(network.spans.forbidden).tolist()).union(*forbidden),
        forbidden_roles=closed,
    )
    problems += [*names.problems, *_contradictions(network, scenario, found)]
    if problems:
        raise InputError(*problems)
    return found


def _holds(sets: list[frozenset[int]], span: int) -> bool:
    return any(span in one for one in sets)


def _forced_sites(scenario: Scenario) -> dict[str, int]:
    standing = {site for part in scenario.spec.as_built for site in part.sites}
    forced: dict[str, int] = {}
    for part in scenario.spec.force:
        phase = scenario.phase_index(part.phase)
        for site in part.sites:
            if site not in standing:
                forced[site] = min(phase, forced.get(site, phase))
    return dict(sorted(forced.items()))


def _owned_units(scenario: Scenario) -> dict[tuple[str, str], int]:
    owned: dict[tuple[str, str], int] = {}
    for part in scenario.spec.as_built:
        for site in part.sites:
            for item, count in part.items.items():
                owned[site, item] = owned.get((site, item), 0) + count
    return dict(sorted(owned.items()))


def _forced_units(scenario: Scenario) -> dict[tuple[str, str, int], int]:
    forced: dict[tuple[str, str, int], int] = {}
    for part in scenario.spec.force:
        phase = scenario.phase_index(part.phase)
        for site in part.sites:
            for item, count in part.items.items():
                forced[site, item, phase] = max(count, forced.get((site, item, phase), 0))
    return dict(sorted(forced.items()))


class SpanNames:
    """Looks up the spans that a scenario chooses, and collects in `problems` what is not there."""

    def __init__(self, spans: Spans, where: str) -> None:
        """Index the spans by id, origin and status; `where` is the file that chooses."""
        self.where = where
        self.problems: list[Problem] = []
        self._index = {name: [span] for span, name in enumerate(spans.ids)}
        is_trench = [medium == "trench" for medium in spans.medium]
        origins = list(zip(spans.origin, is_trench, strict=True))
        self._by_street = _positions([name if trench else "" for name, trench in origins])
        self._by_duct = _positions([name if not trench else "" for name, trench in origins])
        self._by_status = _positions(spans.status)

    def spans(self, choice: SpanChoice, key_path: str) -> frozenset[int]:
        """Return the spans of a choice, noting names that no span has."""
        ways = (
            ("spans", choice.spans, self._index, "no span '{}'"),
            ("streets", choice.streets, self._by_street, "no street '{}' in the network"),
            ("ducts", choice.ducts, self._by_duct, "no duct '{}' in the network"),
            ("statuses", choice.statuses, self._by_status, "no street or duct has the status '{}'"),
        )
        found: set[int] = set()
        for key, names, positions, text in ways:
            for number, name in enumerate(names):
                if name not in positions:
                    self._note(f"{key_path}.{key}[{number}]", text.format(name) + nearest(name, positions))
                found.update(positions.get(name, ()))
        return frozenset(found)

    def _note(self, key_path: str, text: str) -> None:
        self.problems.append(Problem(where=self.where, key_path=key_path, problem=text))


def _positions(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the positions of every name that is not empty."""
    found: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        if name:
            found.setdefault(name, []).append(position)
    return found


def _drawn_forced(network: Network, scenario: Scenario) -> tuple[dict[int, int], list[Problem]]:
    """Return the phase, by its index, of the spans that drawn overrides force, and a problem for every strange one."""
    asked = {span: phase for span, phase in enumerate(network.spans.forced_phase) if phase}
    phases = {phase.id: number for number, phase in enumerate(scenario.phases)} if asked else {}
    forced = {span: phases[phase] for span, phase in asked.items() if phase in phases}
    strange = {phase: network.spans.override[span] for span, phase in asked.items() if phase not in phases}
    problems = [
        Problem(where=where, key_path="force", problem=f"unknown phase '{phase}'{nearest(phase, phases)}")
        for phase, where in sorted(strange.items())
    ]
    return forced, problems


def _contradictions(network: Network, scenario: Scenario, found: FixedParts) -> Iterator[Problem]:
    """Yield a problem for everything that is forbidden and forced, or forbidden and as built."""
    ids, where = network.spans.ids, str(scenario.path)
    for span in sorted(found.forbidden_spans & found.forced_spans.keys()):
        yield Problem(where=where, key_path="force", problem=f"span '{ids[span]}' is forced and forbidden")
    for span in sorted(found.forced_spans):
        year = scenario.phases[found.forced_spans[span]].year
        is_closed = not network.spans.buildable[span] or network.spans.closed_until_year[span] > year
        if network.spans.medium[span] == "trench" and is_closed:
            text = f"span '{ids[span]}' is forced, but must not be dug by then"
            yield Problem(where=where, key_path="force", problem=text)
