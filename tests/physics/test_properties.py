"""Properties of the physics that no single module owns, for any parameters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physics import parts
from planner.physics import fiber, heralded
from planner.physics.hub import broadcast_coincidences
from planner.physics.pair_source import Receiver, coincidences
from planner.physics.performance import Arm, ElementaryLink, evaluate_route

EFFICIENCIES = st.floats(1e-4, 1.0)
RECEIVERS = st.builds(
    Receiver,
    efficiency=EFFICIENCIES,
    noise_hz=st.floats(0.0, 1e5),
    dead_time_s=st.floats(0.0, 1e-6),
    detectors=st.integers(1, 8),
)
QUIET = {"dark_probability": 0.0, "visibility": 1.0, "emission_fidelity": 1.0}


def split_arm(cuts_km: list[float], glass) -> Arm:
    return Arm(
        length_km=sum(fiber.optical_length_km(length_km, glass) for length_km in cuts_km),
        loss_db=sum(fiber.span_loss_db(length_km, glass) for length_km in cuts_km),
    )


@settings(max_examples=40, deadline=None)
@given(
    cuts_km=st.lists(st.floats(0.01, 10.0), min_size=2, max_size=8),
    model=st.sampled_from(["pair_source", "double_click", "single_click"]),
)
def test_splitting_spans_changes_neither_rate_nor_fidelity(cuts_km, model):
    hardware = parts.hardware(model)
    whole, cut = (
        evaluate_route((ElementaryLink(left=arm, right=arm),), hardware)
        for arm in (split_arm([sum(cuts_km)], hardware.fiber), split_arm(cuts_km, hardware.fiber))
    )
    assert cut.lane_rate_hz == pytest.approx(whole.lane_rate_hz, rel=1e-5)
    assert cut.fidelity == pytest.approx(whole.fidelity, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(lengths_km=st.lists(st.floats(0.0, 60.0), min_size=1, max_size=5))
def test_perfect_two_photon_chains_give_perfect_pairs(lengths_km):
    hardware = parts.bare_hardware(memory=parts.perfect_memory())
    route = evaluate_route(tuple(parts.link(length_km) for length_km in lengths_km), hardware)
    assert route.fidelity == pytest.approx(1.0, abs=1e-9)


@given(left=EFFICIENCIES, right=EFFICIENCIES, bright_state=st.floats(1e-4, 0.45))
def test_perfect_one_photon_links_miss_the_bright_state(left, right, bright_state):
    weak = 1e-5  # one minus the bright state holds for weak arms, where two photons hardly ever arrive together
    herald = heralded.single_click(weak * left, weak * left, bright_state=bright_state, phase_error_rad=0.0, **QUIET)
    assert herald.fidelity == pytest.approx(1.0 - bright_state, abs=1e-5)
    strong = heralded.single_click(left, right, bright_state=bright_state, phase_error_rad=0.0, **QUIET)
    assert strong.fidelity < 1.0


@given(left=EFFICIENCIES, right=EFFICIENCIES, brightness_hz=st.floats(1e5, 1e9), window_s=st.floats(1e-11, 1e-10))
def test_perfect_pair_sources_keep_their_accidentals(left, right, brightness_hz, window_s):
    users = (Receiver(efficiency=eta, noise_hz=0.0, dead_time_s=0.0, detectors=1) for eta in (left, right))
    pairs = coincidences(brightness_hz, *users, window_s=window_s, window_share=1.0, polarization_error=0.0)
    mean_pairs = brightness_hz * window_s
    assert pairs.error == pytest.approx(mean_pairs / (1.0 + mean_pairs) / 2.0, rel=1e-6)
    assert pairs.fidelity < 1.0


@given(users=st.lists(RECEIVERS, min_size=3, max_size=6), brightness_hz=st.floats(1e4, 1e7))
def test_another_user_of_a_hub_lowers_nobodys_error(users, brightness_hz):
    window = {"window_s": 5e-10, "window_share": 0.9, "polarization_error": 0.015}

    def mesh(count):
        channels = {(left, right): brightness_hz for left in range(count) for right in range(left + 1, count)}
        return broadcast_coincidences(channels, users[:count], **window)

    fewer, more = mesh(len(users) - 1), mesh(len(users))
    for channel, pairs in fewer.items():
        assert more[channel].error >= pairs.error * (1.0 - 1e-12)
