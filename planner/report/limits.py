"""What binds: the budgets, capacities, targets and limits of technologies that the plan uses up, or nearly so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner import costs
from planner.report.bill import item_label
from planner.report.dossier import Dossier, DrawnRoute, phase_names
from planner.report.service import demand_name, link_count, rank_label
from planner.report.tables import Table, number_columns, row, text_columns
from planner.report.wording import count, decibels, fidelity, given, milliseconds, money, percent, significant, some

NEAR = 0.95
"""Share of a limit from which on the table names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A limit, what it is on, and how much of it is used."""

    name: str
    where: str
    used: str
    allowed: str
    share: float


def binding_table(dossier: Dossier) -> Table:
    """Return the limits of which the plan uses 95 % or more, or leaves too little for one unit more; those of a kind
    together, the fullest first.
    """
    found: list[Limit] = []
    for limits in (_budgets(dossier), _rooms(dossier), _fibers(dossier), _targets(dossier), _technologies(dossier)):
        found += sorted(limits, key=lambda limit: (-limit.share, limit.name, limit.where))
    columns = (*text_columns("Limit", "Where"), *number_columns(["Used", "Allowed or asked", "Share"]))
    lines = (row(limit.name, limit.where, limit.used, limit.allowed, percent(limit.share)) for limit in found)
    return Table(caption="What binds", columns=columns, rows=tuple(lines))


def _budgets(dossier: Dossier) -> Iterator[Limit]:
    names, scenario = phase_names(dossier), dossier.scenario
    spending = costs.counted_spending(scenario, dossier.plan.costs)
    for limit in costs.budget_limits(scenario):
        spent = limit.spent(spending)
        if limit.amount and spent >= NEAR * limit.amount:
            ends = dict.fromkeys((names[limit.first_phase], names[limit.last_phase]))
            where, share = " to ".join(ends), spent / limit.amount
            yield Limit(name="Budget", where=where, used=money(spent), allowed=money(limit.amount), share=share)


def _rooms(dossier: Dossier) -> Iterator[Limit]:
    """Yield sites without room for one unit more of something that they hold, or with little power or area left."""
    units: Counter[tuple[str, str]] = Counter()
    for entry in dossier.plan.installations:
        units[entry.site, entry.item] += entry.count
    for part in dossier.scenario.spec.as_built:
        units.update({(site, item): owned for site in part.sites for item, owned in part.items.items()})
    items = dossier.scenario.costs.items
    for site in dossier.scenario.sites:
        here = {item: number for (at, item), number in units.items() if at == site.id and item in items}
        for item, most in sorted(site.max_units.items()):
            if most and here.get(item, 0) >= most:
                used, name = here[item], f"Room for {item_label(dossier, item)}"
                yield Limit(name=name, where=site.name, used=count(used), allowed=count(most), share=used / most)
        for name, limit, taken in (
            ("Power, W", site.max_power_w, sum(items[item].power_w * number for item, number in here.items())),
            ("Floor area, m²", site.max_area_m2, sum(items[item].area_m2 * number for item, number in here.items())),
        ):
            if limit and taken >= NEAR * limit:
                yield Limit(name=name, where=site.name, used=given(taken), allowed=given(limit), share=taken / limit)


def _fibers(dossier: Dossier) -> Iterator[Limit]:
    """Yield spans whose free fibers are too few for any technology; those with as many fibers in one row."""
    scenario, spans = dossier.scenario, dossier.network.spans
    known = {item.id: item.fibers_per_route for item in scenario.spec.technologies}
    most: Counter[int] = Counter()
    for phase in scenario.phases:
        used: Counter[int] = Counter()
        for service in (entry for entry in dossier.plan.services if entry.phase == phase.id):
            for route in (entry for entry in service.routes if entry.technology in known):
                for span in (entry for entry in route.spans if entry in dossier.span_at):
                    used[dossier.span_at[span]] += known[route.technology]
        most |= used
    full: dict[tuple[int, int], list[str]] = {}
    for at, fibers in sorted(most.items()):
        if fibers + min(known.values()) > spans.max_fibers[at]:
            full.setdefault((fibers, int(spans.max_fibers[at])), []).append(spans.ids[at])
    for (fibers, limit), names in sorted(full.items()):
        yield Limit(
            name="Fibers", where=some(names), used=count(fibers), allowed=count(limit), share=fibers / max(limit, 1)
        )


def _targets(dossier: Dossier) -> Iterator[Limit]:
    """Yield targets of demands that a route only just reaches: the share is that of what may be missing."""
    for drawn, where in _routes(dossier):
        route, asked = drawn.route, dossier.scenario.demands[drawn.demand].seen_by(drawn.route.target)
        wanted = (
            ("Pairs per second", asked.min_rate_hz, route.rate_hz),
            ("Key bits per second", asked.min_key_rate_bps, route.key_rate_hz),
            ("Ebits per second", asked.min_ebit_rate_hz, route.ebit_rate_hz),
        )
        for name, least, got in wanted:
            if least and got and least >= NEAR * got:
                yield Limit(name=name, where=where, used=significant(got, 4), allowed=given(least), share=least / got)
        missing = (1.0 - route.fidelity) / (1.0 - asked.min_fidelity)
        if missing >= NEAR:
            reached, least_words = fidelity(route.fidelity), given(asked.min_fidelity)
            yield Limit(name="Fidelity", where=where, used=reached, allowed=least_words, share=missing)
        late_s = asked.max_latency_s
        if late_s and route.latency_s >= NEAR * late_s:
            used, allowed = milliseconds(route.latency_s), milliseconds(late_s)
            yield Limit(name="Latency, ms", where=where, used=used, allowed=allowed, share=route.latency_s / late_s)


def _technologies(dossier: Dossier) -> Iterator[Limit]:
    """Yield limits of technologies that a route reaches: links, lanes, and the loss of a single link."""
    known = {item.id: item for item in dossier.scenario.spec.technologies}
    for drawn, where in _routes(dossier):
        route, technology = drawn.route, known.get(drawn.route.technology)
        if technology is None:
            continue
        links, most_db = link_count(route), technology.max_link_loss_db
        for name, used, most in (("Links", links, technology.max_links), ("Lanes", route.lanes, technology.max_lanes)):
            if used >= most > 1:
                words = f"{name} of {technology.id}"
                yield Limit(name=words, where=where, used=count(used), allowed=count(most), share=used / most)
        if links == 1 and most_db and route.loss_db >= NEAR * most_db:
            share = route.loss_db / most_db
            used_db, allowed_db = decibels(route.loss_db), decibels(most_db)
            yield Limit(name="Loss of a link, dB", where=where, used=used_db, allowed=allowed_db, share=share)


def _routes(dossier: Dossier) -> Iterable[tuple[DrawnRoute, str]]:
    """Return every different route with its demand, its rank and the phases in which it serves."""
    names = phase_names(dossier)
    for drawn in dossier.routes():
        when = dict.fromkeys((names[drawn.phases[0]], names[drawn.phases[-1]]))
        demand = demand_name(dossier, dossier.scenario.demands[drawn.demand])
        yield drawn, f"{demand}, {rank_label(drawn.rank).lower()} route, {' to '.join(when)}"
