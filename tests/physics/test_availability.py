import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.physics import availability as av

GROUPS = ("bridge", "duct", "hut", "manhole", "weather")


def up_of(**down):
    return {name: 1.0 - value for name, value in down.items()}


def test_published_example_of_two_routes():
    north, south = (av.fiber_unavailability(length_km, 8.08, 12.0) for length_km in (14.0, 22.0))
    assert north == pytest.approx(1.5496e-4, rel=5e-5)
    assert south == pytest.approx(2.4351e-4, rel=5e-5)
    disjoint = [frozenset({"north"}), frozenset({"south"})]
    assert av.service_unavailability(disjoint, up_of(north=north, south=south)) == pytest.approx(3.773e-8, rel=2e-4)
    lengths_km = {"shared": 3.0, "north": 11.0, "south": 19.0}
    up = up_of(**{name: av.fiber_unavailability(km, 8.08, 12.0) for name, km in lengths_km.items()})
    sharing = [frozenset({"shared", "north"}), frozenset({"shared", "south"})]
    down = av.service_unavailability(sharing, up)
    assert down == pytest.approx(3.323e-5, rel=1e-3)
    assert down / 3.773e-8 == pytest.approx(880.0, rel=0.01)


def test_ten_km_of_metropolitan_fiber_are_down_an_hour_a_year():
    assert av.downtime_min_per_year(av.fiber_unavailability(10.0, 8.1, 12.0)) == pytest.approx(58.0, abs=0.5)


@pytest.mark.parametrize(("between_h", "repair_h", "expected"), [(20_000.0, 48.0, 0.9976), (8_000.0, 48.0, 0.994)])
def test_equipment(between_h, repair_h, expected):
    assert av.equipment_availability(between_h, repair_h) == pytest.approx(expected, abs=5e-5)


@settings(max_examples=60)
@given(
    routes=st.lists(st.frozensets(st.sampled_from(GROUPS), max_size=4), min_size=1, max_size=4),
    shares=st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5),
    rates_hz=st.lists(st.floats(0.0, 100.0), min_size=4, max_size=4),
)
def test_exact_against_enumeration_of_all_states(routes, shares, rates_hz):
    up = dict(zip(GROUPS, shares, strict=True))
    rates_hz = rates_hz[: len(routes)]
    down = mean_hz = 0.0
    for state in itertools.product((True, False), repeat=5):
        works = {name for name, value in zip(GROUPS, state, strict=True) if value}
        chance = 1.0
        for name, value in zip(GROUPS, state, strict=True):
            chance *= up[name] if value else 1.0 - up[name]
        running = [rate for route, rate in zip(routes, rates_hz, strict=True) if route <= works]
        down += 0.0 if running else chance
        mean_hz += chance * max(running, default=0.0)
    assert av.service_unavailability(routes, up) == pytest.approx(down, abs=1e-12)
    assert av.expected_rate_hz(routes, rates_hz, up) == pytest.approx(mean_hz, abs=1e-9)


def test_limits_of_services():
    up = up_of(duct=0.1)
    assert av.service_unavailability([], up) == 1.0
    assert av.service_unavailability([frozenset()], up) == 0.0
    assert av.service_unavailability([frozenset({"duct"})] * 2, up) == pytest.approx(0.1)
    assert av.series_availability() == 1.0


def test_rare_failures_keep_their_digits():
    up = up_of(north=1e-9, south=1e-9)
    both = av.service_unavailability([frozenset({"north"}), frozenset({"south"})], up)
    assert both == pytest.approx(1e-18, rel=1e-6)


@pytest.mark.parametrize(("length_km", "visibility_km"), [(0.5, 0.694), (1.0, 1.010), (2.0, 1.778)])
def test_required_visibility(length_km, visibility_km):
    assert av.required_visibility_km(10.0, length_km, 1550.0) == pytest.approx(visibility_km, abs=6e-4)


def test_one_weather_for_all_hops():
    city = [(0.0, 0.007), (0.5, 0.008), (1.0, 0.185), (5.0, 0.8)]
    assert av.weather_availability(city, [0.5]) == pytest.approx(0.993)
    assert av.weather_availability(city, [0.5, 1.0, 1.0]) == pytest.approx(0.985)
    assert av.weather_availability(city, [1.2]) == pytest.approx(0.8)
    assert av.weather_availability(city, []) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "error", "value"),
    [
        (lambda: av.fiber_unavailability(-1.0, 8.0, 12.0), ValueError, "-1.0"),
        (lambda: av.fiber_unavailability(1e7, 8.0, 12.0), ValueError, "unavailability"),
        (lambda: av.equipment_availability(0.0, 1.0), ValueError, "0.0"),
        (lambda: av.series_availability(0.9, 1.1), ValueError, "1.1"),
        (lambda: av.service_unavailability([frozenset({"duct"})], {"duct": 1.5}), ValueError, "1.5"),
        (lambda: av.service_unavailability([frozenset({"duct"})], {}), KeyError, "duct"),
        (lambda: av.expected_rate_hz([frozenset()], [-1.0], {}), ValueError, "-1.0"),
        (lambda: av.required_visibility_km(0.0, 1.0, 1550.0), ValueError, "0.0"),
        (lambda: av.required_visibility_km(1e-9, 1000.0, 1550.0), ValueError, "1e-09"),
        (lambda: av.weather_availability([(0.0, 0.5)], [1.0]), ValueError, "0.5"),
        (lambda: av.downtime_min_per_year(2.0), ValueError, "2.0"),
    ],
)
def test_invalid_arguments_are_named(call, error, value):
    with pytest.raises(error, match=value):
        call()
