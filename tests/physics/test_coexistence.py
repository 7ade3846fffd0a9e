import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.coexistence import (
    C_BAND_RAMAN_PER_KM_NM,
    O_BAND_RAMAN_PER_KM_NM,
    co_raman_hz,
    counter_raman_hz,
    crosstalk_hz,
    raman_coefficient_per_km_nm,
    spontaneous_raman_per_km_nm,
)
from planner.physics.photon import photon_energy_j

C_BAND = {
    "launch_power_mw": 1.0,
    "raman_per_km_nm": 3e-9,
    "bandwidth_nm": 0.8,
    "quantum_nm": 1550.0,
    "quantum_db_per_km": 0.2,
    "classical_db_per_km": 0.2,
}
O_BAND = C_BAND | {"raman_per_km_nm": 1e-12, "quantum_nm": 1310.0, "quantum_db_per_km": 0.33}


@pytest.mark.parametrize(
    ("length_km", "channel", "co_hz", "counter_hz"),
    [(10.0, C_BAND, 1.182e8, 1.224e8), (50.0, C_BAND, 9.363e7, 2.013e8), (10.0, O_BAND, 2.877e4, 3.047e4)],
)
def test_raman_references(length_km, channel, co_hz, counter_hz):
    assert co_raman_hz(length_km, **channel) == pytest.approx(co_hz, rel=5e-4)
    assert counter_raman_hz(length_km, **channel) == pytest.approx(counter_hz, rel=5e-4)


@given(length_km=st.floats(0.0, 200.0), alpha=st.floats(0.15, 0.4), other=st.floats(0.15, 0.4))
def test_counter_propagating_light_makes_more_noise(length_km, alpha, other):
    channel = C_BAND | {"quantum_db_per_km": alpha, "classical_db_per_km": other}
    assert co_raman_hz(length_km, **channel) <= counter_raman_hz(length_km, **channel) * (1 + 1e-12)


def test_nearly_equal_attenuation_is_the_limit_of_equal():
    near = C_BAND | {"quantum_db_per_km": 0.2 + 1e-12}
    assert co_raman_hz(30.0, **near) == pytest.approx(co_raman_hz(30.0, **C_BAND), rel=1e-9)


def test_no_loss_and_no_length():
    assert counter_raman_hz(0.0, **C_BAND) == 0.0
    lossless = C_BAND | {"quantum_db_per_km": 0.0, "classical_db_per_km": 0.0}
    assert counter_raman_hz(7.0, **lossless) == pytest.approx(co_raman_hz(7.0, **lossless))


def test_o_band_is_quieter_by_three_orders_of_magnitude():
    assert C_BAND_RAMAN_PER_KM_NM / O_BAND_RAMAN_PER_KM_NM > 1000.0


def test_stokes_side_has_one_phonon_more():
    gain = {"gain_per_w_km": 0.1, "temperature_k": 300.0}
    stokes = raman_coefficient_per_km_nm(quantum_nm=1560.0, classical_nm=1540.0, **gain)
    anti_stokes = raman_coefficient_per_km_nm(quantum_nm=1540.0, classical_nm=1560.0, **gain)
    assert stokes > anti_stokes
    cold = raman_coefficient_per_km_nm(
        0.1, quantum_nm=1310.0, classical_nm=1550.0, temperature_k=100.0
    ) / raman_coefficient_per_km_nm(0.1, quantum_nm=1310.0, classical_nm=1550.0, temperature_k=300.0)
    assert cold < 1e-4


def test_crosstalk_of_a_milliwatt():
    assert crosstalk_hz(1.0, 0.0, 1550.0) == pytest.approx(1e-3 / photon_energy_j(1550.0))
    assert crosstalk_hz(1.0, 100.0, 1550.0) == pytest.approx(1e-13 / photon_energy_j(1550.0))


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: co_raman_hz(-1.0, **C_BAND), "-1.0"),
        (lambda: counter_raman_hz(1.0, **C_BAND | {"launch_power_mw": -2.0}), "-2.0"),
        (lambda: co_raman_hz(1.0, **C_BAND | {"quantum_db_per_km": -0.2}), "-0.2"),
        (
            lambda: raman_coefficient_per_km_nm(0.1, quantum_nm=1550.0, classical_nm=1550.0, temperature_k=300.0),
            "1550.0",
        ),
        (lambda: crosstalk_hz(1.0, -3.0, 1550.0), "-3.0"),
        (lambda: photon_energy_j(0.0), "0.0"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()


@pytest.mark.parametrize(
    ("quantum_nm", "classical_nm", "per_km_nm"),
    [
        (1550.0, 1552.0, 4.3e-9),
        (1550.0, 1555.0, 5.1e-9),
        (1550.0, 1540.0, 8.0e-9),
        (1530.0, 1560.0, 4.8e-9),
        (1310.0, 1550.0, 1.6e-12),
        (1290.0, 1550.0, 3.7e-13),
        (1324.0, 1550.0, 4.2e-12),
    ],
)
def test_raman_coefficients_of_standard_fiber(quantum_nm, classical_nm, per_km_nm):
    # two digits are published
    assert spontaneous_raman_per_km_nm(quantum_nm, classical_nm) == pytest.approx(per_km_nm, rel=0.02)
