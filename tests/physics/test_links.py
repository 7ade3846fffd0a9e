import math

import pytest

from physics import parts
from planner.catalog import LinkModel
from planner.physics import fiber, heralded, service
from planner.physics.arm import Aim
from planner.physics.links import LINK_MODELS, Arm
from planner.physics.memory_links import double_click_link, single_click_link
from planner.physics.source_links import pair_source_link


def test_every_link_model_of_the_catalog_has_a_row():
    assert set(LINK_MODELS) == set(LinkModel.__args__)


def test_double_click_link_from_its_parts():
    hardware = parts.hardware()
    state = double_click_link(parts.link(10.0, 6.0, noise_hz=50.0), hardware, Aim())
    fixed_db = 2 * 0.3 + 1.5 + 1.0
    left, right = (0.3 * 0.9 * 10 ** (-(0.4 * km + fixed_db) / 10) for km in (10.0, 6.0))
    dark = 1 - math.exp(-(100.0 + 50.0 * 0.9 / 4) * 50e-9)
    herald = heralded.double_click(left, right, dark_probability=dark, visibility=0.95, emission_fidelity=0.99)
    clock_s = 2 * 10.0 / 2e5 + 1e-5
    assert state.clock_s == pytest.approx(clock_s)
    assert state.rate_hz == pytest.approx(0.9 * herald.probability / clock_s, rel=1e-9)
    assert state.fidelity == pytest.approx(herald.fidelity, rel=1e-9)
    weaker = 10 ** (-(0.4 * 10.0 + fixed_db) / 10)
    assert state.ceiling_hz == pytest.approx(service.plob_ebits(weaker) * 0.9 / clock_s, rel=1e-9)
    assert state.limits == ()


def test_single_click_link_is_faster_on_long_arms():
    long = parts.link(25.0)
    single = single_click_link(long, parts.hardware("single_click"), Aim())
    double = double_click_link(long, parts.hardware("double_click"), Aim())
    assert single.rate_hz > 5 * double.rate_hz
    assert single.fidelity < double.fidelity


def test_modes_multiply_rare_successes_and_the_ceiling():
    one = double_click_link(parts.link(20.0), parts.hardware(), Aim())
    many = double_click_link(parts.link(20.0), parts.hardware(memory=parts.memory(modes=100)), Aim())
    assert many.rate_hz == pytest.approx(100 * one.rate_hz, rel=0.02)
    assert many.rate_hz < 100 * one.rate_hz
    assert many.ceiling_hz == pytest.approx(100 * one.ceiling_hz)
    assert many.rate_hz * many.clock_s <= 0.9


def test_emitter_limits_the_clock_of_short_links():
    state = double_click_link(parts.link(0.1), parts.hardware(memory=parts.memory(repetition_hz=1e3)), Aim())
    assert state.clock_s == 1e-3


def test_pair_source_link_from_its_parts():
    hardware = parts.hardware("pair_source")
    state = pair_source_link(parts.link(10.0, 5.0), hardware, Aim())
    width_ps = math.sqrt(2 * 70.0**2 + 20.0**2 + (17 * 10.0 * 0.8) ** 2 + (17 * 5.0 * 0.8) ** 2)
    window_s = 1.3 * width_ps * 1e-12
    assert state.clock_s == pytest.approx(window_s)
    brightness_hz = 0.05 / window_s
    fixed_db = 2 * 0.3 + 1.5 + 1.0
    left, right = (0.5 * 0.9 * 10 ** (-(0.4 * km + fixed_db) / 10) for km in (10.0, 5.0))
    awake = math.prod(1 / (1 + (brightness_hz * eta + 400.0) * 30e-9 / 4) for eta in (left, right))
    true_hz = brightness_hz * left * right * awake * fiber.window_share(1.3, 1.0)
    singles = math.prod(brightness_hz * eta + 400.0 for eta in (left, right)) * awake
    assert state.rate_hz == pytest.approx(true_hz + singles * window_s, rel=1e-9)
    bandwidth_hz = 299_792_458.0 * 0.8e-9 / 1550e-9**2
    weaker = 10 ** (-(4.0 + fixed_db) / 10)
    assert state.ceiling_hz == pytest.approx(service.plob_ebits(weaker) * 2 * bandwidth_hz, rel=1e-9)


def test_brightness_cap_of_the_source_counts():
    dim = parts.pair_source(max_brightness_hz=1e6)
    bright_hz, dim_hz = (
        pair_source_link(parts.link(5.0), parts.hardware("pair_source", pair_source=source), Aim()).rate_hz
        for source in (parts.pair_source(), dim)
    )
    assert dim_hz < bright_hz / 50


def test_dimming_meets_a_fidelity():
    hardware = parts.hardware("pair_source")
    assert pair_source_link(parts.link(5.0), hardware, Aim()).fidelity < 0.96
    assert pair_source_link(parts.link(5.0), hardware, Aim(min_fidelity=0.97)).fidelity == pytest.approx(0.97, abs=1e-6)


def test_saturated_detectors_are_a_limit():
    slow = parts.hardware("pair_source", detector=parts.detector(dead_time_ns=10_000.0, detectors=1))
    noisy = parts.link(1.0, noise_hz=5e6)
    assert any("dead" in limit for limit in pair_source_link(noisy, slow, Aim()).limits)
    glaring = parts.link(1.0, noise_hz=1e10)
    quick = parts.hardware("pair_source", detector=parts.detector(dead_time_ns=0.0))
    assert any("clicks of the left user" in limit for limit in pair_source_link(glaring, quick, Aim()).limits)


def test_a_useless_herald_is_worth_two_random_qubits():
    glare = parts.link(40.0, noise_hz=1e9)
    assert single_click_link(glare, parts.hardware("single_click"), Aim()).fidelity == 0.25


def test_noise_spreads_over_the_detectors():
    noisy = parts.link(15.0, noise_hz=1e5)
    few, many = (
        double_click_link(noisy, parts.hardware(detector=parts.detector(detectors=count)), Aim()).fidelity
        for count in (2, 4)
    )
    assert few < many < double_click_link(parts.link(15.0), parts.hardware(), Aim()).fidelity


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: Arm(length_km=-1.0, loss_db=0.0), "-1.0"),
        (lambda: Arm(length_km=1.0, loss_db=math.inf), "inf"),
        (lambda: Arm(length_km=1.0, loss_db=0.0, noise_hz=math.nan), "nan"),
        (lambda: pair_source_link(parts.link(1.0), parts.hardware(), Aim()), "double_click"),
        (lambda: double_click_link(parts.link(1.0), parts.hardware("pair_source"), Aim()), "pair_source"),
        (lambda: single_click_link(parts.link(1.0), parts.hardware("pair_source"), Aim()), "pair_source"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
