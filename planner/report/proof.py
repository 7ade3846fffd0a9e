"""What the independent recomputation found: checks, failures, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from planner.network import Network
from planner.plan import Route
from planner.report.dossier import Dossier, DrawnRoute
from planner.report.service import demand_name
from planner.report.tables import Row, Table, number_columns, row, text_columns
from planner.report.wording import MISSING, count, counted, plain, some, spaced
from planner.verdict import Check, Failure

SHARED_PLACES = {"site-building": "Building", "site-power": "Power feed"}
"""Kinds of risk groups of sites, in words."""
SHOWN_ALIKE = 6
"""Places named in one row of the table of failures; the others are counted."""
CHECK_COLUMNS = text_columns("Subject", "Expected", "Actual", "Unit")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckGroup:
    """All checks of one name, those that failed first."""

    name: str
    passed: int
    failed: int
    table: Table

    @property
    def summary(self) -> str:
        """Return the name with its counts."""
        total = counted(self.passed + self.failed, "check")
        return f"{self.name}: {total}, " + (f"{count(self.failed)} FAILED" if self.failed else "all passed")


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureEffect:
    """What a failure means on the map: which spans and sites are hit, which routes break, which survive."""

    label: str
    sentence: str
    spans: tuple[int, ...]
    site: str
    broken: tuple[int, ...]
    """Numbers of routes of the last phase that no longer work."""
    surviving: tuple[int, ...]
    """Numbers of the routes that the weakened demands keep."""
    lost_demands: tuple[str, ...]


def check_groups(dossier: Dossier) -> tuple[CheckGroup, ...]:
    """Return the checks by name, groups with a failed check first, otherwise in the order of the verdict."""
    by_name: dict[str, list[Check]] = {}
    for check in dossier.verdict.checks:
        by_name.setdefault(check.name, []).append(check)
    groups = [_group(name, checks) for name, checks in by_name.items()]
    return tuple(sorted(groups, key=lambda group: group.failed == 0))


def failed_table(dossier: Dossier) -> Table | None:
    """Return the failed checks, or None when there are none."""
    failed = dossier.verdict.failed_checks
    if not failed:
        return None
    lines = tuple(
        row(spaced(check.name), check.subject, check.expected, check.actual, check.unit, kind="missed")
        for check in failed
    )
    columns = text_columns("Check", "Subject", "Expected", "Actual", "Unit")
    return Table(caption="Failed checks", columns=columns, rows=lines)


def harmful(failures: Sequence[Failure]) -> tuple[Failure, ...]:
    """Return the failures that take at least one route from a demand, in the order of the verdict."""
    return tuple(failure for failure in failures if failure.lost_demands or failure.weakened_demands)


def failure_table(dossier: Dossier) -> Table:
    """Return what single failures do, the worst first; those with the same effect share a row."""
    effects: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Failure]] = {}
    for failure in harmful(dossier.verdict.failures):
        effects.setdefault((failure.lost_demands, failure.weakened_demands), []).append(failure)
    lines = []
    street_names = _street_names(dossier)
    for (lost, weakened), failures in effects.items():
        short = [failure.risk_group for failure in failures]
        names = [_failure_name(dossier, failures[0], street_names)] if len(failures) == 1 else short
        words = _demand_words(dossier, lost)
        alarm = Markup('<span class="alarm">✕ {}</span>').format(plain(words)) if lost else MISSING
        lines.append(row(some(names, SHOWN_ALIKE), count(len(names)), alarm, _demand_words(dossier, weakened)))
    columns = (
        *text_columns("If this fails"),
        *number_columns(["Places"]),
        *text_columns("Demands without any route", "Demands that keep a route, or their ring the other way round"),
    )
    return Table(caption="Single failures in the last phase, the worst first", columns=columns, rows=tuple(lines))


def failure_words(dossier: Dossier) -> str:
    """Return how many single failures were tried, and what they do, in words."""
    failures = dossier.verdict.failures
    if not failures:
        return "No failure was tried, or no route depends on anything that could fail."
    losing = sum(bool(failure.lost_demands) for failure in failures)
    weakening = sum(bool(failure.weakened_demands) and not failure.lost_demands for failure in failures)
    return (
        f"Of {counted(len(failures), 'single failure')} that were tried in the last phase, {count(losing)} leave at "
        f"least one demand without any route and {count(weakening)} only take one of its two routes from a demand. "
        "Places with the same effect share a row."
    )


def failure_effects(dossier: Dossier, routes: Sequence[DrawnRoute]) -> tuple[FailureEffect, ...]:
    """Return for the map what every harmful failure hits, in the order of the verdict."""
    last = [number for number, drawn in enumerate(routes) if dossier.last_phase in drawn.phases]
    ids = [demand.id for demand in dossier.scenario.demands]
    met = {number: _met(dossier, routes[number].route) for number in last}
    by_group = _by_group(dossier.network, {at for number in last for at, _ in routes[number].steps})
    street_names = _street_names(dossier)
    effects = []
    for failure in harmful(dossier.verdict.failures):
        touched = {*failure.lost_demands, *failure.weakened_demands}
        mine = [number for number in last if ids[routes[number].demand] in touched]
        broken = tuple(number for number in mine if (failure.kind, failure.risk_group) in met[number])
        walked = {at for number in broken for at, _ in routes[number].steps}
        name = _failure_name(dossier, failure, street_names)
        effects.append(
            FailureEffect(
                label=name,
                sentence=_failure_sentence(dossier, failure, name),
                spans=tuple(at for at in by_group.get(failure.risk_group, ()) if at in walked)
                if failure.kind == "span"
                else (),
                site=failure.risk_group if failure.kind == "site" else "",
                broken=broken,
                surviving=tuple(number for number in mine if number not in broken),
                lost_demands=failure.lost_demands,
            )
        )
    return tuple(effects)


def reproduction(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    """Return what is needed to make the same plan again: digests, versions, commands, settings."""
    plan, spec, solver = dossier.plan, dossier.scenario.spec, dossier.scenario.spec.solver
    file = dossier.scenario.path.name
    limits = f"gap {solver.gap:g}, work budget {count(solver.work_budget)}, time limit {solver.time_limit_s:g} s"
    outcome = plan.outcome
    return (
        ("Command", f"planner run {file}"),
        ("Scenario (SHA-256)", dossier.scenario.digest),
        ("Network (SHA-256)", dossier.network.digest),
        ("Plan (SHA-256)", dossier.verdict.plan_digest),
        ("Roll-out", plan.rollout),
        ("Search limits", f"{limits}, seed {solver.seed}"),
        ("Search", f"{count(outcome.work)} steps, {counted(outcome.candidates, 'candidate route')}"),
        ("Bound", outcome.bound_method),
        ("Hardware catalog", spec.catalogs.hardware),
        ("Price list", spec.catalogs.costs),
        *(
            (f"Exchange rate {rate.currency} {rate.price_year}", f"{rate.factor:g}, {rate.source}")
            for rate in spec.exchange
        ),
        *((f"Version of {name}", version) for name, version in sorted(plan.versions.items())),
    )


def _group(name: str, checks: Sequence[Check]) -> CheckGroup:
    failed = sum(not check.passed for check in checks)
    ordered = sorted(checks, key=lambda check: check.passed)
    table = Table(caption=spaced(name), columns=CHECK_COLUMNS, rows=tuple(_check_row(check) for check in ordered))
    return CheckGroup(name=spaced(name), passed=len(checks) - failed, failed=failed, table=table)


def _check_row(check: Check) -> Row:
    return row(check.subject, check.expected, check.actual, check.unit, kind="" if check.passed else "missed")


def _failure_name(dossier: Dossier, failure: Failure, street_names: Mapping[str, set[str]]) -> str:
    """Return what fails: a site by its name, a risk group with the street or duct that it stands for."""
    if failure.kind == "site":
        return f"Site {dossier.site_name(failure.risk_group)}"
    kind, _, name = failure.risk_group.partition(":")
    if kind in SHARED_PLACES:
        return f"{SHARED_PLACES[kind]} {name}"
    names = street_names.get(failure.risk_group, set())
    return f"{min(names)} ({failure.risk_group})" if len(names) == 1 else failure.risk_group


def _street_names(dossier: Dossier) -> dict[str, set[str]]:
    """Return the names of the built spans of every risk group."""
    spans = dossier.network.spans
    by_group = _by_group(dossier.network, dossier.built)
    return {group: {spans.name[at] for at in members} - {""} for group, members in by_group.items()}


def _failure_sentence(dossier: Dossier, failure: Failure, name: str) -> str:
    lost, weakened = failure.lost_demands, failure.weakened_demands
    named = {demand.id: demand_name(dossier, demand) for demand in dossier.scenario.demands}

    def words(demands: Sequence[str]) -> str:
        return "; ".join(named.get(demand, demand) for demand in demands)

    first = f"If {name} fails, "
    verb = "still works over its other route" if len(weakened) == 1 else "still work over their other routes"
    rest = f"{words(weakened)} {verb}." if weakened else ""
    if not lost:
        return f"{first}no demand is lost. {rest}"
    count_words = f"{counted(len(lost), 'demand')} {'is' if len(lost) == 1 else 'are'} lost"
    return f"{first}{count_words}: {words(lost)}. {rest}".rstrip()


def _demand_words(dossier: Dossier, demands: Sequence[str]) -> str:
    named = {demand.id: demand_name(dossier, demand) for demand in dossier.scenario.demands}
    return "; ".join(named.get(demand, demand) for demand in demands) or MISSING


def _met(dossier: Dossier, route: Route) -> frozenset[tuple[str, str]]:
    """Return the kind and name of every failure that ends a route."""
    network = dossier.network
    at = [dossier.span_at[span] for span in route.spans if span in dossier.span_at]
    sites = {station.site for station in route.stations}
    roofs = {site for hop in network.hops if hop.id in route.spans for site in (hop.a, hop.b)}
    shared = {group for site in network.sites if site.id in sites | roofs for group in site.risk_groups}
    groups = {group for index in at for group in _groups(network, index)} | shared
    return frozenset({("site", site) for site in sites} | {("span", group) for group in groups})


def _by_group(network: Network, spans: Iterable[int]) -> dict[str, list[int]]:
    """Return which of some spans every risk group has, in their order in the network."""
    members: dict[str, list[int]] = {}
    for at in sorted(spans):
        for group in _groups(network, at):
            members.setdefault(group, []).append(at)
    return members


def _groups(network: Network, span: int) -> Sequence[str]:
    return network.spans.risk_groups[span] or (network.spans.ids[span],)
