"""The recipe: the stages one after the other, each reading what the one before wrote and writing its own file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from planner.errors import InputError, NoPlanError
from planner.network import Network, load_network, network_to_geojson
from planner.outputs import check_writable, write_atomically
from planner.plan import Plan, Progress, load_plan
from planner.scenario import Rollout, Scenario
from planner.verdict import Verdict, load_verdict

NETWORK_FILE = "network.geojson"
PLAN_FILE = "plan.json"
VERDICT_FILE = "verdict.json"
NO_PLAN_FILE = "no-plan.html"
"""What stands in the way, as a page with a map; there only while the last search ended without a plan."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DesignOptions:
    """What the command line may say about a design run, instead of the scenario."""

    rollout: Rollout | None = None
    gap: float | None = None
    time_limit_s: float | None = None
    start: Path | None = None
    """A plan whose routes are tried first."""
    on_progress: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] = lambda: False
    """Asked between steps; the best plan so far is kept."""


def build(scenario: Scenario, folder: Path, *, use_cache: bool = True) -> Network:
    """Build the network of a scenario, or take it from the cache, and write it into a folder."""
    from planner.geodata import build_network, cached_network

    check_writable(folder)
    network = cached_network(scenario) if use_cache else build_network(scenario)
    write_atomically(folder / NETWORK_FILE, network_to_geojson(network))
    return network


def design(scenario: Scenario, folder: Path, options: DesignOptions) -> Plan:
    """Design a plan for the network in a folder and write it there."""
    return _design(scenario, _network(scenario, folder), folder, options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A given plan with its numbers recomputed, and what the checks say about it."""

    plan: Plan
    verdict: Verdict


def evaluate(scenario: Scenario, given: Path, folder: Path, *, with_bound: bool = False) -> Evaluation:
    """Price and check a plan, or routes drawn by hand, and write plan and verdict into a folder.

    The network is built there when the folder has none yet.
    """
    from planner.design import evaluate_given

    check_writable(folder)
    network = _network(scenario, folder) if (folder / NETWORK_FILE).exists() else build(scenario, folder)
    plan = evaluate_given(network, scenario, given, with_bound=with_bound)
    write_atomically(folder / PLAN_FILE, [plan.to_json()])
    return Evaluation(plan=plan, verdict=_verify(scenario, network, plan, folder))


def verify(scenario: Scenario, folder: Path, plan_path: Path | None = None) -> Verdict:
    """Check the plan in a folder (or another one) against the network there and write the verdict."""
    return _verify(scenario, _network(scenario, folder), load_plan(plan_path or folder / PLAN_FILE), folder)


def report(scenario: Scenario, folder: Path, against: Path | None = None) -> Path:
    """Render the plan and verdict in a folder and return the path of the report.

    `against` is a plan, or a folder with one, of the same scenario: the report explains the difference.
    """
    from planner.report import write_report

    network, plan = _network(scenario, folder), load_plan(folder / PLAN_FILE)
    other = None
    if against is not None:
        path = against / PLAN_FILE if against.is_dir() else against
        other = load_plan(path)
        if other.scenario_digest != plan.scenario_digest:
            raise InputError.at(str(path), "is a plan for another scenario")
    return write_report(network, scenario, plan, load_verdict(folder / VERDICT_FILE), folder, against=other)


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Everything that a whole run made."""

    network: Network
    plan: Plan
    verdict: Verdict
    report: Path


def run(scenario: Scenario, folder: Path, options: DesignOptions, *, use_cache: bool = True) -> Results:
    """Build, design, verify and report; return what was made."""
    from planner.report import write_report

    network = build(scenario, folder, use_cache=use_cache)
    plan = _design(scenario, network, folder, options)
    verdict = _verify(scenario, network, plan, folder)
    return Results(
        network=network,
        plan=plan,
        verdict=verdict,
        report=write_report(network, scenario, plan, verdict, folder),
    )


def _network(scenario: Scenario, folder: Path) -> Network:
    """Return the network in a folder; raises InputError when it was built for another scenario."""
    path = folder / NETWORK_FILE
    if not path.exists():
        raise InputError.at(str(path), f"no network here; run: planner build {scenario.path} --out {folder}")
    network = load_network(path)
    if network.scenario_digest != scenario.digest:
        raise InputError.at(
            str(path), f"was built for another version of {scenario.path}; run planner build {scenario.path} again"
        )
    return network


def _design(scenario: Scenario, network: Network, folder: Path, options: DesignOptions) -> Plan:
    from planner.design import design_plan

    check_writable(folder)
    try:
        plan = design_plan(
            network,
            scenario,
            rollout=options.rollout,
            gap=options.gap,
            time_limit_s=options.time_limit_s,
            start=None if options.start is None else load_plan(options.start),
            on_progress=options.on_progress,
            should_stop=options.should_stop,
        )
    except NoPlanError as error:
        from planner.report import write_refusal

        error.page = write_refusal(network, scenario, error, folder)
        raise
    write_atomically(folder / PLAN_FILE, [plan.to_json()])
    (folder / NO_PLAN_FILE).unlink(missing_ok=True)
    return plan


def _verify(scenario: Scenario, network: Network, plan: Plan, folder: Path) -> Verdict:
    from planner.verify import verify_plan

    verdict = verify_plan(network, scenario, plan)
    write_atomically(folder / VERDICT_FILE, [verdict.to_json()])
    return verdict
