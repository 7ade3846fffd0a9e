import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.physics import chains

PROBABILITIES = st.lists(st.floats(1e-4, 0.9), min_size=1, max_size=6).map(tuple)
COMMON_CASES = [
    ((0.1, 0.1), 0.01, 0.91348299, 0.84078288),
    ((0.1, 0.05), 0.02, 0.75930836, 0.61561621),
    ((0.1,) * 4, 0.01, 0.76599023, 0.50409168),
    ((0.01,) * 4, 0.001, 0.75635443, 0.48976630),
    ((0.05, 0.02, 0.1), 0.005, 0.70939518, 0.52587677),
]


@pytest.mark.parametrize(
    ("probability", "links", "slots"),
    [
        (0.5, 2, 2.666667),
        (0.5, 4, 3.504762),
        (0.5, 8, 4.421078),
        (0.1, 2, 14.736842),
        (0.1, 3, 17.900563),
        (0.1, 4, 20.273378),
        (0.1, 5, 22.171623),
        (0.1, 8, 26.295784),
        (0.01, 2, 149.748744),
        (0.01, 4, 207.789922),
        (0.01, 8, 270.924509),
    ],
)
def test_mean_time_of_equal_links(probability, links, slots):
    assert chains.mean_slots((probability,) * links) == pytest.approx(slots, rel=2e-7)


def test_mean_time_of_unequal_links():
    assert chains.mean_slots((0.1, 0.02, 0.05)) == pytest.approx(56.30514984, rel=1e-9)
    assert chains.mean_time_of_rates_s((0.1, 0.02, 0.05)) == pytest.approx(56.59664, rel=1e-6)


@pytest.mark.parametrize(("probability", "swap"), [(0.5, 1.0), (0.1, 0.75), (0.01, 0.5)])
def test_formula_of_two_links(probability, swap):
    slots = chains.mean_slots((probability, probability)) / swap
    assert chains.mean_slots_of_two(probability, swap) == pytest.approx(slots, rel=1e-12)


@pytest.mark.parametrize(("probabilities", "decay", "waiting", "held"), COMMON_CASES)
def test_storage_references(probabilities, decay, waiting, held):
    assert chains.waiting_decay(probabilities, decay, 0.0) == pytest.approx(waiting, rel=1e-7)
    assert chains.held_decay(probabilities, 2.0 * decay) == pytest.approx(held, rel=1e-7)


def brute_force(probabilities, weight, slots=220):
    """Sum over all outcomes of two or three links."""
    total = 0.0
    for times in itertools.product(range(1, slots), repeat=len(probabilities)):
        chance = math.prod(p * (1 - p) ** (time - 1) for p, time in zip(probabilities, times, strict=True))
        total += chance * weight(times)
    return total


def test_stored_ends_wait_for_the_whole_chain():
    probabilities, inner, end = (0.6, 0.8, 0.7), 0.05, 0.02

    def weight(times):
        waits = sum(abs(one - other) for one, other in itertools.pairwise(times))
        ends = 2 * max(times) - times[0] - times[-1]
        return math.exp(-inner * waits - end * ends)

    expected = brute_force(probabilities, weight, slots=28)
    assert chains.waiting_decay(probabilities, inner, end) == pytest.approx(expected, rel=1e-9)


def test_two_links_with_stored_ends_wait_with_two_qubits():
    assert chains.waiting_decay((0.1, 0.05), 0.01, 0.01) == pytest.approx(chains.waiting_decay((0.1, 0.05), 0.02, 0.0))


def test_mean_wait():
    expected = brute_force((0.2, 0.3), lambda times: abs(times[0] - times[1]))
    assert chains.mean_wait_slots(0.2, 0.3) == pytest.approx(expected, rel=1e-9)
    assert chains.mean_wait_slots(0.1, 0.1) == pytest.approx(2 * 0.9 / (0.1 * 1.9))


@settings(max_examples=40)
@given(left=st.floats(1e-3, 0.9), right=st.floats(1e-3, 0.9), decay=st.floats(0.0, 0.1))
def test_jensen_bound_is_safe(left, right, decay):
    bound = math.exp(-decay * chains.mean_wait_slots(left, right))
    assert bound <= chains.waiting_decay((left, right), decay, 0.0) * (1 + 1e-12)


@settings(max_examples=60)
@given(probabilities=PROBABILITIES, decay=st.floats(0.0, 0.1))
def test_a_reversed_chain_is_the_same_chain(probabilities, decay):
    backward = probabilities[::-1]
    assert chains.mean_slots(probabilities) == pytest.approx(chains.mean_slots(backward), rel=1e-9)
    assert chains.waiting_decay(probabilities, decay, decay / 2) == pytest.approx(
        chains.waiting_decay(backward, decay, decay / 2), rel=1e-9
    )


@settings(max_examples=60)
@given(probabilities=PROBABILITIES, index=st.integers(0, 5), factor=st.floats(0.1, 1.0))
def test_a_worse_link_never_makes_a_chain_faster(probabilities, index, factor):
    worse = list(probabilities)
    worse[index % len(worse)] *= factor
    assert chains.mean_slots(worse) >= chains.mean_slots(probabilities) * (1 - 1e-9)


@settings(max_examples=60)
@given(probabilities=PROBABILITIES)
def test_harmonic_surrogate_is_never_above_the_exact_rate(probabilities):
    assert chains.harmonic_rate_hz(probabilities) <= 1.0 / chains.mean_slots(probabilities) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("links", "probability", "ratio"),
    [
        (2, 0.5, 1.125),
        (2, 0.1, 1.018),
        (2, 0.01, 1.0017),
        (4, 0.5, 1.189),
        (4, 0.1, 1.028),
        (4, 0.01, 1.0026),
        (8, 0.5, 1.230),
        (8, 0.1, 1.034),
        (8, 0.01, 1.0032),
    ],
)
def test_accuracy_of_the_harmonic_surrogate(links, probability, ratio):
    surrogate_slots = 1.0 / chains.harmonic_rate_hz((probability,) * links)
    assert surrogate_slots / chains.mean_slots((probability,) * links) == pytest.approx(ratio, abs=6e-4)


def test_a_chain_without_waiting_loses_nothing():
    assert chains.waiting_decay((1.0, 1.0, 1.0), 0.5, 0.5) == pytest.approx(math.exp(0.0))
    assert chains.waiting_decay((0.1,), 0.5, 0.5) == 1.0
    assert chains.mean_slots((1.0, 1.0)) == 1.0


def test_rare_links_lose_no_digits():
    assert chains.mean_slots((1e-9,) * 4) == pytest.approx(25.0 / 12.0 * 1e9, rel=1e-6)
    assert chains.waiting_decay((1e-9,) * 2, 1e-9, 0.0) == pytest.approx(0.5, rel=1e-6)


def test_a_link_that_never_succeeds_blocks_the_chain():
    assert chains.mean_slots((0.1, 0.0)) == math.inf
    assert chains.mean_time_of_rates_s((1.0, 0.0)) == math.inf


def test_common_slots_keep_every_mean_rate():
    slot_s, probabilities = chains.common_slots((100.0, 30.0), (1e-3, 3e-3))
    assert slot_s == 1e-3
    assert [p / slot_s for p in probabilities] == pytest.approx([100.0, 30.0])


def exact_mean_time_s(probabilities, clocks_s):
    """Mean of the maximum of independent geometric times, each on its own clock, by integrating over the steps."""
    horizon_s = max(40.0 / p * clock for p, clock in zip(probabilities, clocks_s, strict=True))
    steps = sorted({k * clock for clock in clocks_s for k in range(int(horizon_s / clock) + 1)})
    total = 0.0
    for start, end in itertools.pairwise(steps):
        middle = (start + end) / 2.0
        done = math.prod(1 - (1 - p) ** int(middle / clock) for p, clock in zip(probabilities, clocks_s, strict=True))
        total += (end - start) * (1.0 - done)
    return total


@pytest.mark.parametrize(("probability", "tolerance"), [(0.1, 0.03), (0.02, 0.006), (0.005, 0.0015)])
def test_common_slots_are_slightly_pessimistic_for_unequal_clocks(probability, tolerance):
    clocks_s = (1.0, 1.37, 2.2)
    chance = (probability, probability * 1.37, probability * 2.2)
    slot_s, probabilities = chains.common_slots([p / c for p, c in zip(chance, clocks_s, strict=True)], clocks_s)
    ratio = slot_s * chains.mean_slots(probabilities) / exact_mean_time_s(chance, clocks_s)
    assert 1.0 - 1e-6 <= ratio <= 1.0 + tolerance


def test_pooling_lies_above_lanes():
    rate_hz = 0.02
    lane_hz = 1.0 / chains.mean_slots((rate_hz,) * 3)
    assert chains.fluid_rate_hz((rate_hz,) * 3, 1.0) == rate_hz
    assert lane_hz / rate_hz == pytest.approx(0.55, abs=0.02)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: chains.mean_slots(()), "got 0"),
        (lambda: chains.mean_slots((0.1,) * 13), "got 13"),
        (lambda: chains.mean_slots((0.1, 1.1)), "1.1"),
        (lambda: chains.waiting_decay((0.0, 0.1), 0.1, 0.0), "0.0"),
        (lambda: chains.waiting_decay((0.1, 0.1), -0.1, 0.0), "-0.1"),
        (lambda: chains.held_decay((0.1, 0.1), math.nan), "nan"),
        (lambda: chains.mean_slots_of_two(0.1, 0.0), "0.0"),
        (lambda: chains.harmonic_rate_hz(()), "none"),
        (lambda: chains.harmonic_rate_hz((-1.0,)), "-1.0"),
        (lambda: chains.common_slots((1.0,), (1.0, 2.0)), "1 and 2"),
        (lambda: chains.common_slots((2.0,), (1.0,)), "2.0"),
        (lambda: chains.mean_time_of_rates_s(()), "got 0"),
        (lambda: chains.fluid_rate_hz((), 1.0), "none"),
        (lambda: chains.synchronous_rate_hz(1.0, (0.1,), 0, 1.0), "0"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
