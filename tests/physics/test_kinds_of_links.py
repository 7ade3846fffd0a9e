"""Every kind of elementary link from its parts, and what may be chosen for a route."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physics import parts
from planner.catalog import ClassicalChannel, Converter, Detector, LinkHardware, LinkModel
from planner.physics.arm import Aim, Arm, ElementaryLink, arm_transmittance, timing_width_ps, user_receiver
from planner.physics.cutoff import two_links_with_cutoff
from planner.physics.distillation import bbpssw
from planner.physics.fiber import window_share
from planner.physics.heralded import absorptive, multiplexed_probability
from planner.physics.hub import broadcast_coincidences, switched_coincidences
from planner.physics.links import LIGHT_WAYS, LINK_MODELS
from planner.physics.performance import Settings, evaluate_route
from planner.physics.service import fidelity_of_werner, werner_of_fidelity

MODELS = list(LinkModel.__args__)
CHANNEL = {
    "medium": "wavelength",
    "wavelength_nm": 1490.0,
    "launch_dbm": -20.0,
    "max_loss_db": 28.0,
    "jitter_ps": 40.0,
    "mux_loss_db": 0.4,
}


def hardware_of(model: LinkModel, **changes):
    devices = {} if model != "absorptive" else {"pair_source": parts.pair_source(), "memory": parts.memory()}
    if model in ("broadcast_source", "switched_source"):
        devices = {"pair_source": parts.pair_source()}
        return LinkHardware(
            link_model=model,
            **{"fiber": parts.fiber(), "termination": parts.termination(), "detector": parts.detector()}
            | devices
            | changes,
        )
    return parts.hardware(model, **devices | changes)


def test_every_kind_has_its_function_and_its_light():
    assert set(LINK_MODELS) == set(LIGHT_WAYS) == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=20, deadline=None)
@given(near=st.floats(0.0, 20.0), far=st.floats(0.0, 20.0), more=st.floats(0.1, 10.0))
def test_more_loss_never_more_rate(model, near, far, more):
    hardware = hardware_of(model, detector=parts.detector(dark_count_hz=0.0))
    plain = ElementaryLink(left=Arm(length_km=5.0, loss_db=near), right=Arm(length_km=5.0, loss_db=far))
    lossy = replace(plain, left=Arm(length_km=5.0, loss_db=near + more))
    rates_hz = [evaluate_route((link,), hardware, preference="rate").lane_rate_hz for link in (plain, lossy)]
    assert rates_hz[1] <= rates_hz[0] * (1.0 + 1e-9)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("links", [1, 2, 3])
def test_a_reversed_chain_is_the_same_chain(model, links):
    hardware = hardware_of(model)
    if hardware.memory is None and links > 1:
        with pytest.raises(ValueError, match="one link"):
            evaluate_route((parts.link(1.0),) * links, hardware)
        return
    route = tuple(parts.link(3.0 + number, 5.0 - number, extra_db=number) for number in range(links))
    turned = tuple(ElementaryLink(left=link.right, right=link.left) for link in reversed(route))
    there, back = evaluate_route(route, hardware), evaluate_route(turned, hardware)
    assert there.lane_rate_hz == pytest.approx(back.lane_rate_hz, rel=1e-9)
    assert there.fidelity == pytest.approx(back.fidelity, rel=1e-9)
    assert there.ceiling_hz == pytest.approx(back.ceiling_hz)


@pytest.mark.parametrize("model", MODELS)
def test_ebits_stay_below_the_ceiling(model):
    for arm_km in (0.5, 5.0, 20.0):
        result = evaluate_route((parts.link(arm_km),), hardware_of(model))
        assert result.ebit_rate_hz <= result.ceiling_hz


def test_a_broadcast_is_the_hub_at_full_load():
    users, link = 8, parts.link(6.0, 9.0)
    hardware = hardware_of("broadcast_source", hub_users=users)
    state = LINK_MODELS["broadcast_source"](link, hardware, Aim())
    left, right = (user_receiver(arm, hardware, hardware.pair_source) for arm in (link.left, link.right))
    receivers = [left, right] * (users // 2)
    mesh = {(a, b): state.brightness_hz for a in range(users) for b in range(a + 1, users)}
    width_ps = timing_width_ps(link, hardware, hardware.pair_source)
    pairs = broadcast_coincidences(
        mesh,
        receivers,
        window_s=state.window_ps * 1e-12,
        window_share=window_share(state.window_ps, width_ps),
        polarization_error=hardware.pair_source.polarization_error,
    )[0, 1]
    assert state.rate_hz == pytest.approx(pairs.rate_hz, rel=1e-12)
    assert state.fidelity == pytest.approx(pairs.fidelity, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(users=st.integers(2, 20), arm_km=st.floats(0.0, 20.0))
def test_another_user_lowers_nobodys_error_at_fixed_brightness(users, arm_km):
    link = parts.link(arm_km)
    fixed = Aim(settings=Settings(brightness_hz=1e7, window_ps=200.0), is_fixed=True)
    errors = [
        1.0 - LINK_MODELS["broadcast_source"](link, hardware_of("broadcast_source", hub_users=count), fixed).fidelity
        for count in (users, users + 1)
    ]
    assert errors[1] >= errors[0]


def test_a_switch_gives_shares_of_a_source():
    link, hardware = parts.link(5.0), hardware_of("switched_source", hub_users=4)
    alone = LINK_MODELS["pair_source"](link, parts.hardware("pair_source"), Aim())
    shared = LINK_MODELS["switched_source"](link, hardware, Aim())
    assert shared.rate_hz == pytest.approx(alone.rate_hz / 6.0)
    assert (shared.fidelity, shared.brightness_hz) == (alone.fidelity, alone.brightness_hz)
    user = user_receiver(link.left, hardware, hardware.pair_source)
    by_hub = switched_coincidences(
        shared.brightness_hz,
        user,
        user,
        time_share=1.0 / 6.0,
        switch_loss_db=0.0,
        window_s=shared.window_ps * 1e-12,
        window_share=window_share(shared.window_ps, timing_width_ps(link, hardware, hardware.pair_source)),
        polarization_error=hardware.pair_source.polarization_error,
    )
    assert shared.rate_hz == pytest.approx(by_hub.rate_hz)


def test_a_photon_sent_all_the_way():
    memory = parts.memory(storage_efficiency=0.5, duty=1.0)
    hardware = parts.hardware("sender_receiver", memory=memory, detector=parts.detector(dark_count_hz=0.0))
    link = parts.link(4.0, 6.0)
    state = LINK_MODELS["sender_receiver"](link, hardware, Aim())
    loss_db = 0.4 * 10.0 + 0.6 + 1.5 + 1.0
    probability = 0.3 * 10.0 ** (-loss_db / 10.0) * 0.5 * 0.9
    clock_s = 2.0 * 10.0 / 2e5 + 1e-5
    assert state.clock_s == pytest.approx(clock_s)
    assert state.rate_hz == pytest.approx(probability / clock_s)
    assert state.fidelity == pytest.approx(fidelity_of_werner(werner_of_fidelity(0.99) ** 2))
    assert state.idle_s == pytest.approx((1e-4, 0.0))


def test_absorbing_memories_from_their_parts():
    memory = parts.memory(storage_efficiency=0.4, duty=1.0, modes=10, emission_fidelity=1.0)
    source = parts.pair_source(max_mean_pairs=0.001, polarization_error=0.0)
    hardware = parts.hardware(
        "absorptive", memory=memory, pair_source=source, detector=parts.detector(dark_count_hz=0.0, efficiency=1.0)
    )
    link = parts.link(5.0)
    state = LINK_MODELS["absorptive"](link, hardware, Aim())
    arrives = arm_transmittance(link.left, hardware) * source.coupling_efficiency
    success = 0.001 * absorptive(arrives, arrives, 0.4, 0.4)
    clicks = 0.001 * arrives * 0.4
    clock_s = 1e-6 + (1.0 - (1.0 - clicks) ** 2) * (2 * 5.0 / 2e5 + 1e-5)
    assert state.clock_s == pytest.approx(clock_s)
    assert state.rate_hz == pytest.approx(multiplexed_probability(success, 10) / clock_s, rel=2e-3)
    assert state.fidelity == pytest.approx(1.0 - 0.75 * 0.001, rel=1e-3)


@pytest.mark.parametrize("model", ["double_click", "sender_receiver", "absorptive"])
def test_perfect_parts_give_perfect_pairs(model):
    memory = parts.perfect_memory()
    source = {"pair_source": parts.pair_source(max_mean_pairs=1e-9, polarization_error=0.0)}
    hardware = parts.bare_hardware(model, memory=memory, **(source if model == "absorptive" else {}))
    result = evaluate_route((parts.link(5.0),) * 2, hardware)
    assert result.fidelity == pytest.approx(1.0, abs=1e-6)


def test_the_best_window_beats_any_other():
    link = parts.link(10.0)
    best = evaluate_route(
        (link,), parts.hardware("pair_source", pair_source=parts.pair_source(window_per_jitter="best"))
    )
    others = [
        evaluate_route((link,), parts.hardware("pair_source", pair_source=parts.pair_source(window_per_jitter=factor)))
        for factor in (0.5, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)
    ]
    assert best.ebit_rate_hz >= max(other.ebit_rate_hz for other in others) * (1.0 - 1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_settings_that_are_given_back_change_nothing(model):
    hardware = hardware_of(
        model, **({"pair_source": parts.pair_source(window_per_jitter="best")} if "source" in model else {})
    )
    found = evaluate_route((parts.link(7.0, 4.0),), hardware, min_fidelity=0.9, preference="rate")
    again = evaluate_route((parts.link(7.0, 4.0),), hardware, min_fidelity=0.9, settings=found.settings)
    assert again == found


def test_most_pairs_or_most_ebits():
    memory = parts.memory(bright_states=(0.02, 0.05, 0.1, 0.2, 0.3))
    hardware = parts.hardware("single_click", memory=memory)
    route = (parts.link(5.0),)
    ebits, pairs = (evaluate_route(route, hardware, min_fidelity=0.7, preference=aim) for aim in ("ebits", "rate"))
    assert ebits.settings.bright_state < pairs.settings.bright_state
    assert ebits.ebit_rate_hz > pairs.ebit_rate_hz
    assert ebits.lane_rate_hz < pairs.lane_rate_hz
    assert pairs.fidelity >= 0.7
    single = parts.hardware("single_click", memory=parts.memory(bright_state=pairs.settings.bright_state))
    assert pairs.lane_rate_hz == evaluate_route(route, single).lane_rate_hz


def test_a_cut_off_is_chosen_where_it_pays():
    memory = parts.memory(coherence_time_s=0.02, emission_fidelity=1.0, swap_fidelity=1.0)
    route = (parts.link(5.0), parts.link(9.0))
    plain, cut = (evaluate_route(route, parts.hardware(memory=memory, cutoff=cutoff)) for cutoff in (False, True))
    assert plain.settings.cutoff_slots is None
    assert cut.settings.cutoff_slots is not None
    assert cut.ebit_rate_hz > plain.ebit_rate_hz
    assert cut.fidelity > plain.fidelity
    wanted = evaluate_route(route, parts.hardware(memory=memory, cutoff=True), min_fidelity=0.93)
    assert wanted.fidelity >= 0.93 > plain.fidelity


@settings(max_examples=30, deadline=None)
@given(left=st.floats(0.01, 1.0), right=st.floats(0.01, 1.0), slots=st.integers(0, 50))
def test_a_cut_off_does_not_care_for_sides(left, right, slots):
    one, other = (two_links_with_cutoff(pair, 0.5, 0.01, slots) for pair in ((left, right), (right, left)))
    assert one.mean_slots == pytest.approx(other.mean_slots)
    assert one.decay == pytest.approx(other.decay)


def test_distilled_links_are_better_and_slower():
    memory = parts.memory(swap_fidelity=0.999, emission_fidelity=0.95, coherence_time_s=100.0)
    route = (parts.link(5.0),) * 2
    plain = evaluate_route(route, parts.hardware(memory=memory))
    asked = evaluate_route(route, parts.hardware(memory=memory, distillations=("bbpssw", "dejmps")), min_fidelity=0.84)
    assert plain.fidelity < 0.84 <= asked.fidelity
    assert asked.settings.distillation in ("bbpssw", "dejmps")
    assert asked.lanes_step in (2, 4)
    assert asked.lane_rate_hz < plain.lane_rate_hz


def test_one_round_with_perfect_gates_is_the_textbook():
    memory = parts.perfect_memory(emission_fidelity=0.9)
    hardware = parts.bare_hardware(memory=memory, distillations=("bbpssw",))
    made = evaluate_route((parts.link(5.0),), hardware, settings=Settings())
    better = evaluate_route((parts.link(5.0),), hardware, settings=Settings(distillation="bbpssw"))
    assert better.fidelity == pytest.approx(bbpssw(made.fidelity)[0])


def test_a_timing_channel_in_the_same_fiber_costs_light_and_quiet():
    link = parts.link(10.0)
    own = ClassicalChannel(**parts.ENTRY, **CHANNEL | {"medium": "fiber"})
    shared = ClassicalChannel(**parts.ENTRY, **CHANNEL)
    plain, apart, together = (
        evaluate_route((link,), parts.hardware("pair_source", channel=channel)) for channel in (None, own, shared)
    )
    assert apart.lane_rate_hz != plain.lane_rate_hz  # another jitter
    assert together.lane_rate_hz < apart.lane_rate_hz
    assert together.fidelity < apart.fidelity
    loud = ClassicalChannel(**parts.ENTRY, **CHANNEL | {"launch_dbm": 0.0})
    assert evaluate_route((link,), parts.hardware("pair_source", channel=loud)).fidelity < 0.6


def test_a_channel_that_does_not_reach_announces_nothing():
    channel = ClassicalChannel(**parts.ENTRY, **CHANNEL | {"medium": "fiber", "max_loss_db": 3.0})
    for model in MODELS:
        result = evaluate_route((parts.link(10.0),), hardware_of(model, channel=channel))
        assert result.lane_rate_hz == 0.0
        assert any("3 dB of its classical channel" in limit for limit in result.limits)


def test_a_converter_costs_photons_and_adds_noise():
    converter = Converter(**parts.ENTRY, from_nm=737.0, to_nm=1550.0, efficiency=0.5, noise_hz_per_nm=1e5)
    plain = evaluate_route((parts.link(5.0),), parts.hardware())
    memory = parts.memory(photon_nm=737.0)
    converted = evaluate_route((parts.link(5.0),), parts.hardware(memory=memory, converter=converter))
    assert converted.lane_rate_hz == pytest.approx(plain.lane_rate_hz / 4.0, rel=0.05)
    assert converted.fidelity < plain.fidelity


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"memory": parts.memory(photon_nm=737.0)}, "a converter must stand between"),
        (
            {"memory": parts.memory(encoding="time_bin"), "termination": parts.termination(encoding="polarization")},
            "encodings",
        ),
        ({"memory": parts.memory(protocols=("single_click",))}, "not double_click"),
        (
            {
                "detector": Detector(
                    **parts.ENTRY, efficiency=0.6, dark_count_hz=1, jitter_ps=9, dead_time_ns=9, detectors=1, max_nm=900
                )
            },
            "do not see",
        ),
    ],
)
def test_parts_that_do_not_connect(changes, words):
    with pytest.raises(ValueError, match=words):
        parts.hardware(**changes)


def test_polarization_drift_costs_fidelity_and_time():
    drifting = parts.termination(drift_error=0.01, correction_s=2.0, correction_interval_s=20.0)
    for model in ("pair_source", "double_click"):
        still, moving = (
            evaluate_route((parts.link(5.0),), parts.hardware(model, termination=end))
            for end in (parts.termination(), drifting)
        )
        assert moving.lane_rate_hz == pytest.approx(0.9 * still.lane_rate_hz, rel=1e-2)
        assert still.fidelity - moving.fidelity == pytest.approx(0.015, abs=2e-3)
