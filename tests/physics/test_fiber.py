import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physics import parts
from planner.physics import fiber


def test_span_loss_spreads_splices_over_the_length():
    assert fiber.span_loss_db(10.0, parts.fiber(slack=1.0)) == pytest.approx(10.0 * (0.22 + 0.05 / 2.0))


@given(
    length_km=st.floats(0.0, 200.0),
    share=st.floats(0.0, 1.0),
    slack=st.floats(1.0, 1.5),
    reel_length_km=st.floats(0.5, 6.0),
)
def test_splitting_a_span_changes_no_loss(length_km, share, slack, reel_length_km):
    glass = parts.fiber(slack=slack, reel_length_km=reel_length_km)
    whole = fiber.span_loss_db(length_km, glass)
    cut = fiber.span_loss_db(length_km * share, glass) + fiber.span_loss_db(length_km * (1.0 - share), glass)
    assert cut == pytest.approx(whole, rel=1e-12, abs=1e-12)


def test_component_build_up_of_ten_km_is_near_the_published_one():
    # 10 km C band: 2.2 + 4 splices of 0.05 + 4 connectors of 0.3 + margin 1.0 = 4.6 dB.
    glass = parts.fiber(slack=1.0)
    end = parts.termination(connector_loss_db=0.6, device_loss_db=0.0, margin_db=1.0)
    assert fiber.arm_loss_db(fiber.span_loss_db(10.0, glass), end) == pytest.approx(4.6, abs=0.1)


def test_termination_counts_once_per_arm():
    end = parts.termination()
    assert fiber.arm_loss_db(3.0, end) - fiber.arm_loss_db(0.0, end) == pytest.approx(3.0)
    assert fiber.arm_loss_db(0.0, end) == pytest.approx(2 * 0.3 + 1.5 + 1.0)


def test_optical_length_has_the_slack():
    assert fiber.optical_length_km(10.0, parts.fiber()) == pytest.approx(10.3)


def test_timing_width_of_the_reference_example():
    spread_ps = fiber.dispersion_width_ps(20.0, 17.0, 0.8)
    assert fiber.timing_width_ps(50.0, 50.0, spread_ps) == pytest.approx(281.0, abs=0.1)


def test_dispersion_ignores_its_sign():
    assert fiber.dispersion_width_ps(10.0, -17.0, 0.8) == fiber.dispersion_width_ps(10.0, 17.0, 0.8)


def test_window_share_limits():
    assert fiber.window_share(0.0, 100.0) == 0.0
    assert fiber.window_share(1000.0, 100.0) == pytest.approx(1.0)
    # Half of a Gaussian of width 1 lies within 2 * 0.6745 sigma.
    sigma = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
    assert fiber.window_share(2 * 0.6744898 * sigma, 1.0) == pytest.approx(0.5, abs=1e-6)


def test_delay_of_fiber_is_five_microseconds_per_km():
    assert fiber.delay_s(1.0, 2e5) == pytest.approx(5e-6)


def test_compensation_takes_time():
    assert fiber.compensation_duty(0.0, 20.0) == 1.0
    assert fiber.compensation_duty(1.0, 20.0) == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: fiber.span_loss_db(-1.0, parts.fiber()), "-1.0"),
        (lambda: fiber.span_loss_db(math.nan, parts.fiber()), "nan"),
        (lambda: fiber.arm_loss_db(-0.5, parts.termination()), "-0.5"),
        (lambda: fiber.transmittance(-3.0), "-3.0"),
        (lambda: fiber.transmittance(math.inf), "inf"),
        (lambda: fiber.delay_s(1.0, 0.0), "0.0"),
        (lambda: fiber.window_share(1.0, 0.0), "0.0"),
        (lambda: fiber.timing_width_ps(50.0, -50.0), "-50.0"),
        (lambda: fiber.polarization_error(0.3, 0.3), "0.6"),
        (lambda: fiber.compensation_duty(21.0, 20.0), "21.0"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
