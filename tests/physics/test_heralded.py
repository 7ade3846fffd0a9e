import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.physics import heralded

PERFECT = {"visibility": 1.0, "emission_fidelity": 1.0}


@pytest.mark.parametrize(
    ("efficiency", "visibility", "probability", "fidelity"),
    [(0.05, 0.95, 1.25019e-3, 0.974888), (0.01, 0.9, 5.00397e-5, 0.949445)],
)
def test_double_click_reference(efficiency, visibility, probability, fidelity):
    herald = heralded.double_click(
        efficiency, efficiency, dark_probability=1e-6, visibility=visibility, emission_fidelity=1.0
    )
    assert herald.probability == pytest.approx(probability, rel=5e-6)
    assert herald.fidelity == pytest.approx(fidelity, abs=1e-6)


@pytest.mark.parametrize(
    ("bright_state", "probability", "fidelity"),
    [(0.05, 1.002e-3, 0.90408), (0.1, 2.002e-3, 0.85736), (0.2, 4.002e-3, 0.76247)],
)
def test_single_click_reference(bright_state, probability, fidelity):
    # The published numbers are first order in the efficiency; the enumeration here agrees to about 0.1 %.
    herald = heralded.single_click(
        0.01,
        0.01,
        bright_state=bright_state,
        dark_probability=1e-6,
        visibility=0.9,
        phase_error_rad=0.3,
        emission_fidelity=1.0,
    )
    assert herald.probability == pytest.approx(probability, rel=1.1e-3)
    assert herald.fidelity == pytest.approx(fidelity, rel=1.1e-3)


def test_double_click_equals_an_enumeration_of_photons_and_dark_clicks():
    left, right, dark, visibility = 0.3, 0.6, 0.02, 0.8
    success = fidelity = 0.0
    # Modes 0, 1 with outputs 0, 1; photons as (mode, output); distinguishable photons choose outputs independently,
    # indistinguishable ones in the same mode leave together.
    slots = list(itertools.product((0, 1), (0, 1)))
    cases = []
    for left_mode, right_mode in itertools.product((0, 1), (0, 1)):
        for arrived_left, arrived_right in itertools.product((0, 1), (0, 1)):
            chance = 0.25 * (left if arrived_left else 1 - left) * (right if arrived_right else 1 - right)
            for left_out, right_out in slots:
                share = 0.25
                if arrived_left and arrived_right and left_mode == right_mode:
                    share = (1 + visibility) / 4 if left_out == right_out else (1 - visibility) / 4
                photons = {(left_mode, left_out)} if arrived_left else set()
                photons |= {(right_mode, right_out)} if arrived_right else set()
                if not (arrived_left and arrived_right):
                    good = 0.25
                else:
                    good = (1 + visibility) / 2 if left_mode != right_mode else 0.0
                cases.append((chance * share, photons, good))
    for pattern in itertools.product((0, 1), repeat=4):
        darks = {slot for slot, lit in zip(slots, pattern, strict=True) if lit}
        dark_chance = dark ** len(darks) * (1 - dark) ** (4 - len(darks))
        for chance, photons, good in cases:
            clicks = photons | darks
            if all(sum((mode, output) in clicks for output in (0, 1)) == 1 for mode in (0, 1)):
                success += dark_chance * chance
                fidelity += dark_chance * chance * good
    herald = heralded.double_click(left, right, dark_probability=dark, visibility=visibility, emission_fidelity=1.0)
    assert herald.probability == pytest.approx(success, rel=1e-12)
    assert herald.fidelity == pytest.approx(fidelity / success, rel=1e-12)


def test_perfect_parts_give_perfect_pairs():
    herald = heralded.double_click(1.0, 1.0, dark_probability=0.0, **PERFECT)
    assert (herald.probability, herald.fidelity) == (0.5, 1.0)
    single = heralded.single_click(0.5, 0.5, bright_state=1e-9, dark_probability=0.0, phase_error_rad=0.0, **PERFECT)
    assert single.fidelity == pytest.approx(1.0, abs=1e-8)


def test_single_click_fidelity_falls_with_the_bright_state():
    def fidelity(bright_state):
        return heralded.single_click(
            1e-3, 1e-3, bright_state=bright_state, dark_probability=0.0, phase_error_rad=0.0, **PERFECT
        ).fidelity

    for bright_state in (0.05, 0.1, 0.25):
        assert fidelity(bright_state) == pytest.approx(1.0 - bright_state, abs=1e-3)


def test_delft_link_needs_its_published_bright_state():
    # p = 7.2e-6 with a = 0.25 means a mean efficiency of 1.44e-5; fidelity stays below 1 - a.
    herald = heralded.single_click(
        1.44e-5, 1.44e-5, bright_state=0.25, dark_probability=0.0, phase_error_rad=0.0, **PERFECT
    )
    assert herald.probability == pytest.approx(7.2e-6, rel=1e-4)
    assert herald.fidelity <= 0.75 + 1e-5


def test_unequal_arms_of_a_single_click_cost_rate_and_not_fidelity():
    settings_of = {"bright_state": 0.1, "dark_probability": 0.0, "phase_error_rad": 0.0, **PERFECT}
    equal = heralded.single_click(1e-4, 1e-4, **settings_of)
    unequal = heralded.single_click(2e-4, 2e-4 / 3, **settings_of)
    assert unequal.probability == pytest.approx(equal.probability, rel=1e-3)
    assert unequal.fidelity == pytest.approx(equal.fidelity, abs=5e-3)


def test_both_emission_errors_count():
    herald = heralded.double_click(0.1, 0.1, dark_probability=0.0, visibility=1.0, emission_fidelity=0.97)
    werner = (4 * 0.97 - 1) / 3
    assert herald.fidelity == pytest.approx((1 + 3 * werner**2) / 4)


def test_without_light_or_dark_clicks_nothing_is_announced():
    herald = heralded.double_click(0.0, 0.5, dark_probability=0.0, **PERFECT)
    assert herald.probability == 0.0
    dark_only = heralded.double_click(0.0, 0.0, dark_probability=1e-3, **PERFECT)
    assert dark_only.fidelity == pytest.approx(0.25)


@settings(max_examples=60)
@given(
    left=st.floats(1e-6, 1.0),
    right=st.floats(1e-6, 1.0),
    dark=st.floats(0.0, 1e-2),
    visibility=st.floats(0.0, 1.0),
    emission=st.floats(0.25, 1.0),
    bright=st.floats(0.01, 0.49),
)
def test_heralds_are_symmetric_and_within_bounds(left, right, dark, visibility, emission, bright):
    common = {"dark_probability": dark, "visibility": visibility, "emission_fidelity": emission}
    for one, other in (
        (heralded.double_click(left, right, **common), heralded.double_click(right, left, **common)),
        (
            heralded.single_click(left, right, bright_state=bright, phase_error_rad=0.2, **common),
            heralded.single_click(right, left, bright_state=bright, phase_error_rad=0.2, **common),
        ),
    ):
        assert one.probability == pytest.approx(other.probability, rel=1e-12)
        assert one.fidelity == pytest.approx(other.fidelity, rel=1e-9)
        assert 0.0 < one.probability <= 1.0
        assert 0.0 <= one.fidelity <= 1.0


@given(left=st.floats(1e-6, 1.0), right=st.floats(1e-6, 1.0), factor=st.floats(0.1, 1.0), dark=st.floats(0.0, 1e-3))
def test_more_loss_never_heralds_more_often(left, right, factor, dark):
    common = {"dark_probability": dark, "visibility": 0.9, "emission_fidelity": 0.98}
    bright = {"bright_state": 0.1, "phase_error_rad": 0.1}
    assert heralded.double_click(left * factor, right, **common).probability <= heralded.double_click(
        left, right, **common
    ).probability * (1 + 1e-12)
    small = 0.1  # the one-photon herald is meant for weak arms: with strong ones two photons spoil it
    assert heralded.single_click(
        small * left * factor, small * right, **common, **bright
    ).probability <= heralded.single_click(small * left, small * right, **common, **bright).probability * (1 + 1e-12)


def test_clocks():
    fast = {"repetition_hz": 1e6, "initialization_s": 0.0}
    assert heralded.midpoint_clock_s(50e-6, 50e-6, **fast) == pytest.approx(100e-6)
    assert heralded.midpoint_clock_s(20e-6, 80e-6, **fast) == pytest.approx(160e-6)
    assert heralded.round_trip_clock_s(100e-6, **fast) == pytest.approx(200e-6)
    assert heralded.midpoint_clock_s(0.0, 0.0, repetition_hz=1e3, initialization_s=1e-5) == pytest.approx(1e-3)
    assert heralded.midpoint_clock_s(50e-6, 0.0, repetition_hz=1e6, initialization_s=1e-5) == pytest.approx(110e-6)


def test_multiplexing_keeps_one_pair_per_slot():
    assert heralded.multiplexed_probability(0.1, 1) == pytest.approx(0.1)
    assert heralded.multiplexed_probability(0.1, 2) == pytest.approx(0.19)
    assert heralded.multiplexed_probability(1e-9, 100) == pytest.approx(1e-7, rel=1e-6)
    assert heralded.multiplexed_probability(1.0, 3) == 1.0


def test_dark_probability_of_a_window():
    assert heralded.dark_probability(0.0, 1e-6) == 0.0
    assert heralded.dark_probability(1e6, 1e-6) == pytest.approx(1 - math.exp(-1))


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: heralded.double_click(1.2, 0.5, dark_probability=0.0, **PERFECT), "1.2"),
        (lambda: heralded.double_click(0.2, 0.5, dark_probability=-0.1, **PERFECT), "-0.1"),
        (
            lambda: heralded.double_click(0.2, 0.5, dark_probability=0.0, visibility=1.0, emission_fidelity=0.2),
            "0.2",
        ),
        (
            lambda: heralded.single_click(
                0.1, 0.1, bright_state=0.0, dark_probability=0.0, phase_error_rad=0.0, **PERFECT
            ),
            "0.0",
        ),
        (lambda: heralded.multiplexed_probability(0.1, 0), "0"),
        (lambda: heralded.dark_probability(-1.0, 1.0), "-1.0"),
        (lambda: heralded.midpoint_clock_s(0.0, 0.0, repetition_hz=0.0, initialization_s=0.0), "0.0"),
        (lambda: heralded.sender_receiver(0.5, 1.5), "1.5"),
        (lambda: heralded.absorptive(0.5, 0.5, 0.5, 1.5), "1.5"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
