import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physics import parts
from planner.physics import chains, schedules
from planner.physics.performance import Arm, ElementaryLink, evaluate_route
from planner.physics.service import fidelity_of_werner, hashing_ebits, werner_of_fidelity

ARMS = st.builds(
    Arm,
    length_km=st.floats(0.0, 40.0),
    loss_db=st.floats(0.0, 25.0),
    noise_hz=st.floats(0.0, 1e4),
)
LINKS = st.builds(ElementaryLink, left=ARMS, right=ARMS)
MEMORIES = st.builds(
    parts.memory,
    emission_efficiency=st.floats(0.01, 1.0),
    emission_fidelity=st.floats(0.5, 1.0),
    visibility=st.floats(0.5, 1.0),
    bright_state=st.floats(0.01, 0.49),
    modes=st.integers(1, 1000),
    duty=st.floats(0.01, 1.0),
    coherence_time_s=st.floats(1e-3, 10.0),
    decay=st.sampled_from(["exponential", "gaussian"]),
    swap_probability=st.sampled_from([1.0, 0.5]),
    ends_store=st.booleans(),
)


def reverse(links):
    return tuple(ElementaryLink(left=link.right, right=link.left) for link in reversed(links))


def test_one_link_is_the_route():
    hardware = parts.hardware(memory=parts.memory(ends_store=False))
    route = evaluate_route((parts.link(10.0),), hardware)
    assert route.rate_plane == "stored"
    assert route.lane_rate_hz == pytest.approx(route.link_rate_hz[0])
    assert route.fidelity == pytest.approx(route.link_fidelity[0])
    assert route.ebit_rate_hz == pytest.approx(route.lane_rate_hz * hashing_ebits(route.fidelity))
    assert route.latency_s == pytest.approx(20.0 / 2e5)
    assert route.limits == ()


def test_stored_pair_waits_for_its_herald():
    hardware = parts.hardware(memory=parts.memory(coherence_time_s=1e-3))
    route = evaluate_route((parts.link(10.0, 6.0),), hardware)
    made, delivered = (werner_of_fidelity(value) for value in (route.link_fidelity[0], route.fidelity))
    assert delivered / made == pytest.approx(math.exp(-2 * 16.0 / 2e5 / 1e-3))


def test_chain_of_equal_links_from_its_parts():
    memory = parts.memory(coherence_time_s=0.1, ends_store=True)
    route = evaluate_route((parts.link(8.0),) * 3, parts.hardware(memory=memory))
    slot_s = 2 * 8.0 / 2e5 + 1e-5
    probability = route.link_rate_hz[0] * slot_s
    path_s = 48.0 / 2e5
    slots = chains.mean_slots((probability,) * 3)
    assert route.lane_rate_hz == pytest.approx(1.0 / (slots * slot_s + path_s), rel=1e-9)
    waiting = chains.waiting_decay((probability,) * 3, slot_s / 0.1, slot_s / 0.1)
    # Six qubits wait for heralds (2 * 8 km each), two ends also for the swap results.
    fixed = math.exp(-(6 * 2 * 8.0 / 2e5 + 2 * path_s) / 0.1)
    werner = werner_of_fidelity(route.link_fidelity[0]) ** 3 * werner_of_fidelity(0.99) ** 2
    assert route.fidelity == pytest.approx(fidelity_of_werner(werner * waiting * fixed), rel=1e-9)
    assert route.latency_s == pytest.approx(path_s)


def sampled_route(links, hardware, runs=60_000, seed=5):
    """Rate and fidelity of a chain with sure swaps by sampling each link on its own clock."""
    rng = np.random.default_rng(seed)
    memory = hardware.memory
    singles = [evaluate_route((link,), hardware) for link in links]
    clocks_s = [
        max(1 / memory.repetition_hz, 2 * max(link.left.length_km, link.right.length_km) / 2e5) for link in links
    ]
    ready_s = np.array(
        [
            clock * rng.geometric(single.link_rate_hz[0] * clock, runs)
            for clock, single in zip(clocks_s, singles, strict=True)
        ]
    )
    path_s = sum(link.left.length_km + link.right.length_km for link in links) / 2e5
    idle = np.zeros((2 * len(links), runs))
    for index, link in enumerate(links):
        idle[2 * index] += 2 * link.left.length_km / 2e5
        idle[2 * index + 1] += 2 * link.right.length_km / 2e5
    for joint in range(len(links) - 1):
        wait = ready_s[joint + 1] - ready_s[joint]
        idle[2 * joint + 1] += np.maximum(wait, 0.0)
        idle[2 * joint + 2] += np.maximum(-wait, 0.0)
    done_s = ready_s.max(axis=0)
    if memory.ends_store:
        idle[0] += done_s - ready_s[0] + path_s
        idle[-1] += done_s - ready_s[-1] + path_s
    else:
        idle[0] = idle[-1] = 0.0
    shares = idle / memory.coherence_time_s
    kept = np.exp(-(shares if memory.decay == "exponential" else shares**2).sum(axis=0))
    made = math.prod(werner_of_fidelity(single.link_fidelity[0]) for single in singles)
    made *= werner_of_fidelity(memory.swap_fidelity) ** (len(links) - 1)
    total_s = done_s + path_s
    return (total_s.mean(), total_s.std() / math.sqrt(runs)), (made * kept.mean(), made * kept.std() / math.sqrt(runs))


@pytest.mark.parametrize(
    ("lengths_km", "changes"),
    [
        ([(5.0, 5.0)] * 3, {"coherence_time_s": 0.05}),
        ([(5.0, 5.0)] * 3, {"coherence_time_s": 0.05, "ends_store": False}),
        ([(5.0, 5.0)] * 2, {"coherence_time_s": 0.05, "decay": "gaussian"}),
        ([(5.0, 5.0)] * 3, {"coherence_time_s": 0.05, "decay": "gaussian", "ends_store": False}),
        ([(4.0, 6.0), (5.0, 2.0), (3.0, 9.0)], {"coherence_time_s": 0.05}),
        ([(4.0, 6.0), (5.0, 2.0), (3.0, 9.0)], {"coherence_time_s": 0.05, "decay": "gaussian", "ends_store": False}),
    ],
)
def test_chains_agree_with_sampling(lengths_km, changes):
    memory = parts.memory(emission_efficiency=0.6, initialization_s=0.0, **changes)
    hardware = parts.hardware(memory=memory)
    links = tuple(parts.link(left, right) for left, right in lengths_km)
    route = evaluate_route(links, hardware)
    (time_s, time_error_s), (werner, werner_error) = sampled_route(links, hardware)
    unequal = len(set(lengths_km)) > 1
    # Clocks that differ make the closed form pessimistic by less than the success probability per attempt.
    allowed_s = 4 * time_error_s + (0.02 * time_s if unequal else 0.0)
    allowed = 4 * werner_error + (0.002 if unequal else 0.0)
    assert abs(1.0 / route.lane_rate_hz - time_s) < allowed_s
    assert abs(werner_of_fidelity(route.fidelity) - werner) < allowed


def test_failing_swaps_take_the_better_schedule():
    memory = parts.memory(swap_probability=0.5, ends_store=False)
    route = evaluate_route((parts.link(5.0),) * 4, parts.hardware(memory=memory))
    slot_s = 2 * 5.0 / 2e5 + 1e-5
    probability = route.link_rate_hz[0] * slot_s
    nested, asap = (
        1.0 / (schedules.run_schedule((probability,) * 4, 0.5, name).mean_slots * slot_s + 40.0 / 2e5)
        for name in ("nested", "asap")
    )
    assert nested > asap
    assert route.lane_rate_hz in (pytest.approx(nested, rel=1e-9), pytest.approx(asap, rel=1e-9))
    other = evaluate_route((parts.link(5.0),) * 3, parts.hardware(memory=memory))
    assert other.lane_rate_hz > route.lane_rate_hz


def test_two_links_with_failing_swaps():
    sure, failing = (
        evaluate_route((parts.link(5.0),) * 2, parts.hardware(memory=parts.memory(swap_probability=q)))
        for q in (1.0, 0.5)
    )
    path_s = 20.0 / 2e5
    assert 1 / failing.lane_rate_hz - path_s == pytest.approx(2 * (1 / sure.lane_rate_hz - path_s), rel=1e-9)
    assert failing.fidelity == pytest.approx(sure.fidelity)


@pytest.mark.parametrize("model", ["double_click", "single_click"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_perfect_parts_give_perfect_pairs(model, count):
    memory = parts.perfect_memory(bright_state=1e-9)
    route = evaluate_route((parts.link(5.0),) * count, parts.bare_hardware(model, memory=memory))
    assert route.fidelity == pytest.approx(1.0, abs=1e-6)
    assert route.ebit_rate_hz == pytest.approx(route.lane_rate_hz, rel=1e-4)


def test_perfect_pair_source():
    hardware = parts.bare_hardware(
        "pair_source",
        detector=parts.detector(efficiency=1.0, dark_count_hz=0.0, dead_time_ns=0.0),
        pair_source=parts.pair_source(coupling_efficiency=1.0, polarization_error=0.0, max_mean_pairs=1e-9),
    )
    route = evaluate_route((parts.link(5.0),), hardware)
    assert route.rate_plane == "detected"
    assert route.fidelity == pytest.approx(1.0, abs=1e-8)


def test_pair_source_can_be_dimmed():
    hardware = parts.hardware("pair_source")
    bright, dim = (evaluate_route((parts.link(5.0),), hardware, min_fidelity=floor) for floor in (0.25, 0.97))
    assert dim.fidelity == pytest.approx(0.97, abs=1e-6)
    assert dim.lane_rate_hz < bright.lane_rate_hz
    assert dim.ebit_rate_hz < bright.ebit_rate_hz


@settings(max_examples=60, deadline=None)
@given(
    links=st.lists(LINKS, min_size=1, max_size=4).map(tuple),
    memory=MEMORIES,
    model=st.sampled_from(["double_click", "single_click"]),
)
def test_no_memory_route_exceeds_the_physical_bound(links, memory, model):
    route = evaluate_route(links, parts.bare_hardware(model, memory=memory))
    assert route.ebit_rate_hz <= route.ceiling_hz
    assert 0.25 <= route.fidelity <= 1.0
    assert route.lane_rate_hz <= min(route.link_rate_hz) * (1 + 1e-9)
    assert not any("physical bound" in limit for limit in route.limits)


@settings(max_examples=60, deadline=None)
@given(link=LINKS, window=st.floats(0.5, 4.0), width_nm=st.floats(0.05, 5.0), mean_pairs=st.floats(1e-4, 0.1))
def test_no_pair_source_exceeds_the_physical_bound(link, window, width_nm, mean_pairs):
    source = parts.pair_source(
        max_brightness_hz=1e12,
        max_mean_pairs=mean_pairs,
        coupling_efficiency=1.0,
        bandwidth_nm=width_nm,
        window_per_jitter=window,
        polarization_error=0.0,
    )
    route = evaluate_route((link,), parts.bare_hardware("pair_source", pair_source=source))
    assert route.ebit_rate_hz <= route.ceiling_hz


@settings(max_examples=40, deadline=None)
@given(
    links=st.lists(LINKS, min_size=1, max_size=4).map(tuple),
    memory=MEMORIES,
    model=st.sampled_from(["double_click", "single_click"]),
)
def test_a_reversed_route_is_the_same_route(links, memory, model):
    hardware = parts.hardware(model, memory=memory)
    forward, backward = evaluate_route(links, hardware), evaluate_route(reverse(links), hardware)
    assert forward.lane_rate_hz == pytest.approx(backward.lane_rate_hz, rel=1e-9)
    assert forward.fidelity == pytest.approx(backward.fidelity, rel=1e-8)
    assert forward.link_rate_hz == pytest.approx(backward.link_rate_hz[::-1])


@settings(max_examples=40, deadline=None)
@given(link=LINKS)
def test_users_of_a_pair_source_are_interchangeable(link):
    hardware = parts.hardware("pair_source")
    forward, backward = evaluate_route((link,), hardware), evaluate_route(reverse((link,)), hardware)
    assert forward.lane_rate_hz == pytest.approx(backward.lane_rate_hz, rel=1e-5)
    assert forward.fidelity == pytest.approx(backward.fidelity, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    links=st.lists(LINKS, min_size=1, max_size=4).map(tuple),
    index=st.integers(0, 3),
    extra_db=st.floats(0.0, 10.0),
    model=st.sampled_from(["double_click", "single_click"]),
)
def test_more_loss_never_gives_more_pairs(links, index, extra_db, model):
    memory = parts.memory(emission_efficiency=0.1)  # the one-photon herald is meant for weak arms
    hardware = parts.hardware(model, memory=memory)
    index %= len(links)
    left = links[index].left
    weaker = ElementaryLink(
        left=Arm(length_km=left.length_km, loss_db=left.loss_db + extra_db, noise_hz=left.noise_hz),
        right=links[index].right,
    )
    lossy = (*links[:index], weaker, *links[index + 1 :])
    assert evaluate_route(lossy, hardware).lane_rate_hz <= evaluate_route(links, hardware).lane_rate_hz * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(link=LINKS, extra_db=st.floats(0.0, 10.0))
def test_more_loss_never_gives_a_pair_source_more_ebits(link, extra_db):
    hardware = parts.hardware("pair_source")
    left = link.left
    weaker = ElementaryLink(
        left=Arm(length_km=left.length_km, loss_db=left.loss_db + extra_db, noise_hz=left.noise_hz), right=link.right
    )
    here, lossy = (evaluate_route((value,), hardware) for value in (link, weaker))
    assert lossy.ebit_rate_hz <= here.ebit_rate_hz * (1 + 1e-5)
    assert lossy.key_rate_hz <= here.key_rate_hz * (1 + 1e-4)


@settings(max_examples=40, deadline=None)
@given(links=st.lists(LINKS, min_size=2, max_size=4).map(tuple), index=st.integers(0, 3), extra_km=st.floats(0.0, 30.0))
def test_longer_links_never_give_more_pairs(links, index, extra_km):
    hardware = parts.hardware()
    index %= len(links)
    left = links[index].left
    longer = ElementaryLink(
        left=Arm(length_km=left.length_km + extra_km, loss_db=left.loss_db + 0.2 * extra_km, noise_hz=left.noise_hz),
        right=links[index].right,
    )
    stretched = (*links[:index], longer, *links[index + 1 :])
    assert evaluate_route(stretched, hardware).lane_rate_hz <= evaluate_route(links, hardware).lane_rate_hz * (1 + 1e-9)


def test_loss_lowers_fidelity_through_dark_counts():
    # Memories that keep for seconds cannot explain a fidelity that falls with distance; dark counts can.
    near, far = (evaluate_route((parts.link(km),), parts.hardware()) for km in (1.0, 60.0))
    assert near.fidelity - far.fidelity > 0.05
    quiet = parts.hardware(detector=parts.detector(dark_count_hz=0.0))
    near, far = (evaluate_route((parts.link(km),), quiet) for km in (1.0, 60.0))
    assert near.fidelity - far.fidelity < 0.005


def test_limits_are_located():
    nine = evaluate_route((parts.link(5.0),) * 9, parts.hardware())
    assert any(limit.startswith("route: 9 links") for limit in nine.limits)
    fast = parts.bare_hardware(memory=parts.perfect_memory())
    unequal = evaluate_route((parts.link(1.0, db_per_km=0.1), parts.link(2.0, db_per_km=0.1)), fast)
    assert any("clocks differ" in limit for limit in unequal.limits)
    gaussian = parts.hardware(memory=parts.memory(decay="gaussian"))
    bound = evaluate_route((parts.link(5.0),) * 3, gaussian)
    assert any("lower bound" in limit for limit in bound.limits)
    poor = parts.hardware(memory=parts.memory(visibility=0.1))
    assert any("not above 1/2" in limit for limit in evaluate_route((parts.link(5.0),) * 2, poor).limits)
    dead = parts.hardware("pair_source", detector=parts.detector(dead_time_ns=1e5))
    glare = evaluate_route((parts.link(1.0, noise_hz=1e6),), dead)
    assert any(limit.startswith("link 1: left detectors are dead") for limit in glare.limits)


def test_gaussian_bound_is_below_sampling():
    memory = parts.memory(emission_efficiency=0.6, initialization_s=0.0, coherence_time_s=0.05, decay="gaussian")
    hardware = parts.hardware(memory=memory)
    links = (parts.link(5.0),) * 3
    _, (werner, _) = sampled_route(links, hardware)
    assert werner_of_fidelity(evaluate_route(links, hardware).fidelity) < werner


def test_a_dark_route_delivers_nothing():
    hardware = parts.hardware(detector=parts.detector(dark_count_hz=0.0))
    route = evaluate_route((parts.link(5.0, extra_db=4000.0), parts.link(5.0)), hardware)
    assert (route.lane_rate_hz, route.fidelity, route.key_rate_hz) == (0.0, 0.25, 0.0)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: evaluate_route((), parts.hardware()), "none"),
        (lambda: evaluate_route((parts.link(1.0),) * 2, parts.hardware("pair_source")), "got 2"),
        (lambda: evaluate_route((parts.link(1.0),) * 13, parts.hardware()), "13"),
        (
            lambda: evaluate_route((parts.link(1.0),) * 9, parts.hardware(memory=parts.memory(swap_probability=0.5))),
            "9",
        ),
        (lambda: evaluate_route((parts.link(1.0),), parts.hardware(), min_fidelity=0.1), "0.1"),
    ],
)
def test_invalid_routes_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
