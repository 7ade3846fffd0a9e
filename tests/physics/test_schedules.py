import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.physics import chains
from planner.physics.schedules import run_schedule

NESTED = {
    (0.5, 1.0): (2.666667, 3.504762, 4.421078),
    (0.5, 0.75): (3.555556, 6.479995, 11.760871),
    (0.5, 0.5): (5.333333, 15.093907, 42.999865),
    (0.1, 1.0): (14.736842, 20.273378, 26.295784),
    (0.1, 0.75): (19.649123, 36.875997, 67.558497),
    (0.1, 0.5): (29.473684, 84.817580, 242.348372),
    (0.01, 1.0): (149.748744, 207.789922, 270.924509),
    (0.01, 0.75): (199.664992, 376.904414, 691.887478),
    (0.01, 0.5): (299.497487, 864.882094, 2472.889736),
}
ASAP = {
    (0.5, 0.75): (5.164021, 6.874060, 8.703362, 15.153291),
    (0.5, 0.5): (10.666667, 19.150109, 32.039271, 125.923935),
    (0.1, 1.0): (17.900563, 20.273378, 22.171623, 26.295784),
    (0.1, 0.75): (29.011027, 38.531090, 48.328127, 80.610117),
    (0.1, 0.5): (58.947368, 102.962691, 165.779427, 568.713654),
    (0.01, 0.75): (295.701222, 392.667109, 491.820319, 814.977879),
    (0.01, 0.5): (598.994975, 1041.215674, 1665.734562, 5585.144968),
}


@pytest.mark.parametrize(
    ("probability", "swap", "links", "slots"),
    [(p, q, n, slots) for (p, q), row in NESTED.items() for n, slots in zip((2, 4, 8), row, strict=True)],
)
def test_nested_references(probability, swap, links, slots):
    outcome = run_schedule((probability,) * links, swap, "nested")
    assert outcome.mean_slots == pytest.approx(slots, rel=3e-7)


@pytest.mark.parametrize(
    ("probability", "swap", "links", "slots"),
    [(p, q, n, slots) for (p, q), row in ASAP.items() for n, slots in zip((3, 4, 5, 8), row, strict=True)],
)
def test_asap_references(probability, swap, links, slots):
    outcome = run_schedule((probability,) * links, swap, "asap")
    assert outcome.mean_slots == pytest.approx(slots, rel=3e-7)


def test_unequal_links():
    assert run_schedule((0.1, 0.02, 0.05), 1.0, "asap").mean_slots == pytest.approx(56.30514984, rel=1e-9)
    assert run_schedule((0.1, 0.02, 0.05), 0.5, "asap").mean_slots == pytest.approx(214.06534021, rel=1e-9)


@pytest.mark.parametrize(
    ("links", "swap", "werner", "coherence_slots", "expected"),
    [
        (2, 0.5, 0.98, 400.0, 0.938181388),
        (4, 0.5, 0.98, 400.0, 0.826901742),
        (8, 0.5, 0.98, 400.0, 0.579477964),
        (4, 0.75, 0.95, 1000.0, 0.786733619),
    ],
)
def test_storage_of_nested_chains(links, swap, werner, coherence_slots, expected):
    # Decay per waiting pair: half of it for each of its two qubits, ends included.
    per_qubit = 0.5 / coherence_slots
    outcome = run_schedule((0.1,) * links, swap, "nested", per_qubit, per_qubit)
    assert werner**links * outcome.decay == pytest.approx(expected, rel=2e-9)


def nested_by_sampled_distribution(probability, swap, levels, slots):
    """Mean time of the doubling scheme from its distribution: maximum of two, then a geometric number of tries."""
    times = np.zeros(slots)
    times[1:] = probability * (1 - probability) ** np.arange(slots - 1)
    for _ in range(levels):
        cumulated = np.cumsum(times)
        both = np.diff(np.concatenate([[0.0], cumulated**2]))
        spectrum = np.fft.rfft(both, 2 * slots)
        # A failed try costs its time; the sum over numbers of tries is a geometric series of spectra, and wraps
        # around only what lies beyond twice the window.
        times = np.fft.irfft(swap * spectrum / (1 - (1 - swap) * spectrum), 2 * slots)[:slots]
    return float((times * np.arange(slots)).sum())


def test_nested_chain_against_its_distribution():
    expected = nested_by_sampled_distribution(0.3, 0.6, 2, 4096)
    assert run_schedule((0.3,) * 4, 0.6, "nested").mean_slots == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("schedule", ["asap", "nested"])
@pytest.mark.parametrize("probabilities", [(0.1, 0.1), (0.1, 0.05, 0.02, 0.2)])
def test_schedules_coincide_if_swaps_never_fail(probabilities, schedule):
    outcome = run_schedule(probabilities, 1.0, schedule)
    assert outcome.mean_slots == pytest.approx(chains.mean_slots(probabilities), rel=1e-9)


@pytest.mark.parametrize("probabilities", [(0.1, 0.1), (0.1, 0.02, 0.05), (0.3, 0.2, 0.1, 0.05)])
def test_marking_equals_first_step_analysis_if_swaps_never_fail(probabilities):
    outcome = run_schedule(probabilities, 1.0, "asap", 0.01, 0.003)
    assert outcome.decay == pytest.approx(chains.waiting_decay(probabilities, 0.01, 0.003), rel=1e-9)


def test_two_links_decay_alike_whether_swaps_fail_or_not():
    sure = run_schedule((0.1, 0.05), 1.0, "asap", 0.02, 0.01)
    failing = run_schedule((0.1, 0.05), 0.4, "asap", 0.02, 0.01)
    assert failing.decay == pytest.approx(sure.decay, rel=1e-9)
    assert failing.mean_slots == pytest.approx(sure.mean_slots / 0.4, rel=1e-9)


def test_storage_of_failing_asap_swaps_against_sampling():
    rng = np.random.default_rng(11)
    probability, swap, decay = 0.4, 0.6, 0.05
    runs = 6000
    factors, lengths = np.zeros(runs), np.zeros(runs)
    for sample in range(runs):
        slot = 0
        up = [False] * 3
        joined = [False] * 2
        waits = [0.0, 0.0]  # per repeater station; a lost run forgets those at its joints
        while not all(up):
            slot += 1
            for joint in range(2):
                if up[joint] != up[joint + 1]:
                    waits[joint] += 1.0
            fresh = [not here and rng.random() < probability for here in up]
            up = [here or new for here, new in zip(up, fresh, strict=True)]
            index = 0
            while index < 3:
                end = index
                while end < 3 and up[end]:
                    end += 1
                joints = [joint for joint in range(index, end - 1) if not joined[joint]]
                if joints and any(rng.random() >= swap for _ in joints):
                    for link in range(index, end):
                        up[link] = False
                    for joint in range(max(0, index - 1), min(2, end)):
                        waits[joint], joined[joint] = 0.0, False
                else:
                    for joint in joints:
                        joined[joint] = True
                index = end + 1
        factors[sample] = math.exp(-decay * sum(waits))
        lengths[sample] = slot
    outcome = run_schedule((probability,) * 3, swap, "asap", decay, 0.0)
    for values, expected in ((factors, outcome.decay), (lengths, outcome.mean_slots)):
        assert abs(values.mean() - expected) < 4.0 * values.std() / math.sqrt(runs)


def test_doubling_beats_asap_for_failing_swaps():
    nested, asap = (run_schedule((0.1,) * 4, 0.5, schedule).mean_slots for schedule in ("nested", "asap"))
    assert nested == pytest.approx(84.8, abs=0.05)
    assert asap == pytest.approx(103.0, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(
    probabilities=st.lists(st.floats(1e-3, 0.9), min_size=2, max_size=4).map(tuple),
    swap=st.floats(0.2, 1.0),
    decay=st.floats(0.0, 0.05),
)
def test_reversed_chains_are_the_same_and_values_are_in_range(probabilities, swap, decay):
    forward = run_schedule(probabilities, swap, "asap", decay, decay / 3)
    backward = run_schedule(probabilities[::-1], swap, "asap", decay, decay / 3)
    assert forward.mean_slots == pytest.approx(backward.mean_slots, rel=1e-9)
    assert forward.decay == pytest.approx(backward.decay, rel=1e-9)
    assert forward.mean_slots >= chains.mean_slots(probabilities) * (1 - 1e-9)
    assert 0.0 < forward.decay <= 1.0 + 1e-12


def test_rare_links_lose_no_digits():
    rare = run_schedule((1e-9,) * 4, 0.5, "asap").mean_slots * 1e-9
    rarer = run_schedule((1e-11,) * 4, 0.5, "asap").mean_slots * 1e-11
    assert rare == pytest.approx(rarer, rel=1e-7)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: run_schedule((0.1,) * 3, 0.5, "nested"), "3"),
        (lambda: run_schedule((0.1,) * 9, 0.5, "asap"), "9"),
        (lambda: run_schedule((0.1, 0.0), 0.5, "asap"), "0.0"),
        (lambda: run_schedule((0.1, 0.1), 1.5, "asap"), "1.5"),
        (lambda: run_schedule((0.1, 0.1), 0.5, "random"), "random"),
        (lambda: run_schedule((0.1, 0.1), 0.5, "asap", -0.1), "-0.1"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()


@pytest.mark.parametrize(
    ("links", "probability", "swap", "ratio"),
    [
        (2, 0.5, 0.5, 1.125),
        (4, 0.5, 1.0, 1.284),
        (4, 0.5, 0.75, 1.235),
        (4, 0.5, 0.5, 1.193),
        (8, 0.5, 1.0, 1.527),
        (8, 0.5, 0.75, 1.360),
        (8, 0.5, 0.5, 1.256),
        (4, 0.1, 1.0, 1.110),
        (4, 0.1, 0.5, 1.061),
        (8, 0.1, 1.0, 1.284),
        (8, 0.1, 0.5, 1.114),
        (4, 0.01, 1.0, 1.083),
        (8, 0.01, 0.75, 1.156),
    ],
)
def test_how_far_the_rule_of_three_halves_is_off(links, probability, swap, ratio):
    levels = links.bit_length() - 1
    rule = 1.5**levels / (probability * swap**levels)
    assert rule / run_schedule((probability,) * links, swap, "nested").mean_slots == pytest.approx(ratio, abs=6e-4)
