import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physics import parts
from planner.physics import freespace

WAVE = {"wavelength_m": 1550e-9}
ROOF = {"waist_m": 0.03, "cn2_m23": 1e-14, **WAVE}


@pytest.mark.parametrize(
    ("length_km", "variance", "spot_mm", "capture", "coupling", "total_db"),
    [(1.0, 0.1991, 36.35, 0.82006, 0.77332, 5.430), (3.0, 1.492, 81.84, 0.25948, 0.69711, 11.761)],
)
def test_reference_hops(length_km, variance, spot_mm, capture, coupling, total_db):
    length_m = length_km * 1000.0
    assert freespace.rytov_variance(length_m, cn2_m23=1e-14, **WAVE) == pytest.approx(variance, rel=5e-4)
    assert freespace.long_term_radius_m(length_m, **ROOF) * 1000 == pytest.approx(spot_mm, abs=5e-3)
    share = freespace.capture_share(
        length_m, transmit_aperture_m=0.08, receive_aperture_m=0.08, pointing_rad=1e-5, **ROOF
    )
    assert share == pytest.approx(capture, abs=5e-6)
    fried_m = freespace.fried_parameter_m(length_m, cn2_m23=1e-14, **WAVE)
    assert freespace.coupling_share(0.08, fried_m, tip_tilt=True) == pytest.approx(coupling, abs=5e-6)
    loss_db = freespace.hop_loss_db(length_km, parts.terminal(), visibility_km=10.0, cn2_m23=1e-14)
    assert loss_db == pytest.approx(total_db, abs=5e-4)


@pytest.mark.parametrize(
    ("wavelength_nm", "expected"),
    [(850.0, (84.905, 22.236, 6.370, 0.964, 0.419)), (1550.0, (84.905, 19.718, 4.285, 0.442, 0.192))],
)
def test_attenuation_of_air(wavelength_nm, expected):
    for visibility_km, db_per_km in zip((0.2, 0.7, 2.0, 10.0, 23.0), expected, strict=True):
        assert freespace.attenuation_db_per_km(visibility_km, wavelength_nm) == pytest.approx(db_per_km, abs=6e-4)


def test_background_references():
    sky = {"field_of_view_rad": 100e-6, "aperture_m": 0.15, "bandwidth_nm": 1.0, "wavelength_nm": 850.0}
    assert freespace.open_background_hz(150.0, efficiency=1.0, **sky) == pytest.approx(8.9e7, rel=6e-3)
    assert freespace.open_background_hz(1.5e-3, efficiency=1.0, **sky) == pytest.approx(891.0, rel=1e-3)
    day_hz = freespace.fiber_background_hz(10.0, bandwidth_nm=1.0, wavelength_nm=1550.0, efficiency=1.0)
    assert day_hz == pytest.approx(1.9e5, rel=0.02)


def test_beam_in_still_air():
    assert freespace.beam_radius_m(0.0, waist_m=0.03, **WAVE) == 0.03
    rayleigh_m = math.pi * 0.03**2 / 1550e-9
    assert freespace.beam_radius_m(rayleigh_m, waist_m=0.03, **WAVE) == pytest.approx(0.03 * math.sqrt(2.0))
    still = freespace.long_term_radius_m(1000.0, waist_m=0.03, cn2_m23=0.0, **WAVE)
    assert still == freespace.beam_radius_m(1000.0, waist_m=0.03, **WAVE)
    assert freespace.fried_parameter_m(1000.0, cn2_m23=0.0, **WAVE) == math.inf
    assert freespace.coupling_share(0.08, math.inf, tip_tilt=False) == pytest.approx(0.8145)


@given(length_km=st.floats(0.05, 2.9), more=st.floats(0.001, 0.1), cn2=st.floats(1e-17, 1e-13), tracked=st.booleans())
def test_longer_or_rougher_paths_never_lose_less(length_km, more, cn2, tracked):
    air = {"visibility_km": 10.0, "tip_tilt": tracked}
    here = freespace.hop_loss_db(length_km, parts.terminal(), cn2_m23=cn2, **air)
    assert freespace.hop_loss_db(length_km + more, parts.terminal(), cn2_m23=cn2, **air) >= here
    assert freespace.hop_loss_db(length_km, parts.terminal(), cn2_m23=cn2 * 1.5, **air) >= here - 1e-12


@given(visibility_km=st.floats(0.01, 200.0), factor=st.floats(1.0, 3.0))
def test_clearer_air_never_loses_more(visibility_km, factor):
    clear = freespace.attenuation_db_per_km(visibility_km * factor, 1550.0)
    assert clear <= freespace.attenuation_db_per_km(visibility_km, 1550.0) * (1 + 1e-12)


@given(fried_mm=st.floats(5.0, 2000.0))
def test_tracking_never_hurts_and_coupling_is_continuous(fried_mm):
    tracked, loose = (freespace.coupling_share(0.08, fried_mm * 1e-3, tip_tilt=value) for value in (True, False))
    assert loose <= tracked <= 0.8145
    near = freespace.coupling_share(0.08, fried_mm * 1.0001e-3, tip_tilt=False)
    assert near == pytest.approx(loose, rel=1e-3)


def test_wander_is_inside_the_long_term_spot():
    wander_m = freespace.beam_wander_m(1000.0, waist_m=0.03, cn2_m23=1e-14)
    assert wander_m < freespace.long_term_radius_m(1000.0, **ROOF)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: freespace.hop_loss_db(3.1, parts.terminal(), visibility_km=10.0, cn2_m23=1e-14), "3.1"),
        (lambda: freespace.hop_loss_db(0.0, parts.terminal(), visibility_km=10.0, cn2_m23=1e-14), "0.0"),
        (lambda: freespace.hop_loss_db(1.0, parts.terminal(), visibility_km=0.0, cn2_m23=1e-14), "0.0"),
        (lambda: freespace.hop_loss_db(1.0, parts.terminal(), visibility_km=10.0, cn2_m23=-1e-14), "-1e-14"),
        (lambda: freespace.coupling_share(0.08, 0.0, tip_tilt=True), "0.0"),
        (lambda: freespace.coupling_share(0.08, math.nan, tip_tilt=True), "nan"),
        (lambda: freespace.attenuation_db_per_km(1.0, -5.0), "-5.0"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
