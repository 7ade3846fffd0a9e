"""Single failures: who loses service, and which failure is worst."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.verdict import Failure
from planner.verify import verify_plan
from planner.verify.failures import list_failures
from plans import city_plan, line_plan


def failures_of(folder: Path) -> tuple[Failure, ...]:
    planned = city_plan(folder)
    return list_failures(planned.world.network, planned.world.scenario, planned.plan)


def find(failures: tuple[Failure, ...], risk_group: str) -> Failure:
    return next(failure for failure in failures if failure.risk_group == risk_group)


def test_a_single_route_is_lost_with_any_of_its_spans(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    failures = list_failures(planned.world.network, planned.world.scenario, planned.plan)
    assert [(failure.risk_group, failure.kind) for failure in failures] == [
        ("s", "site"),
        ("street:s00", "span"),
        ("street:s01", "span"),
    ]
    assert all(failure.lost_demands == ("A-B",) and not failure.weakened_demands for failure in failures)


def test_a_protected_demand_is_weakened(tmp_path: Path) -> None:
    failures = failures_of(tmp_path)
    assert find(failures, "duct:s06").weakened_demands == ("A-D",)
    assert find(failures, "duct:s06").lost_demands == ()
    assert find(failures, "y").weakened_demands == ("A-D",)


def test_shared_spans_hit_all_their_demands(tmp_path: Path) -> None:
    shared = find(failures_of(tmp_path), "street:s04")
    assert (shared.lost_demands, shared.weakened_demands) == (("B-E",), ("A-D",))


def test_a_site_takes_the_routes_that_end_there(tmp_path: Path) -> None:
    # D holds a repeater of B-E and is an end of A-D.
    site = find(failures_of(tmp_path), "D")
    assert (site.kind, site.lost_demands) == ("site", ("A-D", "B-E"))


def test_the_most_harmful_come_first(tmp_path: Path) -> None:
    harm = [(len(failure.lost_demands), len(failure.weakened_demands)) for failure in failures_of(tmp_path)]
    assert harm == sorted(harm, reverse=True)


def test_only_the_last_phase_counts(tmp_path: Path) -> None:
    planned = city_plan(tmp_path)
    first_only = tuple(service for service in planned.plan.services if service.phase == "p1")
    plan = planned.plan.model_copy(update={"services": first_only})
    assert list_failures(planned.world.network, planned.world.scenario, plan) == ()


def test_spans_without_risk_groups_fail_alone(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    spans = replace(planned.world.network.spans, risk_groups=((), ()))
    failures = list_failures(replace(planned.world.network, spans=spans), planned.world.scenario, planned.plan)
    assert {failure.risk_group for failure in failures} == {"s00", "s01", "s"}


def test_the_verdict_carries_the_failures(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    verdict = verify_plan(planned.world.network, planned.world.scenario, planned.plan)
    assert len(verdict.failures) == 3
