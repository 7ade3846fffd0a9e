import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physics import parts
from planner.physics.budget import Budget, equal_links, rate_curve, route_budget
from planner.physics.performance import evaluate_route


def steps_of(budget: Budget, part: str) -> dict[str, float]:
    return {step.name: step.value for step in budget.steps if step.part == part}


@settings(max_examples=25, deadline=None)
@given(
    length_km=st.floats(0.0, 120.0),
    count=st.integers(1, 4),
    model=st.sampled_from(["pair_source", "double_click", "single_click"]),
    swap=st.sampled_from([1.0, 0.5]),
)
def test_a_budget_ends_at_what_the_planner_computes(length_km, count, model, swap):
    device = {} if model == "pair_source" else {"memory": parts.memory(swap_probability=swap)}
    count = 1 if model == "pair_source" else count
    hardware = parts.hardware(model, **device)
    budget = route_budget(length_km, count, hardware)
    route = equal_links(length_km, count, hardware.fiber)
    assert budget.performance == evaluate_route(route, hardware)
    delivered = steps_of(budget, "delivered")
    assert delivered["rate"] == budget.performance.lane_rate_hz
    assert delivered["fidelity"] == budget.performance.fidelity
    assert steps_of(budget, "link")["link rate"] == budget.performance.link_rate_hz[0]


@pytest.mark.parametrize(("loss_db", "items"), [(None, {"fiber", "splices"}), (12.0, {"fiber, measured"})])
def test_items_of_an_arm_add_up_to_its_loss(loss_db, items):
    arm = steps_of(route_budget(40.0, 2, parts.hardware(), loss_db=loss_db), "arm")
    names = items | {"connectors", "devices", "margin"}
    assert names <= set(arm)
    assert math.fsum(arm[name] for name in names) == pytest.approx(arm["loss of the arm"], rel=1e-12)
    assert arm["transmittance"] == pytest.approx(10 ** (-arm["loss of the arm"] / 10))
    if loss_db is not None:
        assert arm["fiber, measured"] == pytest.approx(loss_db / 4)


def test_a_pair_source_can_be_followed_by_hand():
    hardware = parts.hardware("pair_source")
    link = steps_of(route_budget(30.0, 1, hardware), "link")
    live = link["source to click"] * link["live share of detectors"]
    true_hz = link["brightness"] * live**2 * link["pairs inside the window"]
    assert link["true coincidences"] == pytest.approx(true_hz, rel=1e-9)
    assert link["accidental coincidences"] == pytest.approx(link["clicks of a user"] ** 2 * link["window"] * 1e-12)
    assert link["link rate"] == pytest.approx(link["true coincidences"] + link["accidental coincidences"])
    assert link["link fidelity"] == pytest.approx((1 + 3 * (1 - 2 * link["error"])) / 4)


def test_a_dimmed_source_is_shown_dimmed():
    hardware = parts.hardware("pair_source")
    bright, dim = (route_budget(10.0, 1, hardware, min_fidelity=floor) for floor in (0.25, 0.97))
    assert steps_of(dim, "link")["brightness"] < steps_of(bright, "link")["brightness"]
    assert steps_of(dim, "link")["error"] == pytest.approx(0.02, abs=1e-6)


@pytest.mark.parametrize("model", ["double_click", "single_click"])
def test_a_chain_can_be_followed_by_hand(model):
    memory = parts.memory()
    budget = route_budget(40.0, 3, parts.hardware(model, memory=memory))
    link, chain = steps_of(budget, "link"), steps_of(budget, "chain")
    assert link["link rate"] == pytest.approx(memory.duty * link["success of a slot"] / link["clock"])
    assert chain["success per slot"] == pytest.approx(link["link rate"] * link["clock"])
    seconds = chain["slots to a complete chain"] * link["clock"] + chain["swap results travel"]
    assert budget.performance.lane_rate_hz == pytest.approx(1 / seconds)
    werner = chain["Werner parameter of a link"] ** 3 * chain["Werner parameter of a swap"] ** 2
    assert chain["Werner parameter of the route"] == pytest.approx(werner * chain["kept in storage"])


def test_the_schedule_that_is_taken_is_marked():
    memory = parts.memory(swap_probability=0.5)
    budget = route_budget(20.0, 4, parts.hardware(memory=memory))
    schedules = [step for step in budget.steps if step.name == "slots to a complete chain"]
    taken = [step for step in schedules if step.how.endswith(", taken")]
    assert len(schedules) == 2
    assert len(taken) == 1
    clock_s, confirm_s = steps_of(budget, "link")["clock"], steps_of(budget, "chain")["swap results travel"]
    assert 1 / (taken[0].value * clock_s + confirm_s) == pytest.approx(budget.performance.lane_rate_hz)


def test_a_route_without_light_has_no_chain_to_follow():
    hardware = parts.hardware(detector=parts.detector(dark_count_hz=0.0))
    budget = route_budget(10.0, 2, hardware, loss_db=20_000.0)
    assert budget.performance.lane_rate_hz == 0.0
    assert steps_of(budget, "chain") == {}


def test_a_curve_is_made_of_the_same_routes():
    hardware = parts.hardware()
    points = rate_curve((0.0, 10.0, 30.0), 2, hardware, loss_db_per_km=0.5)
    assert [point.length_km for point in points] == [0.0, 10.0, 30.0]
    assert points[2].performance == route_budget(30.0, 2, hardware, loss_db=15.0).performance


@pytest.mark.parametrize(
    ("length_km", "count", "loss_db", "value"), [(-1.0, 1, None, "-1.0"), (1.0, 0, None, "0"), (1.0, 1, -2.0, "-2.0")]
)
def test_invalid_routes_are_named(length_km, count, loss_db, value):
    with pytest.raises(ValueError, match=value):
        route_budget(length_km, count, parts.hardware(), loss_db=loss_db)
